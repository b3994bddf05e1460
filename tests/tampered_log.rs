//! A log that was changed after it was persisted is found, by the chain of its hashes.
#![cfg(feature = "embedded")]

mod support;

use std::path::{Path, PathBuf};

use domain::topics;
use platform::{NewRecord, Platform};
use support::{DataDir, Database, number, open_log, read_topic};

/// A log beside `data`'s with the same voters and votes, but with `change` made to the first that it changes. The
/// votes' other fields are those of the first log, and so are the places of all records.
async fn changed_log(data: &Path, change: impl Fn(&str) -> Option<String>) -> (PathBuf, String) {
    let log = open_log(data).await;
    let votes = read_topic(&log, topics::VOTES).await;
    let voters = read_topic(&log, topics::VOTERS).await;
    log.close().await.unwrap();
    let other = data.join("other");
    let copy = open_log(&other).await;
    let partitions = votes.len() as u32;
    for topic in [topics::VOTERS, topics::VOTES] {
        copy.create_topic(topic, partitions).await.unwrap();
    }
    for records in voters {
        let records = records.iter().map(|record| NewRecord {
            key: record.key.as_ref().map(|key| key.to_vec()),
            value: record.value.to_vec(),
        });
        let records = records.collect();
        copy.produce(topics::VOTERS, records).await.unwrap();
    }
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
                changed_at = Some(format!("partition {partition} offset {}", record.offset));
            }
            copied.push(NewRecord {
                key: record.key.as_ref().map(|key| key.to_vec()),
                value,
            });
        }
        copy.produce(topics::VOTES, copied).await.unwrap();
    }
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
    data.run(&["seal"]).succeeds();

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

    // Somebody who makes the database anew from the changed log is betrayed by the seals.
    let database = Database::embedded(&data.path()).await;
    let wipe = "TRUNCATE votes, rejected_votes, log_chain;
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
