//! What can go wrong while an election is produced, in words for the person who fixes it.

use std::path::PathBuf;

use input_files::InputFileError;
use manifest::ManifestError;
use platform::PlatformError;
use service::UsageError;
use service::whole_log::{LogBehindStore, WholeLogError};
use store::StoreError;

/// A failure of the producer.
#[derive(Debug, thiserror::Error)]
pub enum ProducerError {
    /// The streaming platform failed.
    #[error(transparent)]
    Platform(#[from] PlatformError),
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The log is shorter than what was persisted from it; nothing is appended to it.
    #[error(transparent)]
    LogBehindStore(LogBehindStore),
    /// The election was not set up by this program.
    #[error("this election was set up by another program; its seed is not known")]
    ForeignElection,
    /// There is another election already.
    #[error(
        "there is another election already: it was made from {stored}, this call asks for {wanted}. Repeat the options it was begun with to go on, take another `--data-dir` or database, or start anew with `--fresh`"
    )]
    OtherPlan {
        /// The plan of the election that is there.
        stored: String,
        /// The plan asked for.
        wanted: String,
    },
    /// The election that is there has another definition.
    #[error(
        "there is another election already: its definition is another one (or it has none). Give the file it was set up with to go on, take another `--data-dir` or database, or start anew with `--fresh`"
    )]
    OtherDefinition,
    /// The election definition cannot be used.
    #[error(transparent)]
    Definition(#[from] ManifestError),
    /// The election that is there uses its secret key for other things.
    #[error(
        "there is another election already: it was set up {}. Repeat the options it was begun with to go on, take another `--data-dir` or database, or start anew with `--fresh`",
        with_options(stored)
    )]
    OtherSafeguards {
        /// The options it was set up with.
        stored: Vec<&'static str>,
    },
    /// Credentials of an election that has none.
    #[error(
        "this election requires no credentials, so there are none to write; leave `--credentials` out, or set it up with `--require-credentials`"
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
    /// There is nobody to vote for.
    #[error("there is no candidate to vote for; ask for at least 1 (`--candidates`)")]
    NoCandidates,
    /// There is nobody to vote.
    #[error("topic `voters` is empty; register voters first (`election producer voters`)")]
    NoVoters,
    /// A share that is none.
    #[error("`{name}` is {value}; it is a share of the votes, from 0 to 1")]
    Share {
        /// Which share.
        name: &'static str,
        /// What it was.
        value: f64,
    },
    /// A scale that a replay cannot have.
    #[error(
        "the scale of a replay is {scale}; it is more than 0 and at most 1 (1 casts every vote of the results)"
    )]
    Scale {
        /// What it was.
        scale: f64,
    },
    /// A replay without a single ballot.
    #[error(
        "at a scale of {scale} no row of the results has a whole vote left; take a larger scale, up to 1"
    )]
    NothingToReplay {
        /// The scale.
        scale: f64,
    },
    /// More votes than can be numbered exactly.
    #[error(
        "the results have more than {limit} votes in all, which is more than can be counted exactly"
    )]
    TooManyBallots {
        /// The most there may be.
        limit: u64,
    },
    /// Voters and votes would not lie in partitions of the same number.
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
        "topic `{topic}` partition {partition} holds another election: {problem}. Repeat the run with the seed, the files and the options it was begun with, or start anew with `--fresh`"
    )]
    OtherElection {
        /// The topic.
        topic: &'static str,
        /// The partition.
        partition: u32,
        /// How it shows.
        problem: String,
    },
    /// The records of a partition are not all there.
    #[error(
        "topic `{topic}` partition {partition}: record {expected} was expected, {found} came; the topic must be kept whole, so look at its retention settings"
    )]
    Gap {
        /// The topic.
        topic: &'static str,
        /// The partition.
        partition: u32,
        /// The offset that was due.
        expected: i64,
        /// The offset that came.
        found: i64,
    },
    /// A task of the producer ended abnormally.
    #[error("a task of the producer ended abnormally: {0}; this is a bug, please report it")]
    Task(String),
}

impl From<WholeLogError> for ProducerError {
    fn from(error: WholeLogError) -> Self {
        match error {
            WholeLogError::Behind(behind) => ProducerError::LogBehindStore(behind),
            WholeLogError::Platform(error) => error.into(),
            WholeLogError::Store(error) => error.into(),
        }
    }
}

impl ProducerError {
    /// Whether the same may succeed later: it goes on where the log ends.
    pub fn is_transient(&self) -> bool {
        match self {
            ProducerError::Platform(error) => error.is_transient(),
            ProducerError::Store(error) => error.is_transient(),
            _ => false,
        }
    }

    /// The error as a program ends with it: one about what was asked for, or about a file that was
    /// named, is wrong usage.
    pub fn into_report(self) -> anyhow::Error {
        match self {
            // As it is: how to give the right key is added where it is told.
            ProducerError::Store(error @ StoreError::Key(_)) => error.into(),
            ProducerError::Store(StoreError::NoElection)
            | ProducerError::ForeignElection
            | ProducerError::OtherPlan { .. }
            | ProducerError::OtherDefinition
            | ProducerError::Definition(_)
            | ProducerError::OtherSafeguards { .. }
            | ProducerError::NoCredentials
            | ProducerError::Write { .. }
            | ProducerError::NoSuchModule { .. }
            | ProducerError::Read { .. }
            | ProducerError::InputFile(_)
            | ProducerError::Scale { .. }
            | ProducerError::NothingToReplay { .. }
            | ProducerError::TooManyBallots { .. } => UsageError(self.to_string()).into(),
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
