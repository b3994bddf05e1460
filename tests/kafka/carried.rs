//! What has to be on Kafka when everything is carried over: neither more nor less than is stored.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use wire::topics;

use crate::kafka::broker::{Broker, TOPICS};
use crate::kafka::python::Python;
use crate::kafka::scripts::{Seen, read_all};
use crate::support::{
    DataDir, Database, assert_adds_up, number, open_log, read_topic, rejected_total,
};

/// The aggregates' names here and on Kafka.
const AGGREGATES: [(&str, &str); 6] = [
    (
        topics::VOTES_PER_CANDIDATE,
        "aggregated_votes_per_candidate",
    ),
    (
        topics::TURNOUT_BY_LOCATION,
        "aggregated_turnout_by_location",
    ),
    (topics::VOTES_BY_PARTY, "aggregated_votes_by_party"),
    (topics::TURNOUT_BY_GENDER, "aggregated_turnout_by_gender"),
    (topics::TURNOUT_BY_AGE, "aggregated_turnout_by_age"),
    (topics::VOTES_BY_REGION, "aggregated_votes_by_region"),
];

/// Asserts that all of an embedded election is on the broker, which no process has open, and that the
/// newest aggregates there are its results. Returns the results.
pub async fn assert_all_carried(python: &Python, broker: &Broker, data: &DataDir) -> Value {
    let results = data.results();
    let seen = read_all(python, broker);
    let database = Database::embedded(&data.path()).await;
    assert_carried(&seen, &results, &database).await;
    database.close().await;

    let log = open_log(&data.path()).await;
    for (here, on_kafka) in AGGREGATES {
        let mut newest = serde_json::Map::new();
        for record in read_topic(&log, here).await.into_iter().flatten() {
            let key = String::from_utf8(record.key.unwrap().to_vec()).unwrap();
            newest.insert(key, serde_json::from_slice(&record.value).unwrap());
        }
        assert_eq!(
            seen.topics[on_kafka]["newest"],
            Value::Object(newest),
            "{here}"
        );
    }
    // A consumer that was killed publishes anew what it had not stored.
    let rejected = read_topic(&log, topics::REJECTED_VOTES).await;
    let rejected: u64 = rejected.iter().map(|records| records.len() as u64).sum();
    let on_kafka = &seen.topics["rejected_votes"];
    assert_eq!(number(on_kafka, "records"), rejected);
    log.close().await.unwrap();
    results
}

/// Asserts that what is stored of an election is on Kafka, and nothing else.
pub async fn assert_carried(seen: &Seen, results: &Value, database: &Database) {
    assert_adds_up(results);
    for name in TOPICS {
        let topic = &seen.topics[name];
        assert_eq!(
            topic["marked"], topic["records"],
            "{name}: each tells where it is from"
        );
    }

    let voters: Vec<String> = texts(database, "SELECT voter_id FROM voters")
        .await
        .into_iter()
        .map(|[voter_id]| voter_id)
        .collect();
    assert_eq!(voters.len() as u64, number(results, "voters"));
    assert!(
        sorted(seen.voters.clone()) == sorted(voters),
        "each voter once"
    );

    let votes = "SELECT voter_id, candidate_id, to_char(voting_time, 'YYYY-MM-DD HH24:MI:SS')
                 FROM votes";
    let votes: Vec<[String; 3]> = texts(database, votes).await;
    assert_eq!(seen.votes.len(), votes.len(), "the votes that count");
    assert!(
        sorted(seen.votes.clone()) == sorted(votes),
        "the votes that count"
    );

    let rejected = &seen.topics["rejected_votes"];
    let about = number(rejected, "records") - number(rejected, "repeated");
    assert_eq!(about, rejected_total(results));
    assert_eq!(rejected["reasons"], results["rejected"]);
    assert_newest(seen, results);
}

/// Asserts that the newest record per key of the aggregates is the result.
pub fn assert_newest(seen: &Seen, results: &Value) {
    let newest = |name: &str| seen.topics[name]["newest"].as_object().unwrap().clone();
    let counted = number(results, "counted");

    let per_candidate = newest("aggregated_votes_per_candidate");
    let mut parties: BTreeMap<&str, u64> = BTreeMap::new();
    for candidate in results["candidates"].as_array().unwrap() {
        let (id, votes) = (
            candidate["candidate_id"].as_str().unwrap(),
            number(candidate, "total_votes"),
        );
        // Nobody has told of a candidate whom nobody has voted for.
        if votes > 0 || per_candidate.contains_key(id) {
            assert_eq!(per_candidate[id], *candidate);
        }
        *parties
            .entry(candidate["party_affiliation"].as_str().unwrap())
            .or_default() += votes;
    }
    for (party, value) in newest("aggregated_votes_by_party") {
        assert_eq!(
            parties.remove(&*party),
            Some(number(&value, "total_votes")),
            "{party}"
        );
    }
    assert!(parties.values().all(|&votes| votes == 0), "{parties:?}");

    let locations = newest("aggregated_turnout_by_location");
    let expected: serde_json::Map<String, Value> = results["locations"]
        .as_array()
        .unwrap()
        .iter()
        .map(|location| (location["state"].as_str().unwrap().into(), location.clone()))
        .collect();
    assert_eq!(locations, expected);

    let regions: Vec<Value> = newest("aggregated_votes_by_region")
        .values()
        .map(|cell| {
            json!({
                "candidate_name": cell["candidate_name"],
                "state": cell["state"],
                "total_votes": cell["total_votes"],
            })
        })
        .collect();
    let cells = results["candidate_locations"].as_array().unwrap().clone();
    let text = |cells: Vec<Value>| sorted(cells.iter().map(Value::to_string).collect());
    assert_eq!(text(regions), text(cells));

    for name in ["aggregated_turnout_by_gender", "aggregated_turnout_by_age"] {
        let sum: u64 = newest(name)
            .values()
            .map(|group| number(group, "count"))
            .sum();
        assert_eq!(sum, counted, "{name}");
    }
}

/// The rows of a query of texts.
async fn texts<const N: usize>(database: &Database, query: &str) -> Vec<[String; N]> {
    let rows = database.client.query(query, &[]).await.unwrap();
    let row = |row: &tokio_postgres::Row| std::array::from_fn(|column| row.get(column));
    rows.iter().map(row).collect()
}

fn sorted<T: Ord>(mut items: Vec<T>) -> Vec<T> {
    items.sort();
    items
}
