//! What must always hold is looked at while votes are counted: where it does not hold any more, the count
//! stops, names what is wrong with both numbers, and is not begun again.

use std::time::{Duration, Instant};

use crate::support::{DataDir, Database, Process, Run};
use testing::TemporaryServer;

/// Slow enough that rows can be changed while votes are cast.
const DEMO: &str = "demo --voters 4000 --invalid 0.05 --duplicates 0.05 --rate 400 --once --port 0";
/// Nothing that is waited for takes as long.
const DEADLINE: Duration = Duration::from_secs(60);
/// The pause between two looks.
const PAUSE: Duration = Duration::from_millis(20);
/// Rows that are there before anything is changed.
const ROWS: i64 = 60;
/// Rows that are there when hardly more will come: most likely they do not double any more.
const LATE_ROWS: i64 = 3_400;

const DELETED: &str = "DELETE FROM votes WHERE voter_id = (SELECT min(voter_id) FROM votes)";
const ROWS_MISSING: [&str; 2] = ["is persisted up to offset", "rows were deleted or added"];

/// A count under way on a PostgreSQL server.
struct Count {
    data: DataDir,
    url: String,
    database: Database,
    running: Process,
    _server: TemporaryServer,
}

impl Count {
    /// Begins one, and waits until some votes are counted, stored and persisted. `None`, and a line that
    /// says so, where there is no PostgreSQL.
    async fn begin() -> Option<Count> {
        Count::begin_until(ROWS).await
    }

    /// Begins one, and waits until so many votes are rows.
    async fn begin_until(rows: i64) -> Option<Count> {
        let server = TemporaryServer::start_or_skip().await?;
        let url = server.database_url();
        let data = DataDir::new();
        let mut running = data.start(&on_server(&url));
        let database = Database::server(&url).await;
        let began = Instant::now();
        let there = format!(
            "SELECT (SELECT count(*) > {rows} FROM votes)
                    AND (SELECT count(*) = 2 FROM checkpoints WHERE consumer = 'tally' AND next_offset > 0)"
        );
        loop {
            // Before the schema is there, it fails.
            let row = database.client.query_one(&there, &[]).await;
            if row.is_ok_and(|row| row.get(0)) {
                break;
            }
            assert!(running.is_running() && began.elapsed() < DEADLINE);
            tokio::time::sleep(PAUSE).await;
        }
        Some(Count {
            data,
            url,
            database,
            running,
            _server: server,
        })
    }

    /// Changes the database by hand; the count stops, and says each of `parts`. Returns what it said.
    async fn changed(self, change: &str, parts: &[&str]) -> Run {
        self.database.client.batch_execute(change).await.unwrap();
        let run = self.running.wait().refused(1, parts);
        let refused = run.stderr.lines().find(|line| line.contains("error: "));
        assert!(refused.unwrap().contains("election audit"), "{refused:?}");
        // The audit finds it, too.
        let audit = ["audit", "--database-url", &self.url];
        self.data.run(&audit).ends_with(1);
        self.database.close().await;
        run
    }
}

fn on_server(url: &str) -> Vec<&str> {
    let mut args: Vec<_> = DEMO.split(' ').collect();
    args.extend(["--database-url", url]);
    args
}

#[tokio::test(flavor = "multi_thread")]
async fn an_edited_tally_stops_the_count() {
    let Some(count) = Count::begin().await else {
        return;
    };
    // From one candidate to another: every sum stays as it was.
    let moved = r#"
        WITH cells AS (
            SELECT "partition", kind, contest, "group", value, selection,
                   row_number() OVER (ORDER BY total DESC) AS place
            FROM tallies
            WHERE kind = 'contest' AND "group" = 'location' AND "partition" = 0 AND total > 0
        )
        UPDATE tallies t SET total = total + CASE cells.place WHEN 1 THEN 1 ELSE -1 END
        FROM cells WHERE cells.place <= 2
          AND (t."partition", t.kind, t.contest, t."group", t.value, t.selection)
            = (cells."partition", cells.kind, cells.contest, cells."group", cells.value,
               cells.selection)"#;
    let parts = [
        "the stored tally of partition 0 has been edited",
        " against ",
    ];
    // Stored again before the change was seen, it would be written over: then the change was in vain.
    let database = Database::server(&count.url).await;
    database.client.batch_execute(moved).await.unwrap();
    let run = count.running.wait().refused(1, &parts);
    assert!(run.stderr.contains("election audit"), "{}", run.stderr);
    database.close().await;
    count.database.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deleted_row_stops_the_count() {
    if let Some(count) = Count::begin().await {
        let run = count.changed(DELETED, &ROWS_MISSING).await;
        let (_, offset) = run.stderr.split_once("is persisted up to offset ").unwrap();
        let offset = offset.split(',').next().unwrap();
        // Long before the end, which is behind 2,000 in each partition.
        assert!(offset.parse::<u64>().unwrap() < 1_500, "{offset}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_row_that_is_deleted_late_is_missed_at_the_end() {
    if let Some(count) = Count::begin_until(LATE_ROWS).await {
        count.changed(DELETED, &ROWS_MISSING).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_added_row_stops_the_count() {
    if let Some(count) = Count::begin().await {
        let added = r#"
            INSERT INTO votes (voter_id, candidate_id, voting_time, "partition", log_offset)
            SELECT 'invented', candidate_id, voting_time, 0, 1000000 FROM votes LIMIT 1"#;
        let parts = ["partition 0 of `votes` is persisted up to offset", "added"];
        count.changed(added, &parts).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn votes_that_are_kept_out_of_the_table_stop_the_count() {
    if let Some(count) = Count::begin().await {
        // As if all who are registered had voted, in a partition that is not there: what they cast now
        // would be taken for their second vote.
        let kept_out = r#"
            INSERT INTO votes (voter_id, candidate_id, voting_time, "partition", log_offset)
            SELECT voter_id, (SELECT min(candidate_id) FROM candidates), now(), 7,
                   row_number() OVER ()
            FROM voters ON CONFLICT DO NOTHING"#;
        let parts = ["the stream counted", "are rows"];
        count.changed(kept_out, &parts).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_checkpoint_that_goes_back_stops_the_count() {
    for consumer in ["persist", "tally"] {
        if let Some(count) = Count::begin().await {
            let back = format!(
                "UPDATE checkpoints SET next_offset = 1
                 WHERE consumer = '{consumer}' AND topic = 'votes'"
            );
            let parts = [
                &*format!("the checkpoint of `{consumer}` in `votes` partition"),
                "went back from offset",
                "to 1:",
            ];
            count.changed(&back, &parts).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_that_lost_what_was_counted_is_not_gone_on_with() {
    let data = DataDir::new();
    let demo: Vec<_> = "demo --require-credentials --voters 2000 --once --port 0"
        .split(' ')
        .collect();
    data.run(&demo).succeeds();
    // The log of an election in which nobody has voted yet.
    let other = DataDir::new();
    other.run(&["producer", "init"]).succeeds();
    std::fs::remove_dir_all(data.path().join("log")).unwrap();
    std::fs::rename(other.path().join("log"), data.path().join("log")).unwrap();

    let lost = ["ends at offset 0, but", "the log has lost records"];
    for command in [
        &demo[..],
        &["consumer", "--once"],
        &["producer", "voters", "--voters", "2000"],
        &["producer", "votes"],
        &["dashboard", "--accept-votes", "--port", "0"],
    ] {
        data.run(command).refused(1, &lost);
    }
    data.run(&["audit"]).ends_with(1);

    // It is enough that it was counted, or that it was persisted.
    for change in [
        "DELETE FROM checkpoints WHERE consumer = 'persist'",
        "UPDATE checkpoints SET consumer = 'persist' WHERE consumer = 'tally'",
    ] {
        let database = Database::embedded(&data.path()).await;
        database.client.batch_execute(change).await.unwrap();
        database.close().await;
        data.run(&["producer", "votes"]).refused(1, &lost);
    }
}
