//! From the first vote cast to the last one counted, and persisted, with everything running at once:
//! producer, log, SmartModules, aggregates, checkpoints, and a PostgreSQL server behind them (where none is
//! installed, the embedded one).

use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use anyhow::Context;
use consumer::{ConsumerConfig, Progress};
use platform::Platform;
use platform::embedded::EmbeddedPlatform;
use producer::{CastPlan, VoterSource};
use serde_json::json;
use store::{EmbeddedPostgres, Store};
use testing::TemporaryServer;
use tokio_util::sync::CancellationToken;
use wire::topics;

use crate::EndToEndArgs;
use crate::native;
use crate::report::{Figure, Report, Unit};
use crate::workload;

const SEED: u64 = 7;
/// The log's directory.
const PLATFORM: &str = "end-to-end";
/// Voters, at most: what is measured does not change with more, and who is to be registered first takes
/// longer.
const MAX_VOTERS: u64 = 1_000_000;
/// Connections to a server: one a partition for voters, votes, and one for the rest.
const SERVER_CONNECTIONS: usize = 6;
/// What is asked for, on the two-core reference machine; see docs/performance.md.
const COUNTED_TARGET: f64 = 500_000.0;
const MILLION_REGISTERED_TARGET: f64 = 10.0;

/// What votes are persisted in.
pub(crate) enum Database {
    Server(TemporaryServer),
    Embedded(EmbeddedPostgres),
}

impl Database {
    pub(crate) async fn start(directory: &Path) -> anyhow::Result<(Database, Store)> {
        Ok(match TemporaryServer::start().await? {
            Some(server) => {
                let store = Store::connect(&server.database_url(), SERVER_CONNECTIONS).await?;
                (Database::Server(server), store)
            }
            None => {
                let embedded =
                    EmbeddedPostgres::start(&directory.join("end-to-end-postgres")).await?;
                let store = embedded.connect().await?;
                (Database::Embedded(embedded), store)
            }
        })
    }

    pub(crate) fn name(&self) -> &'static str {
        match self {
            Database::Server(_) => "PostgreSQL server",
            Database::Embedded(_) => "embedded Postgres",
        }
    }

    pub(crate) async fn stop(self) -> anyhow::Result<()> {
        match self {
            Database::Server(server) => drop(server),
            Database::Embedded(embedded) => embedded.stop().await?,
        }
        Ok(())
    }
}

/// Measures this and the native loop on the same votes, and prints.
pub(crate) async fn measure_alone(args: EndToEndArgs) -> anyhow::Result<()> {
    let directory = tempfile::tempdir().context("cannot create a temporary directory")?;
    let mut report = Report::new("Of native");
    measure(directory.path(), args.votes, args.partitions, &mut report).await?;
    let embedded = EmbeddedPlatform::open(&directory.path().join(PLATFORM)).await?;
    let native = native::rate(&embedded).await?;
    embedded.close().await?;
    report.add(native::figure(native));
    report.compare_with(native);
    let head = json!({ "votes": args.votes, "partitions": args.partitions });
    report.print(args.json, head)
}

pub(crate) async fn measure(
    directory: &Path,
    votes: u64,
    partitions: u32,
    report: &mut Report,
) -> anyhow::Result<()> {
    let embedded = workload::platform(directory, PLATFORM, partitions).await?;
    let platform: Arc<dyn Platform> = Arc::new(embedded.clone());
    let (database, store) = Database::start(directory).await?;
    store.migrate().await?;
    let election = workload::election();
    let stop = CancellationToken::new();
    let voters = VoterSource::Generated {
        seed: SEED,
        count: votes.min(MAX_VOTERS),
        precincts: Vec::new(),
    };
    let began = Instant::now();
    let registered =
        producer::register_voters(&platform, voters, &Arc::default(), &stop).await? as f64;
    report.add(
        Figure::new(
            "register_million",
            "a million voters registered",
            Unit::Seconds,
            began.elapsed().as_secs_f64() / registered * 1_000_000.0,
        )
        .target(MILLION_REGISTERED_TARGET),
    );

    // The roll is not what is measured: the consumer gets a topic of voters without one.
    let progress = Progress::new(partitions);
    let mut consumer = tokio::spawn(consumer::run(
        platform.clone(),
        store.clone(),
        election.clone(),
        ConsumerConfig::default(),
        progress.clone(),
        stop.clone(),
    ));
    let mut watch = progress.watch();
    let voters_ends = ends(&*platform, topics::VOTERS).await?;
    watch
        .wait_for(|snapshot| snapshot.reached(&voters_ends, |p| p.voters_persisted))
        .await?;

    let plan = CastPlan {
        seed: SEED,
        duplicates: 0.02,
        invalid: 0.01,
        rate: 0,
        definition: election.definition,
        polls: election.polls,
        credentials: None,
        abstain: 0.0,
    };
    let began = Instant::now();
    let cast = producer::cast_votes(&platform, plan, &Arc::default(), &stop).await? as f64;
    let ends = ends(&*platform, topics::VOTES).await?;
    let finished = async {
        watch.wait_for(|s| s.reached(&ends, |p| p.counted)).await?;
        let counted = cast / began.elapsed().as_secs_f64();
        watch
            .wait_for(|s| s.reached(&ends, |p| p.persisted))
            .await?;
        anyhow::Ok((counted, cast / began.elapsed().as_secs_f64()))
    };
    let (counted, persisted) = tokio::select! {
        rates = finished => rates?,
        ended = &mut consumer => {
            ended??;
            anyhow::bail!("the consumer ended before it had counted everything");
        }
    };
    stop.cancel();
    consumer.await??;
    report.add(
        Figure::new(
            "end_to_end",
            "end to end, counted",
            Unit::PerSecond,
            counted,
        )
        .target(COUNTED_TARGET),
    );
    report.add(Figure::new(
        "end_to_end_persisted",
        format!("end to end, persisted ({})", database.name()),
        Unit::PerSecond,
        persisted,
    ));
    store.close();
    database.stop().await?;
    embedded.close().await?;
    Ok(())
}

async fn ends(platform: &dyn Platform, topic: &str) -> anyhow::Result<Vec<i64>> {
    let mut ends = Vec::new();
    for partition in 0..platform.partitions(topic).await? {
        ends.push(platform.end_offset(topic, partition).await?);
    }
    Ok(ends)
}
