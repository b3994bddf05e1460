//! `producer`: registers candidates and voters, and casts votes, as a process of its own.

use std::process::ExitCode;

use clap::Parser;
use producer::args::ProducerCommand;

/// Registers candidates and voters, and casts votes, on a cluster (which is yet to come).
///
/// The embedded platform lives in one process, so there these steps run inside `election`:
/// `election producer init`, `election producer voters`, `election producer votes`.
#[derive(Debug, Parser)]
#[command(name = "producer", version, max_term_width = 100)]
struct Cli {
    #[command(subcommand)]
    command: ProducerCommand,
}

fn main() -> ExitCode {
    let step = match Cli::parse().command {
        ProducerCommand::Init(_) => "init",
        ProducerCommand::Voters(_) => "voters",
        ProducerCommand::Votes(_) => "votes",
    };
    eprintln!(
        "error: a process of its own needs a cluster to produce to. The embedded platform lives \
         inside one process; there, run `election producer {step}` with the same options, or \
         `election demo` for everything at once."
    );
    ExitCode::from(2)
}
