//! Elections that require credentials: only votes that carry the voter's own are counted, inside the
//! stream already, and neither key nor credentials get to where others could read them.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use crate::support::{DataDir, Database, assert_adds_up, number, open_log, read_topic};
use ballot::Reason;
use evidence::ElectionKey;
use platform::{NewRecord, Platform};
use serde_json::json;
use wire::topics;

const VOTERS: u64 = 800;

/// Every reason to reject a vote occurs.
const DEMO: &[&str] = &[
    "demo",
    "--require-credentials",
    "--voters",
    "800",
    "--invalid",
    "0.3",
    "--duplicates",
    "0.2",
    "--once",
    "--json",
    "--port",
    "0",
];

fn key_file(data: &DataDir) -> PathBuf {
    data.path().join("election.key")
}

fn key_of(data: &DataDir) -> ElectionKey {
    ElectionKey::parse(&std::fs::read_to_string(key_file(data)).unwrap()).unwrap()
}

/// The credentials in a file, each with its voter.
fn credentials_in(file: &Path) -> Vec<(String, String)> {
    let text = std::fs::read_to_string(file).unwrap();
    let mut lines = text.lines();
    assert_eq!(lines.next(), Some("voter_id,credential"));
    let lines = lines.map(|line| line.split_once(',').unwrap());
    lines
        .map(|(voter, credential)| (voter.to_owned(), credential.to_owned()))
        .collect()
}

/// What must not be read anywhere: the keys' digits, and every voter's credential.
struct Secrets {
    keys: [String; 2],
    credentials: HashSet<String>,
}

impl Secrets {
    #[track_caller]
    fn demand_absent(&self, place: &str, text: &str) {
        for key in &self.keys {
            assert!(!text.contains(key), "a key is in {place}");
        }
        let runs = text.split(|c: char| !c.is_ascii_hexdigit());
        for run in runs.filter(|run| run.len() >= 32) {
            for at in 0..=run.len() - 32 {
                let found = self.credentials.contains(&run[at..at + 32]);
                assert!(!found, "a credential is in {place}: {text}");
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_election_with_credentials_is_accounted_for_and_gives_none_away() {
    let data = DataDir::new();
    let file = data.file("credentials.csv", "");
    let mut command = data.command(DEMO);
    command.arg("--credentials").arg(&file);
    command.env("RUST_LOG", "debug");
    let demo = crate::support::Process::spawn(command).wait().succeeds();
    let report = demo.json();
    assert_adds_up(&report);
    assert_eq!(number(&report, "counted"), VOTERS);
    // Our client writes into no wrong partition.
    let occurring = |reason: &Reason| *reason != Reason::WrongPartition;
    for reason in Reason::ALL.into_iter().filter(occurring) {
        assert!(number(&report["rejected"], reason.as_str()) > 0, "{reason}");
    }

    let key = key_of(&data);
    let credentials = credentials_in(&file);
    assert_eq!(credentials.len() as u64, VOTERS);
    for (voter, credential) in &credentials {
        assert!(key.credentials().accepts(voter, credential));
    }
    #[cfg(unix)]
    for file in [&file, &key_file(&data)] {
        use std::os::unix::fs::PermissionsExt;
        let mode = std::fs::metadata(file).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{}", file.display());
    }

    let secrets = Secrets {
        keys: [key.to_hex(), key.credentials().to_hex()],
        credentials: credentials.iter().map(|(_, held)| held.clone()).collect(),
    };
    secrets.demand_absent("what the demo prints", &demo.stdout);
    secrets.demand_absent("what the demo logs", &demo.stderr);
    for check in ["audit", "recount"] {
        let run = data.run(&[check, "--json"]).succeeds();
        secrets.demand_absent(check, &(run.stdout + &run.stderr));
    }
    let log = open_log(&data.path()).await;
    let mut blanked = 0;
    for topic in [topics::REJECTED_VOTES, topics::PIPELINE, topics::VOTERS] {
        for record in read_topic(&log, topic).await.concat() {
            let text = String::from_utf8_lossy(&record.value).into_owned();
            secrets.demand_absent(topic, &text);
            blanked += u32::from(text.contains(r#"\"credential\":\"\""#));
        }
    }
    assert!(blanked > 0, "rejected votes carry credentials in the log");
    log.close().await.unwrap();
    let database = Database::embedded(&data.path()).await;
    let tables = "SELECT table_name::text FROM information_schema.tables
                  WHERE table_schema = 'public'";
    for table in database.client.query(tables, &[]).await.unwrap() {
        let table: &str = table.get(0);
        let rows = format!("SELECT t::text FROM {table} t");
        for row in database.client.query(&rows, &[]).await.unwrap() {
            secrets.demand_absent(table, row.get(0));
        }
    }
    let values = "SELECT value FROM rejected_votes";
    for row in database.client.query(values, &[]).await.unwrap() {
        let value: Vec<u8> = row.get(0);
        secrets.demand_absent("rejected_votes", &String::from_utf8_lossy(&value));
    }
    database.close().await;

    let (voter, credential) = &credentials[0];
    let printed = data.run(&["credential", voter]).succeeds();
    assert_eq!(printed.stdout.trim_end(), credential);
    data.run(&["credential", "nobody"])
        .refused(2, &["no voter nobody"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_vote_with_no_credential_or_anothers_is_rejected_inside_the_stream() {
    let data = DataDir::new();
    let before = data.run(DEMO).succeeds().json();
    let key = key_of(&data).credentials();
    let candidate = before["candidates"][0]["candidate_id"].clone();
    let vote = |credential: Option<String>| {
        let mut vote = json!({
            "voter_id": "late", "candidate_id": candidate, "vote": 1,
            "voting_time": "2999-01-01 00:00:00",
        });
        if let Some(credential) = credential {
            vote["credential"] = credential.into();
        }
        NewRecord {
            key: Some(b"late".to_vec()),
            value: vote.to_string().into_bytes(),
        }
    };
    let log = open_log(&data.path()).await;
    let others = key.credential("later");
    let cast = vec![
        vote(None),
        vote(Some(others)),
        vote(Some(key.credential("late"))),
    ];
    log.produce(topics::VOTES, cast).await.unwrap();
    log.close().await.unwrap();
    data.run(&["consumer", "--once"]).succeeds();
    // The first is what `vote-tally` counted, the last what it counts when it is asked again.
    for shown in ["results", "recount"] {
        let after = data.run(&[shown, "--json"]).succeeds().json();
        let more = |of: &dyn Fn(&serde_json::Value) -> u64| of(&after) - of(&before);
        assert_eq!(more(&|report| number(report, "counted")), 1, "{shown}");
        let bad = |report: &serde_json::Value| number(&report["rejected"], "bad_credential");
        assert_eq!(more(&bad), 2, "{shown}");
    }
    data.run(&["audit"]).succeeds();
}

#[test]
fn nobody_works_on_it_without_its_key() {
    let data = DataDir::new();
    data.run(DEMO).succeeds();
    let other = data.file("other", "").with_file_name("other.key");
    let other = other.to_str().unwrap();
    let make = crate::support::election(&["key", other]);
    crate::support::Process::spawn(make).wait().succeeds();
    let steps = [
        &["consumer", "--once"][..],
        &["audit"],
        &["recount"],
        &["producer", "votes"],
        DEMO,
    ];
    for step in steps {
        let refused = data.run(&[step, &["--key-file", other]].concat());
        let refused = refused.refused(2, &["fingerprint", "--key-file"]);
        let theirs = std::fs::read_to_string(other).unwrap();
        assert!(
            !refused.stderr.contains(theirs.trim()),
            "{}",
            refused.stderr
        );
    }
    data.run(&[
        "demo",
        "--voters",
        "800",
        "--invalid",
        "0.3",
        "--duplicates",
        "0.2",
        "--once",
    ])
    .refused(2, &["--require-credentials"]);

    let kept = data.path().with_file_name("kept.key");
    std::fs::rename(key_file(&data), &kept).unwrap();
    for step in &steps[..4] {
        data.run(step).refused(2, &["--key-file", "ELECTION_KEY"]);
    }
    assert!(!key_file(&data).exists(), "a key nobody asked for");
    let kept = kept.to_str().unwrap();
    data.run(&["audit", "--key-file", kept]).succeeds();
    let mut by_environment = data.command(&["audit"]);
    let key = std::fs::read_to_string(kept).unwrap();
    by_environment.env("ELECTION_KEY", key.trim());
    crate::support::Process::spawn(by_environment)
        .wait()
        .succeeds();
}

#[test]
fn credentials_are_written_only_where_they_are_required() {
    let data = DataDir::new();
    let file = data.path().with_file_name("credentials.csv");
    let options = ["demo", "--voters", "10", "--once", "--credentials"];
    data.run(&[&options[..], &[file.to_str().unwrap()]].concat())
        .refused(2, &["--require-credentials"]);
    assert!(!file.exists() && !key_file(&data).exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn where_ballots_are_secret_no_table_says_who_voted_for_whom() {
    let data = DataDir::new();
    let demo: Vec<&str> = DEMO
        .iter()
        .map(|option| match *option {
            "--require-credentials" => "--secret-ballots",
            other => other,
        })
        .collect();
    let report = data.run(&demo).succeeds().json();
    assert_adds_up(&report);
    assert_eq!(number(&report, "counted"), VOTERS);
    assert!(number(&report["rejected"], "duplicate") > 0);
    data.run(&["audit"]).succeeds();

    let roll: HashSet<String> = (0..VOTERS).map(|at| producer::voter_id(42, at)).collect();
    let names_nobody = |place: &str, text: &str| {
        let named = roll.iter().find(|voter| text.contains(voter.as_str()));
        assert_eq!(named, None, "{place} names a voter: {text}");
    };
    let key = key_of(&data).pseudonyms();
    let log = open_log(&data.path()).await;
    let rejected = read_topic(&log, topics::REJECTED_VOTES).await.concat();
    assert!(!rejected.is_empty());
    for record in rejected {
        names_nobody(
            topics::REJECTED_VOTES,
            &String::from_utf8_lossy(&record.value),
        );
        let key = record.key.unwrap_or_default();
        names_nobody(topics::REJECTED_VOTES, &String::from_utf8_lossy(&key));
    }
    log.close().await.unwrap();
    let database = Database::embedded(&data.path()).await;
    let rows = database
        .client
        .query("SELECT voter_id FROM votes", &[])
        .await
        .unwrap();
    let stored: HashSet<String> = rows.iter().map(|row| row.get(0)).collect();
    let pseudonyms: HashSet<String> = roll.iter().map(|voter| key.pseudonym(voter)).collect();
    assert_eq!(stored, pseudonyms);
    let rows = "SELECT voter_id, value FROM rejected_votes";
    for row in database.client.query(rows, &[]).await.unwrap() {
        names_nobody("rejected_votes", row.get(0));
        assert_eq!(row.get::<_, Vec<u8>>(1), b"");
    }
    database.close().await;
}
