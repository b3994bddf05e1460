//! `kill -9` of the bridge, and of the broker, at any moment and both ways: every vote once.

use std::time::{Duration, Instant};

use rand::RngExt;
use rand::rngs::StdRng;
use serde_json::json;

use crate::kafka::broker::Broker;
use crate::kafka::carried::{assert_all_carried, assert_newest};
use crate::kafka::election::{Cast, Election};
use crate::kafka::inbound::{CONSUMER, per_candidate, set_up};
use crate::kafka::python::Python;
use crate::kafka::scripts::{
    create_topics, make_voters, make_voters_together, read_all_as_it_is, start_voting, votes_said,
};
use crate::kafka::seed::chance;
use crate::support::{
    Process, assert_adds_up, assert_same, number, rejected_total, without_elapsed,
};

const DEMO: &[&str] = &[
    "demo",
    "--voters",
    "2000",
    "--invalid",
    "0.05",
    "--duplicates",
    "0.05",
    "--once",
    "--json",
];
/// Kills, spread over this many times the undisturbed duration.
const POINTS: u32 = 4;
const SPREAD: f64 = 1.2;
/// Votes of the tutorial's script.
const VOTES: usize = 1000;
/// Votes of it on a broker whose store is slow: it writes one by one, so each is an object there.
const SLOW_VOTES: usize = 300;
/// Crashes of a broker while votes are cast; the tutorial's script, too, needs some calm to come through.
const CRASHES: u32 = 5;
/// Between two crashes of a broker.
const CALM: Duration = Duration::from_millis(1500);

/// One random moment in each part of the undisturbed time.
fn moment(chance: &mut StdRng, point: u32, duration: Duration) -> Duration {
    let part = (f64::from(point) + chance.random::<f64>()) / f64::from(POINTS);
    duration.mul_f64(SPREAD * part)
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_on_the_way_to_kafka_it_carries_every_vote_once() {
    let (Some(broker), Some(python)) = (Broker::start(), Python::ready()) else {
        return;
    };
    let (mut chance, seed) = chance();
    let undisturbed = Election::new(&broker, Cast::Here);
    let began = Instant::now();
    let expected = without_elapsed(undisturbed.run(DEMO).succeeds().json());
    let duration = began.elapsed();
    assert_all_carried(python, &broker, &undisturbed.data).await;
    drop(broker);

    let mut killed = 0;
    for point in 0..POINTS {
        let broker = Broker::start().unwrap();
        let election = Election::new(&broker, Cast::Here);
        let mut delays = vec![moment(&mut chance, point, duration)];
        if point % 3 == 1 {
            delays.push(duration.mul_f64(chance.random()));
        }
        eprintln!("killed after {delays:?} of {duration:?} (seed {seed})");
        for &delay in &delays {
            killed += u32::from(election.start(DEMO).kill_after(delay));
        }
        let resumed = without_elapsed(election.run(DEMO).succeeds().json());
        assert_same(&expected, &resumed, "killed and resumed");
        assert_all_carried(python, &broker, &election.data).await;
        election.data.run(&["audit"]).succeeds();
    }
    assert!(killed >= POINTS / 2, "only {killed} were killed");
}

#[test]
fn killed_on_the_way_from_kafka_it_counts_every_vote_once() {
    let (Some(broker), Some(python)) = (Broker::start(), Python::ready()) else {
        return;
    };
    let (mut chance, seed) = chance();
    // Every election reads the same topics; each has the same candidates.
    let undisturbed = Election::new(&broker, Cast::OnKafka);
    let candidates = set_up(&undisturbed);
    create_topics(python, &broker);
    make_voters(python, &broker, VOTES);
    let said = votes_said(start_voting(python, &broker, &candidates, VOTES, &[]));
    let began = Instant::now();
    undisturbed.run(&CONSUMER).succeeds();
    let duration = began.elapsed();
    assert_eq!(per_candidate(&undisturbed.data.results()), said);

    let mut killed = 0;
    for point in 0..POINTS {
        let election = Election::without_results_on_kafka(&broker);
        set_up(&election);
        let mut delays = vec![moment(&mut chance, point, duration)];
        if point % 2 == 1 {
            delays.push(duration.mul_f64(chance.random()));
        }
        eprintln!("killed after {delays:?} of {duration:?} (seed {seed})");
        for &delay in &delays {
            killed += u32::from(election.start(&CONSUMER).kill_after(delay));
        }
        election.run(&CONSUMER).succeeds();
        let results = election.data.results();
        assert_adds_up(&results);
        assert_eq!(per_candidate(&results), said);
        // Not even in the log is a vote twice: it would be a duplicate.
        assert_eq!(results["rejected"], json!({}));
        assert_eq!(number(&results, "voters"), VOTES as u64);
        election.data.run(&["audit"]).succeeds();
    }
    assert!(killed >= POINTS / 2, "only {killed} were killed");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broker_that_is_killed_on_the_way_to_it_gets_every_vote_once() {
    let Some(python) = Python::ready() else {
        return;
    };
    let Some(mut broker) = Broker::durable(python) else {
        return;
    };
    let (mut chance, seed) = chance();
    let election = Election::new(&broker, Cast::Here);
    let mut process = election.start(&[DEMO, &["--rate", "300"]].concat());
    let (data, mut crashes) = (election.data, 0);
    while process.is_running() {
        std::thread::sleep(CALM.mul_f64(0.3 + chance.random::<f64>()));
        broker.crash(Duration::from_millis(chance.random_range(0..800)));
        crashes += 1;
    }
    eprintln!("{crashes} crashes (seed {seed})");
    let report = without_elapsed(process.wait().succeeds().json());
    let results = assert_all_carried(python, &broker, &data).await;
    assert_same(&report, &results, "when it ended, and stored");
    data.run(&["audit"]).succeeds();
    assert!(crashes >= 3, "only {crashes} crashes");
}

#[test]
fn a_broker_that_is_killed_on_the_way_from_it_loses_and_doubles_no_vote() {
    let Some(python) = Python::ready() else {
        return;
    };
    let Some(mut broker) = Broker::durable(python) else {
        return;
    };
    let (mut chance, seed) = chance();
    let election = Election::new(&broker, Cast::OnKafka);
    let candidates = set_up(&election);
    create_topics(python, &broker);
    make_voters_together(python, &broker, SLOW_VOTES);
    let consumer = election.start(&["consumer"]);
    let mut voting = start_voting(
        python,
        &broker,
        &candidates,
        SLOW_VOTES,
        &["--pause", "0.03"],
    );
    let again = election.command(&CONSUMER);
    let (data, mut crashes) = (election.data, 0);
    while voting.is_running() && crashes < CRASHES {
        std::thread::sleep(CALM.mul_f64(0.3 + chance.random::<f64>()));
        broker.crash(Duration::from_millis(chance.random_range(0..800)));
        crashes += 1;
    }
    let said = votes_said(voting);
    eprintln!("{crashes} crashes (seed {seed})");
    consumer.terminate();
    consumer.wait().succeeds();
    Process::spawn(again).wait().succeeds();

    let results = data.results();
    assert_adds_up(&results);
    assert_eq!(per_candidate(&results), said);
    assert_eq!(number(&results, "voters"), SLOW_VOTES as u64);
    // The tutorial's producer is not idempotent: what it wrote twice is a duplicate, and nothing else is.
    let seen = read_all_as_it_is(python, &broker);
    let on_kafka = number(&seen.topics["votes_topic"], "records");
    assert_eq!(number(&results, "cast"), on_kafka);
    let doubled = on_kafka - SLOW_VOTES as u64;
    assert_eq!(rejected_total(&results), doubled, "{}", results["rejected"]);
    assert_eq!(
        results["rejected"]["duplicate"].as_u64().unwrap_or(0),
        doubled
    );
    assert_newest(&seen, &results);
    data.run(&["audit"]).succeeds();
    assert!(crashes >= 2, "only {crashes} crashes");
}
