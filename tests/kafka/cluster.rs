//! The bridge as a process of its own, beside a real Fluvio cluster: killed again and again, both ways.

use std::time::{Duration, Instant};

use rand::RngExt;
use serde_json::json;

use crate::cluster::installation::Installation;
use crate::kafka::broker::Broker;
use crate::kafka::carried::{assert_carried, assert_newest};
use crate::kafka::election::{Cast, manifest};
use crate::kafka::inbound::{INIT, per_candidate};
use crate::kafka::python::Python;
use crate::kafka::scripts::{
    create_topics, make_voters, read_all, read_all_as_it_is, read_all_so_far, start_voting,
    votes_said,
};
use crate::kafka::seed::chance;
use crate::support::{Database, Process, assert_adds_up, number, rejected_total};

/// Nothing takes as long to be carried over.
const DEADLINE: Duration = Duration::from_secs(120);
/// The pause between two looks at how far it is.
const PAUSE: Duration = Duration::from_millis(500);
/// How long a bridge lives, in milliseconds.
const LIFE: std::ops::Range<u64> = 300..3000;
/// Bridges that must have been killed in the middle.
const KILLS: u32 = 3;
const VOTES: usize = 1000;

struct Setting {
    broker: Broker,
    python: &'static Python,
    installation: Installation,
}

impl Setting {
    fn start(cast: Cast) -> Option<Setting> {
        let setting = Setting {
            broker: Broker::start()?,
            python: Python::ready()?,
            installation: Installation::start()?,
        };
        let file = setting.installation.directory().join("fluvio.toml");
        std::fs::write(file, manifest(cast, setting.broker.suffix())).unwrap();
        Some(setting)
    }

    fn bridge(&self) -> Process {
        let args = format!("--kafka {}", self.broker.bootstrap());
        self.installation.spawn("bridge", &args)
    }

    /// Bridges, one after the other, each killed (`kill -9`) at a random moment, while `busy`.
    fn killed_bridges(&self, mut busy: impl FnMut() -> bool) {
        let (mut chance, seed) = chance();
        let mut killed = 0;
        while busy() {
            let life = Duration::from_millis(chance.random_range(LIFE));
            let mut bridge = self.bridge();
            std::thread::sleep(life);
            assert!(
                bridge.is_running(),
                "a bridge ended by itself (seed {seed}): {}",
                bridge.wait().stderr
            );
            bridge.kill();
            killed += 1;
        }
        eprintln!("{killed} bridges killed (seed {seed})");
        assert!(killed >= KILLS, "only {killed} bridges were killed");
    }

    fn database(&self) -> String {
        self.installation.database_url()
    }
}

/// Waits until `done`.
#[track_caller]
fn wait_until(what: &str, mut done: impl FnMut() -> bool) {
    let began = Instant::now();
    while !done() {
        assert!(began.elapsed() < DEADLINE, "not {what} after {DEADLINE:?}");
        std::thread::sleep(PAUSE);
    }
}

/// It has run until told to end, and ends well.
#[track_caller]
fn end(process: Process) {
    process.terminate();
    process.wait().succeeds();
}

#[test]
fn killed_bridges_carry_every_vote_of_a_cluster_to_kafka_once() {
    let Some(setting) = Setting::start(Cast::Here) else {
        return;
    };
    let mut demo = setting.installation.spawn(
        "election",
        "demo --once --json --voters 4000 --invalid 0.05 --duplicates 0.05 --rate 500",
    );
    setting.killed_bridges(|| demo.is_running());
    let report = demo.wait().succeeds().json();
    let bridge = setting.bridge();
    wait_until("carried over", || {
        let now = read_all_so_far(setting.python, &setting.broker);
        let aggregates: u64 = newest_total(&now.topics["aggregated_votes_by_region"]["newest"]);
        now.votes.len() as u64 >= number(&report, "counted")
            && now.voters.len() as u64 >= number(&report, "voters")
            && number(&now.topics["rejected_votes"], "records") >= rejected_total(&report)
            && aggregates >= number(&report, "counted")
    });
    end(bridge);
    let seen = read_all(setting.python, &setting.broker);
    let results = setting.installation.results();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let database = Database::server(&setting.database()).await;
        assert_carried(&seen, &results, &database).await;
        database.close().await;
    });
    setting.installation.run("election", "audit").succeeds();
}

#[test]
fn killed_bridges_bring_every_vote_of_the_tutorials_scripts_to_a_cluster_once() {
    let Some(setting) = Setting::start(Cast::OnKafka) else {
        return;
    };
    let Setting {
        broker,
        python,
        installation,
    } = &setting;
    let init = installation.command("election", INIT);
    Process::spawn(init).wait().succeeds();
    let candidates = installation.directory().join("candidates.json");
    std::fs::write(&candidates, installation.results().to_string()).unwrap();
    create_topics(python, broker);
    make_voters(python, broker, VOTES);
    let consumer = installation.spawn("election", "consumer");
    let mut voting = start_voting(python, broker, &candidates, VOTES, &["--pause", "0.008"]);
    setting.killed_bridges(|| voting.is_running());
    let said = votes_said(voting);
    let bridge = setting.bridge();
    wait_until("counted", || {
        let results = installation.results();
        number(&results, "rows_in_postgres") >= VOTES as u64
            && number(&results, "voters") >= VOTES as u64
            && results["accounted"] == true
    });
    let results = installation.results();
    assert_adds_up(&results);
    assert_eq!(per_candidate(&results), said);
    // Not even in the log is a vote twice: it would be a duplicate.
    assert_eq!(results["rejected"], json!({}));
    wait_until("told to Kafka", || {
        let seen = read_all_so_far(python, broker);
        newest_total(&seen.topics["aggregated_votes_by_region"]["newest"]) >= VOTES as u64
            && newest_total(&seen.topics["aggregated_votes_per_candidate"]["newest"])
                >= VOTES as u64
    });
    end(bridge);
    end(consumer);
    installation.run("election", "audit").succeeds();
    assert_newest(&read_all_as_it_is(python, broker), &installation.results());
}

fn newest_total(newest: &serde_json::Value) -> u64 {
    let newest = newest.as_object().unwrap().values();
    newest.map(|value| number(value, "total_votes")).sum()
}
