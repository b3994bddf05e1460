//! The `consumer` program, and what its metrics say of it.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use testing::closed_port;

use crate::cluster::installation::Installation;
use crate::support::{Process, Run};

/// Nothing that a test waits for takes as long, if nobody says otherwise.
pub const DEADLINE: Duration = Duration::from_secs(60);
/// The pause between two looks.
const PAUSE: Duration = Duration::from_millis(20);
/// How long an answer may take, of a process on this machine.
const ANSWER_LIMIT: Duration = Duration::from_secs(5);

/// A consumer that serves its metrics.
pub struct Consumer {
    name: &'static str,
    process: Process,
    health: SocketAddr,
}

impl Consumer {
    pub fn start(installation: &Installation, name: &'static str) -> Consumer {
        let health = closed_port();
        let args = format!("--name {name} --health {health}");
        Consumer {
            name,
            process: installation.spawn("consumer", &args),
            health,
        }
    }

    /// The partitions that are its own; `None` while it does not answer.
    pub fn owned(&self) -> Option<BTreeSet<u32>> {
        let metrics = get(&format!("http://{}/metrics", self.health))?;
        let partition = |line: &str| {
            let (label, value) = line
                .strip_prefix("election_consumer_owned{partition=\"")?
                .split_once("\"} ")?;
            (value == "1").then(|| label.parse().unwrap())
        };
        Some(metrics.lines().filter_map(partition).collect())
    }

    /// Waits until it owns so many partitions; which, and how long it took.
    #[track_caller]
    pub fn wait_until_it_owns(
        &mut self,
        count: usize,
        limit: Duration,
    ) -> (BTreeSet<u32>, Duration) {
        let began = Instant::now();
        loop {
            let owned = self.owned();
            if let Some(owned) = &owned
                && owned.len() == count
            {
                return (owned.clone(), began.elapsed());
            }
            self.assert_running();
            let (name, took) = (self.name, began.elapsed());
            assert!(
                took < limit,
                "consumer {name} owns {owned:?} after {took:?}, not {count}"
            );
            std::thread::sleep(PAUSE);
        }
    }

    #[track_caller]
    pub fn assert_running(&mut self) {
        assert!(
            self.process.is_running(),
            "consumer {} has ended",
            self.name
        );
    }

    /// Kills it (`kill -9`).
    pub fn kill(self) {
        let run = self.process.kill();
        eprintln!("killed, consumer {} had said:\n{}", self.name, run.stderr);
    }

    /// Sends SIGTERM.
    pub fn terminate(&self) {
        self.process.terminate();
    }

    /// Waits for its end.
    #[track_caller]
    pub fn wait(self) -> Run {
        let run = self.process.wait();
        eprintln!("consumer {} had said:\n{}", self.name, run.stderr);
        run
    }
}

fn get(url: &str) -> Option<String> {
    let agent: ureq::Agent = ureq::Agent::config_builder()
        .timeout_global(Some(ANSWER_LIMIT))
        .build()
        .into();
    let mut answer = agent.get(url).call().ok()?;
    Some(answer.body_mut().read_to_string().unwrap())
}

/// Waits until two consumers have half of the partitions each.
#[track_caller]
pub fn wait_until_shared(one: &mut Consumer, other: &mut Consumer, partitions: usize) {
    let began = Instant::now();
    loop {
        let owned = [one.owned(), other.owned()];
        // Those of two moments, so both may claim a partition that was handed over in between.
        if let [Some(one), Some(other)] = &owned
            && one.len() == partitions / 2
            && other.len() == partitions / 2
            && one.is_disjoint(other)
        {
            return;
        }
        one.assert_running();
        other.assert_running();
        assert!(began.elapsed() < DEADLINE, "they own {owned:?}");
        std::thread::sleep(PAUSE);
    }
}

/// Waits until every vote in the log is accounted for, and there are as many as expected.
#[track_caller]
pub fn wait_until_accounted(installation: &Installation, cast: u64) -> serde_json::Value {
    let began = Instant::now();
    loop {
        let results = installation.results();
        if results["accounted"] == true && results["cast"] == cast {
            return results;
        }
        assert!(
            began.elapsed() < DEADLINE,
            "not accounted for: cast {}, counted {}, rows {}, rejected {}",
            results["cast"],
            results["counted"],
            results["rows_in_postgres"],
            results["rejected"]
        );
    }
}
