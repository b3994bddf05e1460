//! What the scripts do, and what they say about it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde_json::Value;

use crate::kafka::broker::Broker;
use crate::kafka::python::Python;
use crate::support::Process;

/// What a client has read of all topics.
pub struct Seen {
    /// By original name.
    pub topics: Value,
    /// `voter_id, candidate_id, voting_time` of each record of `votes_topic`.
    pub votes: Vec<[String; 3]>,
    /// Of each record of `voters_topic`.
    pub voters: Vec<String>,
}

/// Creates the topics that the tutorial's scripts write to. Not with as many partitions as the
/// election's own topics have.
pub fn create_topics(python: &Python, broker: &Broker) {
    let topics = [
        format!("{}:2", broker.topic("voters_topic")),
        format!("{}:3", broker.topic("votes_topic")),
    ];
    let args = [
        "--bootstrap",
        broker.bootstrap(),
        "create",
        &topics[0],
        &topics[1],
    ];
    python.start("topics.py", &args).wait().succeeds();
}

/// The tutorial's `main.py`.
pub fn make_voters(python: &Python, broker: &Broker, voters: usize) {
    make_voters_with(python, broker, voters, &[]);
}

/// The tutorial's `main.py`, which waits for all voters' delivery instead of each one's.
pub fn make_voters_together(python: &Python, broker: &Broker, voters: usize) {
    make_voters_with(python, broker, voters, &["--together"]);
}

fn make_voters_with(python: &Python, broker: &Broker, voters: usize, more: &[&str]) {
    let (topic, voters) = (broker.topic("voters_topic"), voters.to_string());
    let mut args = vec![
        "--bootstrap",
        broker.bootstrap(),
        "--topic",
        &topic,
        "--voters",
        &voters,
    ];
    args.extend(more);
    python.start("tutorial_main.py", &args).wait().succeeds();
}

/// The tutorial's `voting.py`; `candidates` is a file of `results --json`.
pub fn start_voting(
    python: &Python,
    broker: &Broker,
    candidates: &Path,
    votes: usize,
    more: &[&str],
) -> Process {
    let (voters_topic, votes_topic) = (broker.topic("voters_topic"), broker.topic("votes_topic"));
    let votes = votes.to_string();
    let mut args = vec![
        "--bootstrap",
        broker.bootstrap(),
        "--voters-topic",
        &voters_topic,
        "--votes-topic",
        &votes_topic,
        "--candidates",
        candidates.to_str().unwrap(),
        "--votes",
        &votes,
    ];
    args.extend(more);
    python.start("tutorial_voting.py", &args)
}

/// Votes per candidate, as `voting.py` says that it has written them.
#[track_caller]
pub fn votes_said(voting: Process) -> BTreeMap<String, u64> {
    let said = voting.wait().succeeds().json();
    serde_json::from_value(said["per_candidate"].clone()).unwrap()
}

/// Produces records, each an object of `topic`, `key`, `value` and perhaps `headers`.
#[track_caller]
pub fn produce(python: &Python, broker: &Broker, file: &Path, records: &[Value]) {
    let lines: Vec<String> = records.iter().map(Value::to_string).collect();
    std::fs::write(file, lines.join("\n")).unwrap();
    let args = ["--bootstrap", broker.bootstrap(), file.to_str().unwrap()];
    python.start("produce.py", &args).wait().succeeds();
}

/// Reads every topic by both clients, which must see the same, and find nothing wrong with it.
#[track_caller]
pub fn read_all(python: &Python, broker: &Broker) -> Seen {
    let seen = read_all_as_it_is(python, broker);
    for (name, topic) in seen.topics.as_object().unwrap() {
        assert_eq!(topic["problems"], serde_json::json!([]), "{name}");
    }
    seen
}

/// Reads every topic by both clients, which must see the same.
#[track_caller]
pub fn read_all_as_it_is(python: &Python, broker: &Broker) -> Seen {
    let (seen, summaries) = read_by(python, broker, &[LIBRDKAFKA, KAFKA_PYTHON]);
    for (name, topic) in summaries[KAFKA_PYTHON].as_object().unwrap() {
        assert_eq!(
            *topic, seen.topics[name],
            "kafka-python sees another `{name}`"
        );
    }
    seen
}

/// Reads every topic while records still come: by one client, for the other would see more.
#[track_caller]
pub fn read_all_so_far(python: &Python, broker: &Broker) -> Seen {
    read_by(python, broker, &[LIBRDKAFKA]).0
}

/// The clients of Python.
const LIBRDKAFKA: &str = "confluent-kafka";
const KAFKA_PYTHON: &str = "kafka-python";

/// What librdkafka sees, and the topics as each of the clients sees them.
#[track_caller]
fn read_by(python: &Python, broker: &Broker, clients: &[&str]) -> (Seen, Value) {
    let directory = tempfile::tempdir().unwrap();
    let lists = directory.path().to_str().unwrap();
    let mut args = vec![
        "--bootstrap",
        broker.bootstrap(),
        "--suffix",
        broker.suffix(),
        "--lists",
        lists,
        "--clients",
    ];
    args.extend(clients);
    let summaries = python.start("read_all.py", &args).wait().succeeds().json();
    let read = |name: &str| std::fs::read_to_string(directory.path().join(name)).unwrap();
    let vote = |line: &str| {
        let fields: Vec<String> = line.split('\t').map(str::to_owned).collect();
        fields.try_into().unwrap()
    };
    let seen = Seen {
        topics: summaries[LIBRDKAFKA].clone(),
        votes: read("votes.tsv").lines().map(vote).collect(),
        voters: read("voters.tsv").lines().map(str::to_owned).collect(),
    };
    let voters: BTreeSet<&str> = seen.votes.iter().map(|vote| &*vote[0]).collect();
    eprintln!(
        "on Kafka: {} voters, {} votes of {} voters, {} rejected",
        seen.voters.len(),
        seen.votes.len(),
        voters.len(),
        seen.topics["rejected_votes"]["records"]
    );
    (seen, summaries)
}
