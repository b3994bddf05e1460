//! What cannot work is told, and refused or waited for.

use testing::closed_port;

use crate::kafka::broker::Broker;
use crate::kafka::election::{Cast, command, manifest};
use crate::kafka::python::Python;
use crate::kafka::scripts::{create_topics, read_all};
use crate::support::{DataDir, Process, number};

const DEMO: [&str; 7] = ["demo", "--once", "--json", "--voters", "100", "--seed", "5"];

#[test]
fn a_broker_that_is_not_there_yet_is_waited_for_and_told_of() {
    if !Broker::is_ours() {
        return;
    }
    let port = closed_port().port();
    let address = format!("127.0.0.1:{port}");
    let data = DataDir::new();
    let mut command = command(&data, &DEMO);
    command.args(["--kafka", &address]);
    let mut process = Process::spawn(command);
    process.wait_for_stderr(&format!("Kafka at {address} cannot be reached"));
    assert!(process.is_running());

    let broker = Broker::start_at(port);
    let report = process.wait().succeeds().json();
    let Some(python) = Python::ready() else {
        return;
    };
    let seen = read_all(python, &broker);
    assert_eq!(seen.votes.len() as u64, number(&report, "counted"));
}

#[test]
fn told_to_end_while_it_waits_for_a_broker_it_ends() {
    let address = closed_port().to_string();
    let data = DataDir::new();
    let mut command = command(&data, &DEMO);
    command.args(["--kafka", &address]);
    let mut process = Process::spawn(command);
    process.wait_for_stderr(&format!("Kafka at {address} cannot be reached"));
    process.terminate();
    process.wait().ends_with(1);
    // Nothing is lost by it.
    data.run(&DEMO).succeeds();
    data.run(&["audit"]).succeeds();
}

#[test]
fn a_topic_to_read_from_that_is_not_there_is_told_with_what_to_do() {
    let (Some(broker), Some(python)) = (Broker::start(), Python::ready()) else {
        return;
    };
    let data = DataDir::new();
    let manifest = data.file("fluvio.toml", manifest(Cast::OnKafka, broker.suffix()));
    data.run(&["producer", "init"]).succeeds();
    let run = || {
        let mut consumer = command(&data, &["consumer", "--once"]);
        consumer.arg("--manifest").arg(&manifest);
        consumer.args(["--kafka", broker.bootstrap()]);
        Process::spawn(consumer).wait()
    };
    let run_without = run().refused(1, &["there is no topic `", "rpk topic create "]);
    assert!(run_without.stderr.contains(broker.suffix()));
    create_topics(python, &broker);
    run().succeeds();
}

#[test]
fn a_topic_that_would_go_both_ways_is_refused() {
    let (data, set_up) = (DataDir::new(), DataDir::new());
    set_up.run(&["producer", "init"]).succeeds();
    let both = format!(
        "{}\n[[kafka]]\nfluvio = \"votes\"\nkafka = \"votes_topic\"\ndirection = \"from-kafka\"\n",
        manifest(Cast::Here, "").replace("chain = \"enriched\"", "")
    );
    let round_about = format!(
        "{}\n[[kafka]]\nfluvio = \"voters\"\nkafka = \"votes_topic\"\ndirection = \"from-kafka\"\n\
         [[kafka]]\nfluvio = \"votes\"\nkafka = \"voters_topic\"\ndirection = \"from-kafka\"\n",
        manifest(Cast::Here, "")
    );
    let (votes, voters) = ("a loop: `votes_topic`", "a loop: `voters_topic`");
    for (name, text, loops) in [
        ("both.toml", both, [votes, votes]),
        ("round_about.toml", round_about, [votes, voters]),
    ] {
        let manifest = data.file(name, text);
        for data in [&data, &set_up] {
            let args = if data.path().exists() {
                &["consumer", "--once"][..]
            } else {
                &DEMO
            };
            let mut command = command(data, args);
            // Nobody is asked: no broker need be there.
            command.args(["--kafka", "127.0.0.1:1", "--manifest"]);
            command.arg(&manifest);
            let said = Process::spawn(command)
                .wait()
                .refused(2, &[name, "[[kafka]]"]);
            assert!(
                loops.iter().any(|names| said.stderr.contains(names)),
                "{}",
                said.stderr
            );
        }
    }
    assert!(!data.path().exists(), "nothing was begun");
}
