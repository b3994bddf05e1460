//! How long `election demo` takes from its start to its end with ten voters: everything is opened, compiled,
//! started, counted, persisted and closed once.

use std::path::Path;
use std::process::Stdio;
use std::time::Instant;

use anyhow::{Context, ensure};
use tokio::process::Command;

use crate::report::{Figure, Report, Unit};

/// Target on the two-core reference machine; see docs/performance.md. It is meant for the first vote counted; what
/// is measured here also includes the end.
const TARGET_SECONDS: f64 = 2.0;
const VOTERS: &str = "10";
/// The median counts.
const ROUNDS: usize = 3;

pub(crate) async fn measure(directory: &Path, report: &mut Report) -> anyhow::Result<()> {
    let program = std::env::current_exe().context("cannot find this program")?;
    let mut took = Vec::new();
    for round in 0..ROUNDS {
        let began = Instant::now();
        let done = Command::new(&program)
            .args(["demo", "--once", "--json", "--voters", VOTERS, "--data-dir"])
            .arg(directory.join(format!("start-up-{round}")))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()
            .await
            .context("cannot start the demo")?;
        ensure!(done.success(), "the demo failed: {done}");
        took.push(began.elapsed().as_secs_f64());
    }
    took.sort_unstable_by(f64::total_cmp);
    let name = format!("a demo of {VOTERS} voters, from start to end");
    let median = took[ROUNDS / 2];
    report.add(Figure::new("start_up", name, Unit::Seconds, median).target(TARGET_SECONDS));
    Ok(())
}
