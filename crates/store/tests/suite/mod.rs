//! The store's contract, run against each server. One test per binary, so that its cases share one
//! server, which is stopped at the end.

mod bridge;
mod evidence;
pub mod leases;
mod migrations;
mod tallies;

use std::future::{Future, poll_fn};
use std::task::Poll;

use ::evidence::{BatchHasher, ChainedTopic, Digest, ElectionKey, Safeguards};
use ballot::{Candidate, PollsWindow, Reason, TUTORIAL_CONTEST, Tally, Voter, VotingTime};
use election_store::{
    ElectionRow, IngestVoters, IngestVotes, RejectedRow, RejectedVoterRow, RowCounts, Store,
    StoreError, VoteRow,
};

/// Runs every case, each on an empty database.
pub async fn run(url: &str) {
    case(url, "the election", the_election).await;
    case(url, "candidates", candidates).await;
    migrations::run(url).await;
    case(url, "ingest", ingest).await;
    case(url, "a repeated batch", a_repeated_batch).await;
    case(url, "duplicates", duplicates).await;
    case(url, "dropped batches", dropped_batches).await;
    case(url, "a failed batch", a_failed_batch).await;
    case(url, "unaccounted records", unaccounted_records).await;
    case(url, "voters", voters).await;
    bridge::run(url).await;
    evidence::run(url).await;
    leases::run(url).await;
    tallies::run(url).await;
    audit(url).await;
}

async fn case<F: Future<Output = ()>>(url: &str, name: &str, run: impl FnOnce(Store) -> F) {
    eprintln!("case: {name}");
    let store = empty_store(url).await;
    run(store.clone()).await;
    store.close();
}

async fn empty_store(url: &str) -> Store {
    sql(url, "DROP SCHEMA public CASCADE; CREATE SCHEMA public").await;
    let store = Store::connect(url, 1).await.unwrap();
    store.migrate().await.unwrap();
    store
}

/// Runs statements on a connection of its own. The embedded server takes one at a time, so stores
/// must be closed before.
async fn sql(url: &str, statements: &str) {
    let (client, connection) = tokio_postgres::connect(url, tokio_postgres::NoTls)
        .await
        .unwrap();
    let connection = tokio::spawn(connection);
    client.batch_execute(statements).await.unwrap();
    drop(client);
    connection.await.unwrap().unwrap();
}

fn vote(voter: &str, offset: i64) -> VoteRow {
    VoteRow {
        voter_id: voter.into(),
        candidate_id: Some("c1".into()),
        selections: None,
        voting_time: VotingTime::parse("2024-02-29 23:59:58").unwrap(),
        offset,
    }
}

fn votes(range: std::ops::Range<i64>) -> Vec<VoteRow> {
    range.map(|n| vote(&format!("voter-{n}"), n)).collect()
}

pub fn rejected(offset: i64, reason: Reason, value: &[u8]) -> RejectedRow {
    RejectedRow {
        records: 1,
        offset,
        reason,
        voter_id: "v".into(),
        value: value.into(),
        value_bytes: value.len(),
    }
}

fn batch<'a>(base: i64, accepted: &'a [VoteRow], rejected: &'a [RejectedRow]) -> IngestVotes<'a> {
    IngestVotes {
        partition: 0,
        lease: None,
        base_offset: base,
        next_offset: base + (accepted.len() + rejected.len()) as i64,
        accepted,
        rejected,
        batch_hash: hash_of(base),
    }
}

/// A hash that stands for a batch's records; the store takes it as it is given.
pub fn hash_of(base: i64) -> Digest {
    let mut hasher = BatchHasher::default();
    hasher.record(base, None, b"a batch");
    hasher.finish()
}

async fn position(store: &Store) -> i64 {
    store.checkpoint("persist", "votes", 0).await.unwrap()
}

async fn the_election(store: Store) {
    assert_eq!(store.election().await.unwrap(), None);
    let key = ElectionKey::from_bytes([7; 32]);
    let first = ElectionRow {
        plan: serde_json::json!({"seed": 42, "voters": 1e6, "name": "Überlingen"}),
        polls: PollsWindow {
            open: VotingTime::parse("2024-07-04 07:00:00"),
            close: None,
        },
        safeguards: Safeguards::new(true, true, Some(&key)).unwrap(),
        definition: None,
    };
    assert_eq!(store.open_election(&first).await.unwrap(), first);
    let second = ElectionRow {
        plan: serde_json::json!({"seed": 43}),
        polls: PollsWindow::default(),
        safeguards: Safeguards::default(),
        definition: None,
    };
    assert_eq!(store.open_election(&second).await.unwrap(), first);
    assert_eq!(store.election().await.unwrap(), Some(first));

    let refused = store.running_election(Some(&key)).await;
    assert!(matches!(refused, Err(StoreError::NoElection)));
    let candidate = Candidate {
        candidate_id: "a".into(),
        candidate_name: "A".into(),
        party_affiliation: "P".into(),
        biography: String::new(),
        campaign_platform: String::new(),
        photo_url: String::new(),
    };
    store.register_candidates(&[candidate]).await.unwrap();
    let opened = store.running_election(Some(&key)).await.unwrap();
    assert_eq!(opened.credentials, Some(key.credentials()));
    assert_eq!(opened.pseudonyms, Some(key.pseudonyms()));
    let other = ElectionKey::from_bytes([8; 32]);
    for wrong in [None, Some(&other)] {
        let refused = store.running_election(wrong).await;
        assert!(matches!(refused, Err(StoreError::Key(_))), "{refused:?}");
    }
}

async fn candidates(store: Store) {
    let candidate = |id: &str| Candidate {
        candidate_id: id.into(),
        candidate_name: format!("Name of {id}\0"),
        party_affiliation: "Party".into(),
        biography: "naïve 🙂".into(),
        campaign_platform: String::new(),
        photo_url: "/p.svg".into(),
    };
    let list = [candidate("b"), candidate("a")];
    assert!(store.candidates().await.unwrap().is_empty());
    store.register_candidates(&list).await.unwrap();
    store.register_candidates(&list).await.unwrap();
    let stored = store.candidates().await.unwrap();
    assert_eq!(stored[0].candidate_name, "Name of b\u{fffd}");
    assert_eq!(stored[1].candidate_id, "a");
    assert_eq!(stored[0].biography, list[0].biography);

    let error = store.register_candidates(&list[..1]).await.unwrap_err();
    assert!(matches!(error, StoreError::OtherCandidates { .. }));
    assert!(error.to_string().contains("b, a") && error.to_string().contains("--fresh"));
    assert_eq!(store.candidates().await.unwrap(), stored);

    // The dashboard may be found elsewhere; who stands stays the same.
    let mut moved = stored.clone();
    moved[1].photo_url = "https://election.example/a.svg".into();
    store.register_candidates(&moved).await.unwrap();
    assert_eq!(store.candidates().await.unwrap(), moved);
}

async fn ingest(store: Store) {
    assert_eq!(position(&store).await, 0);
    let accepted = votes(0..1000);
    let bad = [
        rejected(1000, Reason::Malformed, b"\xff\xfe\0 not UTF-8"),
        RejectedRow {
            voter_id: "nul\0".into(),
            value_bytes: 1 << 20,
            ..rejected(1001, Reason::WrongKey, b"")
        },
    ];
    let pending = store.begin_votes(batch(0, &accepted, &bad)).await.unwrap();
    assert!(pending.duplicates().is_empty());
    pending.commit().await.unwrap();
    assert_eq!(position(&store).await, 1002);
    assert_eq!(store.checkpoint("persist", "votes", 1).await.unwrap(), 0);
    assert_eq!(store.vote_rows(0, 0, 2000).await.unwrap(), accepted);
    assert_eq!(store.vote_rows(0, 10, 12).await.unwrap(), accepted[10..12]);
    // NUL is what text cannot have.
    let [_, mut other] = bad.clone();
    other.voter_id = "nul\u{fffd}".into();
    let kept = store.rejected_rows(0, 0, 2000, 100).await.unwrap();
    assert_eq!(kept, [bad[0].clone(), other.clone()]);
    let cut = store.rejected_rows(0, 1000, 1001, 3).await.unwrap();
    assert_eq!(cut[0].value, bad[0].value[..3]);
    assert_eq!(cut[0].value_bytes, bad[0].value_bytes);
    let counts = store.count_rows().await.unwrap();
    assert_eq!(counts.votes, 1000);
    assert_eq!(
        counts.rejected,
        [(Reason::Malformed, 1), (Reason::WrongKey, 1)].into()
    );

    // Partitions go their own ways; a batch may be all rejected, or empty.
    let closed = [rejected(0, Reason::PollsClosed, b"{}")];
    let other = IngestVotes {
        partition: 7,
        ..batch(0, &[], &closed)
    };
    store
        .begin_votes(other)
        .await
        .unwrap()
        .commit()
        .await
        .unwrap();
    store
        .begin_votes(batch(1002, &[], &[]))
        .await
        .unwrap()
        .commit()
        .await
        .unwrap();
    assert_eq!(store.checkpoint("persist", "votes", 7).await.unwrap(), 1);
    assert_eq!(position(&store).await, 1002);
}

async fn a_repeated_batch(store: Store) {
    let accepted = votes(0..10);
    store
        .begin_votes(batch(0, &accepted, &[]))
        .await
        .unwrap()
        .commit()
        .await
        .unwrap();
    let error = store
        .begin_votes(batch(0, &accepted, &[]))
        .await
        .unwrap_err();
    assert!(
        matches!(
            error,
            StoreError::CheckpointMoved {
                expected: 0,
                found: 10,
                ..
            }
        ),
        "{error}"
    );
    let ahead = votes(11..12);
    let error = store.begin_votes(batch(11, &ahead, &[])).await.unwrap_err();
    assert!(
        matches!(
            error,
            StoreError::WentBack {
                known: 11,
                found: 10,
                ..
            }
        ),
        "{error}"
    );
    assert_eq!(store.count_rows().await.unwrap().votes, 10);
    let next = votes(10..11);
    store
        .begin_votes(batch(10, &next, &[]))
        .await
        .unwrap()
        .commit()
        .await
        .unwrap();
    assert_eq!(position(&store).await, 11);
}

async fn duplicates(store: Store) {
    let first = [vote("a", 0), vote("b", 1), vote("a", 2), vote("a", 3)];
    let mut pending = store.begin_votes(batch(0, &first, &[])).await.unwrap();
    assert_eq!(pending.duplicates(), [2, 3]);
    pending
        .reject(&[rejected(2, Reason::Duplicate, b"\x80")])
        .await
        .unwrap();
    let error = pending.commit().await.unwrap_err();
    assert!(matches!(error, StoreError::Unaccounted { .. }), "{error}");
    assert_eq!(position(&store).await, 0);

    let mut pending = store.begin_votes(batch(0, &first, &[])).await.unwrap();
    let rows = [2, 3].map(|offset| rejected(offset, Reason::Duplicate, b"\x80"));
    pending.reject(&rows).await.unwrap();
    let error = pending.reject(&rows).await.unwrap_err();
    assert!(
        error.to_string().contains("no duplicate at offset 2"),
        "{error}"
    );
    pending.commit().await.unwrap();

    let second = [vote("c", 4), vote("b", 5), vote("A", 6)];
    let mut pending = store.begin_votes(batch(4, &second, &[])).await.unwrap();
    assert_eq!(pending.duplicates(), [5]);
    pending
        .reject(&[rejected(5, Reason::Duplicate, b"")])
        .await
        .unwrap();
    pending.commit().await.unwrap();

    // Another partition's voter is the same voter.
    let other = [vote("c", 0)];
    let other = IngestVotes {
        partition: 1,
        ..batch(0, &other, &[])
    };
    assert_eq!(store.begin_votes(other).await.unwrap().duplicates(), [0]);

    let stored: Vec<i64> = store
        .vote_rows(0, 0, 10)
        .await
        .unwrap()
        .iter()
        .map(|v| v.offset)
        .collect();
    assert_eq!(stored, [0, 1, 4, 6]);
    assert_eq!(
        store.count_rows().await.unwrap().rejected,
        [(Reason::Duplicate, 3)].into()
    );
}

async fn dropped_batches(store: Store) {
    let accepted = votes(0..5000);
    drop(store.begin_votes(batch(0, &accepted, &[])).await.unwrap());
    assert_eq!(store.count_rows().await.unwrap(), RowCounts::default());
    assert_eq!(position(&store).await, 0);

    // Given up at every await on the way, one after the other, until it gets through.
    let accepted = votes(0..200);
    let mut awaits = 0;
    let through = loop {
        awaits += 1;
        let mut begin = Box::pin(store.begin_votes(batch(0, &accepted, &[])));
        let mut polls = 0;
        let outcome = poll_fn(|context| {
            polls += 1;
            if polls > awaits {
                Poll::Ready(None)
            } else {
                begin.as_mut().poll(context).map(Some)
            }
        });
        if let Some(pending) = outcome.await {
            break pending.unwrap();
        }
    };
    // There are more, but on a busy machine an answer may be there before it is awaited.
    assert!(awaits > 2, "{awaits}");
    drop(through);
    assert_eq!(store.count_rows().await.unwrap(), RowCounts::default());
    store
        .begin_votes(batch(0, &accepted, &[]))
        .await
        .unwrap()
        .commit()
        .await
        .unwrap();
    assert_eq!(position(&store).await, 200);
}

async fn a_failed_batch(store: Store) {
    // A row that the table does not take, found while rejecting: the commit must not pass for one.
    let accepted = [vote("a", 0), vote("a", 1)];
    let mut pending = store.begin_votes(batch(0, &accepted, &[])).await.unwrap();
    let long = vote(&"x".repeat(300), 0);
    drop(pending.reject(&[rejected(1, Reason::Duplicate, b"")]).await);
    drop(pending);
    let error = store.begin_votes(batch(0, &[long], &[])).await.unwrap_err();
    assert!(
        matches!(
            error,
            StoreError::Database {
                transient: false,
                ..
            }
        ),
        "{error}"
    );
    assert!(error.to_string().contains("too long"), "{error}");
    assert_eq!(store.count_rows().await.unwrap(), RowCounts::default());
}

async fn unaccounted_records(store: Store) {
    let accepted = votes(0..10);
    for wrong in [
        IngestVotes {
            next_offset: 11,
            ..batch(0, &accepted, &[])
        },
        IngestVotes {
            base_offset: 1,
            next_offset: 11,
            ..batch(0, &accepted, &[])
        },
        IngestVotes {
            next_offset: -1,
            ..batch(0, &[], &[])
        },
        IngestVotes {
            partition: u32::MAX,
            ..batch(0, &accepted, &[])
        },
        batch(0, &votes(1..3), &[]),
        batch(0, &[], &[rejected(1, Reason::Malformed, b"")]),
    ] {
        let error = store.begin_votes(wrong).await.unwrap_err();
        assert!(!error.is_transient(), "{error}");
    }
    assert_eq!(store.count_rows().await.unwrap(), RowCounts::default());
}

async fn voters(store: Store) {
    let voter = |id: &str, name: &str| Voter {
        voter_id: id.into(),
        voter_name: name.into(),
        registered_age: Some(44),
        ..Voter::default()
    };
    let first = [voter("a", "A\0nna"), voter("b", "B"), voter("a", "other")];
    let bad = [RejectedVoterRow {
        records: 1,
        offset: 3,
        problem: "not JSON\0".into(),
        value: vec![0, 0xff],
    }];
    let batch = IngestVoters {
        partition: 0,
        lease: None,
        base_offset: 0,
        next_offset: 4,
        voters: &first,
        rejected: &bad,
        batch_hash: hash_of(0),
    };
    store.ingest_voters(batch).await.unwrap();
    let error = store.ingest_voters(batch).await.unwrap_err();
    assert!(
        matches!(
            error,
            StoreError::CheckpointMoved {
                topic: "voters",
                ..
            }
        ),
        "{error}"
    );
    let next = [voter("b", "again"), voter("c", "C")];
    let batch = IngestVoters {
        base_offset: 4,
        next_offset: 6,
        voters: &next,
        rejected: &[],
        ..batch
    };
    store.ingest_voters(batch).await.unwrap();
    assert_eq!(store.checkpoint("persist", "voters", 0).await.unwrap(), 6);
    let counts = store.count_rows().await.unwrap();
    assert_eq!((counts.voters, counts.rejected_voters), (3, 1));
}

pub fn tally(votes: u64) -> Tally {
    let mut tally = Tally {
        rejected: [(Reason::Duplicate, 3)].into(),
        ..Tally::default()
    };
    for (group, value, votes) in [
        ("location", "Cornwall", votes),
        ("location", "Fife", 1),
        ("gender", "female", votes + 1),
        ("age", "18-24", votes + 1),
    ] {
        tally.add_turnout(group, value, votes);
        tally.add_selection(TUTORIAL_CONTEST, (group, value), "c1", votes);
    }
    tally
}

/// Rows that somebody edits, deletes or adds behind our back are seen.
async fn audit(url: &str) {
    eprintln!("case: audit");
    let store = empty_store(url).await;
    let accepted = votes(0..100);
    store
        .begin_votes(batch(0, &accepted, &[]))
        .await
        .unwrap()
        .commit()
        .await
        .unwrap();
    let ends = [100, 0];
    let stray = store.stray_rows(ChainedTopic::Votes, &ends, 10);
    assert_eq!(stray.await.unwrap(), []);
    store.close();

    sql(
        url,
        r#"UPDATE votes SET candidate_id = 'c2' WHERE log_offset = 10;
           UPDATE votes SET voting_time = voting_time + interval '1 second' WHERE log_offset = 11;
           DELETE FROM votes WHERE log_offset = 20;
           INSERT INTO votes (voter_id, candidate_id, voting_time, "partition", log_offset)
           VALUES ('x', 'c1', now(), 0, 100), ('y', 'c1', now(), 1, 0), ('z', 'c1', now(), 2, 5)"#,
    )
    .await;

    let store = Store::connect(url, 1).await.unwrap();
    let found = store.vote_rows(0, 0, 100).await.unwrap();
    assert_eq!(found.len(), 99);
    let differing: Vec<i64> = found
        .iter()
        .filter(|row| !accepted.contains(row))
        .map(|row| row.offset)
        .collect();
    assert_eq!(differing, [10, 11]);
    let stray = store.stray_rows(ChainedTopic::Votes, &ends, 10);
    let stray = stray.await.unwrap();
    let stray: Vec<_> = stray
        .iter()
        .map(|row| (row.partition, row.offset, &*row.detail))
        .collect();
    assert_eq!(stray, [(0, 100, "x"), (1, 0, "y"), (2, 5, "z")]);
    let stray = store.stray_rows(ChainedTopic::Votes, &ends, 2);
    assert_eq!(stray.await.unwrap().len(), 2);
    store.close();

    sql(
        url,
        r#"INSERT INTO rejected_votes VALUES (0, 7, 'because', '', '', 0);
           INSERT INTO tallies VALUES (0, 'rejected', '', '', 'shoe_size', '', 1);
           INSERT INTO checkpoints VALUES ('tally', 'votes', 0, 1)"#,
    )
    .await;
    let store = Store::connect(url, 1).await.unwrap();
    for error in [
        store
            .rejected_rows(0, 0, 10, 100)
            .await
            .map(drop)
            .unwrap_err(),
        store.count_rows().await.map(drop).unwrap_err(),
        store.load_tally(0).await.map(drop).unwrap_err(),
    ] {
        assert!(matches!(error, StoreError::Damaged { .. }), "{error}");
    }
    store.close();
}
