//! `election audit` finds whatever was changed behind the election's back, and names it.

mod chain;
mod roll;
mod seals;

use crate::support::{DataDir, Database, assert_adds_up, number, small_demo, without_elapsed};
use testing::TemporaryServer;

const DEMO: &[&str] = &small_demo("400");

/// A vote as it is stored.
struct StoredVote {
    voter: String,
    candidate: String,
    partition: i32,
    offset: i64,
}

impl StoredVote {
    fn place(&self) -> String {
        place(self.partition, self.offset)
    }
}

fn place(partition: i32, offset: i64) -> String {
    format!("partition {partition} offset {offset}")
}

/// Somebody's vote, and a candidate it was not for.
async fn a_vote(database: &Database) -> (StoredVote, String) {
    let row = database
        .client
        .query_one(
            r#"SELECT v.voter_id, v.candidate_id, v."partition", v.log_offset,
                      (SELECT min(c.candidate_id) FROM candidates c
                       WHERE c.candidate_id <> v.candidate_id)
               FROM votes v ORDER BY v.voter_id LIMIT 1 OFFSET 123"#,
            &[],
        )
        .await
        .unwrap();
    let vote = StoredVote {
        voter: row.get(0),
        candidate: row.get(1),
        partition: row.get(2),
        offset: row.get(3),
    };
    (vote, row.get(4))
}

/// An election on a server, and a connection beside it.
struct Audited {
    data: DataDir,
    url: String,
    database: Database,
}

impl Audited {
    /// The audit finds as many differences, and names all of `parts`.
    #[track_caller]
    fn finds(&self, differences: u64, parts: &[&str]) {
        let server = ["--database-url", &self.url];
        let json = self.data.run(&[&["audit", "--json"], &server[..]].concat());
        let found = json.ends_with(1).json();
        assert_eq!(number(&found, "differences"), differences, "{found:#}");
        let words = self.data.run(&[&["audit"], &server[..]].concat());
        let words = words.ends_with(1).stdout;
        assert!(words.contains("DIFFER"), "{words}");
        for part in parts {
            assert!(words.contains(part), "`{part}` is not in: {words}");
        }
    }

    #[track_caller]
    fn is_fine(&self) {
        let run = self.data.run(&["audit", "--database-url", &self.url]);
        run.succeeds();
    }

    /// Makes changes in the database, and takes them back when the audit has found them.
    async fn found(&self, statement: &str, undo: &str, differences: u64, parts: &[&str]) {
        self.database.client.batch_execute("BEGIN").await.unwrap();
        for table in [
            "votes",
            "rejected_votes",
            "tallies",
            "log_chain",
            "checkpoints",
            "voters",
            "rejected_voters",
        ] {
            let keep = format!(
                "DROP TABLE IF EXISTS kept_{table}; CREATE TABLE kept_{table} AS TABLE {table}"
            );
            self.database.client.batch_execute(&keep).await.unwrap();
        }
        self.database.change(1, statement, &[]).await;
        self.database.client.batch_execute("COMMIT").await.unwrap();
        self.finds(differences, parts);
        let put_back = format!("TRUNCATE {undo}; INSERT INTO {undo} SELECT * FROM kept_{undo}");
        self.database.client.batch_execute(&put_back).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_change_by_hand_is_found_and_named() {
    let Some(server) = TemporaryServer::start_or_skip().await else {
        return;
    };
    let url = server.database_url();
    let on_server = ["--database-url", &url];
    let data = DataDir::new();
    let demo = data.run(&[DEMO, &on_server].concat()).succeeds().json();
    assert_adds_up(&demo);
    assert!(
        !data.path().join("postgres").exists(),
        "no embedded database beside the server"
    );
    let audited = Audited {
        data,
        database: Database::server(&url).await,
        url: url.clone(),
    };
    audited.is_fine();

    let (vote, other) = a_vote(&audited.database).await;
    let (voter, place_of_vote) = (&vote.voter, vote.place());
    audited
        .found(
            &format!("UPDATE votes SET candidate_id = '{other}' WHERE voter_id = '{voter}'"),
            "votes",
            1,
            &[&place_of_vote, voter, &vote.candidate, &other],
        )
        .await;
    audited
        .found(
            &format!(
                "UPDATE votes SET voting_time = voting_time + interval '1 second' \
                 WHERE voter_id = '{voter}'"
            ),
            "votes",
            1,
            &[&place_of_vote, voter],
        )
        .await;
    audited
        .found(
            &format!("UPDATE votes SET voter_id = 'impostor' WHERE voter_id = '{voter}'"),
            "votes",
            1,
            &[&place_of_vote, voter, "impostor"],
        )
        .await;
    audited
        .found(
            &format!("DELETE FROM votes WHERE voter_id = '{voter}'"),
            "votes",
            1,
            &[&place_of_vote, voter, "has no row in votes"],
        )
        .await;

    let insert_vote = |partition: i32, offset: i64| {
        format!(
            r#"INSERT INTO votes (voter_id, candidate_id, voting_time, "partition", log_offset)
               VALUES ('invented', '{other}', '2024-07-04 12:00:00', {partition}, {offset})"#
        )
    };
    // At the place of another vote, which makes two rows for one vote.
    audited
        .found(
            &insert_vote(vote.partition, vote.offset),
            "votes",
            2,
            &[
                &place_of_vote,
                "invented",
                &other,
                "2 rows in votes for one",
            ],
        )
        .await;
    // At places that the log does not have.
    for (partition, offset, named) in [
        (0, 1_000_000, "partition 0 has no offset 1000000"),
        (7, 3, "partition 7 has no offset 3"),
    ] {
        audited
            .found(
                &insert_vote(partition, offset),
                "votes",
                1,
                &["invented", named],
            )
            .await;
    }

    let rejected = audited
        .database
        .client
        .query_one(
            r#"SELECT "partition", log_offset, reason FROM rejected_votes
               WHERE reason = 'invalid_weight' ORDER BY 1, 2 LIMIT 1"#,
            &[],
        )
        .await
        .unwrap();
    let (partition, offset): (i32, i64) = (rejected.get(0), rejected.get(1));
    let place_of_rejected = place(partition, offset);
    let there = format!(r#"WHERE "partition" = {partition} AND log_offset = {offset}"#);
    // At the place of a rejected vote.
    audited
        .found(
            &insert_vote(partition, offset),
            "votes",
            1,
            &[
                &place_of_rejected,
                "invented",
                "rejected as invalid_weight",
                "has a row in votes",
            ],
        )
        .await;
    audited
        .found(
            &format!("UPDATE rejected_votes SET reason = 'duplicate' {there}"),
            "rejected_votes",
            1,
            &[
                &place_of_rejected,
                "invalid_weight",
                "its row says duplicate",
            ],
        )
        .await;
    audited
        .found(
            &format!("DELETE FROM rejected_votes {there}"),
            "rejected_votes",
            1,
            &[
                &place_of_rejected,
                "invalid_weight",
                "no row in rejected_votes",
            ],
        )
        .await;
    audited
        .found(
            &format!("UPDATE rejected_votes SET voter_id = 'invented' {there}"),
            "rejected_votes",
            1,
            &[&place_of_rejected, "its row says `invented`"],
        )
        .await;
    for change in [
        "value = set_byte(value, 9, get_byte(value, 9) # 1)",
        "value = value || 'x'",
        "value_bytes = value_bytes + 1",
    ] {
        audited
            .found(
                &format!("UPDATE rejected_votes SET {change} {there}"),
                "rejected_votes",
                1,
                &[&place_of_rejected, "not those that its row keeps"],
            )
            .await;
    }
    let insert_rejected = |partition: i32, offset: i64| {
        format!("INSERT INTO rejected_votes VALUES ({partition}, {offset}, 'malformed', '', '', 0)")
    };
    audited
        .found(
            &insert_rejected(vote.partition, vote.offset),
            "rejected_votes",
            1,
            &[&place_of_vote, voter, "rejected_votes as malformed"],
        )
        .await;
    for (partition, offset, named) in [
        (0, 1_000_000, "partition 0 has no offset 1000000"),
        (7, 3, "partition 7 has no offset 3"),
    ] {
        audited
            .found(
                &insert_rejected(partition, offset),
                "rejected_votes",
                1,
                &["rejected_votes", "malformed", named],
            )
            .await;
    }

    let cell = audited
        .database
        .client
        .query_one(
            r#"SELECT "partition", selection, value, total FROM tallies
               WHERE kind = 'contest' AND "group" = 'location' ORDER BY total DESC, 1, 2, 3 LIMIT 1"#,
            &[],
        )
        .await
        .unwrap();
    let (partition, candidate, location, total): (i32, &str, &str, i64) =
        (cell.get(0), cell.get(1), cell.get(2), cell.get(3));
    let of_cell = format!(
        r#"WHERE "partition" = {partition} AND kind = 'contest' AND "group" = 'location'
           AND value = '{location}' AND selection = '{candidate}'"#
    );
    let named = format!(
        "partition {partition}: candidate: {candidate} in location {location}: {total} against {}",
        total + 1
    );
    audited
        .found(
            &format!("UPDATE tallies SET total = total + 1 {of_cell}"),
            "tallies",
            1,
            &[&named],
        )
        .await;
    let named = format!(
        "partition {partition}: candidate: {candidate} in location {location}: {total} against 0"
    );
    audited
        .found(
            &format!("DELETE FROM tallies {of_cell}"),
            "tallies",
            1,
            &[&named],
        )
        .await;
    audited
        .found(
            "INSERT INTO tallies VALUES (0, 'turnout', '', 'gender', 'invented', '', 3)",
            "tallies",
            1,
            &["partition 0: turnout of gender invented: 0 against 3"],
        )
        .await;

    for (change, named) in [
        (
            r#"UPDATE checkpoints SET next_offset = next_offset - 1
               WHERE consumer = 'tally' AND topic = 'votes' AND "partition" = 1"#,
            "partition 1: the stored tally counts up to offset",
        ),
        (
            r#"UPDATE checkpoints SET next_offset = next_offset - 1
               WHERE consumer = 'persist' AND topic = 'votes' AND "partition" = 1"#,
            "partition 1: the chain ends at offset",
        ),
        (
            "INSERT INTO checkpoints VALUES ('tally', 'votes', 7, 0)",
            "partition 7: a tally of 0 votes is stored",
        ),
    ] {
        audited.found(change, "checkpoints", 1, &[named]).await;
    }

    roll::every_change_of_the_roll_is_found(&audited).await;
    chain::every_change_of_the_chains_is_found(&audited).await;
    seals::every_seal_that_does_not_fit_is_found(&audited).await;

    // All is as it was.
    audited.is_fine();

    // A changed tally also stops the consumer: it recounts up to its checkpoint, and compares.
    let change = format!("UPDATE tallies SET total = total + 1 {of_cell}");
    audited.database.change(1, &change, &[]).await;
    let consumer = ["consumer", "--once", "--database-url", &url];
    audited
        .data
        .run(&consumer)
        .refused(1, &["differs from the stored tally", candidate, location]);
    // A missing row shows in the results.
    audited
        .database
        .change(1, "DELETE FROM votes WHERE voter_id = $1", &[voter])
        .await;
    let results = ["results", "--json", "--database-url", &url];
    let results = audited.data.run(&results).succeeds().json();
    assert_eq!(results["accounted"], false);

    // `--fresh` is a way out of it: the server is emptied, and the election held anew.
    let fresh = [DEMO, &on_server, &["--fresh", "--seed", "9"]].concat();
    let fresh = without_elapsed(audited.data.run(&fresh).succeeds().json());
    assert_adds_up(&fresh);
    assert_eq!(number(&fresh, "counted"), 400);
    audited.is_fine();
    audited.database.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_changed_row_of_the_embedded_database_is_found() {
    let data = DataDir::new();
    data.run(DEMO).succeeds();
    let database = Database::embedded(&data.path()).await;
    let (vote, other) = a_vote(&database).await;
    let voter = &vote.voter;
    let update = "UPDATE votes SET candidate_id = $1 WHERE voter_id = $2";
    database.change(1, update, &[&other, voter]).await;
    database.close().await;

    let found = data.run(&["audit", "--json"]).ends_with(1).json();
    assert_eq!(number(&found, "differences"), 1, "{found:#}");
    let listed = found["listed"][0].as_str().unwrap();
    for part in [&vote.place(), voter, &vote.candidate, &other] {
        assert!(listed.contains(part), "`{part}` is not in: {listed}");
    }

    let database = Database::embedded(&data.path()).await;
    let params: [&(dyn tokio_postgres::types::ToSql + Sync); 2] = [&vote.candidate, voter];
    database.change(1, update, &params).await;
    database.close().await;
    data.run(&["audit"]).succeeds();
}
