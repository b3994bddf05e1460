//! The bridge fails at named points (crates/faults): every vote is carried once, both ways.

use serde_json::json;

use crate::kafka::broker::Broker;
use crate::kafka::carried::assert_all_carried;
use crate::kafka::election::{Cast, Election};
use crate::kafka::inbound::{CONSUMER, per_candidate, set_up};
use crate::kafka::python::Python;
use crate::kafka::scripts::{create_topics, make_voters, start_voting, votes_said};
use crate::support::{Process, Run, assert_adds_up};

const DEMO: &[&str] = &[
    "demo",
    "--voters",
    "500",
    "--invalid",
    "0.05",
    "--duplicates",
    "0.05",
    "--once",
    "--json",
];
/// Votes of the tutorial's script.
const VOTES: usize = 300;

fn run_with(election: &Election<'_>, args: &[&str], points: &str) -> Run {
    let mut command = election.command(args);
    command.env("FAILPOINTS", points);
    Process::spawn(command).wait()
}

#[tokio::test(flavor = "multi_thread")]
async fn failing_before_a_record_is_produced_it_carries_every_vote_once() {
    let (Some(broker), Some(python)) = (Broker::start(), Python::ready()) else {
        return;
    };
    drop(broker);
    for (what, is_killed) in [("kill", true), ("the broker is gone", false)] {
        let broker = Broker::start().unwrap();
        let election = Election::new(&broker, Cast::Here);
        let points = format!("bridge/produce=700*off->1*return({what})");
        let run = run_with(&election, DEMO, &points);
        if is_killed {
            assert_eq!(run.code(), None, "{}", run.stderr);
            election.run(DEMO).succeeds();
        } else {
            run.succeeds();
        }
        assert_all_carried(python, &broker, &election.data).await;
        election.data.run(&["audit"]).succeeds();
    }
}

#[test]
fn failing_around_what_it_stores_it_takes_every_vote_in_once() {
    let (Some(broker), Some(python)) = (Broker::start(), Python::ready()) else {
        return;
    };
    let undisturbed = Election::without_results_on_kafka(&broker);
    let candidates = set_up(&undisturbed);
    create_topics(python, &broker);
    make_voters(python, &broker, VOTES);
    let said = votes_said(start_voting(python, &broker, &candidates, VOTES, &[]));
    for (point, what) in [
        ("bridge/begun", "kill"),
        ("bridge/arrived", "kill"),
        ("bridge/begun", "passes"),
        ("bridge/arrived", "passes"),
    ] {
        let election = Election::without_results_on_kafka(&broker);
        set_up(&election);
        let points = format!("{point}=1*off->1*return({what})");
        let run = run_with(&election, &CONSUMER, &points);
        if what == "kill" {
            assert_eq!(run.code(), None, "{point}: {}", run.stderr);
            election.run(&CONSUMER).succeeds();
        } else {
            run.succeeds();
        }
        let results = election.data.results();
        assert_adds_up(&results);
        assert_eq!(per_candidate(&results), said, "{point}: {what}");
        // Not even in the log is a vote twice: it would be a duplicate.
        assert_eq!(results["rejected"], json!({}), "{point}: {what}");
        election.data.run(&["audit"]).succeeds();
    }
}
