//! `election bench`: what one machine counts, persists and produces, and beside it what the same
//! machine could at best: a plain native loop over the same bytes.
//!
//! Every figure is measured in the same run, through the same code that an election runs through.

#![deny(missing_docs)]
#![forbid(unsafe_code)]

mod ballots;
mod bare_kafka;
mod bridge;
mod dashboard;
mod end_to_end;
mod latency;
mod listeners;
mod native;
mod peers;
mod persist;
mod report;
mod soak;
mod start_up;
mod tally;
mod workload;

use std::path::PathBuf;

use anyhow::Context;
use manifest::KafkaCompression;
use serde_json::json;

use crate::report::{Figure, Report, Unit};
use crate::workload::Workload;

/// The directory of the installed PostgreSQL programs, which benchmarks start a server with.
pub fn postgresql_programs() -> Option<PathBuf> {
    testing::TemporaryServer::find()
}

/// How much to measure.
#[derive(Debug, Clone, clap::Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct BenchArgs {
    /// Something else than counting and persisting
    #[command(subcommand)]
    pub command: Option<BenchCommand>,
    /// Votes to produce, count and persist
    #[arg(long, default_value_t = 500_000, value_parser = clap::value_parser!(u64).range(10_000..))]
    pub votes: u64,
    /// Partitions to count in parallel
    #[arg(long, default_value_t = 2, value_parser = clap::value_parser!(u32).range(1..=64))]
    pub partitions: u32,
    /// Votes per second while latency is measured
    #[arg(long, value_name = "RATE", default_value_t = 20_000, value_parser = clap::value_parser!(u64).range(100..))]
    pub latency_rate: u64,
    /// Seconds for which latency is measured
    #[arg(long, value_name = "SECONDS", default_value_t = 5, value_parser = clap::value_parser!(u64).range(1..=600))]
    pub latency_seconds: u64,
    /// One JSON object instead of the table
    #[arg(long)]
    pub json: bool,
}

/// Measurements of their own.
#[derive(Debug, Clone, clap::Subcommand)]
pub enum BenchCommand {
    /// The dashboard's event stream: how late a published aggregate reaches many listeners
    Dashboard(DashboardBenchArgs),
    /// Votes cast over HTTP at a steady rate: no error, and every accepted vote counted
    Ballots(BallotsBenchArgs),
    /// From the first vote cast to the last one counted, with everything running at once
    EndToEnd(EndToEndArgs),
    /// The bridge to Kafka: votes a second each way, beside a bare producer and consumer
    Bridge(BridgeBenchArgs),
    /// Casts for minutes what a fixed set of voters votes again and again, and watches the memory
    Soak(SoakArgs),
    /// Writes votes as JSON lines, and how they are to be counted: what other engines are compared on
    Votes(VotesArgs),
    /// Listens to a dashboard and prints how late its events are; `bench dashboard` starts it
    #[command(hide = true)]
    Listeners(ListenersArgs),
}

/// How many votes, and where to.
#[derive(Debug, Clone, clap::Args)]
pub struct VotesArgs {
    /// An existing directory; `votes-0.jsonl` and so on, and `expected.json`, are written there
    pub directory: std::path::PathBuf,
    /// Votes to write
    #[arg(long, default_value_t = 1_000_000, value_parser = clap::value_parser!(u64).range(1..))]
    pub votes: u64,
    /// Files to spread them over, by voter
    #[arg(long, default_value_t = 2, value_parser = clap::value_parser!(u32).range(1..=64))]
    pub partitions: u32,
}

/// How many listeners, and for how long.
#[derive(Debug, Clone, clap::Args)]
pub struct DashboardBenchArgs {
    /// Listeners of the event stream, in a process of their own
    #[arg(long, default_value_t = 1_000, value_parser = clap::value_parser!(u32).range(1..=4_000))]
    pub listeners: u32,
    /// Aggregates published a second
    #[arg(long, value_name = "RATE", default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=100))]
    pub updates: u32,
    /// Seconds to measure for
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=3_600))]
    pub seconds: u32,
    /// Locations with votes, all of which change in every update
    #[arg(long, default_value_t = 51, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub locations: u32,
    /// One JSON object instead of the table
    #[arg(long)]
    pub json: bool,
}

/// How many ballots, and for how long.
#[derive(Debug, Clone, clap::Args)]
pub struct BallotsBenchArgs {
    /// Ballots a second
    #[arg(long, default_value_t = 2_000, value_parser = clap::value_parser!(u64).range(1..=100_000))]
    pub rate: u64,
    /// Seconds to send them for
    #[arg(long, default_value_t = 30, value_parser = clap::value_parser!(u64).range(1..=3_600))]
    pub seconds: u64,
    /// One JSON object instead of the table
    #[arg(long)]
    pub json: bool,
}

/// How many votes.
#[derive(Debug, Clone, clap::Args)]
pub struct EndToEndArgs {
    /// Votes to cast, count and persist
    #[arg(long, default_value_t = 500_000, value_parser = clap::value_parser!(u64).range(10_000..))]
    pub votes: u64,
    /// Partitions to count in parallel
    #[arg(long, default_value_t = 2, value_parser = clap::value_parser!(u32).range(1..=64))]
    pub partitions: u32,
    /// One JSON object instead of the table
    #[arg(long)]
    pub json: bool,
}

/// For how long, and how much.
#[derive(Debug, Clone, clap::Args)]
pub struct SoakArgs {
    /// Minutes to cast for, once everybody has voted; may be a fraction. Memory comes and goes in waves of a
    /// million votes, as the log's store writes: less than several of them tell nothing
    #[arg(long, default_value_t = 30.0)]
    pub minutes: f64,
    /// Votes a second; each takes about two kilobytes on disk, the database's journal among them
    #[arg(long, value_name = "RATE", default_value_t = 5_000, value_parser = clap::value_parser!(u64).range(100..))]
    pub rate: u64,
    /// Voters, who vote again and again
    #[arg(long, default_value_t = 100_000, value_parser = clap::value_parser!(u64).range(1_000..))]
    pub voters: u64,
    /// Partitions to count in parallel
    #[arg(long, default_value_t = 2, value_parser = clap::value_parser!(u32).range(1..=64))]
    pub partitions: u32,
    /// One JSON object instead of the verdict in words
    #[arg(long)]
    pub json: bool,
}

/// Which broker, and how much.
#[derive(Debug, Clone, clap::Args)]
pub struct BridgeBenchArgs {
    /// Address of a Kafka broker (Redpanda); the topics made for it are deleted at the end
    #[arg(long, value_name = "HOST:9092", env = "ELECTION_KAFKA")]
    pub kafka: String,
    /// Votes to carry
    #[arg(long, default_value_t = 500_000, value_parser = clap::value_parser!(u64).range(10_000..))]
    pub votes: u64,
    /// Partitions, on both sides
    #[arg(long, default_value_t = 2, value_parser = clap::value_parser!(u32).range(1..=64))]
    pub partitions: u32,
    /// How batches on Kafka are compressed, the bare producer's too: none, gzip, snappy, lz4 or zstd
    #[arg(long, value_name = "CODEC", default_value = KafkaCompression::default().name(), value_parser = compression)]
    pub compression: KafkaCompression,
    /// Rounds, each of all measurements; the median counts
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..=99))]
    pub rounds: u32,
    /// One JSON object instead of the table
    #[arg(long)]
    pub json: bool,
}

fn compression(text: &str) -> Result<KafkaCompression, String> {
    let known = KafkaCompression::ALL;
    let found = known.into_iter().find(|codec| codec.name() == text);
    found.ok_or_else(|| {
        let names = known.map(KafkaCompression::name);
        format!("it is one of {}", names.join(", "))
    })
}

/// What to listen to.
#[derive(Debug, Clone, clap::Args)]
pub struct ListenersArgs {
    /// Address of the dashboard
    #[arg(long)]
    pub address: std::net::SocketAddr,
    /// How many listen at once
    #[arg(long)]
    pub listeners: u32,
}

/// Measures, and prints.
///
/// # Errors
/// When a part of the system fails; a missing PostgreSQL server only leaves its line out, visibly.
pub async fn run(args: BenchArgs) -> anyhow::Result<()> {
    match args.command {
        None => {}
        Some(BenchCommand::Dashboard(args)) => return dashboard::measure(args).await,
        Some(BenchCommand::Ballots(args)) => return ballots::measure(args).await,
        Some(BenchCommand::EndToEnd(args)) => return end_to_end::measure_alone(args).await,
        Some(BenchCommand::Bridge(args)) => return bridge::measure(args).await,
        Some(BenchCommand::Soak(args)) => return soak::measure(args).await,
        Some(BenchCommand::Votes(args)) => return peers::write_votes(&args),
        Some(BenchCommand::Listeners(args)) => return listeners::listen(args).await,
    }
    let directory = tempfile::tempdir().context("cannot create a temporary directory")?;
    let mut report = Report::new("Of native");
    let produced = Workload::produce(directory.path(), args.votes, args.partitions).await?;
    report.add(Figure::new(
        "produce",
        "produced, durable",
        Unit::PerSecond,
        produced.produce_rate,
    ));
    // Reopened, so that the log is at rest: what producing left it to do in the background would be
    // measured with the rest.
    produced.close().await?;
    let workload = Workload::reopen(directory.path()).await?;

    tally::measure(&workload, &mut report).await?;
    workload.close().await?;
    tally::measure_recount(directory.path(), &mut report).await?;
    persist::measure(directory.path(), &args, &mut report).await?;
    end_to_end::measure(directory.path(), args.votes, args.partitions, &mut report).await?;
    latency::measure(directory.path(), &args, &mut report).await?;
    start_up::measure(directory.path(), &mut report).await?;
    let head = json!({ "votes": args.votes, "partitions": args.partitions });
    report.print(args.json, head)
}
