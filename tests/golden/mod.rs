//! The tutorial's election of a seed comes to the same figures in every version.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use wire::topics;

use crate::support::{DataDir, assert_same, open_log, read_topic, without_elapsed};

/// Every reason to reject a vote occurs, and nothing depends on the day.
const DEMO: &[&str] = &[
    "demo",
    "--seed",
    "7",
    "--voters",
    "5000",
    "--candidates",
    "4",
    "--invalid",
    "0.2",
    "--duplicates",
    "0.2",
    "--polls-open",
    "2024-07-04 07:00:00",
    "--once",
    "--json",
    "--port",
    "0",
];

/// Made before the ballot became data.
const GOLDEN: &str = include_str!("tutorial.json");

#[tokio::test]
async fn a_seed_gives_the_same_figures_in_every_version() {
    let data = DataDir::new();
    let report = data.run(DEMO).succeeds().json();
    let mut published = BTreeMap::new();
    let platform = open_log(&data.path()).await;
    for topic in topics::AGGREGATES {
        let mut newest: BTreeMap<String, Value> = BTreeMap::new();
        for record in read_topic(&platform, topic).await.into_iter().flatten() {
            let key = String::from_utf8(record.key.unwrap().to_vec()).unwrap();
            newest.insert(key, serde_json::from_slice(&record.value).unwrap());
        }
        published.insert(topic, newest);
    }
    let found = json!({ "report": without_elapsed(report), "published": published });
    let golden: Value = serde_json::from_str(GOLDEN).unwrap();
    assert_same(&found["published"], &golden["published"], "published");
    for (key, value) in golden["report"].as_object().unwrap() {
        assert_eq!(&found["report"][key], value, "report: `{key}`");
    }
}
