//! Whatever lies in `votes`, each record ends as counted or as rejected with its reason and its
//! place in the log, in the tally and in the rows alike.

use std::collections::BTreeMap;

use crate::support::{DataDir, Database, assert_adds_up, number, open_log, read_topic};
use ballot::Reason;
use platform::{NewRecord, Platform};
use serde_json::json;
use wire::{RejectedVote, topics};

const SEED: u64 = 5;
const CANDIDATES: usize = 3;
const INIT: &[&str] = &[
    "producer",
    "init",
    "--seed",
    "5",
    "--candidates",
    "3",
    "--partitions",
    "2",
    "--polls-open",
    "2024-07-04 07:00:00",
    "--polls-close",
    "2024-07-04 22:00:00",
];
/// Bytes of a rejected vote that are kept in the database and in `rejected-votes`.
const KEPT_BYTES: usize = 64 * 1024;

/// What has to become of a record: a row of `votes` (voter), or one of `rejected_votes` (the reason,
/// and the voter it names).
type Verdict = Result<String, (Reason, String)>;

/// The records of a test, in the order they are produced, with what has to become of them.
struct Records {
    candidate: String,
    expected: BTreeMap<(Option<Vec<u8>>, Vec<u8>), Verdict>,
    to_produce: Vec<NewRecord>,
}

impl Records {
    fn new() -> Records {
        Records {
            candidate: producer::candidates(SEED, CANDIDATES)[0]
                .candidate_id
                .clone(),
            expected: BTreeMap::new(),
            to_produce: Vec::new(),
        }
    }

    /// A valid vote's text.
    fn vote(&self, voter: &str) -> String {
        json!({
            "voter_id": voter,
            "candidate_id": self.candidate,
            "voting_time": "2024-07-04 12:00:00",
            "vote": 1,
            "gender": "female",
            "registered_age": 40,
            "address": { "state": "Fife" },
        })
        .to_string()
    }

    /// Each record is another one, so that it is found in the log by key and value.
    fn add(&mut self, key: Option<&[u8]>, value: impl Into<Vec<u8>>, verdict: Verdict) {
        let record = NewRecord {
            key: key.map(Into::into),
            value: value.into(),
        };
        let place = (record.key.clone(), record.value.clone());
        let before = self.expected.insert(place, verdict);
        assert_eq!(before, None, "each record is there once: {record:?}");
        self.to_produce.push(record);
    }

    /// A record with the key of `voter`, which counts.
    fn counts(&mut self, voter: &str, value: impl Into<Vec<u8>>) {
        self.add(Some(voter.as_bytes()), value, Ok(voter.into()));
    }

    /// A record with the key of `voter`, which is rejected; unless it is malformed it names `voter`.
    fn rejected(&mut self, reason: Reason, voter: &str, value: impl Into<Vec<u8>>) {
        let named = match reason {
            Reason::Malformed => "",
            _ => voter,
        };
        self.add(Some(voter.as_bytes()), value, Err((reason, named.into())));
    }

    fn first_batch(&mut self) {
        let vote = |records: &Records, voter: &str| records.vote(voter);
        let mut counting: Vec<(&str, String)> = Vec::new();
        counting.push(("plain", vote(self, "plain")));
        counting.push((
            "bare",
            format!(
                r#"{{"voter_id":"bare","candidate_id":"{}","voting_time":"2024-07-04 12:00:00","vote":1}}"#,
                self.candidate
            ),
        ));
        counting.push((
            "escaped",
            vote(self, "escaped").replace("escaped", r"e\u0073caped"),
        ));
        counting.push(("spaced", format!("\n {} \r\n\t", vote(self, "spaced"))));
        let odd = "o\"d\\d, 'id'; $1 \u{1F5F3}";
        counting.push((odd, vote(self, odd)));
        let longest = "l".repeat(255);
        counting.push((&longest, vote(self, &longest)));
        for (voter, time) in [("first", "07:00:00"), ("last", "21:59:59")] {
            counting.push((voter, vote(self, voter).replace("12:00:00", time)));
        }
        for (voter, field) in [
            ("stateless", r#""state":"a\u0000b""#),
            ("statelessly", r#""state":[1e999]"#),
        ] {
            counting.push((voter, vote(self, voter).replace(r#""state":"Fife""#, field)));
        }
        let padding = format!(r#"{{"padding":"{}","#, "x".repeat(1_000_000));
        counting.push(("large", vote(self, "large").replacen('{', &padding, 1)));
        for (voter, value) in counting {
            self.counts(voter, value);
        }

        let mut malformed: Vec<Vec<u8>> = Vec::new();
        let sample = vote(self, "m");
        for end in [0, 1, sample.len() / 2, sample.len() - 1] {
            malformed.push(sample[..end].into());
        }
        for (from, to) in [
            (r#""vote":1"#, r#""vote":"1""#),
            (r#""vote":1"#, r#""vote":1.0"#),
            (r#""vote":1"#, r#""vote":true"#),
            (r#""vote":1"#, r#""vote":null"#),
            (r#""vote":1"#, r#""vote":1,"vote":1"#),
            (r#""voter_id":"m""#, r#""voter_id":7"#),
            (r#""voter_id":"m""#, r#""voter_id":"""#),
            (r#""voter_id":"m""#, r#""voter_id":"m\u0000m""#),
            (r#""voter_id":"m""#, "\"voter_id\":\"m\0\""),
            (r#""voter_id":"m""#, r#""voter":"m""#),
            (
                r#""voting_time":"2024-07-04 12:00:00""#,
                r#""voting_time":1"#,
            ),
            ("2024-07-04 12:00:00", "2024-07-04T12:00:00"),
            ("2024-07-04", "2024-02-30"),
        ] {
            let changed = sample.replace(from, to);
            assert_ne!(changed, sample, "{from} is there");
            malformed.push(changed.into());
        }
        malformed.push(sample.replace("Fife", "\u{fffd}").into_bytes());
        let invalid_utf8 = malformed.last_mut().unwrap();
        let at = invalid_utf8.iter().position(|&byte| byte == 0xef).unwrap();
        invalid_utf8[at] = 0xff;
        malformed.push(format!("{sample}{sample}").into());
        malformed.push(format!("[{sample}]").into());
        malformed.push(
            sample
                .replace("\"m\"", &format!("\"{}\"", "m".repeat(256)))
                .into(),
        );
        malformed.push(vec![b'x'; 1_000_000]);
        malformed.push(vec![0xff; 100_000]);
        malformed.push((0..=255).collect());
        malformed.extend(["null", "1", "{}"].map(Into::into));
        for value in malformed {
            self.rejected(Reason::Malformed, "m", value);
        }
        let with_nul = vote(self, "n\0l");
        self.rejected(Reason::Malformed, "n\0l", with_nul);

        for (voter, weight) in [
            ("w2", "2"),
            ("w0", "0"),
            ("w-1", "-1"),
            ("wx", "18446744073709551615"),
        ] {
            let vote = vote(self, voter).replace(r#""vote":1"#, &format!(r#""vote":{weight}"#));
            self.rejected(Reason::InvalidWeight, voter, vote);
        }
        for (voter, candidate) in [
            ("u1", "nobody".to_owned()),
            ("u2", self.candidate.to_uppercase()),
            ("u3", format!(" {}", self.candidate)),
        ] {
            let vote = vote(self, voter).replace(&self.candidate, &candidate);
            self.rejected(Reason::UnknownCandidate, voter, vote);
        }
        for (voter, time) in [
            ("early", "2024-07-04 06:59:59"),
            ("late", "2024-07-04 22:00:00"),
            ("earliest", "0000-01-01 00:00:00"),
            ("latest", "9999-12-31 23:59:59"),
        ] {
            let vote = vote(self, voter).replace("2024-07-04 12:00:00", time);
            self.rejected(Reason::PollsClosed, voter, vote);
        }

        // The key must be the voter's. A vote under another's key takes nothing from either.
        let stolen = vote(self, "victim");
        let wrong_key = |voter: &str| Err((Reason::WrongKey, voter.to_owned()));
        self.add(Some(b"thief"), stolen.clone(), wrong_key("victim"));
        self.add(Some(b"victim "), stolen.clone(), wrong_key("victim"));
        self.add(Some(b""), stolen.clone(), wrong_key("victim"));
        self.add(Some(b"\xff\0"), stolen.clone(), wrong_key("victim"));
        self.add(None, stolen.clone(), wrong_key("victim"));
        self.counts("victim", stolen);
        let of_thief = vote(self, "thief");
        self.counts("thief", of_thief);

        // The first reason that applies is given.
        let bad = vote(self, "bad")
            .replace(r#""vote":1"#, r#""vote":2"#)
            .replace(&self.candidate, "nobody")
            .replace("12:00", "23:00");
        self.add(Some(b"other"), bad.clone(), wrong_key("bad"));
        self.rejected(Reason::InvalidWeight, "bad", bad.clone());
        let bad = bad.replace(r#""vote":2"#, r#""vote":1"#);
        self.rejected(Reason::UnknownCandidate, "bad", bad);
        let good = vote(self, "bad");
        self.counts("bad", good);

        let again = vote(self, "plain").replace("12:00:00", "12:00:01");
        self.rejected(Reason::Duplicate, "plain", again);
        let changed_mind = vote(self, "victim").replace("Fife", "Kent");
        self.rejected(Reason::Duplicate, "victim", changed_mind);
    }

    fn second_batch(&mut self) {
        let again = self.vote("plain").replace("12:00:00", "12:00:02");
        self.rejected(Reason::Duplicate, "plain", again);
        let again = self.vote("large");
        self.rejected(Reason::Duplicate, "large", again);
        let vote = self.vote("newcomer");
        self.counts("newcomer", vote);
        self.rejected(Reason::Malformed, "newcomer", "");
        let again = self.vote("newcomer").replace("Fife", "Kent");
        self.rejected(Reason::Duplicate, "newcomer", again);
        // A voter with only rejected votes may still vote.
        let vote = self.vote("w2");
        self.counts("w2", vote);
    }

    async fn produce(&mut self, data: &DataDir) {
        let log = open_log(&data.path()).await;
        let records = std::mem::take(&mut self.to_produce);
        log.produce(topics::VOTES, records).await.unwrap();
        log.close().await.unwrap();
    }

    /// Compares log, report, rows and topic with what has to be.
    async fn check(&self, data: &DataDir) {
        let mut votes = BTreeMap::new();
        let mut rejected = BTreeMap::new();
        let log = open_log(&data.path()).await;
        for (partition, records) in (0..).zip(read_topic(&log, topics::VOTES).await) {
            for record in records {
                let key = record.key.as_ref().map(|key| key.to_vec());
                let value = record.value.to_vec();
                match self.expected[&(key, value.clone())].clone() {
                    Ok(voter) => {
                        votes.insert((partition, record.offset), voter);
                    }
                    Err((reason, voter)) => {
                        rejected.insert((partition, record.offset), (reason, voter, value));
                    }
                }
            }
        }
        assert_eq!(votes.len() + rejected.len(), self.expected.len());

        let published = read_topic(&log, topics::REJECTED_VOTES).await;
        log.close().await.unwrap();
        let mut topic = BTreeMap::new();
        for record in published.into_iter().flatten() {
            let vote: RejectedVote = serde_json::from_slice(&record.value).unwrap();
            assert_eq!(record.key.unwrap(), vote.voter_id.as_bytes());
            let place = (vote.partition as i32, vote.offset);
            let before = topic.insert(place, vote);
            assert_eq!(before, None, "one record a rejected vote");
        }
        assert_eq!(
            topic.keys().collect::<Vec<_>>(),
            rejected.keys().collect::<Vec<_>>()
        );

        let database = Database::embedded(&data.path()).await;
        let rows = database
            .client
            .query(
                r#"SELECT "partition", log_offset, voter_id, candidate_id FROM votes"#,
                &[],
            )
            .await
            .unwrap();
        let vote_rows: BTreeMap<(i32, i64), String> = rows
            .iter()
            .map(|row| {
                assert_eq!(row.get::<_, &str>(3), self.candidate);
                ((row.get(0), row.get(1)), row.get(2))
            })
            .collect();
        assert_eq!(vote_rows, votes);

        let rows = database
            .client
            .query(
                r#"SELECT "partition", log_offset, reason, voter_id, value, value_bytes
                   FROM rejected_votes"#,
                &[],
            )
            .await
            .unwrap();
        database.close().await;
        assert_eq!(rows.len(), rejected.len());
        let mut by_reason: BTreeMap<&str, u64> = BTreeMap::new();
        for row in &rows {
            let place: (i32, i64) = (row.get(0), row.get(1));
            let (reason, voter, value) = &rejected[&place];
            let kept = &value[..value.len().min(KEPT_BYTES)];
            let what = String::from_utf8_lossy(&kept[..kept.len().min(300)]);
            assert_eq!(row.get::<_, &str>(2), reason.as_str(), "{what}");
            assert_eq!(row.get::<_, &str>(3), voter, "{what}");
            assert!(row.get::<_, &[u8]>(4) == kept, "{what}");
            assert_eq!(row.get::<_, i32>(5), value.len() as i32, "{what}");
            let published = &topic[&place];
            assert_eq!((published.reason, &published.voter_id), (*reason, voter));
            assert!(published.value == String::from_utf8_lossy(kept), "{what}");
            assert_eq!(published.value_bytes, value.len(), "{what}");
            *by_reason.entry(reason.as_str()).or_default() += 1;
        }

        let results = data.results();
        assert_adds_up(&results);
        assert_eq!(number(&results, "cast"), self.expected.len() as u64);
        assert_eq!(number(&results, "counted"), votes.len() as u64);
        assert_eq!(results["rejected"], json!(by_reason));
        let recount = data.run(&["recount", "--json"]).succeeds().json();
        assert_eq!(recount, results);
        data.run(&["audit"]).succeeds();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_record_is_counted_or_rejected_with_its_reason_and_place() {
    let data = DataDir::new();
    data.run(INIT).succeeds();
    let mut records = Records::new();
    records.first_batch();
    records.produce(&data).await;
    data.run(&["consumer", "--once"]).succeeds();
    records.check(&data).await;

    // A later run goes on where the first ended: nothing is counted, published or stored twice.
    records.second_batch();
    records.produce(&data).await;
    data.run(&["consumer", "--once"]).succeeds();
    records.check(&data).await;
    data.run(&["consumer", "--once"]).succeeds();
    records.check(&data).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn votes_at_both_ends_of_the_calendar_are_votes() {
    let data = DataDir::new();
    let mut init = INIT[..INIT.len() - 4].to_vec();
    init.extend(["--polls-open", "0000-01-01 00:00:00"]);
    data.run(&init).succeeds();
    let mut records = Records::new();
    for (voter, time) in [
        ("earliest", "0000-01-01 00:00:00"),
        ("leap", "2000-02-29 23:59:59"),
        ("latest", "9999-12-31 23:59:59"),
    ] {
        let vote = records.vote(voter).replace("2024-07-04 12:00:00", time);
        records.counts(voter, vote);
    }
    records.produce(&data).await;
    data.run(&["consumer", "--once"]).succeeds();
    records.check(&data).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_roll_with_records_that_are_no_voters_stops_nobody() {
    let data = DataDir::new();
    data.run(INIT).succeeds();
    let no_voters: Vec<Vec<u8>> = vec![
        b"".into(),
        b"{\"voter_id\":".into(),
        b"[]".into(),
        b"{\"voter_id\":\"\"}".into(),
        b"{\"voter_id\":\"x\",\"registered_age\":\"\\u0000\"}".into(),
        vec![0xff; 10_000],
    ];
    let mut records: Vec<NewRecord> = no_voters
        .iter()
        .map(|value| NewRecord {
            key: Some(b"x".into()),
            value: value.clone(),
        })
        .collect();
    for voter in [
        json!({ "voter_id": "v1", "voter_name": "A\0B", "address": { "state": "Fife" } }),
        json!({ "voter_id": "v2" }),
        json!({ "voter_id": "v2", "voter_name": "again" }),
    ] {
        records.push(NewRecord {
            key: voter["voter_id"].as_str().map(Into::into),
            value: voter.to_string().into(),
        });
    }
    let log = open_log(&data.path()).await;
    log.produce(topics::VOTERS, records).await.unwrap();
    log.close().await.unwrap();
    let options = ["--duplicates", "0", "--invalid", "0"];
    data.run(&[&["producer", "votes"][..], &options].concat())
        .succeeds();
    data.run(&["consumer", "--once"]).succeeds();

    let results = data.results();
    assert_adds_up(&results);
    assert_eq!(number(&results, "voters"), 2);
    let database = Database::embedded(&data.path()).await;
    let rows = database
        .client
        .query("SELECT value FROM rejected_voters", &[])
        .await
        .unwrap();
    database.close().await;
    let mut kept: Vec<Vec<u8>> = rows.iter().map(|row| row.get(0)).collect();
    let mut expected: Vec<Vec<u8>> = no_voters
        .into_iter()
        .map(|value| value[..value.len().min(4096)].into())
        .collect();
    kept.sort();
    expected.sort();
    assert!(kept == expected, "each is kept");
    data.run(&["audit"]).succeeds();
}
