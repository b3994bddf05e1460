//! The command line and its help.

use std::path::PathBuf;

use bridge::args::KafkaArgs;
use clap::{Args, Parser, Subcommand, ValueEnum};
use dashboard::args::{BallotArgs, ListenArgs};
use evidence::Digest;
use producer::args::{InitArgs, ProducerCommand, VotersArgs, VotesArgs};
use service::UsageError;
use service::args::{ClusterArgs, LogArgs};
use service::key::KeyArgs;

use crate::tabulate::TabulateArgs;

/// A real-time election: votes stream in, WASM SmartModules count them, Postgres keeps them.
///
/// By default everything runs in this one process, on an embedded streaming platform and an embedded
/// Postgres; nothing needs to be installed. `election demo` shows it. With `--cluster` and
/// `--database-url` it runs on a Fluvio cluster and a PostgreSQL server.
#[derive(Debug, Parser)]
#[command(
    name = "election",
    version,
    max_term_width = 100,
    after_help = "Exit codes: 0 success, 1 a check or a step failed, 2 wrong usage.\n\
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
    /// Count and persist the log
    Consumer(ConsumerArgs),
    /// Show the stored results in a browser, without counting
    Dashboard(DashboardArgs),
    /// Print the stored results
    Results(ResultsArgs),
    /// Write the stored results as an election report of NIST SP 1500-100, or as CSV
    Export(Box<ExportArgs>),
    /// Count the log again, and compare log, tally, rows and evidence; exit code 1 if they differ
    Audit(AuditArgs),
    /// Count the log again through the SmartModules, and print the results
    Recount(ResultsArgs),
    /// Store a root over the counted votes, which receipts lead to
    Seal(SealArgs),
    /// Prove to a voter that the vote is in the latest seal, without revealing the choice
    Receipt(ReceiptArgs),
    /// Check a receipt, without access to the election; exit code 1 if it proves nothing
    VerifyReceipt(VerifyReceiptArgs),
    /// Create the topics and SmartModules of the manifest on a Fluvio cluster
    Deploy(DeployArgs),
    /// Write the SmartModules as .wasm files, for the `fluvio` CLI
    BuildModules {
        /// Where to write them; created if it is missing
        #[arg(value_name = "DIR")]
        directory: PathBuf,
    },
    /// List what is installed, what is missing, and the versions
    Doctor(BackendArgs),
    /// Create a secret key for voters' credentials, secret ballots and receipts
    Key {
        /// The file to write it to, which must not exist
        #[arg(value_name = "FILE")]
        file: PathBuf,
    },
    /// Print the credential of a registered voter, in an election that requires credentials
    Credential(CredentialArgs),
    /// Count the cast vote records of a real election by ranked choice, and write RCTab's reports
    Tabulate(TabulateArgs),
    /// Measure how fast this machine counts, compared with the best that it could do
    Bench(bench::BenchArgs),
}

/// Where the election lives.
#[derive(Debug, Clone, Args)]
pub(crate) struct BackendArgs {
    /// What votes stream through: `embedded`, in this process, or `fluvio`, a cluster. Default:
    /// embedded, unless `--cluster` is given
    #[arg(long, value_name = "PLATFORM", global = true)]
    platform: Option<PlatformKind>,
    /// Directory of the embedded log, and of the embedded Postgres unless a server is named
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
                "`--platform embedded` does not use a cluster, but `--cluster {cluster}` names one; leave \
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
Run it again to continue where it stopped, even after `kill -9`; --fresh starts over.

Examples:
  election demo                                     1,000 voters, three candidates
  election demo --voters 100000 --once --json       for scripts: one JSON object
  election demo --rate 200 --port 8080              slow enough to watch
  election demo --results us-president-2016.csv --scale 0.01 --once
  election demo --cvr 2013_minneapolis_mayor_config.json --rate 2000
  election demo --cluster localhost:9003 --database-url postgresql://postgres@localhost/postgres")]
pub(crate) struct DemoArgs {
    #[command(flatten)]
    pub(crate) init: InitArgs,
    #[command(flatten)]
    pub(crate) voters: VotersArgs,
    #[command(flatten)]
    pub(crate) votes: VotesArgs,
    /// Replay official results instead: each line of the CSV becomes individual ballots, and the count is
    /// compared with the file
    #[arg(long, value_name = "FILE.csv", conflicts_with_all = ["voters", "voters_file", "candidates", "definition", "duplicates", "invalid", "abstain"])]
    pub(crate) results: Option<PathBuf>,
    /// Share of each row's votes to cast in a replay, rounded down
    #[arg(long, default_value_t = 1.0, requires = "results")]
    pub(crate) scale: f64,
    /// Replay a real election by ranked choice instead: the cast vote records that a configuration of RCTab
    /// names, by its rules. The count is compared with the records
    #[arg(long, value_name = "CONFIG.json", conflicts_with_all = ["results", "voters", "voters_file", "candidates", "definition", "duplicates", "invalid", "abstain"])]
    pub(crate) cvr: Option<PathBuf>,
    /// Delete the election in the data directory (or in the database), and start over
    #[arg(long)]
    pub(crate) fresh: bool,
    /// Exit when every vote cast is accounted for
    #[arg(long)]
    pub(crate) once: bool,
    /// Print one JSON object to stdout, and nothing else
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
    /// Whether to serve a dashboard.
    pub(crate) fn wants_dashboard(&self) -> bool {
        !self.once || self.listen.port.is_some()
    }
}

#[derive(Debug, Args)]
#[command(after_help = "\
It can be run again at any time: it creates what is missing, and replaces SmartModules of another
version. By hand, with the `fluvio` CLI:

  election build-modules modules
  fluvio smartmodule create vote-tally --wasm-file modules/vote-tally.wasm
  fluvio topic create votes --partitions 2 --retention-time 36500d")]
pub(crate) struct DeployArgs {
    /// Partitions of the topics `voters` and `votes` [default: as in the manifest, 2]
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=1024))]
    pub(crate) partitions: Option<u32>,
    /// Print the changes without making them
    #[arg(long)]
    pub(crate) dry_run: bool,
    #[command(flatten)]
    pub(crate) cluster: ClusterArgs,
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
    /// Exit when everything in the log is counted and persisted
    #[arg(long)]
    pub(crate) once: bool,
    #[command(flatten)]
    pub(crate) kafka: KafkaArgs,
    #[command(flatten)]
    pub(crate) backend: BackendArgs,
}

#[derive(Debug, Args)]
pub(crate) struct ResultsArgs {
    /// Print one JSON object, as `election demo --json` does
    #[arg(long, conflicts_with = "csv")]
    pub(crate) json: bool,
    /// Print CSV: a line for each candidate and location
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
    /// File to write to, replaced if it exists [default: stdout]
    #[arg(long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
    /// Say in the report that the election authority has certified these results. Refused while the polls
    /// are open, or if not every vote is accounted for
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
    /// A line for each candidate and location, as `election results --csv` prints them
    Csv,
}

/// The names in an election report that are not stored with the election.
#[derive(Debug, Args)]
pub(crate) struct ReportNames {
    /// Name of the election
    #[arg(long, value_name = "NAME", default_value = "Election")]
    pub(crate) name: String,
    /// Name of the issuer of the report
    #[arg(
        long,
        value_name = "NAME",
        default_value = "Unnamed election authority"
    )]
    pub(crate) issuer: String,
    /// Abbreviation of the issuer
    #[arg(long, value_name = "SHORT", default_value = "unnamed")]
    pub(crate) issuer_abbreviation: String,
}

#[derive(Debug, Args)]
pub(crate) struct AuditArgs {
    /// Print one JSON object
    #[arg(long)]
    pub(crate) json: bool,
    /// A head from the dashboard or from an earlier audit, which must still be in the chain. May be given
    /// several times
    #[arg(long = "head", value_name = "HASH")]
    pub(crate) heads: Vec<Digest>,
    #[command(flatten)]
    pub(crate) backend: BackendArgs,
}

#[derive(Debug, Args)]
#[command(after_help = "\
The log is counted again, and must be the one that was persisted: each batch has its hash. Votes cast
later go into the next seal; older seals stay valid. The roots are on the dashboard and in
/api/v1/evidence.")]
pub(crate) struct SealArgs {
    /// Print one JSON object
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
    /// Show the choice and its blinding in the receipt: for the voter only
    #[arg(long)]
    pub(crate) reveal: bool,
    #[command(flatten)]
    pub(crate) backend: BackendArgs,
}

#[derive(Debug, Args)]
pub(crate) struct VerifyReceiptArgs {
    /// The receipt; `-` is stdin
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,
    /// The published root that the receipt must lead to
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
