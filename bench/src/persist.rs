//! Persisting the workload's votes: into the embedded Postgres, and into a PostgreSQL server where one is installed,
//! compared with what `psql` does there with the same rows.

use std::path::Path;
use std::time::Instant;

use anyhow::{Context, ensure};
use consumer::ConsumerConfig;
use testing::TemporaryServer;

use crate::report::{Figure, Report};
use crate::system::{Database, System};
use crate::workload::Workload;

/// Targets on the two-core reference machine; see docs/performance.md.
const EMBEDDED_TARGET: f64 = 40_000.0;
const SERVER_TARGET: f64 = 0.8;

pub(crate) async fn measure(directory: &Path, report: &mut Report) -> anyhow::Result<()> {
    let embedded = Database::embedded(directory).await?;
    let (rate, _) = persist(directory, &embedded).await?;
    embedded.stop().await?;
    let name = "persist, embedded Postgres";
    report.add(Figure::rate("persist_embedded", name, rate).target(EMBEDDED_TARGET));

    let (key, name) = ("persist_server", "persist, PostgreSQL server");
    let Some(server) = TemporaryServer::start().await? else {
        report.add(Figure::rate(key, format!("{name} (none installed)"), None));
        return Ok(());
    };
    let url = server.database_url();
    let server = Database::Server(server);
    let (rate, votes) = persist(directory, &server).await?;
    let copied = votes as f64 / copy(&url, &directory.join("votes.copy")).await?;
    server.stop().await?;
    let copy = Figure::rate("copy_server", "COPY of the same rows by psql", copied);
    report.add(copy);
    let persisted = Figure::rate(key, name, rate);
    report.add(
        persisted
            .compared_with_other(copied, "COPY")
            .target_ratio(SERVER_TARGET),
    );
    Ok(())
}

/// Rows (rejected ones included) a second, and how many there are.
async fn persist(directory: &Path, database: &Database) -> anyhow::Result<(f64, u64)> {
    let workload = Workload::reopen(directory).await?;
    let (ends, records) = (workload.ends.clone(), workload.records());
    let mut system = System::set_up(workload.log, database, None).await?;
    let config = ConsumerConfig {
        tally: false,
        ..ConsumerConfig::default()
    };
    let began = Instant::now();
    let mut progress = system.consume(ends.len() as u32, config).watch();
    let persisting = async {
        progress
            .wait_for(|snapshot| snapshot.reached(&ends, |partition| partition.persisted))
            .await?;
        Ok(began.elapsed())
    };
    let took = system.beside(persisting).await?;
    system.stop().await?;
    Ok((records as f64 / took.as_secs_f64(), records))
}

/// Seconds that `psql` takes to copy the persisted rows, in the log's order, from a file into a table like `votes`,
/// with its keys and checks.
async fn copy(url: &str, file: &Path) -> anyhow::Result<f64> {
    let path = file.to_str().context("the path is not UTF-8")?;
    let psql = TemporaryServer::find()
        .context("PostgreSQL is no longer installed")?
        .join("psql");
    let run = async |command: &str| -> anyhow::Result<()> {
        let done = tokio::process::Command::new(&psql)
            .args(["--no-psqlrc", "--quiet", "--set=ON_ERROR_STOP=1"])
            .args(["--command", command, url])
            .status()
            .await
            .with_context(|| format!("cannot run {}", psql.display()))?;
        ensure!(done.success(), "psql failed: {command}");
        Ok(())
    };
    run("CREATE TABLE copied (LIKE votes INCLUDING ALL)").await?;
    let rows = r#"SELECT * FROM votes ORDER BY log_offset, "partition""#;
    run(&format!(r"\copy ({rows}) TO '{path}'")).await?;
    let began = Instant::now();
    run(&format!(r"\copy copied FROM '{path}'")).await?;
    let took = began.elapsed();
    std::fs::remove_file(file).context("cannot remove the file of copied rows")?;
    Ok(took.as_secs_f64())
}
