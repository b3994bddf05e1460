//! What stops the consumer. It never carries on past a count that it cannot vouch for.

use ledger::LedgerError;
use platform::PlatformError;
use service::records::RecordsError;
use service::restart::Failure;
use service::whole_log::WholeLogError;
use store::StoreError;
use tokio::task::JoinError;

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
    /// `vote-tally` returned something other than a delta.
    #[error("`vote-tally` returned no delta for partition {partition}: {problem}")]
    NotADelta {
        /// The partition.
        partition: u32,
        /// What is wrong with it.
        problem: String,
    },
    /// Records cannot be read.
    #[error(transparent)]
    Records(#[from] RecordsError),
    /// There is not one row for each record that was persisted.
    #[error(
        "partition {partition} of `votes` is persisted up to offset {offset}, but there are {votes} rows in `votes` and {rejected} in `rejected_votes` for its {offset} records: rows were deleted or added by something else; the consumer stopped, `election audit` names them"
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
        "of the first {offset} votes of partition {partition} the stream counted {counted}, but {rows} are rows; the consumer stopped, `election audit` says which is wrong"
    )]
    RowsDiffer {
        /// The partition.
        partition: u32,
        /// The offset that both have reached.
        offset: i64,
        /// Votes that the stream counted.
        counted: u64,
        /// Votes that are rows.
        rows: u64,
    },
    /// The log is shorter than what was counted or persisted from it, or that could not be checked.
    #[error(transparent)]
    WholeLog(#[from] WholeLogError),
    /// `voters` and `votes` have different numbers of partitions.
    #[error(
        "topic `voters` has {voters} partitions and `votes` has {votes}; create both again with the same number"
    )]
    PartitionsDiffer {
        /// Partitions of `voters`.
        voters: u32,
        /// Partitions of `votes`.
        votes: u32,
    },
    /// Another consumer owns the partition now.
    #[error("another consumer owns partition {partition} now; this one stores nothing more of it")]
    NotOurs {
        /// The partition.
        partition: u32,
    },
    /// A task ended abnormally.
    #[error("a task of the consumer ended abnormally: {0}; this is a bug, please report it")]
    Task(String),
}

impl ConsumerError {
    /// Whether another consumer owns the partition now.
    pub(crate) fn is_not_ours(&self) -> bool {
        match self {
            ConsumerError::NotOurs { .. } => true,
            ConsumerError::Store(error) => error.is_lease_lost().is_some(),
            _ => false,
        }
    }
}

impl From<JoinError> for ConsumerError {
    fn from(error: JoinError) -> Self {
        ConsumerError::Task(error.to_string())
    }
}

impl Failure for ConsumerError {
    fn is_transient(&self) -> bool {
        match self {
            ConsumerError::Platform(error) => error.is_transient(),
            ConsumerError::Store(error) => error.is_transient(),
            ConsumerError::Records(error) => error.is_transient(),
            ConsumerError::WholeLog(error) => error.is_transient(),
            _ => self.lost_at().is_some(),
        }
    }

    /// This includes a transaction that was committed, but whose answer was lost.
    fn lost_at(&self) -> Option<i64> {
        match self {
            ConsumerError::Records(error) => error.lost_at(),
            ConsumerError::Ledger {
                source: LedgerError::Gap { expected, .. },
                ..
            }
            | ConsumerError::Store(StoreError::CheckpointMoved { expected, .. }) => Some(*expected),
            _ => None,
        }
    }
}
