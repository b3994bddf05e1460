//! The producer's command line: `producer init|voters|votes`, and the same inside `election`.

use std::path::PathBuf;

use ballot::{ElectionDefinition, VotingTime};
use clap::{Args, Subcommand};
use evidence::{ElectionKey, KeyMismatch, Safeguards};
use manifest::{ManifestError, read_definition};
use service::public_url::PublicUrl;

/// A step of the producer.
#[derive(Debug, Clone, Subcommand)]
pub enum ProducerCommand {
    /// Create the topics and tables, deploy the SmartModules, register the candidates
    Init(InitArgs),
    /// Register voters: an invented electorate, or a real roll
    Voters(VotersArgs),
    /// Cast a vote for every registered voter
    Votes(VotesArgs),
}

/// What an election is made from.
#[derive(Debug, Clone, Args)]
pub struct InitArgs {
    /// How many candidates stand
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub candidates: u32,
    /// The contests, candidates, precincts and groups of the election: a TOML or JSON file
    /// [default: one contest between invented candidates]
    #[arg(
        long,
        value_name = "FILE",
        env = "ELECTION_DEFINITION",
        conflicts_with = "candidates"
    )]
    pub definition: Option<PathBuf>,
    /// Same seed, same election
    #[arg(long, default_value_t = 42)]
    pub seed: u64,
    /// Partitions of the topics `voters` and `votes` [default: as in the manifest, 2]
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=1024))]
    pub partitions: Option<u32>,
    /// Public address of the dashboard, e.g. https://election.example: candidates' photo_url begins with it,
    /// in Postgres and on Kafka [default: the dashboard's own address, http://127.0.0.1:8080]
    #[arg(long, value_name = "URL", env = "ELECTION_PUBLIC_URL")]
    pub public_url: Option<PublicUrl>,
    /// When votes may be cast.
    #[command(flatten)]
    pub polls: PollsArgs,
    /// What the election uses its secret key for.
    #[command(flatten)]
    pub safeguards: SafeguardArgs,
}

/// What an election uses its secret key for.
#[derive(Debug, Clone, Copy, Default, Args)]
pub struct SafeguardArgs {
    /// Count only votes that carry the voter's credential, a code derived from the election's secret key.
    /// All programs of the election then need the key (`--key-file`)
    #[arg(long)]
    pub require_credentials: bool,
    /// Store votes under pseudonyms, so that the tables do not say who voted for whom. They are derived
    /// from the election's secret key, which all programs then need
    #[arg(long)]
    pub secret_ballots: bool,
}

impl InitArgs {
    /// The definition in the file that is named.
    ///
    /// # Errors
    /// When it cannot be read or used.
    pub fn definition(&self) -> Result<Option<ElectionDefinition>, ManifestError> {
        self.definition.as_deref().map(read_definition).transpose()
    }
}

impl SafeguardArgs {
    /// Whether the election uses a secret key.
    pub fn need_key(self) -> bool {
        self.require_credentials || self.secret_ballots
    }

    /// The safeguards of these options, under this key.
    ///
    /// # Errors
    /// When a key is needed and none is given.
    pub fn under(self, key: Option<&ElectionKey>) -> Result<Safeguards, KeyMismatch> {
        Safeguards::new(self.require_credentials, self.secret_ballots, key)
    }
}

/// When votes may be cast.
#[derive(Debug, Clone, Args)]
pub struct PollsArgs {
    /// First second at which a vote may be cast, e.g. "2024-07-04 07:00:00" (UTC) [default: as in the manifest, else an hour before the election is set up]
    #[arg(long, value_name = "TIME", value_parser = voting_time)]
    pub polls_open: Option<VotingTime>,
    /// First second at which a vote may no longer be cast [default: as in the manifest, else never]
    #[arg(long, value_name = "TIME", value_parser = voting_time)]
    pub polls_close: Option<VotingTime>,
}

/// Who is registered.
#[derive(Debug, Clone, Args)]
pub struct VotersArgs {
    /// How many voters to invent
    #[arg(long, default_value_t = 1000, conflicts_with = "voters_file")]
    pub voters: u64,
    /// Register a real roll instead: CSV (columns by name) or JSON lines
    #[arg(long, value_name = "FILE")]
    pub voters_file: Option<PathBuf>,
    /// Write every voter's credential to this file, to be handed out: CSV with voter_id and credential,
    /// readable only by its owner
    #[arg(long, value_name = "FILE")]
    pub credentials: Option<PathBuf>,
}

/// How votes are cast.
#[derive(Debug, Clone, Args)]
pub struct VotesArgs {
    /// Votes per second; 0 means as fast as possible
    #[arg(long, default_value_t = 0)]
    pub rate: u64,
    /// Share of voters who vote a second time
    #[arg(long, value_name = "SHARE", default_value_t = 0.02, value_parser = share)]
    pub duplicates: f64,
    /// Share of voters for whom an invalid vote is cast as well
    #[arg(long, value_name = "SHARE", default_value_t = 0.01, value_parser = share)]
    pub invalid: f64,
    /// Share of voters who cast no vote, and can vote on the dashboard's ballot page instead
    #[arg(long, value_name = "SHARE", default_value_t = 0.0, value_parser = share)]
    pub abstain: f64,
}

fn voting_time(text: &str) -> Result<VotingTime, String> {
    VotingTime::parse(text).ok_or_else(|| "takes a time like `2024-07-04 07:00:00` (UTC)".into())
}

fn share(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(share) if (0.0..=1.0).contains(&share) => Ok(share),
        _ => Err("takes a share from 0 to 1".into()),
    }
}
