//! `consumer`: counts and persists, as a process of its own.

#![forbid(unsafe_code)]

use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Context;
use clap::Parser;
use consumer::{ConsumerConfig, Progress, Sharing, wait_until_done};
use evidence::ElectionKey;
use platform::Platform;
use service::args::{ClusterArgs, ProcessArgs};
use service::connections::Connections;
use service::health::Health;
use service::key::KeyArgs;
use service::{endpoint, process, wait};
use tokio_util::sync::CancellationToken;
use wire::topics;

mod metrics;

use metrics::Metrics;

/// Connections to Postgres: two persisters for each of a few partitions, tallies and queries. Where all
/// are in use, the next waits.
const CONNECTIONS: usize = 8;

/// What the election is called in reports of health.
const ELECTION: &str = "election";

/// Counts votes through the SmartModules, and persists them to Postgres.
///
/// Several consumers share the partitions: each is counted and persisted by one, and taken over within
/// seconds when that one ends. They wait for cluster, database and election, in whatever order these
/// come up.
///
/// The embedded platform lives in one process, so there this runs inside `election`: `election
/// consumer`.
#[derive(Debug, Parser)]
#[command(
    name = "consumer",
    version,
    max_term_width = 100,
    after_help = "Exit codes: 0 stopped or done, 1 failed, 2 wrong usage. SIGTERM stops it: what is \
                  counted is stored first."
)]
struct Cli {
    /// What it is called among the consumers, in front of a number that tells its runs apart
    #[arg(long, default_value = "consumer", env = "ELECTION_CONSUMER_NAME")]
    name: String,
    /// End when everything in the log is counted and persisted, instead of waiting for more
    #[arg(long)]
    once: bool,
    #[command(flatten)]
    cluster: ClusterArgs,
    #[command(flatten)]
    key: KeyArgs,
    #[command(flatten)]
    process: ProcessArgs,
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    process::run(cli.process.log, async |stop| run(cli, stop).await)
}

async fn run(cli: Cli, stop: CancellationToken) -> anyhow::Result<()> {
    let manifest = cli.cluster.manifest()?;
    cli.cluster.database_url()?;
    let key = cli.key.election_key()?;
    let health = Health::default();
    let metrics = Arc::new(Metrics::default());
    let render = {
        let metrics = metrics.clone();
        Arc::new(move || metrics.render())
    };
    let work = async {
        let tell = |what, problem| health.set(what, problem);
        let connections =
            Connections::wait(&cli.cluster, &manifest, CONNECTIONS, tell, &stop).await?;
        let Some(connections) = connections else {
            return Ok(());
        };
        let config = ConsumerConfig {
            sharing: Some(Sharing::named(&cli.name)),
            ..ConsumerConfig::of(&manifest)
        };
        let done = consume(
            &connections,
            key.as_ref(),
            config,
            cli.once,
            &health,
            &metrics,
            &stop,
        )
        .await;
        connections.close().await;
        done
    };
    endpoint::beside(cli.process.health, health.clone(), render, work).await?
}

async fn consume(
    connections: &Connections,
    key: Option<&ElectionKey>,
    config: ConsumerConfig,
    once: bool,
    health: &Health,
    metrics: &Arc<Metrics>,
    stop: &CancellationToken,
) -> anyhow::Result<()> {
    let store = &connections.store;
    let tell = |problem| health.set(ELECTION, problem);
    let Some(election) = wait::election_telling(store, key, tell, stop).await? else {
        return Ok(());
    };
    let platform: Arc<dyn Platform> = Arc::new(connections.platform.clone());
    let partitions = platform.partitions(topics::VOTES).await?;
    tracing::info!(
        partitions,
        contests = election.definition.contests.len(),
        member = config.sharing.as_ref().map(|sharing| &*sharing.member),
        "counting"
    );
    let progress = Progress::new(partitions);
    let watched = CancellationToken::new();
    let watching = tokio::spawn(metrics::watch(
        progress.clone(),
        metrics.clone(),
        health.clone(),
        watched.clone(),
    ));
    let stop_consumer = stop.child_token();
    let mut consumer = tokio::spawn(consumer::run(
        platform.clone(),
        store.clone(),
        election,
        config,
        progress.clone(),
        stop_consumer.clone(),
    ));
    let ended = if once {
        tokio::select! {
            done = wait_until_done(&*platform, &progress, stop) => {
                stop_consumer.cancel();
                let ended = consumer.await;
                done?;
                ended
            }
            ended = &mut consumer => ended,
        }
    } else {
        consumer.await
    };
    watched.cancel();
    watching
        .await
        .context("watching the progress ended abnormally")?;
    let ended = ended.context("the consumer ended abnormally")?;
    let mut snapshot = progress.watch().borrow().clone();
    snapshot.partitions.retain(|partition| partition.is_ours);
    tracing::info!(
        partitions = snapshot.partitions.len(),
        counted = snapshot.sum(|partition| partition.counted),
        stored = snapshot.sum(|partition| partition.checkpointed),
        persisted = snapshot.sum(|partition| partition.persisted),
        "stopped"
    );
    Ok(ended?)
}
