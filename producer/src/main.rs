//! `producer`: registers candidates and voters, and casts votes, as a process of its own.

#![forbid(unsafe_code)]

mod metrics;

use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use ballot::Candidate;
use clap::Parser;
use platform::Platform;
use producer::args::ProducerCommand;
use producer::{Change, ProducerError, Progress};
use service::args::{ClusterArgs, ProcessArgs};
use service::connections::Connections;
use service::health::Health;
use service::key::KeyArgs;
use service::restart::until_done;
use service::{endpoint, process};
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;

use metrics::render;

/// Connections to Postgres: its queries run one after the other.
const CONNECTIONS: usize = 1;

/// How often to log how far it is.
const LOG_EVERY: Duration = Duration::from_secs(5);

/// Registers candidates and voters, and casts votes, on a Fluvio cluster.
///
/// It waits for cluster and database, and reconnects by itself. The same command continues a run that was
/// stopped or killed, from where the log ends.
///
/// The embedded platform lives in one process; there, use `election producer init`, `election producer
/// voters` and `election producer votes`.
#[derive(Debug, Parser)]
#[command(
    name = "producer",
    version,
    max_term_width = 100,
    after_help = "\
Examples:
  producer init --candidates 3 --seed 42
  producer voters --voters 1000
  producer votes --rate 200

Exit codes: 0 done, 1 failed or stopped before it was done, 2 wrong usage."
)]
struct Cli {
    #[command(subcommand)]
    command: ProducerCommand,
    #[command(flatten)]
    cluster: ClusterArgs,
    #[command(flatten)]
    key: KeyArgs,
    #[command(flatten)]
    process: ProcessArgs,
}

/// It was stopped before it was done.
#[derive(Debug, thiserror::Error)]
#[error("stopped before it was done; the same command goes on from here")]
struct Stopped;

fn main() -> ExitCode {
    let cli = Cli::parse();
    process::run(cli.process.log, async |stop| run(cli, stop).await)
}

async fn run(cli: Cli, stop: CancellationToken) -> anyhow::Result<()> {
    let Cli {
        command,
        cluster,
        key,
        process,
    } = cli;
    let key = key.election_key()?;
    let manifest = cluster.manifest()?;
    cluster.database_url()?;
    let health = Health::default();
    let progress = Arc::new(Progress::default());
    let metrics = {
        let progress = progress.clone();
        Arc::new(move || render(&progress))
    };
    let work = async {
        let connections = Connections::wait(&cluster, &manifest, CONNECTIONS, &health, &stop);
        let connections = connections.await?.ok_or(Stopped)?;
        let platform: Arc<dyn Platform> = Arc::new(connections.platform.clone());
        let store = &connections.store;
        let key = key.as_ref();
        let done = match command {
            ProducerCommand::Init(args) => {
                let init = || producer::init(&*platform, store, &manifest, &args, key);
                let set_up = until_done("setting up", &(), &stop, init).await;
                set_up.map(log_set_up)
            }
            ProducerCommand::Voters(args) => {
                let work = producer::voters(&platform, store, args, key, &progress, &stop);
                logging("registered", &progress, work).await.map(Some)
            }
            ProducerCommand::Votes(args) => {
                let work = producer::votes(&platform, store, &args, key, &progress, &stop);
                logging("cast", &progress, work).await.map(Some)
            }
        };
        drop(platform);
        connections.close().await;
        done.map_err(ProducerError::into_report)?.ok_or(Stopped)?;
        if stop.is_cancelled() && progress.done() < progress.total() {
            return Err(Stopped.into());
        }
        Ok(())
    };
    endpoint::beside(process.health, health.clone(), metrics, work).await?
}

/// Logs what was set up, unless that was stopped before it was done.
fn log_set_up(set_up: Option<(Vec<Candidate>, Vec<Change>)>) -> Option<()> {
    let (candidates, changes) = set_up?;
    for change in changes {
        tracing::info!("done: {change}");
    }
    tracing::info!(candidates = candidates.len(), "the election is set up");
    Some(())
}

/// Logs how far it is while it works.
async fn logging(
    what: &str,
    progress: &Progress,
    work: impl Future<Output = Result<u64, ProducerError>>,
) -> Result<(), ProducerError> {
    let mut ticks = tokio::time::interval(LOG_EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    ticks.reset();
    tokio::pin!(work);
    let produced = loop {
        tokio::select! {
            done = &mut work => break done?,
            _ = ticks.tick() => {
                tracing::info!(in_log = progress.done(), of = progress.total(), "{what} so far");
            }
        }
    };
    tracing::info!(
        produced,
        in_log = progress.done(),
        of = progress.total(),
        "{what}"
    );
    Ok(())
}
