//! What can go wrong while an election is produced, in words for the person who fixes it.

use std::path::PathBuf;

use input_files::{InputFileError, MAX_VOTES};
use manifest::ManifestError;
use platform::PlatformError;
use service::UsageError;
use service::records::RecordsError;
use service::restart::Failure;
use service::whole_log::WholeLogError;
use store::StoreError;
use tokio::task::JoinError;

/// A failure of the producer.
#[derive(Debug, thiserror::Error)]
pub enum ProducerError {
    /// The streaming platform failed.
    #[error(transparent)]
    Platform(#[from] PlatformError),
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Records cannot be read.
    #[error(transparent)]
    Records(#[from] RecordsError),
    /// The log is shorter than what was persisted from it, or that could not be checked; nothing is appended.
    #[error(transparent)]
    WholeLog(#[from] WholeLogError),
    /// The election was not set up by this program.
    #[error("this election was set up by another program; its seed is not known")]
    ForeignElection,
    /// There is another election already.
    #[error(
        "there is another election already: it was made from {stored}, this call asks for {wanted}. To continue it, repeat its options; or take another `--data-dir` or database, or start anew with `--fresh`"
    )]
    OtherPlan {
        /// The plan of the election that is there.
        stored: String,
        /// The plan asked for.
        wanted: String,
    },
    /// The existing election has another definition.
    #[error(
        "there is another election already, with another definition or none. To continue it, give the file it was set up with; or take another `--data-dir` or database, or start anew with `--fresh`"
    )]
    OtherDefinition,
    /// The election definition cannot be used.
    #[error(transparent)]
    Definition(#[from] ManifestError),
    /// The existing election was set up with these options, which differ.
    #[error(
        "there is another election already: it was set up {}. To continue it, repeat its options; or take another `--data-dir` or database, or start anew with `--fresh`",
        with_options(.0)
    )]
    OtherSafeguards(Vec<&'static str>),
    /// Credentials of an election that has none.
    #[error(
        "this election requires no credentials, so there are none to write; remove `--credentials`, or set the election up with `--require-credentials`"
    )]
    NoCredentials,
    /// A file could not be written.
    #[error("cannot write {}: {source}", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// The manifest names a SmartModule without a file that is not built in.
    #[error(
        "SmartModule `{module}` is not built in ({built_in} are); say where its WebAssembly is with `file` in the manifest"
    )]
    NoSuchModule {
        /// Its name.
        module: String,
        /// Those that are.
        built_in: String,
    },
    /// A file could not be read at all.
    #[error("cannot read {}: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// A roll or a file of results cannot be used.
    #[error(transparent)]
    InputFile(#[from] InputFileError),
    /// No candidate stands.
    #[error("there is no candidate to vote for; ask for at least 1 (`--candidates`)")]
    NoCandidates,
    /// No voter is registered.
    #[error("topic `voters` is empty; register voters first (`election producer voters`)")]
    NoVoters,
    /// A share that is out of range.
    #[error("`{name}` is {value}; it must be a share from 0 to 1")]
    Share {
        /// Which share.
        name: &'static str,
        /// What it was.
        value: f64,
    },
    /// A scale that a replay cannot have.
    #[error(
        "the scale of a replay is {0}; it must be more than 0 and at most 1 (1 casts every vote of the results)"
    )]
    Scale(f64),
    /// A replay without a single ballot, at this scale.
    #[error(
        "at a scale of {0} no row of the results has a whole vote left; take a larger scale, up to 1"
    )]
    NothingToReplay(f64),
    /// More votes than can be numbered exactly.
    #[error(
        "the results have more than {} votes in all, too many to be counted exactly",
        MAX_VOTES
    )]
    TooManyBallots,
    /// `voters` and `votes` have different numbers of partitions.
    #[error(
        "topic `voters` has {voters} partitions and `votes` has {votes}; they must be equal: start anew with `--fresh`"
    )]
    PartitionsDiffer {
        /// Partitions of `voters`.
        voters: u32,
        /// Partitions of `votes`.
        votes: u32,
    },
    /// The log holds records that this run would not have written.
    #[error(
        "topic `{topic}` partition {partition} holds another election: {problem}. Repeat the run with its own seed, files and options, or start anew with `--fresh`"
    )]
    OtherElection {
        /// The topic.
        topic: &'static str,
        /// The partition.
        partition: u32,
        /// How it shows.
        problem: String,
    },
    /// A task of the producer ended abnormally.
    #[error("a task of the producer ended abnormally: {0}; this is a bug, please report it")]
    Task(String),
}

impl From<JoinError> for ProducerError {
    fn from(error: JoinError) -> Self {
        ProducerError::Task(error.to_string())
    }
}

impl Failure for ProducerError {
    fn is_transient(&self) -> bool {
        match self {
            ProducerError::Platform(error) => error.is_transient(),
            ProducerError::Store(error) => error.is_transient(),
            ProducerError::Records(error) => error.is_transient(),
            ProducerError::WholeLog(error) => error.is_transient(),
            _ => false,
        }
    }

    fn lost_at(&self) -> Option<i64> {
        match self {
            ProducerError::Records(error) => error.lost_at(),
            _ => None,
        }
    }
}

impl ProducerError {
    /// The error that ends a program: one about options or a named file is wrong usage.
    pub fn into_report(self) -> anyhow::Error {
        match self {
            // Kept as it is: the program adds how to give the right key.
            ProducerError::Store(error @ StoreError::Key(_)) => error.into(),
            ProducerError::Store(StoreError::NoElection)
            | ProducerError::ForeignElection
            | ProducerError::OtherPlan { .. }
            | ProducerError::OtherDefinition
            | ProducerError::Definition(_)
            | ProducerError::OtherSafeguards(_)
            | ProducerError::NoCredentials
            | ProducerError::Write { .. }
            | ProducerError::NoSuchModule { .. }
            | ProducerError::Read { .. }
            | ProducerError::InputFile(_)
            | ProducerError::Scale(_)
            | ProducerError::NothingToReplay(_)
            | ProducerError::TooManyBallots => UsageError(self.to_string()).into(),
            other => other.into(),
        }
    }
}

fn with_options(options: &[&str]) -> String {
    if options.is_empty() {
        return "with neither credentials nor secret ballots".into();
    }
    format!("with `{}`", options.join(" "))
}
