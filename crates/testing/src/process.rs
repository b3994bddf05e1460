//! A program as a child process: starting it, reading its logs, ending it.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::DEADLINE;

/// Every environment variable that sets an option or the output.
pub const VARIABLES: [&str; 8] = [
    "DATABASE_URL",
    "ELECTION_CLUSTER",
    "ELECTION_CONSUMER_NAME",
    "ELECTION_HEALTH",
    "ELECTION_LOG",
    "ELECTION_MANIFEST",
    "ELECTION_PUBLIC_URL",
    "RUST_LOG",
];

/// A program in a directory without a manifest, in an environment without our variables.
pub fn command(program: &str, directory: &Path) -> Command {
    let mut command = Command::new(program);
    command.current_dir(directory).stdin(Stdio::null());
    for name in VARIABLES {
        command.env_remove(name);
    }
    // Not the user's Fluvio profile either.
    command.env("FLV_PROFILE_PATH", directory.join("profiles"));
    command
}

/// Runs it to its end.
pub fn run(program: &str, args: &[&str]) -> Output {
    let directory = tempfile::tempdir().unwrap();
    let mut command = command(program, directory.path());
    command.args(args).output().unwrap()
}

/// Its help text in one line.
#[track_caller]
pub fn help(program: &str, args: &[&str]) -> String {
    let output = run(program, &[args, &["--help"]].concat());
    assert_eq!(output.status.code(), Some(0));
    let help = String::from_utf8(output.stdout).unwrap();
    assert!(help.lines().all(|line| line.len() <= 105), "{help}");
    help.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Its stderr when it ends because of wrong usage.
#[track_caller]
pub fn refused(program: &str, args: &[&str]) -> String {
    let output = run(program, args);
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{args:?}: {stderr}");
    assert!(stderr.contains("error: "), "{stderr}");
    assert!(output.stdout.is_empty(), "{:?}", output.stdout);
    stderr
}

/// A process that runs until the test ends it; killed if the test fails.
pub struct Running {
    process: Child,
    stderr: Receiver<String>,
    _directory: TempDir,
}

/// How a program ended after SIGTERM.
#[derive(Debug)]
pub struct Terminated {
    /// Its exit code; `None` if a signal ended it.
    pub code: Option<i32>,
    /// How long it took.
    pub took: Duration,
    /// Its stderr, except for the lines that were read before.
    pub said: String,
}

impl Running {
    /// Starts it in a new directory.
    pub fn start(program: &str, args: &[&str]) -> Running {
        let directory = tempfile::tempdir().unwrap();
        let mut process = command(program, directory.path())
            .args(args)
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(process.stderr.take().unwrap()).lines();
        let (send, stderr) = channel();
        std::thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                if send.send(line).is_err() {
                    break;
                }
            }
        });
        Running {
            process,
            stderr,
            _directory: directory,
        }
    }

    /// The next line of stderr that contains `part`.
    #[track_caller]
    pub fn line(&self, part: &str) -> String {
        let mut seen = Vec::new();
        loop {
            match self.stderr.recv_timeout(DEADLINE) {
                Ok(line) if line.contains(part) => return line,
                Ok(line) => seen.push(line),
                Err(_) => panic!("no line with `{part}`: {seen:#?}"),
            }
        }
    }

    /// Sends SIGTERM, and waits until it has ended.
    pub fn terminate(mut self) -> Terminated {
        let began = Instant::now();
        let sent = Command::new("kill")
            .args(["-TERM", &self.process.id().to_string()])
            .status();
        assert!(sent.unwrap().success());
        let status = self.process.wait().unwrap();
        let took = began.elapsed();
        let said: Vec<String> = self.stderr.iter().collect();
        Terminated {
            code: status.code(),
            took,
            said: said.join("\n"),
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It has already ended, unless the test failed.
        self.process.kill().ok();
        self.process.wait().ok();
    }
}
