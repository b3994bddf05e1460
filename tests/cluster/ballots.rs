//! Elections with contests of their own on a cluster: three contests with precincts and groups, and the rounds of a real
//! ranked election.

use serde_json::Value;
use testing::rctab_data;

use crate::cluster::installation::Installation;
use crate::definition::{CITY_FILE, assert_city_adds_up};
use crate::recorded_ballots::rounds_of_demo;
use crate::support::{DataDir, assert_same, number, without_elapsed};

/// Voters of the city.
const VOTERS: &str = "20000";

#[test]
fn a_definition_of_three_contests_has_the_same_numbers_on_a_cluster() {
    let Some(installation) = Installation::start() else {
        return;
    };
    let demo = format!("demo --definition {CITY_FILE} --voters {VOTERS} --once --json");
    let args: Vec<&str> = demo.split(' ').collect();
    let expected = DataDir::new().run(&args).succeeds().json();
    assert_city_adds_up(&expected);
    let report = installation.run("election", &demo).succeeds().json();
    let expected = without_elapsed(expected);
    assert_same(&expected, &without_elapsed(report), "the demo on a cluster");
    assert_same(&expected, &installation.results(), "what is stored");
    installation.run("election", "audit").succeeds();
}

#[test]
fn the_rounds_of_minneapolis_2013_are_the_official_ones_on_a_cluster() {
    let (Some(data), Some(installation)) = (rctab_data(), Installation::start()) else {
        return;
    };
    let mayor = data.join("2013_minneapolis_mayor");
    let config = mayor.join("2013_minneapolis_mayor_config.json");
    let demo = format!("demo --cvr {} --once --json", config.display());
    let report = installation.run("election", &demo).succeeds().json();
    assert_eq!(number(&report, "counted"), 80_101);

    let expected = mayor.join("2013_minneapolis_mayor_expected_detailed_report.json");
    let expected: Value = serde_json::from_slice(&std::fs::read(expected).unwrap()).unwrap();
    let tally = |round: &Value| (round["tally"].clone(), round["threshold"].clone());
    let expected: Vec<_> = (expected["results"].as_array().unwrap().iter())
        .map(tally)
        .collect();
    let rounds: Vec<_> = rounds_of_demo(&report).iter().map(tally).collect();
    assert_eq!(rounds, expected);
    installation.run("election", "audit").succeeds();
}
