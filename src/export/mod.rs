//! `election export`: writes the stored results as an election report of NIST SP 1500-100, or as CSV.

mod election_report;
mod rounds;

use std::fs::File;
use std::io::Write;
use std::path::Path;

use anyhow::{Context, bail};
use chrono::Utc;
use service::UsageError;
use store::StoreError;

use crate::Outcome;
use crate::backend::Backend;
use crate::cli::{ExportArgs, ExportFormat};
use crate::render;
use crate::report::{Report, stored_tally};
use election_report::{Results, Status};

pub(crate) async fn run(args: ExportArgs) -> anyhow::Result<Outcome> {
    if args.certified && args.format == ExportFormat::Csv {
        bail!(UsageError(
            "CSV has no place for `--certified`: leave it out, or export with `--format cdf`"
                .into()
        ));
    }
    let backend = Backend::open_existing(&args.backend).await?;
    let exported = backend.close_after(async |backend: &Backend| exported(backend, &args).await);
    let exported = exported.await?;
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
                Status::Certified
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

/// A count that may still change cannot be certified.
fn demand_certifiable(results: &Results) -> anyhow::Result<()> {
    if results.have_closed() == Some(false) {
        bail!(
            "the polls have not closed, so the results cannot be certified; leave `--certified` out"
        );
    }
    if !results.report.accounted {
        bail!(
            "not every vote is accounted for, so the results cannot be certified; `election audit` \
             lists the differences, `election consumer --once` counts the remaining votes"
        );
    }
    Ok(())
}

/// Writes a file completely or not at all, even if the process is killed.
fn write_whole(file: &Path, contents: &[u8]) -> anyhow::Result<()> {
    // In the same directory, since a file cannot be renamed across file systems.
    let part = file.with_added_extension(format!("{}.part", std::process::id()));
    let written = File::create(&part).and_then(|mut made| {
        made.write_all(contents)?;
        made.sync_all()?;
        std::fs::rename(&part, file)
    });
    written
        .inspect_err(|_| {
            // It may not exist; the error to report is the one above.
            std::fs::remove_file(&part).ok();
        })
        .with_context(|| {
            let file = file.display();
            format!("cannot write the results to {file}; `--output` names another file")
        })
}
