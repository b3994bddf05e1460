//! Votes cast here arrive on Kafka, under the original names and in the tutorial's shapes.

use crate::kafka::broker::Broker;
use crate::kafka::carried::assert_all_carried;
use crate::kafka::election::{Cast, Election};
use crate::kafka::python::Python;
use crate::support::{assert_same, number, rejected_total, without_elapsed};

/// How many voters vote, if not 50,000.
const VOTERS_VARIABLE: &str = "ELECTION_KAFKA_VOTES";
const VOTERS: &str = "50000";

#[tokio::test(flavor = "multi_thread")]
async fn votes_arrive_under_the_original_names_and_python_finds_every_field() {
    let (Some(broker), Some(python)) = (Broker::start(), Python::ready()) else {
        return;
    };
    let voters = std::env::var(VOTERS_VARIABLE).unwrap_or(VOTERS.into());
    let election = Election::new(&broker, Cast::Here);
    let report = election
        .run(&["demo", "--once", "--json", "--voters", &voters])
        .succeeds()
        .json();
    let results = assert_all_carried(python, &broker, &election.data).await;
    assert_same(
        &without_elapsed(report),
        &results,
        "when it ended, and stored",
    );
    assert_eq!(number(&results, "voters").to_string(), voters);
    assert!(number(&results, "counted") > 0 && rejected_total(&results) > 0);

    // Run again, it has nothing to do, and does nothing.
    election.run(&["consumer", "--once"]).succeeds();
    let again = assert_all_carried(python, &broker, &election.data).await;
    assert_same(&again, &results, "run again");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_election_that_was_held_without_kafka_is_carried_over_later() {
    let (Some(broker), Some(python)) = (Broker::start(), Python::ready()) else {
        return;
    };
    // What is compressed with gzip, all clients read by themselves.
    let election = Election::compressed(&broker, "gzip");
    let demo = [
        "demo",
        "--once",
        "--json",
        "--voters",
        "500",
        "--partitions",
        "3",
    ];
    crate::support::Process::spawn(election.without_bridge(&demo))
        .wait()
        .succeeds();
    election.run(&["consumer", "--once"]).succeeds();
    assert_all_carried(python, &broker, &election.data).await;
}
