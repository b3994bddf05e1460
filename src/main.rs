//! `election`: the whole system behind one command line. It composes the services' libraries and
//! contains no rules of its own.

#![forbid(unsafe_code)]

mod audit;
mod backend;
mod cli;
mod counting;
mod demo;
mod deploy;
mod differences;
mod doctor;
mod export;
mod kafka;
mod key;
mod log_blocks;
mod meters;
mod receipt;
mod records;
mod recount;
mod render;
mod report;
mod seal;
mod service_task;
mod stages;
mod steps;
mod tabulate;

use std::process::ExitCode;

use clap::Parser;

use crate::cli::{Cli, Command};

/// What a command found, as an exit code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// 0.
    Fine,
    /// The command did its work, and a check failed: 1.
    CheckFailed,
}

impl Outcome {
    pub(crate) fn of_check(passed: bool) -> Outcome {
        match passed {
            true => Outcome::Fine,
            false => Outcome::CheckFailed,
        }
    }
}

/// Records for Kafka are allocated on one thread and freed on another: with glibc's allocator the bridge
/// carries a quarter less (`election bench bridge`).
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let _scenario = faults::set_up();
    let cli = Cli::parse();
    service::logs::init_logs(cli.log.log, "warn");
    let runtime = match tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
    {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("error: cannot start the async runtime: {error}");
            return ExitCode::from(1);
        }
    };
    match runtime.block_on(run(cli.command)) {
        Ok(Outcome::Fine) => ExitCode::SUCCESS,
        Ok(Outcome::CheckFailed) => ExitCode::from(1),
        Err(error) => service::process::failed(&error),
    }
}

async fn run(command: Command) -> anyhow::Result<Outcome> {
    match command {
        Command::Demo(args) => demo::run(args).await,
        Command::Producer { command, backend } => steps::producer(command, backend).await,
        Command::Consumer(args) => steps::consumer(args).await,
        Command::Dashboard(args) => steps::dashboard(args).await,
        Command::Results(args) => steps::results(args).await,
        Command::Export(args) => export::run(*args).await,
        Command::Audit(args) => audit::run(args).await,
        Command::Recount(args) => recount::run(args).await,
        Command::Seal(args) => seal::run(args).await,
        Command::Receipt(args) => receipt::issue(args).await,
        Command::VerifyReceipt(args) => receipt::verify(&args),
        Command::Deploy(args) => deploy::deploy(args).await,
        Command::BuildModules { directory } => deploy::build_modules(&directory),
        Command::Doctor(args) => doctor::run(args).await,
        Command::Key { file } => key::create(&file),
        Command::Credential(args) => key::credential(args).await,
        Command::Tabulate(args) => tabulate::run(args).await,
        Command::Bench(args) => {
            bench::run(args).await?;
            Ok(Outcome::Fine)
        }
    }
}
