//! `consumer`: counts and persists, as a process of its own.

use std::process::ExitCode;

use clap::Parser;

/// Counts votes and persists them to Postgres, on a cluster (which is yet to come).
///
/// The embedded platform lives in one process, so there this runs inside `election`:
/// `election consumer`.
#[derive(Debug, Parser)]
#[command(name = "consumer", version, max_term_width = 100)]
struct Cli {}

fn main() -> ExitCode {
    let Cli {} = Cli::parse();
    eprintln!(
        "error: a process of its own needs a cluster to consume from. The embedded platform lives \
         inside one process; there, run `election consumer`, or `election demo` for everything at \
         once."
    );
    ExitCode::from(2)
}
