//! How long a vote takes from being cast to being counted, and to being on the dashboard's event stream, at
//! a fixed rate; and what all of it costs when nothing is cast.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use ::dashboard::{Dashboard, DashboardConfig};
use anyhow::Context;
use consumer::{ConsumerConfig, Progress, Snapshot};
use futures_util::AsyncBufReadExt;
use hdrhistogram::Histogram;
use platform::Platform;
use store::EmbeddedPostgres;
use tokio::sync::mpsc;
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;
use wire::topics;

use crate::BenchArgs;
use crate::listeners::{events, number};
use crate::report::{Figure, Report, Unit};
use crate::workload::{self, Votes};

/// What is asked for, on the two-core reference machine; see docs/performance.md.
const SHOWN_TARGETS: [f64; 2] = [20.0, 60.0];
const IDLE_TARGET: f64 = 1.0;

/// After the last vote: until what it left to be done is done.
const REST: Duration = Duration::from_secs(3);
/// For how long the idle system is watched.
const IDLE: Duration = Duration::from_secs(5);

/// Votes are cast in groups, this far apart.
const CAST_INTERVAL: Duration = Duration::from_millis(5);
/// Voters whose votes are cast before anything is measured.
const WARM_UP_VOTERS: u64 = 100;
/// Groups that may be on their way from the caster to the observer.
const CAST_QUEUE: usize = 1024;
/// Longest latency that is told apart: a minute, in microseconds.
const LONGEST_MICROS: u64 = 60_000_000;

/// Votes cast together: in a partition, up to an offset, at an instant.
#[derive(Clone, Copy)]
struct Cast {
    partition: usize,
    end: i64,
    votes: u64,
    /// All votes cast up to here, in all partitions.
    total: u64,
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
    let election = workload::election();
    workload::open_election(&store, &election).await?;
    let progress = Progress::new(args.partitions);
    let stop = CancellationToken::new();
    let consumer = tokio::spawn(consumer::run(
        platform.clone(),
        store.clone(),
        election,
        ConsumerConfig::default(),
        progress.clone(),
        stop.clone(),
    ));
    let dashboard = Dashboard::bind(DashboardConfig {
        port: 0,
        ..DashboardConfig::default()
    })
    .await?;
    let address = dashboard.address();
    let served = tokio::spawn(dashboard.run(platform.clone(), store.clone(), stop.clone()));
    let mut caster = Caster::new(platform, args)?;
    caster.warm_up(&progress).await?;
    let (counted, to_count) = mpsc::channel(CAST_QUEUE);
    let (shown, to_show) = mpsc::channel(CAST_QUEUE);
    let counting = tokio::spawn(observe(to_count, progress.watch()));
    let showing = tokio::spawn(observe_events(to_show, address));
    caster.cast(args, [counted, shown]).await?;
    let counted = counting.await??;
    let shown = showing.await??;
    let idle = idle_percent().await;
    stop.cancel();
    served.await??;
    consumer.await??;
    store.close();
    postgres.stop().await?;
    embedded.close().await?;

    let rate = args.latency_rate;
    let quantiles = [("p50", 0.50), ("p99", 0.99)];
    let ms =
        |micros: &Histogram<u64>, quantile| micros.value_at_quantile(quantile) as f64 / 1_000.0;
    for (key, (name, quantile)) in ["latency_p50_ms", "latency_p99_ms"]
        .into_iter()
        .zip(quantiles)
    {
        let name = format!("cast to counted at {rate}/s, {name}");
        report.add(Figure::new(
            key,
            name,
            Unit::Milliseconds,
            ms(&counted, quantile),
        ));
    }
    let keys = ["shown_p50_ms", "shown_p99_ms"]
        .into_iter()
        .zip(SHOWN_TARGETS);
    for ((key, target), (name, quantile)) in keys.zip(quantiles) {
        let name = format!("cast to the dashboard's events at {rate}/s, {name}");
        let figure = Figure::new(key, name, Unit::Milliseconds, ms(&shown, quantile));
        report.add(figure.target(target));
    }
    let (key, name) = ("idle_percent", "idle, of one core");
    report.add(match idle {
        Some(percent) => Figure::new(key, name, Unit::Percent, percent).target(IDLE_TARGET),
        None => Figure::skipped(
            key,
            "idle, of one core (not told by this system)",
            Unit::Percent,
        ),
    });
    Ok(())
}

/// The share of a core that this process takes while nothing happens.
async fn idle_percent() -> Option<f64> {
    tokio::time::sleep(REST).await;
    let before = cpu_time()?;
    let began = Instant::now();
    tokio::time::sleep(IDLE).await;
    let spent = cpu_time()?.checked_sub(before)?;
    Some(spent.as_secs_f64() / began.elapsed().as_secs_f64() * 100.0)
}

/// Processor time of this process so far, where the system tells it as Linux does (proc_pid_stat(5)).
fn cpu_time() -> Option<Duration> {
    /// USER_HZ, which is 100 on every architecture that Rust runs Linux on.
    const TICK: Duration = Duration::from_millis(10);
    let stat = std::fs::read_to_string("/proc/self/stat").ok()?;
    // The name of the program may have spaces in it; it ends with the last parenthesis.
    let (_, fields) = stat.rsplit_once(')')?;
    let ticks = fields.split_ascii_whitespace().skip(11).take(2);
    let ticks: u32 = ticks.map(str::parse::<u32>).sum::<Result<_, _>>().ok()?;
    Some(TICK * ticks)
}

struct Caster {
    platform: Arc<dyn Platform>,
    votes: Votes,
    /// Votes cast.
    total: u64,
    /// Where each partition ended after the last group.
    ends: Vec<i64>,
}

impl Caster {
    fn new(platform: Arc<dyn Platform>, args: &BenchArgs) -> anyhow::Result<Caster> {
        Ok(Caster {
            platform,
            votes: Votes::that_count(&workload::election(), args.partitions)?,
            total: 0,
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

    async fn cast(
        &mut self,
        args: &BenchArgs,
        observers: [mpsc::Sender<Cast>; 2],
    ) -> anyhow::Result<()> {
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
                    total: self.total,
                    at,
                };
                for observer in &observers {
                    observer.send(cast).await.context("an observer is gone")?;
                }
            }
        }
        Ok(())
    }

    /// Casts the votes of so many voters; the number of records in each partition that got some.
    async fn cast_group(&mut self, voters: u64) -> anyhow::Result<Vec<(usize, u64)>> {
        let records = self.votes.chunk(voters)?;
        self.total += records.len() as u64;
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

/// Waits for every vote to be in the total of the dashboard's events.
async fn observe_events(
    mut casts: mpsc::Receiver<Cast>,
    address: SocketAddr,
) -> anyhow::Result<Histogram<u64>> {
    let mut micros = Histogram::new_with_bounds(1, LONGEST_MICROS, 3)?;
    let mut body = events(address).await?;
    let mut line = Vec::new();
    let mut next = casts.recv().await;
    while next.is_some() {
        line.clear();
        body.read_until(b'\n', &mut line).await?;
        if !line.starts_with(b"data: ") {
            anyhow::ensure!(!line.is_empty(), "the dashboard ended its stream");
            continue;
        }
        let Some(counted) = number(&line, "counted") else {
            continue;
        };
        let now = Instant::now();
        while let Some(cast) = next
            && cast.total <= counted
        {
            let latency = (now - cast.at).as_micros() as u64;
            micros.record_n(latency.clamp(1, LONGEST_MICROS), cast.votes)?;
            next = casts.recv().await;
        }
    }
    Ok(micros)
}
