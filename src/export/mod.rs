//! `election export`: the stored results as a file for others to read, an election report of NIST
//! SP 1500-100 or CSV.

mod cdf;
mod election_report;

use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use chrono::Utc;
use service::UsageError;
use store::StoreError;

use crate::Outcome;
use crate::backend::Backend;
use crate::cli::{ExportArgs, ExportFormat};
use crate::render;
use crate::report::{Report, stored_tally};
use election_report::Results;

pub(crate) async fn run(args: ExportArgs) -> anyhow::Result<Outcome> {
    if args.certified && args.format == ExportFormat::Csv {
        bail!(UsageError(
            "CSV has no place for `--certified`: leave it out, or export with `--format cdf`"
                .into()
        ));
    }
    let backend = Backend::open_existing(&args.backend).await?;
    let exported = exported(&backend, &args).await;
    let closed = backend.close().await;
    let exported = exported?;
    closed?;
    match &args.output {
        Some(file) => {
            write_whole(file, &exported)?;
            println!("{} holds the results.", file.display());
        }
        None => std::io::stdout().lock().write_all(&exported)?,
    }
    Ok(Outcome::Fine)
}

async fn exported(backend: &Backend, args: &ExportArgs) -> anyhow::Result<Vec<u8>> {
    let stored = backend.election().await?;
    let tally = stored_tally(backend).await?;
    let report = Report::of_tally(backend, &stored, &tally).await?;
    let mut exported = Vec::new();
    match args.format {
        ExportFormat::Csv => render::write_csv(&report, &mut exported)?,
        ExportFormat::Cdf => {
            let opened_at = backend.store.election_opened_at().await?;
            let results = Results {
                stored: &stored,
                tally: &tally,
                report: &report,
                opened_at: opened_at.ok_or(StoreError::NoElection)?,
                now: Utc::now(),
            };
            let status = if args.certified {
                demand_certifiable(&results)?;
                cdf::ResultsStatus::Certified
            } else {
                results.status()
            };
            let report = results.election_report(&args.names, status);
            serde_json::to_writer_pretty(&mut exported, &report)?;
            exported.push(b'\n');
        }
    }
    Ok(exported)
}

/// Nobody certifies a count that may still change.
fn demand_certifiable(results: &Results) -> anyhow::Result<()> {
    if results.have_closed() == Some(false) {
        bail!(
            "the polls have not closed: results are certified after that; leave `--certified` out"
        );
    }
    if !results.report.accounted {
        bail!(
            "not every vote is accounted for, so the results cannot be certified; `election audit` \
             names the differences, `election consumer --once` counts what is not counted yet"
        );
    }
    Ok(())
}

/// Writes a file that is there whole or not at all, whatever happens meanwhile.
fn write_whole(file: &Path, contents: &[u8]) -> anyhow::Result<()> {
    let making = beside(file);
    let written = std::fs::File::create(&making).and_then(|mut made| {
        made.write_all(contents)?;
        made.sync_all()?;
        std::fs::rename(&making, file)
    });
    written
        .inspect_err(|_| {
            // It may not have been made; what is to be told is why.
            std::fs::remove_file(&making).ok();
        })
        .with_context(|| {
            format!(
                "cannot write the results to {}; `--output` names another file",
                file.display()
            )
        })
}

/// A name in the same directory, since a file cannot be renamed across file systems.
fn beside(file: &Path) -> PathBuf {
    file.with_added_extension(format!("{}.part", std::process::id()))
}
