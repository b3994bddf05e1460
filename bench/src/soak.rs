//! Memory over time: votes are cast, counted and persisted for minutes, and the process must not grow.
//!
//! A fixed set of voters votes again and again: all votes but their first are duplicates, of which nothing has to be
//! remembered. What then grows with the votes is a leak, or a queue without a limit.

use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use consumer::{ConsumerConfig, Progress, Snapshot};
use indicatif::HumanCount;
use platform::Platform;
use serde_json::json;
use tokio::time::MissedTickBehavior;
use wire::topics;

use crate::SoakArgs;
use crate::system::{Database, System};
use crate::workload::{self, Votes};

/// Samples of the memory, spread over the whole time.
const SAMPLES: u32 = 24;
/// Samples during which buffers and caches fill up, most of all those of the log's store.
const WARM_UP_SAMPLES: usize = 8;
/// Time between two groups of votes.
const CAST_INTERVAL: Duration = Duration::from_millis(10);
/// Most votes that are cast and not persisted yet. Casting waits when there are more: what is measured is memory,
/// not the disk.
const MOST_ON_THE_WAY: u64 = 500_000;
/// Growth after the warm-up that counts as flat: what an allocator keeps varies by as much.
const NO_GROWTH: f64 = 32e6;
const MEGABYTE: f64 = 1e6;

/// The process at a moment.
struct Sample {
    cast: u64,
    bytes: f64,
}

pub(crate) async fn measure(args: SoakArgs) -> anyhow::Result<()> {
    if !(args.minutes > 0.0 && args.minutes.is_finite()) {
        bail!("`--minutes {}` must be a positive number", args.minutes);
    }
    let directory = tempfile::tempdir().context("cannot create a temporary directory")?;
    let log = workload::empty_log(directory.path(), "soak", args.partitions).await?;
    let database = Database::server_or_embedded(directory.path()).await?;
    let mut system = System::set_up(log, &database, None).await?;
    eprintln!(
        "{} voters, {} votes/s for {} min, {}",
        HumanCount(args.voters),
        HumanCount(args.rate),
        args.minutes,
        database.name()
    );
    let progress = system.consume(args.partitions, ConsumerConfig::default());
    let votes = Votes::new(&system.election, args.partitions, 0.0, 0.0)?;
    let platform = system.platform.clone();
    let soaking = soak(&args, votes, &*platform, &progress);
    let samples = system.beside(soaking).await?;
    drop(platform);
    system.stop().await?;
    database.stop().await?;
    judge(&args, &samples)
}

/// Casts everybody's first vote, then all of them again and again for the given time.
async fn soak(
    args: &SoakArgs,
    mut votes: Votes,
    platform: &dyn Platform,
    progress: &Progress,
) -> anyhow::Result<Vec<Sample>> {
    let per_group = (args.rate as f64 * CAST_INTERVAL.as_secs_f64()).ceil() as u64;
    let mut watch = progress.watch();
    let (mut cast, mut in_round) = (0, 0);
    let mut samples = Vec::new();
    let time = Duration::from_secs_f64(args.minutes * 60.0);
    let mut began = Instant::now();
    let mut next_sample = Duration::ZERO;
    let interval = Duration::from_secs_f64(per_group as f64 / args.rate as f64);
    let mut ticks = tokio::time::interval(interval);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    while cast < args.voters || began.elapsed() < time {
        if cast < args.voters {
            // The first round is not measured, and cast as fast as possible.
            began = Instant::now();
        } else {
            ticks.tick().await;
        }
        let voters = per_group.min(args.voters - in_round);
        let records = votes.chunk(voters)?;
        cast += records.len() as u64;
        in_round += voters;
        if in_round == args.voters {
            votes.start_over();
            in_round = 0;
        }
        platform.produce(topics::VOTES, records).await?;
        watch
            .wait_for(|snapshot| cast.saturating_sub(persisted(snapshot)) < MOST_ON_THE_WAY)
            .await?;
        if cast >= args.voters && began.elapsed() >= next_sample {
            samples.push(sample(cast, &watch.borrow(), began.elapsed())?);
            next_sample += time / SAMPLES;
        }
    }
    watch
        .wait_for(|snapshot| persisted(snapshot) >= cast)
        .await?;
    samples.push(sample(cast, &watch.borrow(), began.elapsed())?);
    Ok(samples)
}

fn persisted(snapshot: &Snapshot) -> u64 {
    snapshot.sum(|partition| partition.persisted)
}

fn sample(cast: u64, snapshot: &Snapshot, at: Duration) -> anyhow::Result<Sample> {
    let memory = memory_stats::memory_stats()
        .context("this system does not report the memory of a process")?;
    let bytes = memory.physical_mem as f64;
    let counted = snapshot.sum(|partition| partition.counted);
    eprintln!(
        "{:>7.1} s: {:>11} cast, {:>9} to be counted, {:>9} to be persisted, {:>7.1} MB",
        at.as_secs_f64(),
        HumanCount(cast).to_string(),
        HumanCount(cast.saturating_sub(counted)).to_string(),
        HumanCount(cast.saturating_sub(persisted(snapshot))).to_string(),
        bytes / MEGABYTE,
    );
    Ok(Sample { cast, bytes })
}

/// Prints how much the memory grew after the warm-up. Fails when it is not flat.
fn judge(args: &SoakArgs, samples: &[Sample]) -> anyhow::Result<()> {
    let warm = &samples[WARM_UP_SAMPLES.min(samples.len() / 2)..];
    // The means of the two halves: memory varies with what the log's store has yet to write.
    let (first, second) = warm.split_at(warm.len().div_ceil(2));
    let mean = |samples: &[Sample]| {
        samples.iter().map(|sample| sample.bytes).sum::<f64>() / samples.len().max(1) as f64
    };
    let growth = mean(second) - mean(first);
    let votes = match (first.first(), second.last()) {
        (Some(first), Some(last)) => last.cast - first.cast,
        _ => bail!("too few samples: measure for more `--minutes`"),
    };
    let is_flat = growth <= NO_GROWTH;
    // The middles of the two halves are half of these votes apart.
    let per_million = growth / (votes as f64 / 2.0).max(1.0) * 1e6;
    if args.json {
        let soak = json!({
            "voters": args.voters,
            "votes_after_warm_up": votes,
            "growth_bytes": growth,
            "growth_bytes_per_million_votes": per_million,
            "is_flat": is_flat,
        });
        println!("{soak:#}");
    } else {
        println!(
            "{} votes after the warm-up: memory grew by {:.1} MB, {:.1} MB per million votes.",
            HumanCount(votes),
            growth / MEGABYTE,
            per_million / MEGABYTE
        );
    }
    if !is_flat {
        bail!(
            "memory grew by {:.1} MB after the warm-up",
            growth / MEGABYTE
        );
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The verdict on this many megabytes at each sample.
    fn verdict(megabytes: impl Fn(usize) -> f64) -> anyhow::Result<()> {
        let args = SoakArgs {
            minutes: 1.0,
            rate: 5_000,
            voters: 1_000,
            partitions: 2,
            json: true,
        };
        let samples: Vec<_> = (0..SAMPLES as usize)
            .map(|at| Sample {
                cast: 10_000 * at as u64,
                bytes: megabytes(at) * MEGABYTE,
            })
            .collect();
        judge(&args, &samples)
    }

    #[test]
    fn only_growth_after_the_warm_up_is_a_leak() {
        let waves = |at| if at % 2 == 0 { 300.0 } else { 340.0 };
        verdict(waves).unwrap();
        let warming_up = |at: usize| 200.0 + 20.0 * at.min(WARM_UP_SAMPLES) as f64;
        verdict(warming_up).unwrap();
        let shrinking = |at| 400.0 - 5.0 * at as f64;
        verdict(shrinking).unwrap();
        // A leak of 5 MB from one sample to the next.
        let error = verdict(|at| 300.0 + 5.0 * at as f64).unwrap_err();
        assert!(
            error.to_string().contains("memory grew by 40.0 MB"),
            "{error}"
        );
    }
}
