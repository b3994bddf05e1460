//! `election bench dashboard`: how late a published aggregate reaches the listeners of the event stream, and what a
//! listener costs. One listener is measured first; many are compared with it.

use std::net::SocketAddr;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use ::dashboard::Dashboard;
use ::dashboard::args::ListenArgs;
use anyhow::{Context, ensure};
use ballot::{Candidate, TUTORIAL_CONTEST, Tally};
use platform::{NewRecord, Platform};
use serde_json::json;
use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};
use tokio::time::{Instant, MissedTickBehavior, interval_at};
use wire::{ChangedTotals, topics};

use crate::DashboardBenchArgs;
use crate::listeners::{ALL_LISTEN, Heard, since_1970};
use crate::report::{Figure, Report, Unit};
use crate::system::{Database, System};
use crate::workload;

/// Targets: the 99th percentile, and memory.
const P99_TARGET_MS: f64 = 100.0;
const LISTENER_TARGET_KIB: f64 = 64.0;

/// The group whose values the dashboard shows as places.
const PLACES: &str = "location";

/// Time before the first aggregate, for the updates that the dashboard's own start causes.
const REST: Duration = Duration::from_secs(1);

/// What was measured with one listener, or with many.
struct Measured {
    heard: Heard,
    kib_per_listener: Option<f64>,
}

pub(crate) async fn measure(args: DashboardBenchArgs) -> anyhow::Result<()> {
    let directory = tempfile::tempdir().context("cannot create a temporary directory")?;
    let mut report = Report::new("Of one");
    let one = run(&directory.path().join("one"), &args, 1).await?;
    let many = run(&directory.path().join("many"), &args, args.listeners).await?;
    let (one, heard) = (&one.heard, &many.heard);
    for (key, name, alone, together) in [
        ("p50_ms", "p50", one.p50_ms, heard.p50_ms),
        ("p99_ms", "p99", one.p99_ms, heard.p99_ms),
        ("most_ms", "longest", one.most_ms, heard.most_ms),
    ] {
        let ms = |key, name, ms| Figure::new(key, name, Unit::Milliseconds, ms);
        let of_one = format!("published to one listener, {name}");
        report.add(ms(format!("one_{key}"), of_one, alone));
        let of_many = format!("published to {} listeners, {name}", args.listeners);
        let figure = ms(key.to_owned(), of_many, together).compared_with(alone);
        report.add(match name {
            "p99" => figure.target(P99_TARGET_MS),
            _ => figure,
        });
    }
    let (key, name) = ("kib_per_listener", "memory per listener");
    let memory = Figure::new(key, name, Unit::KibiBytes, many.kib_per_listener);
    report.add(memory.target(LISTENER_TARGET_KIB));
    let head = json!({
        "listeners": args.listeners,
        "updates_per_second": args.updates,
        "seconds": args.seconds,
        "update_bytes": heard.update_bytes,
        "updates_heard": heard.updates,
    });
    report.print(args.json, head)
}

/// Runs a dashboard and `listeners` on it.
async fn run(
    directory: &Path,
    args: &DashboardBenchArgs,
    listeners: u32,
) -> anyhow::Result<Measured> {
    let log = workload::empty_log(directory, "log", 1).await?;
    let database = Database::embedded(directory).await?;
    let mut system = System::set_up(log, &database, None).await?;
    let address = system.serve(Dashboard::bind(ListenArgs::on_a_free_port()).await?);
    let before = memory();
    let (mut process, mut printed) = start_listeners(address, listeners).await?;
    let set_up_at = system.store.election_opened_at().await?;
    let set_up_at = set_up_at.context("no election is set up")?;
    let platform = system.platform.clone();
    let candidates = system.election.candidates();
    let publishing = publish(&*platform, args, &candidates, set_up_at.timestamp_micros());
    system.beside(publishing).await?;
    let after = memory();
    drop(platform);
    system.stop().await?;
    database.stop().await?;
    let heard = printed.next_line().await?;
    let heard = heard.context("the listeners printed nothing")?;
    let heard: Heard = serde_json::from_str(&heard)?;
    ensure!(process.wait().await?.success(), "the listeners failed");
    let published = u64::from(args.updates) * u64::from(args.seconds);
    eprintln!(
        "{listeners} listening: {published} updates of {} bytes published, at least {} received by each",
        heard.update_bytes, heard.least
    );
    let kib_per_listener = before
        .zip(after)
        .map(|(before, after)| after.saturating_sub(before) as f64 / 1024.0 / f64::from(listeners));
    Ok(Measured {
        heard,
        kib_per_listener,
    })
}

/// Memory of this process in bytes, where the system reports it.
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
    let mut printed = BufReader::new(stdout).lines();
    let first = printed.next_line().await?;
    ensure!(
        first.as_deref() == Some(ALL_LISTEN),
        "the dashboard refused a listener"
    );
    Ok((process, printed))
}

/// Publishes every aggregate of every location, `args.updates` times a second. The first candidate's votes are the
/// time, which only grows, as votes do.
async fn publish(
    platform: &dyn Platform,
    args: &DashboardBenchArgs,
    candidates: &[Candidate],
    election: i64,
) -> anyhow::Result<()> {
    let mut ticks = interval_at(Instant::now() + REST, Duration::from_secs(1) / args.updates);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    for round in 1..=u64::from(args.updates) * u64::from(args.seconds) {
        ticks.tick().await;
        let mut totals = Tally::default();
        let other_votes = round * (u64::from(args.locations) * candidates.len() as u64 - 1);
        for (place, candidate) in candidates.iter().enumerate() {
            for at in 0..args.locations {
                let votes = match (place, at) {
                    (0, 0) => since_1970()?.as_micros() as u64 - other_votes,
                    _ => round,
                };
                let location = format!("Location {at:05}");
                totals.add_turnout(PLACES, &location, votes);
                let id = &candidate.candidate_id;
                totals.add_selection(TUTORIAL_CONTEST, (PLACES, &location), id, votes);
            }
        }
        let record = NewRecord {
            key: None,
            value: serde_json::to_vec(&ChangedTotals { election, totals })?,
        };
        platform.produce(topics::TOTALS, vec![record]).await?;
    }
    // The last one is on its way until the next would be due.
    ticks.tick().await;
    Ok(())
}
