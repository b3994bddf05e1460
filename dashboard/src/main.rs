//! `dashboard`: shows the count live, as a process of its own.

use std::process::ExitCode;

use clap::Parser;

/// Shows the count live in a browser, from a cluster (which is yet to come).
///
/// The embedded platform lives in one process, so there the dashboard runs inside `election`:
/// `election demo`, or `election dashboard` for what is stored.
#[derive(Debug, Parser)]
#[command(name = "dashboard", version, max_term_width = 100)]
struct Cli {}

fn main() -> ExitCode {
    let Cli {} = Cli::parse();
    eprintln!(
        "error: a process of its own needs a cluster to read from. The embedded platform lives inside \
         one process; there, run `election dashboard`, or `election demo` for everything at once."
    );
    ExitCode::from(2)
}
