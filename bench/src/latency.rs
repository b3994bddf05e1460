//! How long a vote takes from being cast to being counted, at a fixed rate.

use std::collections::VecDeque;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Context;
use consumer::{ConsumerConfig, Progress, Snapshot};
use domain::topics;
use hdrhistogram::Histogram;
use platform::Platform;
use store::EmbeddedPostgres;
use tokio::sync::mpsc;
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;

use crate::BenchArgs;
use crate::report::{Figure, Report, Unit};
use crate::workload::{self, Votes};

/// Votes are cast in groups, this far apart.
const CAST_INTERVAL: Duration = Duration::from_millis(5);
/// Voters whose votes are cast before anything is measured.
const WARM_UP_VOTERS: u64 = 100;
/// Groups that may be on their way from the caster to the observer.
const CAST_QUEUE: usize = 1024;
/// Longest latency that is told apart: a minute, in microseconds.
const LONGEST_MICROS: u64 = 60_000_000;

/// Votes cast together: in a partition, up to an offset, at an instant.
struct Cast {
    partition: usize,
    end: i64,
    votes: u64,
    at: Instant,
}

pub(crate) async fn measure(
    directory: &Path,
    args: &BenchArgs,
    report: &mut Report,
) -> anyhow::Result<()> {
    let embedded = workload::platform(directory, "latency", args.partitions).await?;
    let platform: Arc<dyn Platform> = Arc::new(embedded.clone());
    let postgres = EmbeddedPostgres::start(&directory.join("latency-postgres")).await?;
    let store = postgres.connect().await?;
    store.migrate().await?;
    let progress = Progress::new(args.partitions);
    let stop = CancellationToken::new();
    let consumer = tokio::spawn(consumer::run(
        platform.clone(),
        store.clone(),
        workload::election(),
        ConsumerConfig::default(),
        progress.clone(),
        stop.clone(),
    ));
    let mut caster = Caster::new(platform, args)?;
    caster.warm_up(&progress).await?;
    let (casts, queue) = mpsc::channel(CAST_QUEUE);
    let observer = tokio::spawn(observe(queue, progress.watch()));
    caster.cast(args, casts).await?;
    let micros = observer.await??;
    stop.cancel();
    consumer.await??;
    store.close();
    postgres.stop().await?;
    embedded.close().await?;

    for (key, name, quantile) in [
        ("latency_p50_ms", "p50", 0.50),
        ("latency_p99_ms", "p99", 0.99),
    ] {
        report.add(Figure::new(
            key,
            format!("cast to counted at {}/s, {name}", args.latency_rate),
            Unit::Milliseconds,
            micros.value_at_quantile(quantile) as f64 / 1_000.0,
        ));
    }
    Ok(())
}

struct Caster {
    platform: Arc<dyn Platform>,
    votes: Votes,
    /// Where each partition ended after the last group.
    ends: Vec<i64>,
}

impl Caster {
    fn new(platform: Arc<dyn Platform>, args: &BenchArgs) -> anyhow::Result<Caster> {
        Ok(Caster {
            platform,
            votes: Votes::new(&workload::election(), args.partitions)?,
            ends: vec![0; args.partitions as usize],
        })
    }

    /// Casts a few votes and waits until they are counted: from then on the SmartModules run.
    async fn warm_up(&mut self, progress: &Progress) -> anyhow::Result<()> {
        self.cast_group(WARM_UP_VOTERS).await?;
        progress
            .watch()
            .wait_for(|snapshot| snapshot.reached(&self.ends, |partition| partition.counted))
            .await?;
        Ok(())
    }

    async fn cast(&mut self, args: &BenchArgs, casts: mpsc::Sender<Cast>) -> anyhow::Result<()> {
        let per_group = (args.latency_rate as f64 * CAST_INTERVAL.as_secs_f64()).ceil() as u64;
        let groups = args.latency_rate * args.latency_seconds / per_group;
        let mut ticks = tokio::time::interval(Duration::from_secs_f64(
            per_group as f64 / args.latency_rate as f64,
        ));
        ticks.set_missed_tick_behavior(MissedTickBehavior::Burst);
        for _ in 0..groups {
            // The time at which the group was due counts, not when a busy machine came to it.
            let at = ticks.tick().await.into_std();
            for (partition, votes) in self.cast_group(per_group).await? {
                let cast = Cast {
                    partition,
                    end: self.ends[partition],
                    votes,
                    at,
                };
                casts.send(cast).await.context("the observer is gone")?;
            }
        }
        Ok(())
    }

    /// Casts the votes of so many voters; the number of records in each partition that got some.
    async fn cast_group(&mut self, voters: u64) -> anyhow::Result<Vec<(usize, u64)>> {
        let records = self.votes.chunk(voters)?;
        self.platform.produce(topics::VOTES, records).await?;
        let mut cast = Vec::new();
        for (partition, end) in self.ends.iter_mut().enumerate() {
            let new_end = self
                .platform
                .end_offset(topics::VOTES, partition as u32)
                .await?;
            if new_end > *end {
                cast.push((partition, (new_end - *end).unsigned_abs()));
                *end = new_end;
            }
        }
        Ok(cast)
    }
}

/// Waits for every group to be counted.
async fn observe(
    mut casts: mpsc::Receiver<Cast>,
    mut progress: tokio::sync::watch::Receiver<Snapshot>,
) -> anyhow::Result<Histogram<u64>> {
    let mut micros = Histogram::new_with_bounds(1, LONGEST_MICROS, 3)?;
    let mut waiting: VecDeque<Cast> = VecDeque::new();
    let mut casting = true;
    while casting || !waiting.is_empty() {
        tokio::select! {
            cast = casts.recv(), if casting => match cast {
                Some(cast) => waiting.push_back(cast),
                None => casting = false,
            },
            changed = progress.changed() => changed.context("the consumer is gone")?,
        }
        let now = Instant::now();
        let snapshot = progress.borrow_and_update().clone();
        let mut still_waiting = VecDeque::new();
        for cast in waiting.drain(..) {
            if snapshot.partitions[cast.partition].counted >= cast.end {
                let latency = (now - cast.at).as_micros() as u64;
                micros.record_n(latency.clamp(1, LONGEST_MICROS), cast.votes)?;
            } else {
                still_waiting.push_back(cast);
            }
        }
        waiting = still_waiting;
    }
    Ok(micros)
}
