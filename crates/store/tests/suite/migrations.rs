//! Migrations: databases of former versions keep what they hold.

use ballot::{Candidate, Tally};
use election_store::{IngestVotes, PartitionTally, RowCounts, Store, Stored, VoteRow};

use super::{batch, case, empty_store, position, sql, tally, votes};

pub async fn run(url: &str) {
    case(url, "migrations", migrations).await;
    before_photos_were_absolute(url).await;
    before_the_ballot_was_data(url).await;
}

/// Every migration, in order.
const MIGRATIONS: [&str; 9] = [
    include_str!("../../migrations/V1__election.sql"),
    include_str!("../../migrations/V2__leases.sql"),
    include_str!("../../migrations/V3__bridge.sql"),
    include_str!("../../migrations/V4__evidence.sql"),
    include_str!("../../migrations/V5__credentials.sql"),
    include_str!("../../migrations/V6__chained_voters.sql"),
    include_str!("../../migrations/V7__absolute_photos.sql"),
    include_str!("../../migrations/V8__ballot_as_data.sql"),
    include_str!("../../migrations/V9__hostile_writers.sql"),
];

async fn migrations(store: Store) {
    store.migrate().await.unwrap();
    let version = store.server_version().await.unwrap();
    assert!(
        version.starts_with(|c: char| c.is_ascii_digit()),
        "{version}"
    );
    assert_eq!(store.count_rows().await.unwrap(), RowCounts::default());
}

/// An empty database as a former version left it.
async fn database_of_version(url: &str, version: usize) {
    empty_store(url).await.close();
    let migrations = MIGRATIONS[..version].join("\n");
    let before = format!(
        "CREATE SCHEMA kept;
         ALTER TABLE refinery_schema_history SET SCHEMA kept;
         DROP SCHEMA public CASCADE;
         CREATE SCHEMA public;
         {migrations}
         ALTER TABLE kept.refinery_schema_history SET SCHEMA public;
         DROP SCHEMA kept;
         DELETE FROM refinery_schema_history WHERE version > {version}"
    );
    sql(url, &before).await;
}

async fn migrated(url: &str) -> Store {
    let store = Store::connect(url, 1).await.unwrap();
    store.migrate().await.unwrap();
    store
}

/// Portraits on the dashboard are at its default address; another photo is what it was.
async fn before_photos_were_absolute(url: &str) {
    eprintln!("case: a database from before photos were absolute");
    let candidate = |id: &str, photo_url: &str| Candidate {
        candidate_id: id.into(),
        candidate_name: id.into(),
        party_affiliation: "P".into(),
        biography: String::new(),
        campaign_platform: String::new(),
        photo_url: photo_url.into(),
    };
    database_of_version(url, 6).await;
    let before = [
        candidate("a", "/portraits/a.svg"),
        candidate("b", "https://photos.example/b.jpg"),
        candidate("c", ""),
    ];
    let store = Store::connect(url, 1).await.unwrap();
    store.register_candidates(&before).await.unwrap();
    store.close();

    let store = migrated(url).await;
    let photos: Vec<_> = (store.candidates().await.unwrap().into_iter())
        .map(|candidate| candidate.photo_url)
        .collect();
    let absolute = "http://127.0.0.1:8080/portraits/a.svg";
    assert_eq!(photos, [absolute, "https://photos.example/b.jpg", ""]);
    store.close();
}

/// Tallies had one shape for one ballot. They go, and their checkpoints with them: the log is counted again. What
/// is persisted stays.
async fn before_the_ballot_was_data(url: &str) {
    eprintln!("case: a database from before the ballot was data");
    database_of_version(url, 7).await;
    sql(
        url,
        r#"INSERT INTO candidates VALUES ('c1', 'Ada', 'P', '', '', '', 1);
           INSERT INTO elections (plan) VALUES ('{"seed": 42}');
           INSERT INTO votes (voter_id, candidate_id, voting_time, "partition", log_offset)
           SELECT 'voter-' || n, 'c1', '2024-02-29 23:59:58', 0, n FROM generate_series(0, 9) AS n;
           INSERT INTO rejected_votes VALUES (0, 10, 'malformed', '', '', 0);
           INSERT INTO log_chain (topic, "partition", base_offset, next_offset) VALUES ('votes', 0, 0, 11);
           INSERT INTO tallies VALUES (0, 'candidate', 'c1', 'Fife', 10), (0, 'gender', 'female', '', 10),
                                      (0, 'age_band', '18-24', '', 10), (0, 'rejected', 'malformed', '', 1);
           INSERT INTO checkpoints VALUES ('tally', 'votes', 0, 11), ('persist', 'votes', 0, 11),
                                          ('persist', 'voters', 0, 3)"#,
    )
    .await;

    let store = migrated(url).await;
    assert_eq!(store.tallies().await.unwrap(), []);
    assert_eq!(store.checkpoint("tally", "votes", 0).await.unwrap(), 0);
    assert_eq!(position(&store).await, 11);
    assert_eq!(store.checkpoint("persist", "voters", 0).await.unwrap(), 3);
    assert_eq!(store.vote_rows(0, 0, 11).await.unwrap(), votes(0..10));
    assert_eq!(store.rejected_rows(0, 0, 11, 9).await.unwrap().len(), 1);
    assert_eq!(store.candidates().await.unwrap()[0].candidate_id, "c1");
    let election = store.election().await.unwrap().unwrap();
    assert_eq!(election.plan["seed"], 42);
    assert_eq!(election.definition, None);

    // Counted from the first record on, the tally is stored where there is none; more votes follow.
    let counted: Tally = tally(7);
    let save = PartitionTally {
        partition: 0,
        lease: None,
        next_offset: 11,
        tally: &counted,
        stored: Stored::default(),
    };
    store.save_tallies(&[save]).await.unwrap();
    assert_eq!(store.load_tally(0).await.unwrap(), Some((11, counted)));
    let next = VoteRow {
        candidate_id: None,
        selections: Some(r#"{"mayor":"a"}"#.into()),
        ..votes(11..12).remove(0)
    };
    let accepted = [next];
    let batch = IngestVotes {
        base_offset: 11,
        next_offset: 12,
        ..batch(11, &accepted, &[])
    };
    store
        .begin_votes(batch)
        .await
        .unwrap()
        .commit()
        .await
        .unwrap();
    assert_eq!(store.vote_rows(0, 11, 12).await.unwrap(), accepted);
    store.close();
}
