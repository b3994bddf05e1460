//! Tallies: stored with their checkpoints, and only what adds up, over what was stored.

use ballot::{TUTORIAL_CONTEST, Tally};
use election_store::{PartitionTally, Store, StoreError, Stored};

use super::{case, empty_store, position, sql, tally};

pub async fn run(url: &str) {
    case(url, "tallies", tallies).await;
    a_stored_tally_that_does_not_add_up(url).await;
    a_tally_that_cannot_be_stored(url).await;
}

/// A tally, by a writer that does not know what is stored.
fn save(partition: u32, next_offset: i64, tally: &Tally) -> PartitionTally<'_> {
    PartitionTally {
        partition,
        lease: None,
        next_offset,
        tally,
        stored: Stored::default(),
    }
}

async fn tallies(store: Store) {
    assert_eq!(store.load_tally(0).await.unwrap(), None);
    let (early, late, none) = (tally(5), tally(9), Tally::default());
    store.save_tallies(&[]).await.unwrap();
    store
        .save_tallies(&[save(3, 9, &early), save(0, 0, &none)])
        .await
        .unwrap();
    assert_eq!(store.load_tally(3).await.unwrap(), Some((9, early.clone())));
    assert_eq!(store.load_tally(0).await.unwrap(), Some((0, none.clone())));
    store
        .save_tallies(&[save(3, 13, &late), save(1, 9, &early)])
        .await
        .unwrap();
    let all = vec![
        (0, 0, none.clone()),
        (1, 9, early.clone()),
        (3, 13, late.clone()),
    ];
    assert_eq!(store.tallies().await.unwrap(), all);

    // All or nothing: partition 1 would go forward, partition 3 back.
    let error = store
        .save_tallies(&[save(1, 13, &late), save(3, 12, &early)])
        .await
        .unwrap_err();
    assert!(
        matches!(
            error,
            StoreError::TallyGoesBack {
                partition: 3,
                stored: 13,
                given: 12
            }
        ),
        "{error}"
    );
    assert_eq!(store.tallies().await.unwrap(), all);
    store.save_tallies(&[save(3, 13, &late)]).await.unwrap();
    assert_eq!(store.checkpoint("tally", "votes", 3).await.unwrap(), 13);

    // What does not add up, or is not what was stored, is neither stored nor written over.
    let latest = tally(11);
    let known = |next_offset, tally| Stored {
        next_offset,
        tally: Some(tally),
    };
    let [mut no_gender, mut no_age] = [latest.clone(), latest.clone()];
    no_gender.turnout.remove("gender");
    let contest = no_age.contests.get_mut(TUTORIAL_CONTEST).unwrap();
    contest.remove("age");
    let refused = [
        (
            save(3, 16, &latest),
            "the new tally of partition 3 at offset 16",
        ),
        (
            save(3, 15, &no_gender),
            "the new tally of partition 3 at offset 15",
        ),
        (
            save(3, 15, &no_age),
            "the new tally of partition 3 at offset 15",
        ),
        (
            PartitionTally {
                stored: known(13, &early),
                ..save(3, 15, &latest)
            },
            "turnout of location Cornwall: 5 against 9",
        ),
        (
            PartitionTally {
                stored: known(14, &late),
                ..save(3, 15, &latest)
            },
            "went back from offset 14 to 13",
        ),
    ];
    for (refused, because) in refused {
        let error = store.save_tallies(&[refused]).await.unwrap_err();
        assert!(error.to_string().contains(because), "{error}");
        assert!(!error.is_transient(), "{error}");
        assert_eq!(store.tallies().await.unwrap(), all);
    }
    let stored = known(13, &late);
    let next = PartitionTally {
        stored,
        ..save(3, 15, &latest)
    };
    store.save_tallies(&[next]).await.unwrap();
    assert_eq!(position(&store).await, 0);
}

/// Edited, and nobody knows what was there: what adds up is not stored over it.
async fn a_stored_tally_that_does_not_add_up(url: &str) {
    eprintln!("case: a stored tally that does not add up");
    let (early, late) = (tally(5), tally(9));
    for cells in [
        "kind = 'turnout' AND \"group\" = 'location'",
        "kind = 'turnout' AND \"group\" = 'gender'",
        "kind = 'turnout' AND \"group\" = 'age'",
        "kind = 'contest' AND \"group\" = 'location'",
        "kind = 'contest' AND \"group\" = 'gender'",
        "kind = 'contest' AND \"group\" = 'age'",
        "kind = 'contest'",
        "kind = 'rejected'",
    ] {
        let store = empty_store(url).await;
        store.save_tallies(&[save(3, 9, &early)]).await.unwrap();
        store.close();
        let one_more = format!("UPDATE tallies SET total = total + 1 WHERE {cells}");
        sql(url, &one_more).await;
        let store = Store::connect(url, 1).await.unwrap();
        let error = store.save_tallies(&[save(3, 13, &late)]).await.unwrap_err();
        let because = "the stored tally of partition 3 at offset 9";
        assert!(error.to_string().contains(because), "{cells}: {error}");
        assert!(!error.is_transient(), "{error}");
        assert_eq!(store.checkpoint("tally", "votes", 3).await.unwrap(), 9);
        store.close();
    }
}

/// The checkpoint does not move without it.
async fn a_tally_that_cannot_be_stored(url: &str) {
    eprintln!("case: a tally that cannot be stored");
    let (early, late) = (tally(5), tally(9));
    let store = empty_store(url).await;
    store.save_tallies(&[save(3, 9, &early)]).await.unwrap();
    store.close();
    sql(url, "ALTER TABLE tallies ADD CHECK (total < 9)").await;
    let store = Store::connect(url, 1).await.unwrap();
    store.save_tallies(&[save(3, 13, &late)]).await.unwrap_err();
    assert_eq!(store.load_tally(3).await.unwrap(), Some((9, early)));
    store.close();
}
