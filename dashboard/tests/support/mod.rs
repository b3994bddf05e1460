//! The `dashboard` program as a process, and asking it over HTTP.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

/// Generous for a busy machine: how long to wait for what must come.
pub const DEADLINE: Duration = Duration::from_secs(20);
/// The pause between two looks.
pub const PAUSE: Duration = Duration::from_millis(10);

/// The program, in a directory without a manifest and an environment without our variables.
pub fn dashboard(directory: &tempfile::TempDir) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_dashboard"));
    command.current_dir(directory.path()).stdin(Stdio::null());
    for name in [
        "DATABASE_URL",
        "ELECTION_CLUSTER",
        "ELECTION_LOG",
        "ELECTION_MANIFEST",
        "RUST_LOG",
    ] {
        command.env_remove(name);
    }
    // No profile of the user's either.
    command.env("FLV_PROFILE_PATH", directory.path().join("profiles"));
    command
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
    _directory: tempfile::TempDir,
}

impl Running {
    pub fn start(args: &[&str]) -> Running {
        let directory = tempfile::tempdir().unwrap();
        let mut process = dashboard(&directory)
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

    /// Sends SIGTERM; the exit code, and how long the end took.
    pub fn terminate(mut self) -> (Option<i32>, Duration) {
        let began = Instant::now();
        let sent = Command::new("kill")
            .args(["-TERM", &self.process.id().to_string()])
            .status();
        assert!(sent.unwrap().success());
        let status = self.process.wait().unwrap();
        (status.code(), began.elapsed())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It has ended already, unless the test failed.
        self.process.kill().ok();
        self.process.wait().ok();
    }
}

/// Status line and body.
pub fn get(address: &str, path: &str) -> (String, String) {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(DEADLINE)).unwrap();
    write!(stream, "GET {path} HTTP/1.1\r\nhost: {address}\r\n\r\n").unwrap();
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
                return (head.lines().next().unwrap().to_owned(), body.to_owned());
            }
        }
        assert!(read > 0, "cut short: {text}");
    }
}

/// Asks for a path until the answer is right: its status line and body.
#[track_caller]
pub fn get_until(address: &str, path: &str, is_right: impl Fn(&str, &str) -> bool) -> String {
    let deadline = Instant::now() + DEADLINE;
    loop {
        let (status, body) = get(address, path);
        if is_right(&status, &body) {
            return body;
        }
        assert!(Instant::now() < deadline, "{path}: {status}: {body}");
        std::thread::sleep(PAUSE);
    }
}
