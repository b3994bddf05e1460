//! One seed: an election that is disturbed as its schedule says, and must still come out as it would have.

use std::fs::OpenOptions;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use serde_json::Value;

use crate::chaos::modules;
use crate::chaos::schedule::{Damage, Fault, Moment, Schedule};
use crate::chaos::server::Server;
use crate::support::{DataDir, Process, Run, assert_same, without_elapsed};

/// What is held, unless it is something else.
pub const DEMO: &[&str] = &[
    "demo",
    "--voters",
    "1500",
    "--invalid",
    "0.05",
    "--duplicates",
    "0.05",
    "--once",
    "--json",
    "--port",
    "0",
];

/// Votes a second while it is disturbed: slow enough that they come in many batches.
const RATE: [&str; 2] = ["--rate", "2000"];

/// A line that a consumer logs for each batch it has counted.
const COUNTED: &str = "next_offset";

/// What a full disk is called.
const DISK_FULL: &str = "No space left on device (os error 28)";

/// What a refusal says when records are lost, or the end of the log cannot be made out.
const LOG_LOST: [&str; 2] = ["the log has lost records", "its journal is damaged"];
/// And what to do.
const WAY_ON: &str = "or start anew with `--fresh`";

/// What a second process for a data directory is told.
const IN_USE: &str = "is in use by another `election` process";

pub struct Trial<'a> {
    data: DataDir,
    server: Option<&'a Server>,
    /// The command that holds it.
    demo: &'a [&'a str],
    /// What an undisturbed run says.
    expected: &'a Value,
}

impl<'a> Trial<'a> {
    pub fn new(server: Option<&'a Server>, demo: &'a [&'a str], expected: &'a Value) -> Trial<'a> {
        if let Some(server) = server {
            server.empty();
        }
        Trial {
            data: DataDir::new(),
            server,
            demo,
            expected,
        }
    }

    /// Disturbs it, then holds it undisturbed, and demands the same numbers, or a refusal that names the
    /// cause.
    pub fn run(&self, schedule: &Schedule) {
        let mut may_have_lost = false;
        for fault in &schedule.faults {
            may_have_lost |= matches!(fault, Fault::TornEnd(..));
            let run = self.attempt(fault);
            self.judge(fault, &run, may_have_lost);
        }
        let last = Process::spawn(self.command(self.demo)).wait();
        if may_have_lost && last.code() == Some(1) {
            let last = last.refused(1, &[WAY_ON]);
            assert!(names_loss(&last.stderr), "{}", last.stderr);
            // It is not forgotten, and there is a way on.
            let again = Process::spawn(self.command(self.demo)).wait();
            assert!(names_loss(&again.ends_with(1).stderr));
            let fresh = Process::spawn(self.command(&[self.demo, &["--fresh"]].concat())).wait();
            let fresh = without_elapsed(fresh.succeeds().json());
            assert_same(self.expected, &fresh, "anew");
            return;
        }
        let report = without_elapsed(last.succeeds().json());
        assert_same(self.expected, &report, "undisturbed at last");
        Process::spawn(self.command(&["audit"])).wait().succeeds();
        let results = Process::spawn(self.command(&["results", "--json"])).wait();
        assert_same(self.expected, &results.succeeds().json(), "as stored");
    }

    /// What may be when an attempt has ended: it was killed, it is done, or it refused and said why.
    fn judge(&self, fault: &Fault, run: &Run, may_have_lost: bool) {
        let causes: &[&str] = match fault {
            Fault::Killed(_)
            | Fault::KilledAt { .. }
            | Fault::ClockSetBack { .. }
            | Fault::TornEnd(..) => &[],
            // The second came first.
            Fault::TwoConsumers(_) => &[IN_USE],
            Fault::PassesAt { .. } => &["passes"],
            Fault::DiskFull { .. } => &[DISK_FULL],
            Fault::ModuleTraps | Fault::ModuleTakesAllMemory => &["SmartModule `vote-tally`"],
            Fault::PostgresRestarted(..) | Fault::PostgresCut(..) | Fault::PostgresStalled(..) => {
                &["the database", "PostgreSQL"]
            }
        };
        match run.code() {
            None => assert!(
                matches!(
                    fault,
                    Fault::Killed(_) | Fault::KilledAt { .. } | Fault::TornEnd(..)
                ),
                "{fault:?} killed it: {}",
                run.stderr
            ),
            Some(0) => {
                let report = without_elapsed(run.json());
                assert_same(self.expected, &report, "disturbed, but done");
            }
            Some(1) => {
                let refused = run.stderr.lines().find(|line| line.starts_with("error: "));
                let refused = refused.unwrap_or_else(|| panic!("no error: {}", run.stderr));
                let names_it = causes.iter().any(|cause| refused.contains(cause));
                let lost = may_have_lost && names_loss(refused);
                assert!(names_it || lost, "{fault:?}: {refused}\n{}", run.stderr);
            }
            Some(code) => panic!("{fault:?}: exit code {code}: {}", run.stderr),
        }
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = self.data.command(args);
        if let Some(server) = self.server {
            command.args(["--database-url", &server.url()]);
        }
        command
    }

    /// The demo, slow, with something to happen at named points.
    fn disturbed(&self, points: &str) -> Command {
        let mut command = self.command(&[self.demo, &RATE].concat());
        command.env("RUST_LOG", "warn,consumer=trace");
        command.env("FAILPOINTS", points);
        command
    }

    fn attempt(&self, fault: &Fault) -> Run {
        match fault {
            Fault::Killed(moment) => self.killed(*moment),
            Fault::KilledAt { point, passed } => {
                self.run_with(&format!("{point}={passed}*off->return(kill)"))
            }
            Fault::PassesAt { point, passed } => {
                self.run_with(&format!("{point}={passed}*off->1*return(passes)"))
            }
            Fault::DiskFull { passed } => {
                self.run_with(&format!("log/append={passed}*off->return({DISK_FULL})"))
            }
            Fault::TornEnd(moment, damage) => {
                let run = self.killed(*moment);
                self.damage(*damage);
                run
            }
            Fault::PostgresRestarted(moment, away) => {
                let server = self.server.expect("drawn for a server only");
                self.meanwhile(*moment, || server.restart(*away))
            }
            Fault::PostgresCut(moment, away) => {
                let server = self.server.expect("drawn for a server only");
                self.meanwhile(*moment, || server.cut(*away))
            }
            Fault::PostgresStalled(moment, away) => {
                let server = self.server.expect("drawn for a server only");
                self.meanwhile(*moment, || server.stall(*away))
            }
            Fault::ModuleTraps => self.with_module(&modules::that_traps()),
            Fault::ModuleTakesAllMemory => self.with_module(&modules::that_takes_all_memory()),
            Fault::ClockSetBack { readings, seconds } => {
                let set_back = format!("{readings}*off->return({seconds})");
                self.run_with(&format!("producer/clock={set_back};log/clock={set_back}"))
            }
            Fault::TwoConsumers(moment) => self.meanwhile(*moment, || {
                let second = self.command(&["consumer", "--once"]);
                let second = Process::spawn(second).wait();
                // The first may have ended by now, or may not have begun.
                let others = [IN_USE, "there is no election in", "no election is set up"];
                let refused = others.iter().any(|other| second.stderr.contains(other));
                assert!(second.code() == Some(0) || refused, "{}", second.stderr);
            }),
        }
    }

    fn run_with(&self, points: &str) -> Run {
        Process::spawn(self.disturbed(points)).wait()
    }

    fn killed(&self, moment: Moment) -> Run {
        let mut process = Process::spawn(self.disturbed(""));
        wait_for(&mut process, moment);
        process.kill()
    }

    /// Something happens at a moment of an attempt, if it gets there.
    fn meanwhile(&self, moment: Moment, happens: impl FnOnce()) -> Run {
        let mut process = Process::spawn(self.disturbed(""));
        wait_for(&mut process, moment);
        happens();
        process.wait()
    }

    fn with_module(&self, wasm: &[u8]) -> Run {
        self.data.file("module.wasm", wasm);
        let manifest = include_str!("../../fluvio.toml").replace(
            "name = \"vote-tally\"\n",
            "name = \"vote-tally\"\nfile = \"module.wasm\"\n",
        );
        assert!(manifest.contains("module.wasm"));
        let manifest = self.data.file("fluvio.toml", manifest);
        let mut command = self.disturbed("");
        command.arg("--manifest").arg(manifest);
        Process::spawn(command).wait()
    }

    /// Damages the end of the log, as far as there is one.
    fn damage(&self, damage: Damage) {
        let Some(journal) = newest_journal(&self.data.path().join("log")) else {
            return;
        };
        let bytes = std::fs::read(&journal).unwrap();
        let Some(last) = bytes.iter().rposition(|&byte| byte != 0) else {
            return;
        };
        let file = OpenOptions::new().write(true).open(&journal).unwrap();
        let end = last + 1;
        match damage {
            Damage::Cut(back) => file.set_len(end.saturating_sub(back) as u64).unwrap(),
            Damage::Zeroed(back) => {
                let from = end.saturating_sub(back);
                file.write_all_at(&vec![0; end - from], from as u64)
                    .unwrap();
            }
            Damage::Garbled(back) => {
                let at = end.saturating_sub(back);
                file.write_all_at(&[!bytes[at]], at as u64).unwrap();
            }
        }
    }
}

fn names_loss(refused: &str) -> bool {
    LOG_LOST.iter().any(|loss| refused.contains(loss))
}

fn newest_journal(log: &Path) -> Option<PathBuf> {
    let entries = std::fs::read_dir(log).ok()?.flatten();
    let journals = entries
        .map(|entry| entry.path())
        .filter(|path| path.extension().is_some_and(|kind| kind == "jnl"));
    journals.max_by_key(|path| -> Option<u64> { path.file_stem()?.to_str()?.parse().ok() })
}

pub fn wait_for(process: &mut Process, moment: Moment) {
    let pause = match moment {
        Moment::After(pause) => pause,
        Moment::Counted(batches, pause) => {
            if !process.reaches(COUNTED, batches) {
                return;
            }
            pause
        }
    };
    std::thread::sleep(pause.max(Duration::from_millis(1)));
}
