//! How long a vote takes from being cast to being counted, and to being in the dashboard's event stream, at a fixed
//! rate; and how much processor time everything takes when no votes are cast.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use ::dashboard::Dashboard;
use ::dashboard::args::ListenArgs;
use anyhow::{Context, ensure};
use consumer::{ConsumerConfig, Progress, Snapshot};
use futures_util::AsyncBufReadExt;
use platform::Platform;
use tokio::sync::{mpsc, watch};
use tokio::time::MissedTickBehavior;
use wire::topics;

use crate::BenchArgs;
use crate::http_client::HttpClient;
use crate::latencies::Latencies;
use crate::listeners::{EVENTS, number};
use crate::report::{Figure, Report, Unit};
use crate::system::{Database, System};
use crate::workload::{self, Votes};

/// Targets on the two-core reference machine in milliseconds, for p50 and p99; see docs/performance.md.
const SHOWN_TARGETS: [f64; 2] = [20.0, 60.0];
const IDLE_TARGET: f64 = 1.0;

/// Time after the last vote until everything it caused is done.
const REST: Duration = Duration::from_secs(3);
/// How long the idle system is watched.
const IDLE: Duration = Duration::from_secs(5);

/// Time between two groups of votes.
const CAST_INTERVAL: Duration = Duration::from_millis(5);
/// Voters whose votes are cast before anything is measured.
const WARM_UP_VOTERS: u64 = 100;
/// Groups that may be on their way from the caster to an observer.
const CAST_QUEUE: usize = 1024;

/// A group of votes cast together.
#[derive(Clone)]
struct Group {
    votes: u64,
    /// All votes cast so far, this group's included.
    total: u64,
    /// Where each partition ends with this group.
    ends: Vec<i64>,
    /// When it was due.
    due: Instant,
}

pub(crate) async fn measure(
    directory: &Path,
    args: &BenchArgs,
    report: &mut Report,
) -> anyhow::Result<()> {
    let partitions = args.size.partitions;
    let log = workload::empty_log(directory, "latency", partitions).await?;
    let database = Database::embedded(&directory.join("latency-database")).await?;
    let mut system = System::set_up(log, &database, None).await?;
    let progress = system.consume(partitions, ConsumerConfig::default());
    let address = system.serve(Dashboard::bind(ListenArgs::on_a_free_port()).await?);
    let mut caster = Caster {
        votes: Votes::new(&system.election, partitions, 0.0, 0.0)?,
        platform: system.platform.clone(),
        total: 0,
    };
    let measuring = async {
        caster.warm_up(&progress).await?;
        let (counted, to_count) = mpsc::channel(CAST_QUEUE);
        let (shown, to_show) = mpsc::channel(CAST_QUEUE);
        let counting = tokio::spawn(observe_count(to_count, progress.watch()));
        let showing = tokio::spawn(observe_events(to_show, address));
        caster.cast(args, [counted, shown]).await?;
        Ok((counting.await??, showing.await??, idle_percent().await))
    };
    let (counted, shown, idle) = system.beside(measuring).await?;
    drop(caster);
    system.stop().await?;
    database.stop().await?;

    let rate = args.latency_rate;
    let quantiles = [("p50", 0.50), ("p99", 0.99)];
    for (quantile, share) in quantiles {
        let key = format!("latency_{quantile}_ms");
        let name = format!("cast to counted at {rate}/s, {quantile}");
        let ms = counted.quantile_ms(share);
        report.add(Figure::new(key, name, Unit::Milliseconds, ms));
    }
    for ((quantile, share), target) in quantiles.into_iter().zip(SHOWN_TARGETS) {
        let key = format!("shown_{quantile}_ms");
        let name = format!("cast to the dashboard's events at {rate}/s, {quantile}");
        let ms = shown.quantile_ms(share);
        report.add(Figure::new(key, name, Unit::Milliseconds, ms).target(target));
    }
    let name = match idle {
        Some(_) => "idle, of one core",
        None => "idle, of one core (not reported by this system)",
    };
    report.add(Figure::new("idle_percent", name, Unit::Percent, idle).target(IDLE_TARGET));
    Ok(())
}

/// The share of a core that this process takes when no votes are cast.
async fn idle_percent() -> Option<f64> {
    tokio::time::sleep(REST).await;
    let before = cpu_time()?;
    let began = Instant::now();
    tokio::time::sleep(IDLE).await;
    let spent = cpu_time()?.checked_sub(before)?;
    Some(spent.as_secs_f64() / began.elapsed().as_secs_f64() * 100.0)
}

/// Processor time of this process so far; `None` where there is no `/proc` as on Linux (proc_pid_stat(5)).
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
    /// Votes cast so far.
    total: u64,
}

impl Caster {
    /// Casts a few votes and waits until they are counted: from then on the SmartModules run.
    async fn warm_up(&mut self, progress: &Progress) -> anyhow::Result<()> {
        let group = self.cast_group(WARM_UP_VOTERS, Instant::now()).await?;
        progress
            .watch()
            .wait_for(|snapshot| snapshot.reached(&group.ends, |partition| partition.counted))
            .await?;
        Ok(())
    }

    async fn cast(
        &mut self,
        args: &BenchArgs,
        observers: [mpsc::Sender<Group>; 2],
    ) -> anyhow::Result<()> {
        let per_group = (args.latency_rate as f64 * CAST_INTERVAL.as_secs_f64()).ceil() as u64;
        let groups = args.latency_rate * args.latency_seconds / per_group;
        let interval = Duration::from_secs_f64(per_group as f64 / args.latency_rate as f64);
        let mut ticks = tokio::time::interval(interval);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Burst);
        for _ in 0..groups {
            // The time at which the group was due, not when a busy machine got round to it.
            let due = ticks.tick().await.into_std();
            let group = self.cast_group(per_group, due).await?;
            for observer in &observers {
                let sent = observer.send(group.clone()).await;
                sent.context("an observer ended early")?;
            }
        }
        Ok(())
    }

    async fn cast_group(&mut self, voters: u64, due: Instant) -> anyhow::Result<Group> {
        let records = self.votes.chunk(voters)?;
        let votes = records.len() as u64;
        self.total += votes;
        self.platform.produce(topics::VOTES, records).await?;
        Ok(Group {
            votes,
            total: self.total,
            ends: workload::ends(&*self.platform, topics::VOTES).await?,
            due,
        })
    }
}

/// Waits for every group to be counted.
async fn observe_count(
    mut groups: mpsc::Receiver<Group>,
    mut progress: watch::Receiver<Snapshot>,
) -> anyhow::Result<Latencies> {
    let mut latencies = Latencies::new()?;
    while let Some(group) = groups.recv().await {
        progress
            .wait_for(|snapshot| snapshot.reached(&group.ends, |partition| partition.counted))
            .await?;
        latencies.record(group.due.elapsed(), group.votes)?;
    }
    Ok(latencies)
}

/// Waits for every group to be in the total of the dashboard's events.
async fn observe_events(
    mut groups: mpsc::Receiver<Group>,
    address: SocketAddr,
) -> anyhow::Result<Latencies> {
    let mut latencies = Latencies::new()?;
    let client = HttpClient::connect(address).await?;
    let mut events = client.get(EVENTS).await?;
    let mut line = Vec::new();
    let mut next = groups.recv().await;
    while next.is_some() {
        line.clear();
        events.read_until(b'\n', &mut line).await?;
        ensure!(!line.is_empty(), "the dashboard ended its event stream");
        let Some(counted) = number(&line, "counted") else {
            continue;
        };
        let now = Instant::now();
        while let Some(group) = next.take_if(|group| group.total <= counted) {
            latencies.record(now - group.due, group.votes)?;
            next = groups.recv().await;
        }
    }
    Ok(latencies)
}
