//! The tutorial's own scripts, and any other client, vote on Kafka; the election counts exactly that.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::kafka::broker::Broker;
use crate::kafka::carried::assert_newest;
use crate::kafka::election::{Cast, Election};
use crate::kafka::python::Python;
use crate::kafka::scripts::{
    create_topics, make_voters, produce, read_all_as_it_is, start_voting, votes_said,
};
use crate::support::{Process, assert_adds_up, assert_same, number};

/// An election that is set up, and waits for voters and votes.
pub const INIT: [&str; 6] = [
    "producer",
    "init",
    "--candidates",
    "4",
    "--polls-open",
    "2024-01-01 00:00:00",
];
pub const CONSUMER: [&str; 2] = ["consumer", "--once"];
const VOTERS: usize = 1000;

/// Sets the election up, and writes its candidates into a file.
pub fn set_up(election: &Election<'_>) -> std::path::PathBuf {
    Process::spawn(election.without_bridge(&INIT))
        .wait()
        .succeeds();
    let results = election.data.results();
    election.data.file("candidates.json", results.to_string())
}

/// Votes per candidate in the results.
pub fn per_candidate(results: &Value) -> BTreeMap<String, u64> {
    let candidates = results["candidates"].as_array().unwrap().iter();
    candidates
        .map(|candidate| {
            let id = candidate["candidate_id"].as_str().unwrap();
            (id.to_owned(), number(candidate, "total_votes"))
        })
        .collect()
}

#[test]
fn what_the_tutorials_scripts_write_is_counted_exactly() {
    let (Some(broker), Some(python)) = (Broker::start(), Python::ready()) else {
        return;
    };
    let election = Election::new(&broker, Cast::OnKafka);
    let candidates = set_up(&election);
    create_topics(python, &broker);
    make_voters(python, &broker, VOTERS);
    let mut said = votes_said(start_voting(python, &broker, &candidates, VOTERS, &[]));
    assert_eq!(said.values().sum::<u64>(), VOTERS as u64);

    election.run(&CONSUMER).succeeds();
    let results = election.data.results();
    assert_adds_up(&results);
    assert_eq!(per_candidate(&results), said);
    assert_eq!(number(&results, "voters"), VOTERS as u64);
    assert_eq!(results["rejected"], json!({}));
    election.data.run(&["audit"]).succeeds();
    // Of what the scripts wrote, nothing has come back to Kafka; the results have.
    let seen = read_all_as_it_is(python, &broker);
    assert_newest(&seen, &results);
    for topic in ["voters_topic", "votes_topic"] {
        assert_eq!(number(&seen.topics[topic], "records"), VOTERS as u64);
        assert_eq!(number(&seen.topics[topic], "marked"), 0);
        assert_eq!(seen.topics[topic]["problems"], json!([]), "{topic}");
    }

    // Other clients write, too, and not only votes.
    let first = seen.votes[0].clone();
    let votes_topic = broker.topic("votes_topic");
    let vote = |voter: &str| {
        json!({ "voter_id": voter, "candidate_id": first[1], "vote": 1,
                "voting_time": "2024-07-04 12:00:00", "address": { "state": "Fife" } })
    };
    let with = |voter: &str, field: &str, value: Value| {
        let mut vote = vote(voter);
        match value {
            Value::Null => vote.as_object_mut().unwrap().remove(field),
            value => vote.as_object_mut().unwrap().insert(field.into(), value),
        };
        vote
    };
    let record =
        |key: Value, value: Value| json!({ "topic": votes_topic, "key": key, "value": value });
    let text = |value: Value| Value::String(value.to_string());
    let mut records = vec![
        // Two votes: what the key is does not matter on Kafka.
        record(Value::Null, text(vote("keyless"))),
        record("another".into(), text(vote("another-key"))),
        // And malformed records.
        record("nobody".into(), "not json".into()),
        record("deleted".into(), Value::Null),
        record("m1".into(), text(with("m1", "candidate_id", Value::Null))),
        record("m2".into(), text(with("m2", "voting_time", json!(1)))),
        record("w".into(), text(with("w", "vote", json!(2)))),
        record("u".into(), text(with("u", "candidate_id", json!("nobody")))),
        record(
            "p".into(),
            text(with("p", "voting_time", json!("2023-07-04 12:00:00"))),
        ),
        record(first[0].clone().into(), text(vote(&first[0]))),
    ];
    let mut marked = record("echo".into(), text(vote("echo")));
    marked["headers"] = json!({ "election-fluvio": "votes/0/0/-1/another" });
    records.push(marked);
    produce(
        python,
        &broker,
        &election.data.file("records", ""),
        &records,
    );
    *said.get_mut(&first[1]).unwrap() += 2;

    for what in ["what others write", "run again"] {
        election.run(&CONSUMER).succeeds();
        let results = election.data.results();
        assert_adds_up(&results);
        assert_eq!(per_candidate(&results), said, "{what}");
        let expected = json!({
            "malformed": 4,
            "invalid_weight": 1,
            "unknown_candidate": 1,
            "polls_closed": 1,
            "duplicate": 1,
        });
        assert_eq!(results["rejected"], expected, "{what}");
        // The marked record is the bridge's own, and not taken in.
        assert_eq!(number(&results, "cast"), VOTERS as u64 + 10, "{what}");
        election.data.run(&["audit"]).succeeds();
    }
    let seen = read_all_as_it_is(python, &broker);
    assert_newest(&seen, &election.data.results());
    assert_eq!(
        seen.topics["rejected_votes"]["reasons"],
        election.data.results()["rejected"]
    );
}

#[test]
fn votes_are_counted_while_the_tutorials_script_still_casts_them() {
    let (Some(broker), Some(python)) = (Broker::start(), Python::ready()) else {
        return;
    };
    let election = Election::new(&broker, Cast::OnKafka);
    let candidates = set_up(&election);
    create_topics(python, &broker);
    let mut command = election.command(&["consumer"]);
    command.env("RUST_LOG", "consumer=trace");
    let mut consumer = Process::spawn(command);
    make_voters(python, &broker, 200);
    let voting = start_voting(python, &broker, &candidates, 200, &["--pause", "0.01"]);
    consumer.wait_for_stderr("next_offset");
    let said = votes_said(voting);
    consumer.terminate();
    consumer.wait().succeeds();
    election.run(&CONSUMER).succeeds();
    let results = election.data.results();
    assert_eq!(per_candidate(&results), said);
    assert_same(
        &results,
        &election.data.run(&["recount", "--json"]).succeeds().json(),
        "counted again",
    );
}
