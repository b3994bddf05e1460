//! `election bench dashboard`: how late a published aggregate reaches the listeners of the event
//! stream, and what a listener costs. One listener is measured first; many are compared with it.

use std::net::SocketAddr;
use std::path::Path;
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use ::dashboard::{Dashboard, DashboardConfig};
use anyhow::{Context, ensure};
use ballot::{TUTORIAL_CONTEST, Tally};
use platform::{NewRecord, Platform};
use serde_json::json;
use store::EmbeddedPostgres;
use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};
use tokio::time::{Instant, MissedTickBehavior, interval_at};
use tokio_util::sync::CancellationToken;
use wire::{ChangedTotals, topics};

use crate::DashboardBenchArgs;
use crate::listeners::{ALL_LISTEN, Heard, now_micros};
use crate::report::{Figure, Report, Unit};
use crate::workload;

/// What the measurements are held to: a 99th percentile, and memory.
const P99_TARGET_MS: f64 = 100.0;
const LISTENER_TARGET_KIB: f64 = 64.0;

/// The group whose values the dashboard shows as places.
const PLACES: &str = "location";

/// Before the first aggregate. What the dashboard tells of its own start counts towards its five a
/// second, and at just as many aggregates a second it would be behind by that for ever.
const REST: Duration = Duration::from_secs(1);

/// What one listener, or many, met.
struct Met {
    heard: Heard,
    kib_per_listener: Option<f64>,
}

pub(crate) async fn measure(args: DashboardBenchArgs) -> anyhow::Result<()> {
    let directory = tempfile::tempdir().context("cannot create a temporary directory")?;
    let mut report = Report::new("Of one");
    let one = run(&directory.path().join("one"), &args, 1).await?;
    let many = run(&directory.path().join("many"), &args, args.listeners).await?;
    let count = args.listeners;
    let figures = [
        ("p50_ms", "p50", one.heard.p50_ms, many.heard.p50_ms, None),
        (
            "p99_ms",
            "p99",
            one.heard.p99_ms,
            many.heard.p99_ms,
            Some(P99_TARGET_MS),
        ),
        (
            "most_ms",
            "longest",
            one.heard.most_ms,
            many.heard.most_ms,
            None,
        ),
    ];
    for (key, name, of_one, of_many, target) in figures {
        let alone = format!("published to one listener, {name}");
        report.add(Figure::new(
            key_of_one(key),
            alone,
            Unit::Milliseconds,
            of_one,
        ));
        let name = format!("published to {count} listeners, {name}");
        let figure = Figure::new(key, name, Unit::Milliseconds, of_many).compared_with(of_one);
        report.add(match target {
            Some(target) => figure.target(target),
            None => figure,
        });
    }
    let (key, name) = ("kib_per_listener", "memory per listener");
    report.add(match many.kib_per_listener {
        Some(kib) => Figure::new(key, name, Unit::KibiBytes, kib).target(LISTENER_TARGET_KIB),
        None => Figure::skipped(key, name, Unit::KibiBytes),
    });
    let head = json!({
        "listeners": args.listeners,
        "updates_per_second": args.updates,
        "seconds": args.seconds,
        "update_bytes": many.heard.update_bytes,
        "updates_heard": many.heard.updates,
    });
    report.print(args.json, head)
}

fn key_of_one(key: &str) -> &'static str {
    match key {
        "p50_ms" => "one_p50_ms",
        "p99_ms" => "one_p99_ms",
        _ => "one_most_ms",
    }
}

/// Runs a dashboard and `listeners` on it.
async fn run(directory: &Path, args: &DashboardBenchArgs, listeners: u32) -> anyhow::Result<Met> {
    std::fs::create_dir(directory).context("cannot create a directory")?;
    let embedded = workload::platform(directory, "log", 1).await?;
    let postgres = EmbeddedPostgres::start(&directory.join("postgres")).await?;
    let store = postgres.connect().await?;
    let election = workload::election();
    workload::open_election(&store, &election).await?;

    let stop = CancellationToken::new();
    let dashboard = Dashboard::bind(DashboardConfig {
        port: 0,
        ..DashboardConfig::default()
    })
    .await?;
    let address = dashboard.address();
    let platform: Arc<dyn Platform> = Arc::new(embedded.clone());
    let served = tokio::spawn(dashboard.run(platform.clone(), store.clone(), stop.clone()));

    let before = memory();
    let (mut process, mut said) = start_listeners(address, listeners).await?;
    let set_up_at = store.election_opened_at().await?;
    let set_up_at = set_up_at
        .context("no election is set up")?
        .timestamp_micros();
    publish(&*platform, args, &election.candidates(), set_up_at).await?;
    let after = memory();
    stop.cancel();
    served.await??;
    let heard = said
        .next_line()
        .await?
        .context("the listeners said nothing")?;
    let heard: Heard = serde_json::from_str(&heard)?;
    ensure!(process.wait().await?.success(), "the listeners failed");
    store.close();
    postgres.stop().await?;
    embedded.close().await?;
    let published = u64::from(args.updates) * u64::from(args.seconds);
    eprintln!(
        "{listeners} listening: {published} updates of {} bytes published, each heard at least {}",
        heard.update_bytes, heard.least
    );
    Ok(Met {
        heard,
        kib_per_listener: before.zip(after).map(|(before, after)| {
            (after.saturating_sub(before)) as f64 / 1024.0 / f64::from(listeners)
        }),
    })
}

/// Memory of this process in bytes, where the system tells.
fn memory() -> Option<usize> {
    memory_stats::memory_stats().map(|stats| stats.physical_mem)
}

async fn start_listeners(
    address: SocketAddr,
    listeners: u32,
) -> anyhow::Result<(Child, Lines<BufReader<ChildStdout>>)> {
    let program = std::env::current_exe().context("cannot find this program")?;
    let mut process = Command::new(program)
        .args(["bench", "listeners", "--address"])
        .arg(address.to_string())
        .arg("--listeners")
        .arg(listeners.to_string())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .context("cannot start the listeners")?;
    let stdout = process
        .stdout
        .take()
        .context("the listeners have no output")?;
    let mut said = BufReader::new(stdout).lines();
    let first = said.next_line().await?;
    ensure!(
        first.as_deref() == Some(ALL_LISTEN),
        "the listeners are not let in"
    );
    Ok((process, said))
}

/// Publishes every aggregate of every location, so many times a second. The first candidate's votes are
/// the time, which only grows, as votes do.
async fn publish(
    platform: &dyn Platform,
    args: &DashboardBenchArgs,
    candidates: &[ballot::Candidate],
    election: i64,
) -> anyhow::Result<()> {
    let mut ticks = interval_at(Instant::now() + REST, Duration::from_secs(1) / args.updates);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    for round in 1..=u64::from(args.updates) * u64::from(args.seconds) {
        ticks.tick().await;
        let mut tally = Tally::default();
        let others = round * (u64::from(args.locations) * candidates.len() as u64 - 1);
        for (place, candidate) in candidates.iter().enumerate() {
            for at in 0..args.locations {
                let votes = match (place, at) {
                    (0, 0) => now_micros() - others,
                    _ => round,
                };
                let location = format!("Location {at:05}");
                tally.add_turnout(PLACES, &location, votes);
                let id = &candidate.candidate_id;
                tally.add_selection(TUTORIAL_CONTEST, (PLACES, &location), id, votes);
            }
        }
        let totals = ChangedTotals {
            election,
            totals: tally,
        };
        let record = NewRecord {
            key: None,
            value: serde_json::to_vec(&totals)?,
        };
        platform.produce(topics::TOTALS, vec![record]).await?;
    }
    // The last one is on its way until the next would be due.
    ticks.tick().await;
    Ok(())
}
