//! A service program as a process: starting it, reading what it says, asking it over HTTP, ending it.
//! The tests of the producer's program use it as well.

// Each test program uses a part of it.
#![allow(dead_code)]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use tempfile::TempDir;

/// Generous for a busy machine: how long to wait for what must come.
pub const DEADLINE: Duration = Duration::from_secs(20);
/// The pause between two looks.
const PAUSE: Duration = Duration::from_millis(10);

/// Every variable that an option may come from.
const VARIABLES: [&str; 7] = [
    "DATABASE_URL",
    "ELECTION_CLUSTER",
    "ELECTION_CONSUMER_NAME",
    "ELECTION_HEALTH",
    "ELECTION_LOG",
    "ELECTION_MANIFEST",
    "RUST_LOG",
];

/// A program, in a directory without a manifest and an environment without our variables.
pub fn command(program: &str, directory: &Path) -> Command {
    let mut command = Command::new(program);
    command.current_dir(directory).stdin(Stdio::null());
    for name in VARIABLES {
        command.env_remove(name);
    }
    // No profile of the user's either.
    command.env("FLV_PROFILE_PATH", directory.join("profiles"));
    command
}

/// Runs it to its end.
pub fn run(program: &str, args: &[&str]) -> Output {
    let directory = tempfile::tempdir().unwrap();
    let mut command = command(program, directory.path());
    command.args(args).output().unwrap()
}

/// What its help says, in one line.
#[track_caller]
pub fn help(program: &str, args: &[&str]) -> String {
    let output = run(program, &[args, &["--help"]].concat());
    assert_eq!(output.status.code(), Some(0));
    let help = String::from_utf8(output.stdout).unwrap();
    assert!(help.lines().all(|line| line.len() <= 105), "{help}");
    help.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// What it says when it ends by itself, for wrong usage.
#[track_caller]
pub fn refused(program: &str, args: &[&str]) -> String {
    let output = run(program, args);
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{args:?}: {stderr}");
    assert!(stderr.contains("error: "), "{stderr}");
    assert!(output.stdout.is_empty(), "{:?}", output.stdout);
    stderr
}

/// An address where nobody listens.
pub fn closed_port() -> SocketAddr {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    listener.local_addr().unwrap()
}

/// A process that runs until the test ends it; killed if the test fails.
pub struct Running {
    process: Child,
    stderr: Receiver<String>,
    _directory: TempDir,
}

impl Running {
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

    /// The next line of stderr that holds this.
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

    /// Sends SIGTERM; the exit code, how long the end took, and what it said until then.
    pub fn terminate(mut self) -> (Option<i32>, Duration, String) {
        let began = Instant::now();
        let sent = Command::new("kill")
            .args(["-TERM", &self.process.id().to_string()])
            .status();
        assert!(sent.unwrap().success());
        let status = self.process.wait().unwrap();
        let took = began.elapsed();
        let said: Vec<String> = self.stderr.iter().collect();
        (status.code(), took, said.join("\n"))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It has ended already, unless the test failed.
        self.process.kill().ok();
        self.process.wait().ok();
    }
}

/// Status line and body; `None` while nobody listens.
fn get(address: SocketAddr, path: &str) -> Option<(String, String)> {
    let mut stream = TcpStream::connect(address).ok()?;
    stream.set_read_timeout(Some(DEADLINE)).unwrap();
    write!(
        stream,
        "GET {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n"
    )
    .unwrap();
    let mut answer = Vec::new();
    let mut buffer = [0; 4096];
    loop {
        let read = stream.read(&mut buffer).unwrap();
        answer.extend_from_slice(&buffer[..read]);
        let text = String::from_utf8_lossy(&answer);
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head.lines().find_map(|line| {
                let length = line.strip_prefix("content-length: ")?;
                length.parse().ok()
            });
            if length == Some(body.len()) {
                return Some((head.lines().next().unwrap().to_owned(), body.to_owned()));
            }
        }
        assert!(read > 0, "cut short: {text}");
    }
}

/// Asks for a path until the answer is right: its body.
#[track_caller]
pub fn get_until(address: SocketAddr, path: &str, is_right: impl Fn(&str, &str) -> bool) -> String {
    let deadline = Instant::now() + DEADLINE;
    loop {
        let answer = get(address, path);
        if let Some((status, body)) = &answer
            && is_right(status, body)
        {
            return body.clone();
        }
        assert!(Instant::now() < deadline, "{path}: {answer:?}");
        std::thread::sleep(PAUSE);
    }
}
