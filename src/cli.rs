//! The command line, as a person reads it.

use std::path::PathBuf;

use bridge::args::KafkaArgs;
use clap::{Args, Parser, Subcommand, ValueEnum};
use dashboard::args::{BallotArgs, ListenArgs};
use evidence::Digest;
use producer::args::{InitArgs, ProducerCommand, VotersArgs, VotesArgs};
use service::UsageError;
use service::args::{ClusterArgs, LogArgs};
use service::key::KeyArgs;

/// A real-time election: votes stream in, WASM SmartModules count them, Postgres keeps them.
///
/// By itself everything runs in this one process, on an embedded streaming platform and an embedded
/// Postgres; nothing needs to be installed. `election demo` shows it. With `--cluster` and
/// `--database-url` the same runs on a Fluvio cluster and a PostgreSQL server.
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
    #[command(flatten)]
    pub(crate) log: LogArgs,
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
    /// Write the stored results for others to read: an election report of NIST SP 1500-100, or CSV
    Export(Box<ExportArgs>),
    /// Count again from the log, and compare log, tally, rows and evidence; exit code 1 if they differ
    Audit(AuditArgs),
    /// Count again from the log, through the SmartModules, and show what comes out
    Recount(ResultsArgs),
    /// State the root over the votes that count, which receipts lead to
    Seal(SealArgs),
    /// Prove to a voter that the vote is in the latest seal, without showing whom it was for
    Receipt(ReceiptArgs),
    /// Check a receipt, without access to the election; exit code 1 if it proves nothing
    VerifyReceipt(VerifyReceiptArgs),
    /// Bring a Fluvio cluster to what the manifest says: topics and SmartModules
    Deploy(DeployArgs),
    /// Write the SmartModules as .wasm files, for the `fluvio` CLI
    BuildModules(BuildModulesArgs),
    /// Tell what is there, what is missing, and in which versions
    Doctor(BackendArgs),
    /// Make a new secret key: of voters' credentials, secret ballots and receipts
    Key(KeyFileArgs),
    /// Print the credential of a registered voter, where votes must carry one
    Credential(CredentialArgs),
    /// Measure how fast this machine counts, next to what it could at best
    Bench(bench::BenchArgs),
}

/// Where the election lives.
#[derive(Debug, Clone, Args)]
pub(crate) struct BackendArgs {
    /// What votes stream through: `embedded` in this process, or `fluvio`, a cluster. Default:
    /// embedded, unless `--cluster` is given
    #[arg(long, value_name = "PLATFORM", global = true)]
    platform: Option<PlatformKind>,
    /// Directory of what is embedded: the log, and Postgres where no server is named
    #[arg(long, value_name = "DIR", default_value = "./data", global = true)]
    pub(crate) data_dir: PathBuf,
    #[command(flatten)]
    pub(crate) cluster: ClusterArgs,
    #[command(flatten)]
    pub(crate) key: KeyArgs,
}

/// What votes stream through.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum PlatformKind {
    /// SmartModules over a log in the data directory, in this process
    Embedded,
    /// A Fluvio cluster
    Fluvio,
}

impl BackendArgs {
    /// The platform that is meant.
    pub(crate) fn platform(&self) -> Result<PlatformKind, UsageError> {
        match (self.platform, &self.cluster.cluster) {
            (Some(PlatformKind::Embedded), Some(cluster)) => Err(UsageError(format!(
                "`--platform embedded` is in this process, and `--cluster {cluster}` is not; leave \
                 one of them out"
            ))),
            (Some(platform), _) => Ok(platform),
            (None, Some(_)) => Ok(PlatformKind::Fluvio),
            (None, None) => Ok(PlatformKind::Embedded),
        }
    }
}

#[derive(Debug, Args)]
#[command(after_help = "\
Run it again and it goes on where it stopped, even after `kill -9`; with --fresh it starts anew.

Examples:
  election demo                                     1,000 voters, three candidates
  election demo --voters 100000 --once --json       for scripts: one JSON object
  election demo --rate 200 --port 8080              slow enough to watch
  election demo --results us-president-2016.csv --scale 0.01 --once
  election demo --cluster localhost:9003 --database-url postgresql://postgres@localhost/postgres")]
pub(crate) struct DemoArgs {
    #[command(flatten)]
    pub(crate) init: InitArgs,
    #[command(flatten)]
    pub(crate) voters: VotersArgs,
    #[command(flatten)]
    pub(crate) votes: VotesArgs,
    /// Replay a real election instead: a CSV of official results becomes individual ballots, and the
    /// count is compared with the file
    #[arg(long, value_name = "FILE.csv", conflicts_with_all = ["voters", "voters_file", "candidates", "definition", "duplicates", "invalid", "abstain"])]
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
    pub(crate) ballots: BallotArgs,
    #[command(flatten)]
    pub(crate) kafka: KafkaArgs,
    #[command(flatten)]
    pub(crate) backend: BackendArgs,
}

#[derive(Debug, Args)]
pub(crate) struct DashboardArgs {
    #[command(flatten)]
    pub(crate) listen: ListenArgs,
    #[command(flatten)]
    pub(crate) ballots: BallotArgs,
    #[command(flatten)]
    pub(crate) backend: BackendArgs,
}

impl DemoArgs {
    /// Whether there is to be a dashboard.
    pub(crate) fn wants_dashboard(&self) -> bool {
        !self.once || self.listen.port.is_some()
    }
}

#[derive(Debug, Args)]
#[command(after_help = "\
It can be run again at any time: what is there already stays, what is missing is created, and a
SmartModule that is another version is replaced. The `fluvio` CLI does the same by hand:

  election build-modules modules
  fluvio smartmodule create vote-tally --wasm-file modules/vote-tally.wasm
  fluvio topic create votes --partitions 2 --retention-time 36500d")]
pub(crate) struct DeployArgs {
    /// Partitions of the topics `voters` and `votes` [default: as in the manifest, 2]
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=1024))]
    pub(crate) partitions: Option<u32>,
    /// Say what would be done, and do nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
    #[command(flatten)]
    pub(crate) cluster: ClusterArgs,
}

#[derive(Debug, Args)]
pub(crate) struct BuildModulesArgs {
    /// Where to write them; it is created if it is not there
    #[arg(value_name = "DIR")]
    pub(crate) directory: PathBuf,
}

#[derive(Debug, Args)]
pub(crate) struct KeyFileArgs {
    /// The file to write it to, which must not be there yet
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,
}

#[derive(Debug, Args)]
pub(crate) struct CredentialArgs {
    /// The voter
    #[arg(value_name = "VOTER_ID")]
    pub(crate) voter_id: String,
    #[command(flatten)]
    pub(crate) backend: BackendArgs,
}

#[derive(Debug, Args)]
pub(crate) struct ConsumerArgs {
    /// End when everything in the log is counted and persisted, instead of waiting for more
    #[arg(long)]
    pub(crate) once: bool,
    #[command(flatten)]
    pub(crate) kafka: KafkaArgs,
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
pub(crate) struct ExportArgs {
    /// What to write
    #[arg(long, value_name = "FORMAT", default_value = "cdf")]
    pub(crate) format: ExportFormat,
    /// File to write to, replacing what is there [default: stdout]
    #[arg(long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
    /// Say in the report that the election authority has certified these results; refused while the
    /// polls are open, or if not every vote is accounted for
    #[arg(long)]
    pub(crate) certified: bool,
    #[command(flatten)]
    pub(crate) names: ReportNames,
    #[command(flatten)]
    pub(crate) backend: BackendArgs,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ExportFormat {
    /// Election report of the Election Results Reporting Common Data Format, NIST SP 1500-100
    /// Version 2, in JSON
    Cdf,
    /// A line per candidate and location, as `election results --csv` prints them
    Csv,
}

/// What an election report says of the election that is not stored with it.
#[derive(Debug, Args)]
pub(crate) struct ReportNames {
    /// What the election is called
    #[arg(long, value_name = "NAME", default_value = "Election")]
    pub(crate) name: String,
    /// Who issues the report
    #[arg(
        long,
        value_name = "NAME",
        default_value = "Unnamed election authority"
    )]
    pub(crate) issuer: String,
    /// The issuer in short
    #[arg(long, value_name = "SHORT", default_value = "unnamed")]
    pub(crate) issuer_abbreviation: String,
}

#[derive(Debug, Args)]
pub(crate) struct AuditArgs {
    /// One JSON object
    #[arg(long)]
    pub(crate) json: bool,
    /// A head that somebody has seen, on the dashboard or in an earlier audit: it must still be in the
    /// chain. May be given several times
    #[arg(long = "head", value_name = "HASH")]
    pub(crate) heads: Vec<Digest>,
    #[command(flatten)]
    pub(crate) backend: BackendArgs,
}

#[derive(Debug, Args)]
#[command(after_help = "\
The log is counted again, and must be the one that was persisted: each batch has its hash. What is cast
later is in the next seal; the older ones stay. The roots are on the dashboard and in /api/v1/evidence.")]
pub(crate) struct SealArgs {
    /// One JSON object
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) backend: BackendArgs,
}

#[derive(Debug, Args)]
pub(crate) struct ReceiptArgs {
    /// Whose vote
    #[arg(value_name = "VOTER_ID")]
    pub(crate) voter_id: String,
    /// Show in the receipt whom the vote was for, and the blinding that hides it: for the voter only
    #[arg(long)]
    pub(crate) reveal: bool,
    #[command(flatten)]
    pub(crate) backend: BackendArgs,
}

#[derive(Debug, Args)]
pub(crate) struct VerifyReceiptArgs {
    /// The receipt; `-` for stdin
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,
    /// The published root that it must lead to
    #[arg(long, value_name = "HASH")]
    pub(crate) root: Option<Digest>,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_consistent() {
        super::Cli::command().debug_assert();
    }
}
