//! A log that was changed after it was persisted is found, by the chains of its hashes.

use std::path::{Path, PathBuf};

use crate::support::{DataDir, Database, number, open_log, read_topic};
use platform::{NewRecord, Platform};
use serde_json::Value;
use wire::topics;

/// What was changed in a log.
struct Changed {
    /// Where the changed log is.
    log: PathBuf,
    partition: usize,
    /// The record's value then.
    value: Vec<u8>,
}

/// A log beside `data`'s with the same voters and votes, but with `change` made to the first record of a topic
/// that it changes. The places of all records are those of the first log.
async fn changed_log(data: &Path, topic: &str, change: impl Fn(&str) -> Option<String>) -> Changed {
    let other = data.join("other");
    let (log, copy) = (open_log(data).await, open_log(&other).await);
    let mut changed = None;
    for copied in [topics::VOTERS, topics::VOTES] {
        let partitions = read_topic(&log, copied).await;
        let count = partitions.len() as u32;
        copy.create_topic(copied, count).await.unwrap();
        for (partition, records) in partitions.iter().enumerate() {
            let mut values: Vec<_> = records.iter().map(|at| at.value.to_vec()).collect();
            if copied == topic && changed.is_none() {
                changed = values.iter_mut().find_map(|value| {
                    let to = change(std::str::from_utf8(value).ok()?)?;
                    assert_eq!(to.len(), value.len());
                    *value = to.into_bytes();
                    Some((partition, value.clone()))
                });
            }
            let records = records.iter().zip(values).map(|(record, value)| NewRecord {
                key: record.key.as_ref().map(|key| key.to_vec()),
                value,
            });
            copy.produce(copied, records.collect()).await.unwrap();
        }
        let lengths = |partitions: &[Vec<_>]| partitions.iter().map(Vec::len).collect::<Vec<_>>();
        let there = read_topic(&copy, copied).await;
        assert_eq!(lengths(&there), lengths(&partitions));
    }
    log.close().await.unwrap();
    copy.close().await.unwrap();
    let (partition, value) = changed.expect("a record was changed");
    Changed {
        log: other.join("log"),
        partition,
        value,
    }
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

/// The heads of a topic's chains, all of which the audit is to find.
fn demanding_heads(audit: &Value, topic: &str) -> Vec<String> {
    let chains = audit["chains"].as_array().unwrap().iter();
    let of_topic = chains.filter(|chain| chain["topic"] == topic);
    let heads = of_topic.map(|chain| chain["head"].as_str().unwrap());
    let args: Vec<_> = heads
        .flat_map(|head| ["--head".to_owned(), head.to_owned()])
        .collect();
    assert_eq!(args.len(), 4, "{audit:#}");
    [vec!["audit".to_owned()], args].concat()
}

/// One byte of the log that neither the count nor a row depends on: the chain finds it.
#[tokio::test(flavor = "multi_thread")]
async fn a_changed_byte_of_the_log_is_found() {
    let data = DataDir::new();
    data.run(&["demo", "--voters", "300", "--once"]).succeeds();
    let before = data.run(&["audit", "--json"]).succeeds().json();
    let seen = demanding_heads(&before, topics::VOTES);
    let seen: Vec<&str> = seen.iter().map(String::as_str).collect();
    data.run(&seen).succeeds();
    data.run(&["seal"]).succeeds();

    let changed = changed_log(&data.path(), topics::VOTES, another_name).await;
    let kept = put_in_place(&data.path(), &changed.log);
    let audit = data.run(&["audit", "--json"]).ends_with(1).json();
    assert_eq!(number(&audit, "differences"), 1, "{audit:#}");
    let listed = audit["listed"][0].as_str().unwrap();
    assert!(listed.contains("is not what was persisted"), "{listed}");
    let place = format!("partition {} offsets", changed.partition);
    assert!(listed.starts_with(&place), "{listed}: {place}");
    // Nor is it sealed.
    data.run(&["seal"])
        .refused(1, &["nothing is sealed", "is not what was persisted"]);

    // Somebody who makes the database anew from the changed log is betrayed by the seals.
    let database = Database::embedded(&data.path()).await;
    let wipe = "TRUNCATE votes, rejected_votes;
        DELETE FROM log_chain WHERE topic = 'votes';
        DELETE FROM checkpoints WHERE consumer = 'persist' AND topic = 'votes'";
    database.client.batch_execute(wipe).await.unwrap();
    database.close().await;
    data.run(&["consumer", "--once"]).succeeds();
    let found = data.run(&["audit"]).ends_with(1).stdout;
    assert!(
        found.contains("no batch of the log has the head"),
        "{found}"
    );
    data.run(&["seal"])
        .refused(1, &["nothing is sealed", "which was sealed"]);
    // Who takes away the seals, too, deceives the audit, but nobody who has seen a head.
    let database = Database::embedded(&data.path()).await;
    let wipe = "TRUNCATE seals";
    database.client.batch_execute(wipe).await.unwrap();
    database.close().await;
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

/// A voter who is another person now, in the log and in the row: the chain finds it.
#[tokio::test(flavor = "multi_thread")]
async fn a_voter_who_was_changed_everywhere_is_found() {
    let data = DataDir::new();
    data.run(&["demo", "--voters", "300", "--once"]).succeeds();
    let before = data.run(&["audit", "--json"]).succeeds().json();
    let seen = demanding_heads(&before, topics::VOTERS);
    let seen: Vec<&str> = seen.iter().map(String::as_str).collect();
    data.run(&seen).succeeds();

    let changed = changed_log(&data.path(), topics::VOTERS, another_name).await;
    put_in_place(&data.path(), &changed.log);
    let voter: Value = serde_json::from_slice(&changed.value).unwrap();
    let database = Database::embedded(&data.path()).await;
    let rename = "UPDATE voters SET voter_name = $1 WHERE voter_id = $2";
    let (name, id) = (
        voter["voter_name"].as_str().unwrap(),
        voter["voter_id"].as_str().unwrap(),
    );
    database.change(1, rename, &[&name, &id]).await;
    database.close().await;
    let audit = data.run(&["audit", "--json"]).ends_with(1).json();
    assert_eq!(number(&audit, "differences"), 1, "{audit:#}");
    let listed = audit["listed"][0].as_str().unwrap();
    assert!(listed.contains("is not what was persisted"), "{listed}");
    let place = format!("partition {} of voters offsets", changed.partition);
    assert!(listed.starts_with(&place), "{listed}: {place}");

    // Who makes the roll anew from the changed log deceives the audit, but nobody who has seen a head.
    let database = Database::embedded(&data.path()).await;
    let wipe = "TRUNCATE voters, rejected_voters;
        DELETE FROM log_chain WHERE topic = 'voters';
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
}

/// A bit on the disk: found, or refused with an error that names the log; never passed over.
#[tokio::test(flavor = "multi_thread")]
async fn a_flipped_bit_in_the_files_of_the_log_is_found() {
    let data = DataDir::new();
    data.run(&["demo", "--voters", "300", "--once"]).succeeds();
    data.run(&["audit"]).succeeds();
    let (file, batch) = first_batch_of_votes(&data.path().join("log"));
    let (log, healthy) = (data.path().join("log"), data.path().join("healthy"));
    copy_directory(&log, &healthy);
    // Its head, and its records: some 150 votes, compressed.
    for at in [10, 1_000, 10_000] {
        let mut bytes = std::fs::read(&file).unwrap();
        bytes[batch + at] ^= 0x10;
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

/// The file below a log's directory that has the first batch of `votes`, and where it begins.
fn first_batch_of_votes(log: &Path) -> (PathBuf, usize) {
    // Partition 0, offset 0. The topic's name ends another's.
    let key = [topics::VOTES.as_bytes(), &[0; 1 + 4 + 8]].concat();
    let mut directories = vec![log.to_owned()];
    while let Some(directory) = directories.pop() {
        for entry in std::fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                directories.push(path);
                continue;
            }
            let bytes = std::fs::read(&path).unwrap();
            let mut windows = bytes.windows(1 + key.len());
            if let Some(at) = windows.position(|at| at[0] != b'-' && at[1..] == key) {
                return (path, at + 1 + key.len());
            }
        }
    }
    panic!("no batch of votes is found in the files");
}
