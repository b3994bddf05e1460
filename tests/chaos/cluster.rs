//! The same on a real Fluvio cluster: an SPU, the controller, the database or the process is killed, and
//! comes back.

use std::process::Command;
use std::time::Duration;

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use serde_json::Value;

use crate::chaos::schedule::{Moment, away, moment};
use crate::chaos::trial::{DEMO, wait_for};
use crate::cluster::installation::Installation;
use crate::support::{PUBLIC_URL, PUBLIC_URL_VARIABLE, Process, assert_same, without_elapsed};

/// Votes a second: the demo goes on while something is away.
const RATE: [&str; 2] = ["--rate", "300"];
/// How often something is killed before an undisturbed end.
const MOST_FAULTS: usize = 3;

#[derive(Debug, Clone, Copy)]
enum Victim {
    Process,
    Spu,
    Controller,
    Postgres,
}

/// Who is killed, when, and for how long it stays away.
type Fault = (Victim, Moment, Duration);

fn schedule(seed: u64) -> Vec<Fault> {
    let mut chance = StdRng::seed_from_u64(seed);
    let count = chance.random_range(1..=MOST_FAULTS);
    let victims = [
        Victim::Process,
        Victim::Spu,
        Victim::Controller,
        Victim::Postgres,
    ];
    (0..count)
        .map(|_| {
            let victim = victims[chance.random_range(0..victims.len())];
            (victim, moment(&mut chance), away(&mut chance))
        })
        .collect()
}

/// Holds an election that is disturbed as the seed says; what that is stands in the messages.
pub fn run(seed: u64, installation: &mut Installation, expected: &Value) {
    let schedule = schedule(seed);
    eprintln!("on a cluster: {schedule:?}");
    let mut first = Some("--fresh");
    for (victim, moment, away) in schedule {
        let mut command = demo(installation, first.take());
        command.args(RATE);
        command.env("RUST_LOG", "warn,consumer=trace");
        let mut process = Process::spawn(command);
        wait_for(&mut process, moment);
        match victim {
            Victim::Process => {
                process.kill();
                continue;
            }
            Victim::Spu => {
                installation.kill_spu();
                std::thread::sleep(away);
                installation.start_spu();
            }
            Victim::Controller => {
                installation.kill_controller();
                std::thread::sleep(away);
                installation.start_controller();
            }
            Victim::Postgres => {
                installation.kill_postgres();
                std::thread::sleep(away);
                installation.start_postgres();
            }
        }
        let run = process.wait();
        if run.code() == Some(0) {
            let report = without_elapsed(run.json());
            assert_same(expected, &report, "disturbed, but done");
        } else {
            let run = run.ends_with(1);
            let error = run.stderr.lines().find(|line| line.starts_with("error: "));
            let error = error.unwrap_or_else(|| panic!("no error: {}", run.stderr));
            let causes = ["Fluvio", "topic", "the database", "PostgreSQL"];
            assert!(causes.iter().any(|cause| error.contains(cause)), "{error}");
        }
    }
    let report = Process::spawn(demo(installation, first)).wait();
    let report = without_elapsed(report.succeeds().json());
    assert_same(expected, &report, "undisturbed at last");
    installation.run("election", "audit").succeeds();
    assert_same(expected, &installation.results(), "as stored");
}

fn demo(installation: &Installation, fresh: Option<&str>) -> Command {
    let mut command = installation.command("election", DEMO.iter().copied().chain(fresh));
    // It is compared with an election whose dashboard has another port.
    command.env(PUBLIC_URL_VARIABLE, PUBLIC_URL);
    command
}
