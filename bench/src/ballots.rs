//! `election bench ballots`: voters cast their votes over HTTP, each once, at a steady rate. No request may
//! fail, and every vote that was accepted must be counted and stored.

use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use ::dashboard::Dashboard;
use ::dashboard::args::{BallotLimits, ListenArgs};
use anyhow::{Context, ensure};
use ballot::{CredentialKey, Tally};
use consumer::ConsumerConfig;
use evidence::ElectionKey;
use producer::VoterSource;
use serde_json::json;
use store::Store;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};

use crate::BallotsBenchArgs;
use crate::http_client::HttpClient;
use crate::latencies::Latencies;
use crate::report::{Figure, Report, Unit};
use crate::system::{Database, System};
use crate::workload::{self, SEED};

const PARTITIONS: u32 = 2;

/// Connections that the votes are sent on, one after another on each.
const CONNECTIONS: u64 = 256;

/// Failed requests of one connection that are printed.
const FAILURES_SHOWN: usize = 3;

/// The path that votes are posted to.
const VOTES: &str = "/api/v1/votes";

/// The answers to the requests.
struct Answers {
    accepted: u64,
    failed: u64,
    /// Some of the failures.
    failures: Vec<String>,
    latencies: Latencies,
}

impl Answers {
    fn new() -> anyhow::Result<Answers> {
        Ok(Answers {
            accepted: 0,
            failed: 0,
            failures: Vec::new(),
            latencies: Latencies::new()?,
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
        self.latencies.add(&other.latencies)
    }
}

/// The voters, each with a time at which the vote is due.
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
    let log = workload::empty_log(directory.path(), "log", PARTITIONS).await?;
    let database = Database::embedded(directory.path()).await?;
    // Any key will do: the election is gone afterwards.
    let key = ElectionKey::from_bytes([7; 32]);
    let mut system = System::set_up(log, &database, Some(&key)).await?;
    let progress = system.consume(PARTITIONS, ConsumerConfig::default());
    let unlimited = BallotLimits {
        per_address: NonZeroU32::MAX,
        per_voter: NonZeroU32::MAX,
    };
    let dashboard = Dashboard::bind(ListenArgs::on_a_free_port()).await?;
    let dashboard = dashboard.accepting_votes(unlimited, Some(key.clone()));
    let address = system.serve(dashboard);

    let votes = args.rate * args.seconds;
    let (platform, stop) = (system.platform.clone(), system.stop.clone());
    let candidates = system.election.definition.candidates();
    let candidates = candidates.map(|candidate| candidate.candidate_id.clone());
    let candidates = candidates.collect();
    let voting = async {
        let voters = VoterSource::Generated {
            seed: SEED,
            count: votes,
            precincts: Vec::new(),
        };
        producer::register_voters(&platform, voters, &Arc::default(), &stop).await?;
        consumer::wait_until_done(&*platform, &progress, &stop).await?;
        wait_until_open(address).await?;
        let began = Instant::now();
        let voters = Voters {
            address,
            key: key.credentials(),
            candidates,
            rate: args.rate,
            votes,
            began,
        };
        let answers = vote(voters).await?;
        let took = began.elapsed();
        consumer::wait_until_done(&*platform, &progress, &stop).await?;
        Ok((answers, took))
    };
    let (answers, took) = system.beside(voting).await?;
    let counted = counted(&system.store).await?;
    let rows = system.store.count_rows().await?.votes;
    drop(platform);
    system.stop().await?;
    database.stop().await?;

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
    let mut client = HttpClient::connect(voters.address).await?;
    for voter in (first..voters.votes).step_by(CONNECTIONS as usize) {
        let due = voters.began + Duration::from_secs(1).mul_f64(voter as f64 / voters.rate as f64);
        let voter_id = producer::voter_id(SEED, voter);
        let body = json!({
            "credential": voters.key.credential(&voter_id),
            "candidate_id": voters.candidates[voter as usize % voters.candidates.len()],
            "voter_id": voter_id,
        });
        sleep_until(due).await;
        match client.post(VOTES, &body).await {
            Ok((201, _)) => {
                answers.accepted += 1;
                // Since it was due: a vote that waits for a slow answer before it has waited, too.
                answers.latencies.record(due.elapsed(), 1)?;
            }
            Ok((status, answer)) => answers.fail(format!("{status}: {answer}")),
            Err(error) => {
                answers.fail(format!("{error:#}"));
                client = HttpClient::connect(voters.address).await?;
            }
        }
    }
    Ok(answers)
}

/// Sends empty ballots until the ballot box is open.
async fn wait_until_open(address: SocketAddr) -> anyhow::Result<()> {
    let client = HttpClient::connect(address).await?;
    let body = json!({"voter_id": "", "candidate_id": "", "credential": ""});
    while client.post(VOTES, &body).await?.0 == 503 {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    Ok(())
}

fn print(args: &BallotsBenchArgs, answers: &Answers, took: Duration) -> anyhow::Result<()> {
    let mut report = Report::new("");
    let rate = answers.accepted as f64 / took.as_secs_f64();
    let name = format!("ballots accepted, of {} sent a second", args.rate);
    report.add(Figure::rate("accepted_rate", name, rate));
    for (quantile, share) in [("p50", 0.50), ("p99", 0.99)] {
        let key = format!("{quantile}_ms");
        let name = format!("ballot sent to acknowledged, {quantile}");
        let ms = answers.latencies.quantile_ms(share);
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
