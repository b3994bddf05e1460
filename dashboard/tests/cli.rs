//! The `dashboard` program as a process: what it says, and how it ends.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::process::{Child, Command, Output, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

/// Generous for a busy machine: how long to wait for what must come.
const DEADLINE: Duration = Duration::from_secs(20);
/// How long ending takes at most.
const PROMPT: Duration = Duration::from_secs(2);
/// The pause between two looks at `/readyz`.
const PAUSE: Duration = Duration::from_millis(10);

/// The program, in a directory without a manifest and an environment without our variables.
fn dashboard(directory: &tempfile::TempDir) -> Command {
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

fn run(args: &[&str]) -> Output {
    let directory = tempfile::tempdir().unwrap();
    dashboard(&directory).args(args).output().unwrap()
}

/// What it says when it ends by itself, for wrong usage.
#[track_caller]
fn refused(args: &[&str]) -> String {
    let output = run(args);
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{stderr}");
    assert!(output.stdout.is_empty(), "{:?}", output.stdout);
    stderr
}

/// An address where nobody listens.
fn closed_port() -> SocketAddr {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    listener.local_addr().unwrap()
}

/// A process that runs until the test ends it; killed if the test fails.
struct Running {
    process: Child,
    stderr: Receiver<String>,
    _directory: tempfile::TempDir,
}

impl Running {
    fn start(args: &[&str]) -> Running {
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
    fn line(&self, part: &str) -> String {
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
    fn terminate(mut self) -> (Option<i32>, Duration) {
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
fn get(address: &str, path: &str) -> (String, String) {
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

#[test]
fn help_names_every_option_and_where_its_value_may_come_from() {
    let output = run(&["--help"]);
    assert!(output.status.success());
    let help = String::from_utf8(output.stdout).unwrap();
    for part in [
        "--port",
        "--bind",
        "--manifest",
        "--cluster",
        "--database-url",
        "--log",
        "ELECTION_CLUSTER",
        "ELECTION_MANIFEST",
        "ELECTION_LOG",
        "DATABASE_URL",
        "Exit codes",
        "Examples",
    ] {
        assert!(help.contains(part), "{part} is not in:\n{help}");
    }
    assert!(help.lines().all(|line| line.len() <= 105), "{help}");
}

#[test]
fn what_is_given_wrongly_is_told_with_exit_code_2() {
    let database = "postgresql://postgres@127.0.0.1/postgres";
    let told = refused(&["--cluster", "http://host:9003"]);
    assert!(told.contains("--cluster"), "{told}");

    let told = refused(&["--cluster", "127.0.0.1:1", "--port", "0"]);
    assert!(told.contains("--database-url"), "{told}");

    let told = refused(&["--database-url", database, "--manifest", "absent.toml"]);
    assert!(told.contains("absent.toml"), "{told}");

    // No cluster is named, and there is no profile.
    let told = refused(&["--database-url", database, "--port", "0"]);
    assert!(told.contains("--cluster"), "{told}");

    let url = "postgresql://ada:s3cret@/";
    let cluster = ["--cluster", "127.0.0.1:1", "--port", "0"];
    let told = refused(&[&cluster[..], &["--database-url", url]].concat());
    assert!(told.contains("database URL"), "{told}");
    assert!(!told.contains("s3cret"), "{told}");
}

#[test]
fn a_manifest_is_wrong_at_a_line() {
    let directory = tempfile::tempdir().unwrap();
    let manifest = directory.path().join("fluvio.toml");
    std::fs::write(manifest, "[cluster]\nport = 1\n").unwrap();
    let output = dashboard(&directory).output().unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{stderr}");
    assert!(stderr.contains("fluvio.toml:2:1: "), "{stderr}");
}

#[test]
fn it_is_up_while_it_waits_says_what_for_and_ends_when_told_to() {
    let cluster = closed_port().to_string();
    let database = closed_port().to_string();
    let url = format!("postgresql://ada:s3cret@{database}/votes");
    let args = ["--port", "0", "--cluster", &cluster, "--database-url", &url];
    let running = Running::start(&args);
    let serving = running.line("http://");
    let (_, address) = serving.split_once("http://").unwrap();
    let waiting = [running.line("waiting for"), running.line("waiting for")].join("\n");
    for part in [&cluster, &database, "Fluvio", "Postgres"] {
        assert!(waiting.contains(part), "{part} is not in:\n{waiting}");
    }
    assert!(!waiting.contains("s3cret"), "{waiting}");

    let (status, _) = get(address, "/healthz");
    assert!(status.contains("200"), "{status}");
    // What `/readyz` shows is published a moment later.
    let deadline = Instant::now() + DEADLINE;
    let told = loop {
        let (status, told) = get(address, "/readyz");
        assert!(status.contains("503"), "{status}");
        if told.contains(&cluster) && told.contains(&database) {
            break told;
        }
        assert!(Instant::now() < deadline, "{told}");
        std::thread::sleep(PAUSE);
    };
    assert!(!told.contains("s3cret"), "{told}");
    let (status, _) = get(address, "/");
    assert!(status.contains("200"), "{status}");

    let (code, took) = running.terminate();
    assert_eq!(code, Some(0));
    assert!(took < PROMPT, "{took:?}");
}

#[test]
fn logs_can_be_json() {
    let cluster = closed_port().to_string();
    let database = format!("postgresql://postgres@{}/postgres", closed_port());
    let running = Running::start(&[
        "--port",
        "0",
        "--cluster",
        &cluster,
        "--database-url",
        &database,
        "--log",
        "json",
    ]);
    let line = running.line("waiting for");
    let line: serde_json::Value = serde_json::from_str(&line).unwrap();
    assert_eq!(line["level"], "WARN");
    assert!(line["message"].is_string());
    assert_eq!(running.terminate().0, Some(0));
}
