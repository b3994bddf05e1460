//! `bridge`: carries topics between Fluvio and Kafka, as a process of its own.

#![forbid(unsafe_code)]

use std::process::ExitCode;
use std::sync::Arc;

use bridge::args::KafkaArgs;
use bridge::{BridgeConfig, BridgeError, Progress, wait_for_broker};
use clap::Parser;
use evidence::ElectionKey;
use platform::Platform;
use service::args::{ClusterArgs, ProcessArgs};
use service::connections::Connections;
use service::health::Health;
use service::key::KeyArgs;
use service::{UsageError, endpoint, process, wait};
use tokio_util::sync::CancellationToken;

mod metrics;

/// Connections to Postgres: one for each topic that is read from Kafka, and one for the rest.
const CONNECTIONS: usize = 4;

/// What Kafka is called in reports of health.
const KAFKA: &str = "Kafka";

/// What the election is called there.
const ELECTION: &str = "election";

/// Carries topics between Fluvio and Kafka (Redpanda), both ways, as the manifest's `[[kafka]]` tables
/// say.
///
/// It waits for cluster, database, election and broker, which may start in any order. One bridge runs
/// for an election; a second one waits.
///
/// The embedded platform lives in one process; there, use `election demo --kafka HOST:9092`.
#[derive(Debug, Parser)]
#[command(
    name = "bridge",
    version,
    max_term_width = 100,
    after_help = "Exit codes: 0 stopped, 1 failed, 2 wrong usage. On SIGTERM it sends what is under way \
                  and stops."
)]
struct Cli {
    #[command(flatten)]
    kafka: KafkaArgs,
    #[command(flatten)]
    cluster: ClusterArgs,
    #[command(flatten)]
    key: KeyArgs,
    #[command(flatten)]
    process: ProcessArgs,
}

/// Records for Kafka are allocated on one thread and freed on another: with glibc's allocator the bridge
/// carries a quarter less (`election bench bridge`).
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let cli = Cli::parse();
    process::run(cli.process.log, async |stop| run(cli, stop).await)
}

async fn run(cli: Cli, stop: CancellationToken) -> anyhow::Result<()> {
    let manifest = cli.cluster.manifest()?;
    cli.cluster.database_url()?;
    let key = cli.key.election_key()?;
    let config = BridgeConfig::of(&manifest, &cli.kafka).map_err(as_usage)?;
    let health = Health::default();
    let progress = Progress::default();
    let metrics = {
        let progress = progress.clone();
        Arc::new(move || metrics::render(&progress.watch().borrow()))
    };
    let work = async {
        let broker = async {
            let tell = |problem| health.set(KAFKA, problem);
            let is_up = wait_for_broker(&config, tell, &stop).await;
            is_up.map_err(as_usage)
        };
        let connections = Connections::wait(&cli.cluster, &manifest, CONNECTIONS, &health, &stop);
        let (connections, is_up) = tokio::try_join!(connections, broker)?;
        let Some(connections) = connections.filter(|_| is_up) else {
            return Ok(());
        };
        let carried = tokio::select! {
            carried = carry(&connections, key.as_ref(), &config, &health, &progress, &stop) => carried,
            never = health.follow(progress.watch(), |snapshot| &snapshot.problems) => match never {},
        };
        connections.close().await;
        carried
    };
    endpoint::beside(cli.process.health, health.clone(), metrics, work).await?
}

async fn carry(
    connections: &Connections,
    key: Option<&ElectionKey>,
    config: &BridgeConfig,
    health: &Health,
    progress: &Progress,
    stop: &CancellationToken,
) -> anyhow::Result<()> {
    let store = &connections.store;
    let tell = |problem| health.set(ELECTION, problem);
    let Some(election) = wait::election_telling(store, key, tell, stop).await? else {
        return Ok(());
    };
    let platform: Arc<dyn Platform> = Arc::new(connections.platform.clone());
    for link in &config.links {
        tracing::info!("carrying {link}");
        health.set(link.to_string(), None);
    }
    let carried = bridge::run(
        platform,
        store.clone(),
        election,
        config.clone(),
        progress.clone(),
        stop.clone(),
    )
    .await;
    let lag = progress.watch().borrow().lag();
    tracing::info!(lag, "stopped");
    carried.map_err(as_usage)
}

/// Wrong options end the process with another exit code than failures.
fn as_usage(error: BridgeError) -> anyhow::Error {
    if error.is_usage() {
        UsageError(error.to_string()).into()
    } else {
        error.into()
    }
}
