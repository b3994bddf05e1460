//! Persisting the workload's votes: into the embedded Postgres, and into a real server where one is
//! installed.

use std::path::Path;
use std::time::Instant;

use consumer::{ConsumerConfig, Progress};
use store::{EmbeddedPostgres, Store, TemporaryServer};
use tokio_util::sync::CancellationToken;

use crate::BenchArgs;
use crate::report::{Figure, Report, Unit};
use crate::workload::Workload;

/// The least that is asked for, on the two-core reference machine; see docs/performance.md.
const EMBEDDED_TARGET: f64 = 40_000.0;
const SERVER_TARGET: f64 = 100_000.0;
/// Connections to the real server: one a partition, and one for the rest.
const SERVER_CONNECTIONS: usize = 4;

pub(crate) async fn measure(
    directory: &Path,
    args: &BenchArgs,
    report: &mut Report,
) -> anyhow::Result<()> {
    let workload = Workload::reopen(directory).await?;
    let postgres = EmbeddedPostgres::start(&directory.join("postgres")).await?;
    let store = postgres.connect().await?;
    let rate = persist(&workload, &store, args).await?;
    store.close();
    postgres.stop().await?;
    report.add(
        Figure::new(
            "persist_embedded",
            "persist, embedded Postgres",
            Unit::PerSecond,
            rate,
        )
        .target(EMBEDDED_TARGET),
    );

    match TemporaryServer::start().await? {
        Some(server) => {
            let store = Store::connect(&server.database_url(), SERVER_CONNECTIONS).await?;
            let rate = persist(&workload, &store, args).await?;
            let name = "persist, PostgreSQL server";
            report.add(
                Figure::new("persist_server", name, Unit::PerSecond, rate).target(SERVER_TARGET),
            );
            store.close();
        }
        None => report.add(Figure::skipped(
            "persist_server",
            "persist, PostgreSQL server (none installed)",
            Unit::PerSecond,
        )),
    }
    workload.close().await
}

/// Rows (rejected ones included) a second.
async fn persist(workload: &Workload, store: &Store, args: &BenchArgs) -> anyhow::Result<f64> {
    store.migrate().await?;
    let progress = Progress::new(args.partitions);
    let stop = CancellationToken::new();
    let config = ConsumerConfig {
        tally: false,
        ..ConsumerConfig::default()
    };
    let began = Instant::now();
    let mut consumer = tokio::spawn(consumer::run(
        workload.port(),
        store.clone(),
        workload.election.clone(),
        config,
        progress.clone(),
        stop.clone(),
    ));
    let mut watch = progress.watch();
    let persisted = watch
        .wait_for(|snapshot| snapshot.reached(&workload.ends, |partition| partition.persisted));
    let rate = tokio::select! {
        done = persisted => {
            done?;
            workload.records() as f64 / began.elapsed().as_secs_f64()
        }
        ended = &mut consumer => {
            ended??;
            anyhow::bail!("the consumer ended before it had persisted everything");
        }
    };
    stop.cancel();
    consumer.await??;
    Ok(rate)
}
