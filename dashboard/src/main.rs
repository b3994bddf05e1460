//! `dashboard`: shows the count live, as a process of its own.

#![forbid(unsafe_code)]

use std::process::ExitCode;
use std::sync::Arc;

use clap::Parser;
use dashboard::args::{BallotArgs, ListenArgs};
use dashboard::{Connected, Dashboard, DashboardError, Problems};
use platform::fluvio::ClusterConfig;
use service::args::{ClusterArgs, LogArgs};
use service::key::KeyArgs;
use service::{process, wait};
use tokio_util::sync::CancellationToken;

/// One for the task that reads the figures, one for the task that casts the ballots.
const DATABASE_CONNECTIONS: usize = 2;

/// Shows the count live in a browser: reads the aggregate topics of a Fluvio cluster and Postgres, and
/// counts nothing itself.
///
/// It serves at once, even if neither is up yet; the log and /readyz say what it waits for.
#[derive(Debug, Parser)]
#[command(
    name = "dashboard",
    version,
    max_term_width = 100,
    after_help = "\
Examples:
  dashboard --cluster 127.0.0.1:9003 --database-url postgresql://postgres@127.0.0.1/postgres
  dashboard --manifest fluvio.toml --bind 0.0.0.0 --log json
  dashboard --accept-votes --key-file election.key

/healthz says whether the process runs, /readyz whether every source works; /metrics is for Prometheus.
It runs until Ctrl-C or SIGTERM and reconnects by itself.
Exit codes: 0 stopped, 1 failed, 2 wrong usage.

The embedded platform lives inside one process; there, run `election dashboard` or `election demo`."
)]
struct Cli {
    #[command(flatten)]
    listen: ListenArgs,
    #[command(flatten)]
    ballots: BallotArgs,
    #[command(flatten)]
    cluster: ClusterArgs,
    #[command(flatten)]
    key: KeyArgs,
    #[command(flatten)]
    log: LogArgs,
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    process::run(cli.log, async |stop| run(cli, stop).await)
}

async fn run(cli: Cli, stop: CancellationToken) -> anyhow::Result<()> {
    let Cli {
        listen,
        ballots,
        cluster,
        key,
        ..
    } = cli;
    let manifest = cluster.manifest()?;
    let url = cluster.database_url()?.to_owned();
    let config = cluster.cluster_config(&manifest);
    let mut dashboard = Dashboard::bind(listen).await?;
    if let Some(limits) = ballots.limits() {
        dashboard = dashboard.accepting_votes(limits, key.election_key()?);
    }
    tracing::info!("serving {}", dashboard.url());
    let waiting = stop.clone();
    let connect = |problems| connect(config, url, problems, waiting);
    let served = dashboard.run_connecting(connect, stop).await;
    served.map_err(|error| {
        error
            .downcast()
            .map_or_else(|error| error, DashboardError::into_report)
    })
}

/// Waits for both at once, so that the page names everything that is missing.
async fn connect(
    config: ClusterConfig,
    database_url: String,
    problems: Problems,
    stop: CancellationToken,
) -> anyhow::Result<Option<Connected>> {
    let fluvio = wait::cluster_telling(config, |problem| problems.set("Fluvio", problem), &stop);
    let postgres = wait::database_telling(
        &database_url,
        DATABASE_CONNECTIONS,
        |problem| problems.set("Postgres", problem),
        &stop,
    );
    let fluvio = async { anyhow::Ok(fluvio.await?) };
    let postgres = async { anyhow::Ok(postgres.await?) };
    let (platform, store) = tokio::try_join!(fluvio, postgres)?;
    Ok(platform.zip(store).map(|(platform, store)| Connected {
        platform: Arc::new(platform),
        store,
    }))
}
