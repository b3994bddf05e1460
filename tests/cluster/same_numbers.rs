//! The same seed gives the same numbers, wherever and however the election runs.

use serde_json::Value;

use crate::cluster::installation::Installation;
use crate::support::{DataDir, assert_adds_up, assert_same, number, without_elapsed};

/// With these, every reason to reject a vote occurs.
const VOTES: &str = "--invalid 0.2 --duplicates 0.2";
const VOTERS: u64 = 3_000;
const SEED: u64 = 7;
/// A small election, for what does not depend on its size.
const FEW_VOTERS: u64 = 300;
/// How often an election is begun anew: each time, all topics are deleted and made again.
const TIMES_FRESH: u64 = 4;

fn demo(seed: u64, voters: u64) -> String {
    format!("demo --seed {seed} --voters {voters} {VOTES} --once --json")
}

/// The numbers of an embedded election.
fn embedded(seed: u64, voters: u64) -> Value {
    let demo = demo(seed, voters);
    let args: Vec<&str> = demo.split(' ').collect();
    let report = DataDir::new().run(&args).succeeds().json();
    assert_adds_up(&report);
    assert_eq!(number(&report, "voters"), voters);
    without_elapsed(report)
}

/// What is stored, audited and recounted must be what was expected.
#[track_caller]
fn assert_stored(installation: &Installation, expected: &Value, what: &str) {
    assert_same(expected, &installation.results(), what);
    installation.run("election", "audit").succeeds();
    let recounted = installation.run("election", "recount --json");
    assert_same(expected, &recounted.succeeds().json(), what);
}

#[test]
fn one_process_and_several_on_a_cluster_and_none_have_the_same_numbers() {
    let Some(installation) = Installation::start() else {
        return;
    };
    let expected = embedded(SEED, VOTERS);

    for args in [
        format!("init --seed {SEED}"),
        format!("voters --voters {VOTERS}"),
        format!("votes {VOTES}"),
    ] {
        let run = installation.run("producer", &args).succeeds();
        eprintln!("producer {args}:\n{}", run.stderr);
    }
    let run = installation.run("consumer", "--once").succeeds();
    eprintln!("consumer --once:\n{}", run.stderr);
    assert_stored(&installation, &expected, "separate processes");

    // What `producer init` set up is no demo.
    let demo = demo(SEED, VOTERS);
    let refused = installation.run("election", &demo);
    refused.refused(2, &["another election", "--fresh"]);
    assert_stored(&installation, &expected, "after the refusal");

    // By options this time, not by the environment.
    let (cluster, url) = (installation.cluster.endpoint(), installation.database_url());
    let places = format!("--platform fluvio --cluster {cluster} --database-url {url}");
    let demo = format!("{demo} --fresh {places}");
    let command = installation.command_without_places("election", demo.split(' '));
    let report = crate::support::Process::spawn(command).wait();
    let report = without_elapsed(report.succeeds().json());
    assert_same(&expected, &report, "the demo on a cluster");
    assert_stored(&installation, &expected, "the demo on a cluster");
    let left = std::fs::read_dir(installation.directory()).unwrap();
    assert_eq!(left.count(), 0, "a cluster's demo needs no data directory");
}

#[test]
fn a_cluster_without_a_database_server_has_the_same_numbers() {
    let Some(installation) = Installation::without_database() else {
        return;
    };
    let demo = demo(SEED, FEW_VOTERS);
    let report = installation.run("election", &demo).succeeds().json();
    let expected = embedded(SEED, FEW_VOTERS);
    assert_same(&expected, &without_elapsed(report), "the demo");
    assert_stored(&installation, &expected, "the demo");
    let data = installation.directory().join("data");
    assert!(data.join("postgres").is_dir(), "the database is embedded");
    assert!(!data.join("log").exists(), "the log is not");
}

#[test]
fn a_demo_is_there_already_refuses_another_and_is_begun_anew_again_and_again() {
    let Some(installation) = Installation::start() else {
        return;
    };
    let run = |args: &str| installation.run("election", args);
    let [expected, others] = [SEED, SEED + 1].map(|seed| embedded(seed, FEW_VOTERS));
    let first = run(&demo(SEED, FEW_VOTERS)).succeeds().json();
    assert_same(&expected, &without_elapsed(first), "the first demo");
    let again = run(&demo(SEED, FEW_VOTERS)).succeeds().json();
    assert_same(&expected, &without_elapsed(again), "run again");

    let another = demo(SEED + 1, FEW_VOTERS);
    run(&another).refused(2, &["another election", "--fresh"]);
    run(&format!("{} --partitions 3", demo(SEED, FEW_VOTERS)))
        .refused(2, &["another election", "--fresh"]);
    assert_stored(&installation, &expected, "after the refusals");

    for time in 1..=TIMES_FRESH {
        // The other election's and this one's in turn, so that what is left of one would be seen.
        let (seed, expected) = match time % 2 {
            0 => (SEED, &expected),
            _ => (SEED + 1, &others),
        };
        let what = format!("begun anew for the {time}. time");
        let fresh = format!("{} --fresh --partitions {time}", demo(seed, FEW_VOTERS));
        let report = run(&fresh).succeeds();
        eprintln!("{what}:\n{}", report.stderr);
        assert_same(expected, &without_elapsed(report.json()), &what);
        run("audit").succeeds();
    }
    assert_stored(&installation, &expected, "at last");
}
