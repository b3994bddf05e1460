//! What stops the consumer. It never goes on past a count it cannot vouch for.

use ledger::LedgerError;
use platform::PlatformError;
use service::restart::Failure;
use service::whole_log::{LogBehindStore, WholeLogError};
use store::StoreError;

/// A failure of the consumer.
#[derive(Debug, thiserror::Error)]
pub enum ConsumerError {
    /// The streaming platform failed.
    #[error(transparent)]
    Platform(#[from] PlatformError),
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The deltas of a partition do not add up.
    #[error(
        "counting partition {partition} of `votes` stopped: {source}; `election audit` says where log, tally and rows differ"
    )]
    Ledger {
        /// The partition.
        partition: u32,
        /// Why.
        source: LedgerError,
    },
    /// `vote-tally` gave something that is no delta.
    #[error("`vote-tally` gave no delta for partition {partition}: {problem}")]
    NotADelta {
        /// The partition.
        partition: u32,
        /// What is wrong with it.
        problem: String,
    },
    /// A stream ended without an error.
    #[error("the stream of `{topic}` partition {partition} ended; start the consumer again")]
    StreamEnded {
        /// The topic.
        topic: &'static str,
        /// The partition.
        partition: u32,
    },
    /// Records are missing from a stream.
    #[error(
        "`{topic}` partition {partition}: offset {expected} was due, {found} came; nothing was skipped, the consumer stopped"
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
    /// There is not one row for each record that was persisted.
    #[error(
        "partition {partition} of `votes` is persisted up to offset {offset}, but there are {votes} rows in `votes` and {rejected} in `rejected_votes` for its {offset} records: rows were deleted or added by another hand; the consumer stopped, `election audit` names them"
    )]
    RowsMissing {
        /// The partition.
        partition: u32,
        /// Where its checkpoint stands.
        offset: i64,
        /// Rows in `votes`.
        votes: u64,
        /// Rows in `rejected_votes`.
        rejected: u64,
    },
    /// The two counts of the same votes differ.
    #[error(
        "of the first {offset} votes of partition {partition} the stream counted {counted}, and {rows} are rows; the consumer stopped, `election audit` says which is wrong"
    )]
    RowsDiffer {
        /// The partition.
        partition: u32,
        /// Up to where both have come.
        offset: i64,
        /// Votes that the stream counted.
        counted: u64,
        /// Votes that are rows.
        rows: u64,
    },
    /// The log is shorter than what was persisted from it.
    #[error(transparent)]
    LogBehindStore(LogBehindStore),
    /// Voters and votes lie in partitions of different numbers.
    #[error(
        "topic `voters` has {voters} partitions and `votes` has {votes}; they must be equal: create both anew, alike"
    )]
    PartitionsDiffer {
        /// Partitions of `voters`.
        voters: u32,
        /// Partitions of `votes`.
        votes: u32,
    },
    /// Another consumer owns the partition by now.
    #[error("partition {partition} is another consumer's by now; nothing more is stored of it")]
    NotOurs {
        /// The partition.
        partition: u32,
    },
    /// A task ended abnormally.
    #[error("a task of the consumer ended abnormally: {0}; this is a bug, please report it")]
    Task(String),
}

impl ConsumerError {
    /// Whether the partition is another consumer's by now.
    pub(crate) fn is_not_ours(&self) -> bool {
        match self {
            ConsumerError::NotOurs { .. } => true,
            ConsumerError::Store(error) => error.is_lease_lost().is_some(),
            _ => false,
        }
    }
}

impl From<WholeLogError> for ConsumerError {
    fn from(error: WholeLogError) -> Self {
        match error {
            WholeLogError::Behind(behind) => ConsumerError::LogBehindStore(behind),
            WholeLogError::Platform(error) => error.into(),
            WholeLogError::Store(error) => error.into(),
        }
    }
}

impl Failure for ConsumerError {
    fn is_transient(&self) -> bool {
        match self {
            ConsumerError::Platform(error) => error.is_transient(),
            ConsumerError::Store(error) => error.is_transient(),
            ConsumerError::StreamEnded { .. } => true,
            _ => self.lost_at().is_some(),
        }
    }

    /// Also where a transaction was committed whose answer was lost.
    fn lost_at(&self) -> Option<i64> {
        match self {
            ConsumerError::Gap { expected, .. }
            | ConsumerError::Ledger {
                source: LedgerError::Gap { expected, .. },
                ..
            }
            | ConsumerError::Store(StoreError::CheckpointMoved { expected, .. }) => Some(*expected),
            _ => None,
        }
    }
}
