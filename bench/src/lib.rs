//! `election bench`: what one machine counts, persists and produces, compared with a plain native loop over the same
//! bytes on the same machine.
//!
//! Every figure is measured in the same run, through the same code that an election runs through.

#![deny(missing_docs)]
#![forbid(unsafe_code)]

mod ballots;
mod bare_kafka;
mod bridge;
mod dashboard;
mod end_to_end;
mod hostile;
mod http_client;
mod latencies;
mod latency;
mod listeners;
mod native;
mod peers;
mod persist;
mod ranked;
mod report;
mod rounds;
mod soak;
mod start_up;
mod system;
mod tally;
mod workload;

use std::net::SocketAddr;
use std::path::PathBuf;

use anyhow::Context;
use manifest::KafkaCompression;
use serde_json::json;

use crate::report::{Figure, Report};
use crate::workload::Workload;

/// The directory of the installed PostgreSQL programs, which benchmarks start a server with.
pub fn postgresql_programs() -> Option<PathBuf> {
    testing::TemporaryServer::find()
}

/// What to measure, and how much.
#[derive(Debug, Clone, clap::Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct BenchArgs {
    /// Measure something other than counting and persisting
    #[command(subcommand)]
    command: Option<BenchCommand>,
    #[command(flatten)]
    size: Size,
    /// Votes per second while latency is measured
    #[arg(long, value_name = "RATE", default_value_t = 20_000, value_parser = clap::value_parser!(u64).range(100..))]
    latency_rate: u64,
    /// Seconds for which latency is measured
    #[arg(long, value_name = "SECONDS", default_value_t = 5, value_parser = clap::value_parser!(u64).range(1..=600))]
    latency_seconds: u64,
    /// Print one JSON object instead of the table
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Clone, clap::Subcommand)]
enum BenchCommand {
    /// The dashboard's event stream: how late a published aggregate reaches many listeners
    Dashboard(DashboardBenchArgs),
    /// Votes cast over HTTP at a steady rate: no error, and every accepted vote counted
    Ballots(BallotsBenchArgs),
    /// From the first vote cast to the last one counted, with everything running at once
    EndToEnd(EndToEndArgs),
    /// What a hostile writer costs: logs of made-up ids, places and sizes, byte for byte against
    /// ordinary votes
    Hostile(HostileArgs),
    /// The bridge to Kafka: votes a second each way, compared with a plain producer and consumer
    Bridge(BridgeBenchArgs),
    /// Memory over time: a fixed set of voters votes again and again for minutes
    Soak(SoakArgs),
    /// Write votes as JSON lines, and the right counts, to compare other engines on
    Votes(VotesArgs),
    /// Listens to a dashboard and prints how late its events are; `bench dashboard` starts it
    #[command(hide = true)]
    Listeners(ListenersArgs),
}

/// How many votes, in how many partitions.
#[derive(Debug, Clone, Copy, clap::Args, serde::Serialize)]
struct Size {
    /// Votes to measure with
    #[arg(long, default_value_t = 500_000, value_parser = clap::value_parser!(u64).range(10_000..))]
    votes: u64,
    /// Partitions to spread them over
    #[arg(long, default_value_t = 2, value_parser = clap::value_parser!(u32).range(1..=64))]
    partitions: u32,
}

#[derive(Debug, Clone, clap::Args)]
struct HostileArgs {
    /// Ordinary votes to compare with; each hostile log has as many bytes
    #[arg(long, default_value_t = 300_000, value_parser = clap::value_parser!(u64).range(10_000..))]
    votes: u64,
    /// Print one JSON object instead of the table
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Clone, clap::Args)]
struct VotesArgs {
    /// An existing directory; `votes-0.jsonl` and so on, and `expected.json`, are written there
    directory: PathBuf,
    /// Votes to write
    #[arg(long, default_value_t = 1_000_000, value_parser = clap::value_parser!(u64).range(1..))]
    votes: u64,
    /// Files to spread them over, by voter
    #[arg(long, default_value_t = 2, value_parser = clap::value_parser!(u32).range(1..=64))]
    partitions: u32,
}

#[derive(Debug, Clone, clap::Args)]
struct DashboardBenchArgs {
    /// Listeners of the event stream, in a process of their own
    #[arg(long, default_value_t = 1_000, value_parser = clap::value_parser!(u32).range(1..=4_000))]
    listeners: u32,
    /// Aggregates published a second
    #[arg(long, value_name = "RATE", default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=100))]
    updates: u32,
    /// Seconds to measure for
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=3_600))]
    seconds: u32,
    /// Locations with votes, all of which change in every update
    #[arg(long, default_value_t = 51, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    locations: u32,
    /// Print one JSON object instead of the table
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Clone, clap::Args)]
struct BallotsBenchArgs {
    /// Ballots a second
    #[arg(long, default_value_t = 2_000, value_parser = clap::value_parser!(u64).range(1..=100_000))]
    rate: u64,
    /// Seconds to send them for
    #[arg(long, default_value_t = 30, value_parser = clap::value_parser!(u64).range(1..=3_600))]
    seconds: u64,
    /// Print one JSON object instead of the table
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Clone, clap::Args)]
struct EndToEndArgs {
    #[command(flatten)]
    size: Size,
    /// Print one JSON object instead of the table
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Clone, clap::Args)]
struct SoakArgs {
    /// Minutes to cast for, once everybody has voted; fractions are allowed. Memory rises and falls with every
    /// million votes, as the log's store writes: measure several of these waves
    #[arg(long, default_value_t = 30.0)]
    minutes: f64,
    /// Votes a second; each takes about two kilobytes on disk, the database's journal included
    #[arg(long, value_name = "RATE", default_value_t = 5_000, value_parser = clap::value_parser!(u64).range(100..))]
    rate: u64,
    /// Voters, who vote again and again
    #[arg(long, default_value_t = 100_000, value_parser = clap::value_parser!(u64).range(1_000..))]
    voters: u64,
    /// Partitions to count in parallel
    #[arg(long, default_value_t = 2, value_parser = clap::value_parser!(u32).range(1..=64))]
    partitions: u32,
    /// Print one JSON object instead of the verdict in words
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Clone, clap::Args)]
struct BridgeBenchArgs {
    /// Address of a Kafka broker (Redpanda); the topics made for it are deleted at the end
    #[arg(long, value_name = "HOST:9092", env = "ELECTION_KAFKA")]
    kafka: String,
    #[command(flatten)]
    size: Size,
    /// Compression of batches on Kafka, also by the plain producer: none, gzip, snappy, lz4 or zstd
    #[arg(long, value_name = "CODEC", default_value = KafkaCompression::default().name(), value_parser = compression)]
    compression: KafkaCompression,
    /// Rounds of all measurements; the medians are reported
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..=99))]
    rounds: u32,
    /// Print one JSON object instead of the table
    #[arg(long)]
    json: bool,
}

fn compression(text: &str) -> Result<KafkaCompression, String> {
    let known = KafkaCompression::ALL;
    let found = known.into_iter().find(|codec| codec.name() == text);
    found.ok_or_else(|| {
        let names = known.map(KafkaCompression::name);
        format!("it is one of {}", names.join(", "))
    })
}

#[derive(Debug, Clone, clap::Args)]
struct ListenersArgs {
    /// Address of the dashboard
    #[arg(long)]
    address: SocketAddr,
    /// How many listen at once
    #[arg(long)]
    listeners: u32,
}

/// Measures, and prints.
///
/// # Errors
/// When a part of the system fails. Without a PostgreSQL server, its figure is shown as skipped.
pub async fn run(args: BenchArgs) -> anyhow::Result<()> {
    match args.command {
        None => {}
        Some(BenchCommand::Dashboard(args)) => return dashboard::measure(args).await,
        Some(BenchCommand::Ballots(args)) => return ballots::measure(args).await,
        Some(BenchCommand::EndToEnd(args)) => return end_to_end::measure_alone(args).await,
        Some(BenchCommand::Hostile(args)) => return hostile::measure(args).await,
        Some(BenchCommand::Bridge(args)) => return bridge::measure(args).await,
        Some(BenchCommand::Soak(args)) => return soak::measure(args).await,
        Some(BenchCommand::Votes(args)) => return peers::write_votes(&args),
        Some(BenchCommand::Listeners(args)) => return listeners::listen(args).await,
    }
    let temporary = tempfile::tempdir().context("cannot create a temporary directory")?;
    let directory = temporary.path();
    let mut report = Report::new("Of native");
    let Size { votes, partitions } = args.size;
    let (workload, rate) = Workload::produce(directory, votes, partitions).await?;
    report.add(Figure::rate("produce", "produced, durable", rate));
    tally::measure(&workload, &mut report).await?;
    workload.close().await?;
    tally::measure_recount(directory, &mut report).await?;
    ranked::measure(directory, votes, &mut report).await?;
    rounds::measure(&mut report).await?;
    persist::measure(directory, &mut report).await?;
    end_to_end::measure(directory, args.size, &mut report).await?;
    latency::measure(directory, &args, &mut report).await?;
    start_up::measure(directory, &mut report).await?;
    report.print(args.json, json!(args.size))
}
