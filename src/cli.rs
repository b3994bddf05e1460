//! The command line, as a person reads it.

use std::net::{IpAddr, Ipv4Addr};
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};
use producer::args::{InitArgs, PollsArgs, ProducerCommand, VotersArgs, VotesArgs};

/// A call that cannot be carried out as it was made: exit code 2.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct UsageError(pub(crate) String);

/// A real-time election: votes stream in, WASM SmartModules count them, Postgres keeps them.
///
/// Everything runs in this one process, on an embedded streaming platform and an embedded Postgres;
/// nothing needs to be installed. `election demo` shows it.
#[derive(Debug, Parser)]
#[command(
    name = "election",
    version,
    max_term_width = 100,
    after_help = "Exit codes: 0 fine, 1 a check or a step failed, 2 wrong usage.\n\
                  Logs go to stderr (RUST_LOG=info shows more), results to stdout."
)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run a whole election: register, cast, count, persist, and show the result
    Demo(Box<DemoArgs>),
    /// The producer's steps, one by one: init, voters, votes
    Producer {
        #[command(subcommand)]
        command: ProducerCommand,
        #[command(flatten)]
        backend: BackendArgs,
    },
    /// Count and persist what is in the log
    Consumer(ConsumerArgs),
    /// Show what is stored in a browser, without counting
    Dashboard(DashboardArgs),
    /// Show the results as they are stored
    Results(ResultsArgs),
    /// Count again from the log, and compare log, tally and rows; exit code 1 if they differ
    Audit(AuditArgs),
    /// Count again from the log, through the SmartModules, and show what comes out
    Recount(ResultsArgs),
    /// Tell what is there, what is missing, and in which versions
    Doctor(BackendArgs),
    /// Measure how fast this machine counts, next to what it could at best
    Bench(bench::BenchArgs),
}

/// Where the election lives.
#[derive(Debug, Clone, Args)]
pub(crate) struct BackendArgs {
    /// Directory of the embedded log and the embedded Postgres
    #[arg(long, value_name = "DIR", default_value = "./data", global = true)]
    pub(crate) data_dir: PathBuf,
    /// A PostgreSQL server to use instead of the embedded one, e.g. postgresql://user@host/db; the
    /// password is better in PGPASSWORD or the environment's DATABASE_URL than on a command line
    #[arg(
        long,
        value_name = "URL",
        env = "DATABASE_URL",
        hide_env_values = true,
        global = true
    )]
    pub(crate) database_url: Option<String>,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Run it again and it goes on where it stopped, even after `kill -9`; with --fresh it starts anew.

Examples:
  election demo                                     1,000 voters, three candidates
  election demo --voters 100000 --once --json       for scripts: one JSON object
  election demo --rate 200 --port 8080              slow enough to watch
  election demo --results us-president-2016.csv --scale 0.01 --once")]
pub(crate) struct DemoArgs {
    #[command(flatten)]
    pub(crate) init: InitArgs,
    #[command(flatten)]
    pub(crate) voters: VotersArgs,
    #[command(flatten)]
    pub(crate) votes: VotesArgs,
    /// Replay a real election instead: a CSV of official results becomes individual ballots, and the
    /// count is compared with the file
    #[arg(long, value_name = "FILE.csv", conflicts_with_all = ["voters", "voters_file", "candidates", "duplicates", "invalid"])]
    pub(crate) results: Option<PathBuf>,
    /// Share of each row's votes to cast in a replay, rounded down
    #[arg(long, default_value_t = 1.0, requires = "results")]
    pub(crate) scale: f64,
    /// Delete what the data directory (or the database) holds of an election, and start anew
    #[arg(long)]
    pub(crate) fresh: bool,
    /// End when every vote cast is accounted for, instead of staying up
    #[arg(long)]
    pub(crate) once: bool,
    /// Print one JSON object to stdout, and nothing else there
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) listen: ListenArgs,
    #[command(flatten)]
    pub(crate) backend: BackendArgs,
}

/// Where the dashboard listens.
#[derive(Debug, Args)]
pub(crate) struct ListenArgs {
    /// Port of the web dashboard; 0 picks a free one. Default 8080; with --once there is no dashboard
    /// unless a port is given
    #[arg(long)]
    port: Option<u16>,
    /// Address the dashboard listens on. Anything but loopback lets others see it: it is read only,
    /// without passwords, and shows no voter
    #[arg(long, value_name = "ADDRESS", default_value_t = Ipv4Addr::LOCALHOST.into())]
    bind: IpAddr,
}

impl ListenArgs {
    pub(crate) fn config(&self) -> dashboard::DashboardConfig {
        let default = dashboard::DashboardConfig::default();
        dashboard::DashboardConfig {
            bind: self.bind,
            port: self.port.unwrap_or(default.port),
            ..default
        }
    }
}

#[derive(Debug, Args)]
pub(crate) struct DashboardArgs {
    #[command(flatten)]
    pub(crate) listen: ListenArgs,
    #[command(flatten)]
    pub(crate) backend: BackendArgs,
}

impl DemoArgs {
    /// Whether there is to be a dashboard.
    pub(crate) fn wants_dashboard(&self) -> bool {
        !self.once || self.listen.port.is_some()
    }

    /// The options of the polls.
    pub(crate) fn polls(&self) -> &PollsArgs {
        &self.init.polls
    }
}

#[derive(Debug, Args)]
pub(crate) struct ConsumerArgs {
    /// End when everything in the log is counted and persisted, instead of waiting for more
    #[arg(long)]
    pub(crate) once: bool,
    #[command(flatten)]
    pub(crate) backend: BackendArgs,
}

#[derive(Debug, Args)]
pub(crate) struct ResultsArgs {
    /// One JSON object, as `election demo --json` prints it
    #[arg(long, conflicts_with = "csv")]
    pub(crate) json: bool,
    /// CSV: a line per candidate and location
    #[arg(long)]
    pub(crate) csv: bool,
    #[command(flatten)]
    pub(crate) backend: BackendArgs,
}

#[derive(Debug, Args)]
pub(crate) struct AuditArgs {
    /// One JSON object
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) backend: BackendArgs,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_consistent() {
        super::Cli::command().debug_assert();
    }
}
