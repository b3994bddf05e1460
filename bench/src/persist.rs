//! Persisting the workload's votes: into the embedded Postgres, and into a real server where one is
//! installed, beside what `psql` does there with the same rows.

use std::path::Path;
use std::time::Instant;

use anyhow::{Context, ensure};
use consumer::{ConsumerConfig, Progress};
use store::{EmbeddedPostgres, Store};
use testing::TemporaryServer;
use tokio_util::sync::CancellationToken;

use crate::BenchArgs;
use crate::report::{Figure, Report, Unit};
use crate::workload::Workload;

/// The least that is asked for, on the two-core reference machine; see docs/performance.md.
const EMBEDDED_TARGET: f64 = 40_000.0;
const SERVER_TARGET: f64 = 0.8;
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
            store.close();
            let copied = copy(&server, directory, &workload).await?;
            report.add(Figure::new(
                "copy_server",
                "COPY of the same rows by psql",
                Unit::PerSecond,
                copied,
            ));
            report.add(
                Figure::new(
                    "persist_server",
                    "persist, PostgreSQL server",
                    Unit::PerSecond,
                    rate,
                )
                .compared_with_other(copied, "COPY")
                .target_ratio(SERVER_TARGET),
            );
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

/// Rows a second that `psql` copies from a file into a table like `votes`, with its keys and checks: those
/// that were persisted, in the log's order.
async fn copy(
    server: &TemporaryServer,
    directory: &Path,
    workload: &Workload,
) -> anyhow::Result<f64> {
    let file = directory.join("votes.copy");
    let file = file.to_str().context("a path that is no text")?;
    let psql = TemporaryServer::find()
        .context("PostgreSQL is gone")?
        .join("psql");
    let run = async |command: &str| -> anyhow::Result<()> {
        let done = tokio::process::Command::new(&psql)
            .args([
                "--no-psqlrc",
                "--quiet",
                "--set=ON_ERROR_STOP=1",
                "--command",
            ])
            .arg(command)
            .arg(server.database_url())
            .status()
            .await
            .with_context(|| format!("cannot run {}", psql.display()))?;
        ensure!(done.success(), "psql failed: {command}");
        Ok(())
    };
    run("CREATE TABLE copied (LIKE votes INCLUDING ALL)").await?;
    run(&format!(
        r#"\copy (SELECT * FROM votes ORDER BY log_offset, "partition") TO '{file}'"#
    ))
    .await?;
    let began = Instant::now();
    run(&format!(r"\copy copied FROM '{file}'")).await?;
    let took = began.elapsed().as_secs_f64();
    std::fs::remove_file(file).context("cannot remove what was copied")?;
    Ok(workload.records() as f64 / took)
}
