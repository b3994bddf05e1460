//! `producer`: registers candidates and voters, and casts votes, as a process of its own.

#![forbid(unsafe_code)]

mod metrics;

use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use clap::Parser;
use platform::Platform;
use producer::args::ProducerCommand;
use producer::{ProducerError, Progress, steadily};
use service::args::{ClusterArgs, ProcessArgs};
use service::connections::Connections;
use service::health::Health;
use service::key::KeyArgs;
use service::{endpoint, process};
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;

use metrics::render;

/// Connections to Postgres: one question after the other.
const CONNECTIONS: usize = 1;

/// How often the log says how far it is.
const TELL_EVERY: Duration = Duration::from_secs(5);

/// Registers candidates and voters, and casts votes, on a Fluvio cluster.
///
/// It waits for cluster and database, and goes on by itself after a lost connection. A run that was
/// stopped or killed is continued by the same command, from where the log ends.
///
/// The embedded platform lives in one process, so there these steps run inside `election`: `election
/// producer init`, `election producer voters`, `election producer votes`.
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
        let tell = |what, problem| health.set(what, problem);
        let connections = Connections::wait(&cluster, &manifest, CONNECTIONS, tell, &stop).await?;
        let Some(connections) = connections else {
            return Err(Stopped.into());
        };
        let platform: Arc<dyn Platform> = Arc::new(connections.platform.clone());
        let store = &connections.store;
        let done = match command {
            ProducerCommand::Init(args) => {
                let init = || async {
                    let (candidates, changes) =
                        producer::init(&*platform, store, &manifest, &args, key.as_ref()).await?;
                    for change in changes {
                        tracing::info!("done: {change}");
                    }
                    Ok(candidates.len() as u64)
                };
                steadily("setting up", &stop, init).await.map(|candidates| {
                    tracing::info!(candidates, "the election is set up");
                })
            }
            ProducerCommand::Voters(args) => {
                let work = producer::voters(&platform, store, args, key.as_ref(), &progress, &stop);
                telling("registered", &progress, work).await
            }
            ProducerCommand::Votes(args) => {
                let work = producer::votes(&platform, store, &args, key.as_ref(), &progress, &stop);
                telling("cast", &progress, work).await
            }
        };
        drop(platform);
        connections.close().await;
        done.map_err(ProducerError::into_report)?;
        if stop.is_cancelled() && progress.done() < progress.total() {
            return Err(Stopped.into());
        }
        Ok(())
    };
    endpoint::beside(process.health, health.clone(), metrics, work).await?
}

/// Says in the log, while it works, how far it is.
async fn telling(
    what: &str,
    progress: &Progress,
    work: impl Future<Output = Result<u64, ProducerError>>,
) -> Result<(), ProducerError> {
    let mut ticks = tokio::time::interval(TELL_EVERY);
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
