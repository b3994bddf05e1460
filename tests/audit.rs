//! `election audit` finds whatever was changed behind the election's back, and names it.
#![cfg(feature = "embedded")]

mod support;

use std::path::{Path, PathBuf};

use domain::topics;
use platform::{NewRecord, Platform};
use store::TemporaryServer;
use support::{DataDir, Database, assert_adds_up, number, open_log, read_topic, without_elapsed};

const DEMO: &[&str] = &[
    "demo",
    "--voters",
    "400",
    "--invalid",
    "0.1",
    "--duplicates",
    "0.1",
    "--once",
    "--json",
    "--port",
    "0",
];

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
        for table in ["votes", "rejected_votes", "tallies", "log_chain"] {
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
    let Some(server) = TemporaryServer::start().await.unwrap() else {
        support::skipped(
            "no PostgreSQL server found (initdb and postgres, on PATH or below /usr/lib/postgresql)",
        );
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
            r#"SELECT "partition", "group", location, total FROM tallies
               WHERE kind = 'candidate' ORDER BY total DESC, 1, 2, 3 LIMIT 1"#,
            &[],
        )
        .await
        .unwrap();
    let (partition, candidate, location, total): (i32, &str, &str, i64) =
        (cell.get(0), cell.get(1), cell.get(2), cell.get(3));
    let of_cell = format!(
        r#"WHERE "partition" = {partition} AND "group" = '{candidate}' AND location = '{location}'"#
    );
    let named = format!(
        "partition {partition}: candidate {candidate} in {location}: {total} against {}",
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
    let named =
        format!("partition {partition}: candidate {candidate} in {location}: {total} against 0");
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
            "INSERT INTO tallies VALUES (0, 'gender', 'invented', '', 3)",
            "tallies",
            1,
            &["partition 0: gender invented: 0 against 3"],
        )
        .await;

    every_change_of_the_chain_is_found(&audited).await;

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

/// The rows of the chain: edited, deleted, added.
async fn every_change_of_the_chain_is_found(audited: &Audited) {
    // One more record is one more batch.
    let log = open_log(&audited.data.path()).await;
    let record = NewRecord {
        key: Some(b"nobody".to_vec()),
        value: b"no vote".to_vec(),
    };
    log.produce(topics::VOTES, vec![record]).await.unwrap();
    log.close().await.unwrap();
    let consumer = ["consumer", "--once", "--database-url", &audited.url];
    audited.data.run(&consumer).succeeds();
    audited.is_fine();

    let row = audited
        .database
        .client
        .query_one(
            r#"SELECT "partition", base_offset, next_offset,
                      (SELECT min(next_offset) FROM log_chain f WHERE f."partition" = l."partition")
               FROM log_chain l WHERE base_offset > 0 ORDER BY next_offset - base_offset, 1 LIMIT 1"#,
            &[],
        )
        .await
        .unwrap();
    let (partition, base, next): (i32, i64, i64) = (row.get(0), row.get(1), row.get(2));
    let first_next: i64 = row.get(3);
    let of_last = format!(r#"WHERE "partition" = {partition} AND base_offset = {base}"#);
    let of_first = format!(r#"WHERE "partition" = {partition} AND base_offset = 0"#);
    let last = format!("partition {partition} offsets {base}..{next}");
    let first = format!("partition {partition} offsets 0..{first_next}");
    let found = |statement: String, differences, parts: Vec<String>| async move {
        let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
        audited
            .found(&statement, "log_chain", differences, &parts)
            .await;
    };
    let flip =
        |column: &str| format!("{column} = set_byte({column}, 31, get_byte({column}, 31) # 1)");
    for (of_row, place) in [(&of_first, &first), (&of_last, &last)] {
        found(
            format!("UPDATE log_chain SET {} {of_row}", flip("batch_hash")),
            1,
            vec![format!("{place}: the log is not what was persisted")],
        )
        .await;
        found(
            format!("UPDATE log_chain SET {} {of_row}", flip("head")),
            1,
            vec![
                format!("{place}: the chain's head"),
                "does not follow".into(),
            ],
        )
        .await;
    }
    found(
        format!("DELETE FROM log_chain {of_first}"),
        1,
        vec![format!("{first}: the chain has no row for them")],
    )
    .await;
    found(
        format!("DELETE FROM log_chain {of_last}"),
        1,
        vec![
            format!("the chain ends at offset {base}"),
            format!("persisted up to {next}"),
        ],
    )
    .await;
    let insert = |partition: i32, base: i64, next: i64| {
        format!(
            "INSERT INTO log_chain SELECT {partition}, {base}, {next}, batch_hash, head FROM log_chain \
             {of_last}"
        )
    };
    found(
        insert(partition, next, next + 5),
        3,
        vec![
            format!("partition {partition} offsets {next}..{}", next + 5),
            format!("the log ends at {next}"),
            format!("persisted up to {next}"),
        ],
    )
    .await;
    found(
        insert(partition, 1, 2),
        1,
        vec![format!(
            "partition {partition} offsets 1..2: a row of the chain that was never written"
        )],
    )
    .await;
    found(
        insert(7, 0, 5),
        1,
        vec!["partition 7: 1 rows of a chain".into()],
    )
    .await;
}

/// A log beside `data`'s with the same votes, but with `change` made to the first that it changes. The
/// votes' other fields are those of the first log, and so are the places of all records.
async fn changed_log(data: &Path, change: impl Fn(&str) -> Option<String>) -> (PathBuf, String) {
    let log = open_log(data).await;
    let votes = read_topic(&log, topics::VOTES).await;
    log.close().await.unwrap();
    let other = data.join("other");
    let copy = open_log(&other).await;
    let partitions = votes.len() as u32;
    copy.create_topic(topics::VOTES, partitions).await.unwrap();
    let mut changed_at = None;
    for (partition, records) in (0i32..).zip(&votes) {
        let mut copied = Vec::new();
        for record in records {
            let mut value = record.value.to_vec();
            if changed_at.is_none()
                && let Ok(text) = std::str::from_utf8(&value)
                && let Some(changed) = change(text)
            {
                assert_eq!(changed.len(), text.len());
                value = changed.into_bytes();
                changed_at = Some(place(partition, record.offset));
            }
            copied.push(NewRecord {
                key: record.key.as_ref().map(|key| key.to_vec()),
                value,
            });
        }
        copy.produce(topics::VOTES, copied).await.unwrap();
    }
    // The voters are not audited; what reads on demands that they are there.
    copy.create_topic(topics::VOTERS, partitions).await.unwrap();
    let copied = read_topic(&copy, topics::VOTES).await;
    assert_eq!(
        copied.iter().map(Vec::len).collect::<Vec<_>>(),
        votes.iter().map(Vec::len).collect::<Vec<_>>()
    );
    copy.close().await.unwrap();
    (other.join("log"), changed_at.expect("a vote was changed"))
}

/// Puts another log in the place of an election's, and returns where that one is kept.
fn put_in_place(data: &Path, log: &Path) -> PathBuf {
    let kept = data.join("kept");
    std::fs::rename(data.join("log"), &kept).unwrap();
    std::fs::rename(log, data.join("log")).unwrap();
    kept
}

/// Another letter in a name, which no rule and no table looks at.
fn another_name(vote: &str) -> Option<String> {
    let at = vote.find(r#""voter_name":""#)? + r#""voter_name":""#.len();
    let mut changed = vote.to_owned();
    let letter = if vote[at..].starts_with('A') {
        "B"
    } else {
        "A"
    };
    changed.replace_range(at..=at, letter);
    Some(changed)
}

/// One byte of the log that neither the count nor a row depends on: the chain finds it.
#[tokio::test(flavor = "multi_thread")]
async fn a_changed_byte_of_the_log_is_found() {
    let data = DataDir::new();
    data.run(&["demo", "--voters", "300", "--once"]).succeeds();
    let before = data.run(&["audit", "--json"]).succeeds().json();
    let heads: Vec<&str> = before["chains"]
        .as_array()
        .unwrap()
        .iter()
        .map(|chain| chain["head"].as_str().unwrap())
        .collect();
    assert_eq!(heads.len(), 2);
    let seen = ["audit", "--head", heads[0], "--head", heads[1]];
    data.run(&seen).succeeds();

    let (log, at) = changed_log(&data.path(), another_name).await;
    let kept = put_in_place(&data.path(), &log);
    let audit = data.run(&["audit", "--json"]).ends_with(1).json();
    assert_eq!(number(&audit, "differences"), 1, "{audit:#}");
    let listed = audit["listed"][0].as_str().unwrap();
    assert!(listed.contains("is not what was persisted"), "{listed}");
    let partition = at.split(" offset").next().unwrap();
    assert!(listed.starts_with(partition), "{listed}: {at}");
    // Nor is it sealed.
    data.run(&["seal"])
        .refused(1, &["nothing is sealed", "is not what was persisted"]);

    // Somebody who makes the database anew from the changed log deceives the audit, but nobody who has
    // seen a head.
    let database = Database::embedded(&data.path()).await;
    let wipe = "TRUNCATE votes, rejected_votes, log_chain;
        DELETE FROM checkpoints WHERE consumer = 'persist' AND topic = 'votes';
        DELETE FROM checkpoints WHERE consumer = 'persist' AND topic = 'voters'";
    database.client.batch_execute(wipe).await.unwrap();
    database.close().await;
    data.run(&["consumer", "--once"]).succeeds();
    data.run(&["audit"]).succeeds();
    let found = data.run(&seen).ends_with(1).stdout;
    assert!(
        found.contains("no batch of the log has the head"),
        "{found}"
    );

    // With the true log again, the made-up chain is found.
    std::fs::rename(data.path().join("log"), data.path().join("changed")).unwrap();
    std::fs::rename(kept, data.path().join("log")).unwrap();
    let found = data.run(&["audit"]).ends_with(1).stdout;
    assert!(found.contains("is not what was persisted"), "{found}");
}

/// A bit on the disk: found, or refused with an error that names the log; never passed over.
#[tokio::test(flavor = "multi_thread")]
async fn a_flipped_bit_in_the_files_of_the_log_is_found() {
    let data = DataDir::new();
    data.run(&["demo", "--voters", "300", "--once"]).succeeds();
    data.run(&["audit"]).succeeds();
    // Only votes have a time.
    let (file, places) = places_of(&data.path().join("log"), b"\"voting_time\":\"");
    let (log, healthy) = (data.path().join("log"), data.path().join("healthy"));
    copy_directory(&log, &healthy);
    for at in [
        places[0],
        places[places.len() / 2],
        places[places.len() - 1],
    ] {
        let mut bytes = std::fs::read(&file).unwrap();
        bytes[at] ^= 0x10;
        std::fs::write(&file, &bytes).unwrap();
        let run = data.run(&["audit", "--json"]).ends_with(1);
        assert!(!run.stderr.contains("panicked"), "{}", run.stderr);
        if run.stdout.is_empty() {
            assert!(run.stderr.contains("error: "), "{}", run.stderr);
        } else {
            assert!(number(&run.json(), "differences") > 0);
        }
        // What opened it may have cut it off there.
        std::fs::remove_dir_all(&log).unwrap();
        copy_directory(&healthy, &log);
    }
    data.run(&["audit"]).succeeds();
}

fn copy_directory(from: &Path, to: &Path) {
    std::fs::create_dir(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let copy = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy_directory(&entry.path(), &copy);
        } else {
            std::fs::copy(entry.path(), &copy).unwrap();
        }
    }
}

/// The file below a directory in which some bytes are most often, and where.
fn places_of(directory: &Path, needle: &[u8]) -> (PathBuf, Vec<usize>) {
    let mut found = (PathBuf::new(), Vec::new());
    let mut directories = vec![directory.to_owned()];
    while let Some(directory) = directories.pop() {
        for entry in std::fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                directories.push(path);
                continue;
            }
            let bytes = std::fs::read(&path).unwrap();
            let places: Vec<usize> = bytes
                .windows(needle.len())
                .enumerate()
                .filter(|(_, window)| *window == needle)
                .map(|(at, _)| at)
                .collect();
            if places.len() > found.1.len() {
                found = (path, places);
            }
        }
    }
    assert!(!found.1.is_empty(), "no vote is found in the files");
    found
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
