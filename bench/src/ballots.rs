//! `election bench ballots`: voters cast their votes over HTTP, each once, at a steady rate. No request may
//! fail, and every vote that was accepted must be counted and stored.

use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use ::dashboard::{BallotLimits, Dashboard, DashboardConfig};
use anyhow::{Context, bail, ensure};
use ballot::{CredentialKey, PollsWindow, Tally};
use consumer::{ConsumerConfig, Progress};
use evidence::{ElectionKey, Safeguards};
use hdrhistogram::Histogram;
use platform::Platform;
use producer::VoterSource;
use serde_json::json;
use store::{EmbeddedPostgres, Store};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;
use wire::Election;

use crate::BallotsBenchArgs;
use crate::report::{Figure, Report, Unit};
use crate::workload;

const SEED: u64 = 42;
const PARTITIONS: u32 = 2;

/// Connections that the votes are sent on, one after the other on each.
const CONNECTIONS: u64 = 256;

/// Longest latency that is told apart: a minute, in microseconds.
const LONGEST_MICROS: u64 = 60_000_000;

/// Requests of one connection that were not accepted, kept to be shown.
const FAILURES_SHOWN: usize = 3;

/// What came of the requests.
struct Answers {
    accepted: u64,
    failed: u64,
    /// Some of the failures, in words.
    failures: Vec<String>,
    micros: Histogram<u64>,
}

impl Answers {
    fn new() -> anyhow::Result<Answers> {
        Ok(Answers {
            accepted: 0,
            failed: 0,
            failures: Vec::new(),
            micros: Histogram::new_with_max(LONGEST_MICROS, 3)?,
        })
    }

    fn fail(&mut self, problem: String) {
        self.failed += 1;
        if self.failures.len() < FAILURES_SHOWN {
            self.failures.push(problem);
        }
    }

    fn add(&mut self, other: Answers) -> anyhow::Result<()> {
        self.accepted += other.accepted;
        self.failed += other.failed;
        self.failures.extend(other.failures);
        Ok(self.micros.add(other.micros)?)
    }
}

/// Who votes: every so many-th voter, each at a time of its own.
#[derive(Clone)]
struct Voters {
    address: SocketAddr,
    key: CredentialKey,
    candidates: Arc<[String]>,
    rate: u64,
    votes: u64,
    began: Instant,
}

pub(crate) async fn measure(args: BallotsBenchArgs) -> anyhow::Result<()> {
    let directory = tempfile::tempdir().context("cannot create a temporary directory")?;
    let embedded = workload::platform(directory.path(), "log", PARTITIONS).await?;
    let platform: Arc<dyn Platform> = Arc::new(embedded.clone());
    let postgres = EmbeddedPostgres::start(&directory.path().join("postgres")).await?;
    let store = postgres.connect().await?;
    // A key of the day: it opens nothing but this election.
    let key = ElectionKey::from_bytes([7; 32]);
    let election = open_election(&store, &key).await?;
    let stop = CancellationToken::new();
    let progress = Progress::new(PARTITIONS);
    let consumer = tokio::spawn(consumer::run(
        platform.clone(),
        store.clone(),
        election.clone(),
        ConsumerConfig::default(),
        progress.clone(),
        stop.clone(),
    ));
    let votes = args.rate * args.seconds;
    let voters = VoterSource::Generated {
        seed: SEED,
        count: votes,
        precincts: Vec::new(),
    };
    producer::register_voters(&platform, voters, &Arc::default(), &stop).await?;
    consumer::wait_until_done(&*platform, &progress, &stop).await?;

    let unlimited = BallotLimits {
        per_address: NonZeroU32::MAX,
        per_voter: NonZeroU32::MAX,
    };
    let dashboard = Dashboard::bind(DashboardConfig {
        port: 0,
        ..DashboardConfig::default()
    });
    let dashboard = dashboard
        .await?
        .accepting_votes(unlimited, Some(key.clone()));
    let voters = Voters {
        address: dashboard.address(),
        key: key.credentials(),
        candidates: (election.definition.candidates())
            .map(|candidate| candidate.candidate_id.clone())
            .collect(),
        rate: args.rate,
        votes,
        began: Instant::now(),
    };
    let served = tokio::spawn(dashboard.run(platform.clone(), store.clone(), stop.clone()));
    wait_until_open(voters.address).await?;
    let began = Instant::now();
    let answers = vote(Voters { began, ..voters }).await?;
    let took = began.elapsed();
    consumer::wait_until_done(&*platform, &progress, &stop).await?;
    stop.cancel();
    served.await??;
    consumer.await??;
    let counted = counted(&store).await?;
    let rows = store.count_rows().await?.votes;
    store.close();
    postgres.stop().await?;
    embedded.close().await?;

    print(&args, &answers, took)?;
    for failure in &answers.failures {
        eprintln!("not accepted: {failure}");
    }
    ensure!(
        answers.failed == 0,
        "{} of {votes} votes were not accepted",
        answers.failed
    );
    ensure!(
        (counted, rows) == (answers.accepted, answers.accepted),
        "{} votes were accepted, {counted} are counted, {rows} are stored",
        answers.accepted
    );
    Ok(())
}

async fn open_election(store: &Store, key: &ElectionKey) -> anyhow::Result<Election> {
    store.migrate().await?;
    let election = store::Election {
        plan: json!({}),
        polls: PollsWindow::default(),
        safeguards: Safeguards::new(true, false, Some(key))?,
        definition: None,
    };
    store.open_election(&election).await?;
    let candidates = workload::election().candidates();
    store.register_candidates(&candidates).await?;
    Ok(store.running_election(Some(key)).await?)
}

async fn counted(store: &Store) -> anyhow::Result<u64> {
    let mut total = Tally::default();
    for (_, _, tally) in store.tallies().await? {
        total.add(&tally);
    }
    Ok(total.counted())
}

/// Sends every voter's vote when it is due.
async fn vote(voters: Voters) -> anyhow::Result<Answers> {
    let mut connections = JoinSet::new();
    for first in 0..CONNECTIONS.min(voters.votes) {
        connections.spawn(vote_on_one_connection(voters.clone(), first));
    }
    let mut all = Answers::new()?;
    while let Some(answers) = connections.join_next().await {
        all.add(answers??)?;
    }
    Ok(all)
}

async fn vote_on_one_connection(voters: Voters, first: u64) -> anyhow::Result<Answers> {
    let mut answers = Answers::new()?;
    let mut connection = Connection::open(voters.address).await?;
    for voter in (first..voters.votes).step_by(CONNECTIONS as usize) {
        let due = voters.began + Duration::from_secs(1).mul_f64(voter as f64 / voters.rate as f64);
        let voter_id = producer::voter_id(SEED, voter);
        let body = json!({
            "credential": voters.key.credential(&voter_id),
            "candidate_id": voters.candidates[voter as usize % voters.candidates.len()],
            "voter_id": voter_id,
        });
        sleep_until(due).await;
        match connection.post("/api/v1/votes", &body.to_string()).await {
            Ok((201, _)) => {
                answers.accepted += 1;
                // From when it was due: who waits for a slow answer before it waits, too.
                let micros = due.elapsed().as_micros() as u64;
                answers.micros.record(micros.clamp(1, LONGEST_MICROS))?;
            }
            Ok((status, answer)) => answers.fail(format!("{status}: {answer}")),
            Err(error) => {
                answers.fail(format!("{error:#}"));
                connection = Connection::open(voters.address).await?;
            }
        }
    }
    Ok(answers)
}

/// Asks until the ballot box is open; the answer to an empty ballot says so.
async fn wait_until_open(address: SocketAddr) -> anyhow::Result<()> {
    let mut connection = Connection::open(address).await?;
    let body = json!({"voter_id": "", "candidate_id": "", "credential": ""}).to_string();
    while connection.post("/api/v1/votes", &body).await?.0 == 503 {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    Ok(())
}

/// A connection to the dashboard, kept from request to request.
struct Connection {
    stream: BufReader<TcpStream>,
    address: SocketAddr,
}

impl Connection {
    async fn open(address: SocketAddr) -> anyhow::Result<Connection> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        let stream = BufReader::new(stream);
        Ok(Connection { stream, address })
    }

    /// Sends a request. Returns the answer's status and body.
    async fn post(&mut self, path: &str, body: &str) -> anyhow::Result<(u16, String)> {
        let request = format!(
            "POST {path} HTTP/1.1\r\nhost: {}\r\ncontent-type: application/json\r\n\
             content-length: {}\r\n\r\n{body}",
            self.address,
            body.len()
        );
        self.stream.write_all(request.as_bytes()).await?;
        let status = self.line().await?;
        let status = status.split(' ').nth(1).and_then(|code| code.parse().ok());
        let status = status.context("an answer without a status")?;
        let mut length = 0;
        loop {
            let line = self.line().await?.to_ascii_lowercase();
            if line.is_empty() {
                break;
            }
            if let Some(value) = line.strip_prefix("content-length:") {
                length = value.trim().parse()?;
            }
        }
        let mut body = vec![0; length];
        self.stream.read_exact(&mut body).await?;
        Ok((status, String::from_utf8_lossy(&body).into_owned()))
    }

    async fn line(&mut self) -> anyhow::Result<String> {
        let mut line = String::new();
        if self.stream.read_line(&mut line).await? == 0 {
            bail!("the dashboard closed the connection");
        }
        Ok(line.trim_end().to_owned())
    }
}

fn print(args: &BallotsBenchArgs, answers: &Answers, took: Duration) -> anyhow::Result<()> {
    let mut report = Report::new("");
    let rate = answers.accepted as f64 / took.as_secs_f64();
    let name = format!("ballots accepted, of {} sent a second", args.rate);
    report.add(Figure::new("accepted_rate", name, Unit::PerSecond, rate));
    for (key, name, quantile) in [("p50_ms", "p50", 0.50), ("p99_ms", "p99", 0.99)] {
        let name = format!("ballot sent to acknowledged, {name}");
        let ms = answers.micros.value_at_quantile(quantile) as f64 / 1_000.0;
        report.add(Figure::new(key, name, Unit::Milliseconds, ms));
    }
    let head = json!({
        "rate": args.rate,
        "seconds": args.seconds,
        "accepted": answers.accepted,
        "failed": answers.failed,
    });
    report.print(args.json, head)
}
