//! `consumer`: counts and persists, as a process of its own.

#![forbid(unsafe_code)]

use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Context;
use clap::Parser;
use consumer::{ConsumerConfig, Election, Progress, Sharing, wait_until_done};
use platform::Platform;
use service::args::{ClusterArgs, ProcessArgs};
use service::connections::Connections;
use service::health::Health;
use service::key::KeyArgs;
use service::{endpoint, process, wait};
use tokio_util::sync::CancellationToken;

mod metrics;

/// Connections to Postgres: two persisters for each of a few partitions, tallies and queries. If all are in
/// use, the next waits.
const CONNECTIONS: usize = 8;

/// What the election is called in reports of health.
const ELECTION: &str = "election";

/// Counts votes through the SmartModules, and persists them to Postgres.
///
/// Several consumers share the partitions: one of them counts and persists each partition, and others take
/// over within seconds when it ends. They wait for cluster, database and election, which may start in any
/// order.
///
/// The embedded platform lives in one process; there, use `election consumer`.
#[derive(Debug, Parser)]
#[command(
    name = "consumer",
    version,
    max_term_width = 100,
    after_help = "Exit codes: 0 stopped or done, 1 failed, 2 wrong usage. On SIGTERM it stores what is \
                  counted and stops."
)]
struct Cli {
    /// Its name among the consumers; each run appends a random number
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
    let progress = Progress::default();
    let metrics = {
        let progress = progress.clone();
        Arc::new(move || metrics::render(&progress.watch().borrow()))
    };
    let work = async {
        let connections = Connections::wait(&cli.cluster, &manifest, CONNECTIONS, &health, &stop);
        let Some(connections) = connections.await? else {
            return Ok(());
        };
        let config = ConsumerConfig {
            sharing: Some(Sharing::named(&cli.name)),
            ..ConsumerConfig::of(&manifest)
        };
        let consume = async {
            let tell = |problem| health.set(ELECTION, problem);
            let election = wait::election_telling(&connections.store, key.as_ref(), tell, &stop);
            match election.await? {
                Some(election) => {
                    consume(&connections, election, config, cli.once, &progress, &stop).await
                }
                None => Ok(()),
            }
        };
        let consumed = tokio::select! {
            consumed = consume => consumed,
            never = health.follow(progress.watch(), |snapshot| &snapshot.problems) => match never {},
        };
        connections.close().await;
        consumed
    };
    endpoint::beside(cli.process.health, health.clone(), metrics, work).await?
}

async fn consume(
    connections: &Connections,
    election: Election,
    config: ConsumerConfig,
    once: bool,
    progress: &Progress,
    stop: &CancellationToken,
) -> anyhow::Result<()> {
    let platform: Arc<dyn Platform> = Arc::new(connections.platform.clone());
    tracing::info!(
        contests = election.definition.contests.len(),
        member = config.sharing.as_ref().map(|sharing| &*sharing.member),
        "counting"
    );
    let stop_consumer = stop.child_token();
    let mut consumer = tokio::spawn(consumer::run(
        platform.clone(),
        connections.store.clone(),
        election,
        config,
        progress.clone(),
        stop_consumer.clone(),
    ));
    let ended = tokio::select! {
        done = wait_until_done(&*platform, progress, stop), if once => {
            stop_consumer.cancel();
            let ended = consumer.await;
            done?;
            ended
        }
        ended = &mut consumer => ended,
    };
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
