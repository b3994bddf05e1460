//! `election bench`: what one machine counts, persists and produces, and beside it what the same
//! machine could at best: a plain native loop over the same bytes.
//!
//! Every figure is measured in the same run, through the same code that an election runs through.

#![deny(missing_docs)]
#![forbid(unsafe_code)]

mod end_to_end;
mod latency;
mod native;
mod persist;
mod report;
mod tally;
mod workload;

use anyhow::Context;

use crate::report::{Figure, Report, Unit};
use crate::workload::Workload;

/// How much to measure.
#[derive(Debug, Clone, clap::Args)]
pub struct BenchArgs {
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

/// Measures, and prints.
///
/// # Errors
/// When a part of the system fails; a missing PostgreSQL server only leaves its line out, visibly.
pub async fn run(args: BenchArgs) -> anyhow::Result<()> {
    let directory = tempfile::tempdir().context("cannot create a temporary directory")?;
    let mut report = Report::default();
    let produced = Workload::produce(directory.path(), &args).await?;
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

    let native = native::rate(&workload).await?;
    report.add(Figure::new(
        "native",
        "native serde_json loop, one core",
        Unit::PerSecond,
        native,
    ));
    report.native = native;

    tally::measure(&workload, &mut report).await?;
    workload.close().await?;
    persist::measure(directory.path(), &args, &mut report).await?;
    end_to_end::measure(directory.path(), &args, &mut report).await?;
    latency::measure(directory.path(), &args, &mut report).await?;
    report.print(&args)
}
