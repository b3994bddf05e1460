//! What the tests of the `election` binary share: running it, reading what it says, and a look into
//! its embedded log and database when it has ended.

pub mod proxy;
pub mod site;

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use futures_util::StreamExt;
use platform::embedded::EmbeddedPlatform;
use platform::{Output, Platform, StreamRequest};
use serde_json::Value;
use store::EmbeddedPostgres;
use tempfile::TempDir;
pub use testing::skipped;

/// No command of a test takes as long, not even unoptimised on a busy machine: what does, hangs.
const DEADLINE: Duration = Duration::from_secs(180);
/// The pause between two looks at a condition.
const PAUSE: Duration = Duration::from_millis(5);

/// A directory for an election that is not there yet.
pub struct DataDir(TempDir);

impl DataDir {
    pub fn new() -> DataDir {
        DataDir(tempfile::tempdir().unwrap())
    }

    pub fn path(&self) -> PathBuf {
        self.0.path().join("data")
    }

    /// A file beside the election.
    pub fn file(&self, name: &str, contents: impl AsRef<[u8]>) -> PathBuf {
        let path = self.0.path().join(name);
        std::fs::write(&path, contents).unwrap();
        path
    }

    /// Runs `election ARGS --data-dir DIR` to its end.
    #[track_caller]
    pub fn run(&self, args: &[&str]) -> Run {
        self.start(args).wait()
    }

    /// Runs a command that takes no data directory.
    #[track_caller]
    pub fn run_without_data(&self, args: &[&str]) -> Run {
        Process::spawn(election(args)).wait()
    }

    /// Starts it.
    pub fn start(&self, args: &[&str]) -> Process {
        Process::spawn(self.command(args))
    }

    /// The command, to be changed before it is started.
    pub fn command(&self, args: &[&str]) -> Command {
        let mut command = election(args);
        command.arg("--data-dir").arg(self.path());
        command
    }

    /// `results --json`, which must be fine.
    #[track_caller]
    pub fn results(&self) -> Value {
        self.run(&["results", "--json"]).succeeds().json()
    }
}

/// A short election with votes of every kind.
pub const fn small_demo(voters: &str) -> [&str; 11] {
    [
        "demo",
        "--voters",
        voters,
        "--invalid",
        "0.1",
        "--duplicates",
        "0.1",
        "--once",
        "--json",
        "--port",
        "0",
    ]
}

/// Where candidates' photos are, in all elections of the tests.
pub const PUBLIC_URL: &str = "http://127.0.0.1:8080";
pub const PUBLIC_URL_VARIABLE: &str = "ELECTION_PUBLIC_URL";

/// The binary, whatever the environment of the tests is.
pub fn election(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_election"));
    command
        .args(args)
        .env_remove("DATABASE_URL")
        .env_remove("ELECTION_KEY")
        .env_remove("ELECTION_KEY_FILE")
        .env_remove("ELECTION_DEFINITION")
        // Elections are compared whose dashboards have different ports.
        .env(PUBLIC_URL_VARIABLE, PUBLIC_URL)
        .env_remove("RUST_LOG");
    command
}

/// A running command; killed when it is dropped.
pub struct Process {
    child: Child,
    stdout: Option<JoinHandle<Vec<u8>>>,
    stderr_lines: Receiver<String>,
    stderr: String,
}

impl Process {
    pub fn spawn(mut command: Command) -> Process {
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut out = child.stdout.take().unwrap();
        let stdout = std::thread::spawn(move || {
            let mut bytes = Vec::new();
            out.read_to_end(&mut bytes).unwrap();
            bytes
        });
        let err = BufReader::new(child.stderr.take().unwrap());
        let (lines, stderr_lines) = mpsc::channel();
        std::thread::spawn(move || {
            for line in err.split(b'\n').map_while(Result::ok) {
                let line = String::from_utf8_lossy(&line).into_owned();
                if lines.send(line).is_err() {
                    return;
                }
            }
        });
        Process {
            child,
            stdout: Some(stdout),
            stderr_lines,
            stderr: String::new(),
        }
    }

    /// Waits until a line with `text` is on stderr, and returns it.
    #[track_caller]
    pub fn wait_for_stderr(&mut self, text: &str) -> String {
        let began = Instant::now();
        loop {
            let left = DEADLINE.saturating_sub(began.elapsed());
            let Ok(line) = self.stderr_lines.recv_timeout(left) else {
                panic!("no `{text}` on stderr: {}", self.stderr);
            };
            let found = line.contains(text);
            self.stderr.push_str(&line);
            self.stderr.push('\n');
            if found {
                return line;
            }
        }
    }

    /// Waits until so many lines with `text` are on stderr; false if it ends before.
    #[track_caller]
    pub fn reaches(&mut self, text: &str, times: usize) -> bool {
        let began = Instant::now();
        for _ in 0..times {
            loop {
                let left = DEADLINE.saturating_sub(began.elapsed());
                let line = match self.stderr_lines.recv_timeout(left) {
                    Ok(line) => line,
                    Err(mpsc::RecvTimeoutError::Disconnected) => return false,
                    Err(mpsc::RecvTimeoutError::Timeout) => {
                        panic!("not {times} times `{text}` on stderr: {}", self.stderr)
                    }
                };
                let found = line.contains(text);
                self.stderr.push_str(&line);
                self.stderr.push('\n');
                if found {
                    break;
                }
            }
        }
        true
    }

    /// Sends SIGTERM.
    pub fn terminate(&self) {
        let sent = Command::new("kill")
            .args(["-TERM", &self.child.id().to_string()])
            .status();
        assert!(sent.unwrap().success());
    }

    /// Kills it (`kill -9`), and returns what it has said.
    #[track_caller]
    pub fn kill(mut self) -> Run {
        self.child.kill().unwrap();
        self.wait()
    }

    /// Its process number.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Whether it still runs.
    pub fn is_running(&mut self) -> bool {
        self.child.try_wait().unwrap().is_none()
    }

    /// Kills it (`kill -9`) after `delay`, unless it ends before. Returns whether it was killed.
    pub fn kill_after(mut self, delay: Duration) -> bool {
        let began = Instant::now();
        while began.elapsed() < delay {
            if self.child.try_wait().unwrap().is_some() {
                return false;
            }
            std::thread::sleep(PAUSE.min(delay.saturating_sub(began.elapsed())));
        }
        self.child.kill().unwrap();
        self.child.wait().unwrap().code().is_none()
    }

    /// Waits for its end.
    #[track_caller]
    pub fn wait(mut self) -> Run {
        let began = Instant::now();
        let status = loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                break status;
            }
            assert!(
                began.elapsed() < DEADLINE,
                "it still runs after {DEADLINE:?}; stderr so far: {:?}",
                self.stderr_lines.try_iter().collect::<Vec<_>>()
            );
            std::thread::sleep(PAUSE);
        };
        for line in self.stderr_lines.iter() {
            self.stderr.push_str(&line);
            self.stderr.push('\n');
        }
        let stdout = self.stdout.take().unwrap().join().unwrap();
        Run {
            status,
            stdout: String::from_utf8(stdout).unwrap(),
            stderr: std::mem::take(&mut self.stderr),
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended; then there is nothing to kill.
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

/// A command that has ended.
pub struct Run {
    status: ExitStatus,
    pub stdout: String,
    pub stderr: String,
}

impl Run {
    #[track_caller]
    pub fn ends_with(self, code: i32) -> Run {
        assert_eq!(
            self.status.code(),
            Some(code),
            "{}\nstdout: {}\nstderr: {}",
            self.status,
            self.stdout,
            self.stderr
        );
        self
    }

    /// The exit code; `None` if it was killed.
    pub fn code(&self) -> Option<i32> {
        self.status.code()
    }

    #[track_caller]
    pub fn succeeds(self) -> Run {
        self.ends_with(0)
    }

    /// Refused with this exit code and a message that has each of `parts`.
    #[track_caller]
    pub fn refused(self, code: i32, parts: &[&str]) -> Run {
        let run = self.ends_with(code);
        assert!(run.stderr.contains("error: "), "{}", run.stderr);
        for part in parts {
            assert!(
                run.stderr.contains(part),
                "`{part}` is not in: {}",
                run.stderr
            );
        }
        run
    }

    /// All of stdout is one JSON object.
    #[track_caller]
    pub fn json(&self) -> Value {
        let value: Value = serde_json::from_str(&self.stdout)
            .unwrap_or_else(|error| panic!("{error}: {}", self.stdout));
        assert!(value.is_object(), "{value}");
        value
    }
}

/// The object without what differs from run to run.
pub fn without_elapsed(mut object: Value) -> Value {
    object.as_object_mut().unwrap().remove("elapsed_s");
    object
}

/// Asserts that two objects say the same, and shows only what differs.
#[track_caller]
pub fn assert_same(left: &Value, right: &Value, what: &str) {
    let (left, right) = (left.as_object().unwrap(), right.as_object().unwrap());
    for key in keys(left).union(&keys(right)) {
        assert_eq!(left.get(*key), right.get(*key), "{what}: `{key}`");
    }
}

pub fn keys(object: &serde_json::Map<String, Value>) -> BTreeSet<&str> {
    object.keys().map(String::as_str).collect()
}

#[track_caller]
pub fn number(object: &Value, key: &str) -> u64 {
    object[key]
        .as_u64()
        .unwrap_or_else(|| panic!("`{key}` is no number: {object}"))
}

/// The sum of a figure over a list of objects.
#[track_caller]
pub fn sum(list: &Value, key: &str) -> u64 {
    list.as_array()
        .unwrap()
        .iter()
        .map(|item| number(item, key))
        .sum()
}

/// The sum of `rejected` over all reasons.
pub fn rejected_total(report: &Value) -> u64 {
    report["rejected"]
        .as_object()
        .unwrap()
        .values()
        .map(|votes| votes.as_u64().unwrap())
        .sum()
}

/// Asserts what every report promises: each vote is accounted for, and the parts sum to the whole.
#[track_caller]
pub fn assert_adds_up(report: &Value) {
    let counted = number(report, "counted");
    assert_eq!(report["accounted"], true, "{report}");
    assert_eq!(counted + rejected_total(report), number(report, "cast"));
    assert_eq!(counted, number(report, "rows_in_postgres"));
    assert_eq!(counted, sum(&report["candidates"], "total_votes"));
    assert_eq!(counted, sum(&report["locations"], "count"));
    assert_eq!(counted, sum(&report["candidate_locations"], "total_votes"));
}

/// Opens the embedded log of an election that no process has open.
pub async fn open_log(data: &Path) -> EmbeddedPlatform {
    EmbeddedPlatform::open(&data.join("log")).await.unwrap()
}

/// Every record of a topic, by partition.
pub async fn read_topic(platform: &EmbeddedPlatform, topic: &str) -> Vec<Vec<Output>> {
    let mut partitions = Vec::new();
    for partition in 0..platform.partitions(topic).await.unwrap() {
        let end = platform.end_offset(topic, partition).await.unwrap();
        let request = StreamRequest {
            topic: topic.into(),
            partition,
            from: 0,
            chain: vec![],
        };
        let mut stream = platform.stream(request).await.unwrap();
        let mut records = Vec::new();
        while (records.len() as i64) < end {
            records.extend(stream.next().await.unwrap().unwrap());
        }
        partitions.push(records);
    }
    partitions
}

/// A connection to the database, and what has to outlive it.
pub struct Database {
    pub client: tokio_postgres::Client,
    connection: tokio::task::JoinHandle<()>,
    embedded: Option<EmbeddedPostgres>,
}

impl Database {
    /// The embedded database of an election that no process has open.
    pub async fn embedded(data: &Path) -> Database {
        let postgres = EmbeddedPostgres::start(&data.join("postgres"))
            .await
            .unwrap();
        let mut database = Database::server(&postgres.database_url()).await;
        database.embedded = Some(postgres);
        database
    }

    pub async fn server(url: &str) -> Database {
        let (client, connection) = tokio_postgres::connect(url, tokio_postgres::NoTls)
            .await
            .unwrap();
        Database {
            client,
            connection: tokio::spawn(async move { connection.await.unwrap() }),
            embedded: None,
        }
    }

    /// Changes a number of rows by hand.
    pub async fn change(
        &self,
        rows: u64,
        statement: &str,
        params: &[&(dyn tokio_postgres::types::ToSql + Sync)],
    ) {
        let changed = self.client.execute(statement, params).await.unwrap();
        assert_eq!(changed, rows, "{statement}");
    }

    pub async fn close(self) {
        drop(self.client);
        self.connection.await.unwrap();
        if let Some(postgres) = self.embedded {
            postgres.stop().await.unwrap();
        }
    }
}
