//! Demanding that the log has what the database has of it.

use platform::{Platform, PlatformError};
use store::{PERSIST, Store, StoreError};
use wire::topics;

use crate::restart::Failure;

/// The log is shorter than what was counted or persisted from it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{topic}` partition {partition} ends at offset {end}, but {stored} records of it are persisted: the log has lost records, or belongs to another database; restore it, or start anew with `--fresh`"
)]
pub struct LogBehindStore {
    /// The topic.
    pub topic: &'static str,
    /// The partition.
    pub partition: u32,
    /// Where the log ends.
    pub end: i64,
    /// Where the database stands.
    pub stored: i64,
}

/// Why it is not known that the log is whole.
#[derive(Debug, thiserror::Error)]
pub enum WholeLogError {
    /// It is not.
    #[error(transparent)]
    Behind(#[from] LogBehindStore),
    /// The streaming platform failed.
    #[error(transparent)]
    Platform(#[from] PlatformError),
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Failure for WholeLogError {
    fn is_transient(&self) -> bool {
        match self {
            WholeLogError::Behind(_) => false,
            WholeLogError::Platform(error) => error.is_transient(),
            WholeLogError::Store(error) => error.is_transient(),
        }
    }

    fn lost_at(&self) -> Option<i64> {
        None
    }
}

/// Demands of every partition that the log has what is counted and persisted of it. To be called before
/// anything is appended: that would stand where the lost records stood, and nobody would miss them.
///
/// # Errors
/// [`WholeLogError::Behind`] when records are missing, or what platform or database fail with.
pub async fn demand_whole_log(platform: &dyn Platform, store: &Store) -> Result<(), WholeLogError> {
    for (partition, counted, _) in store.tallies().await? {
        demand_end(platform, topics::VOTES, partition, counted).await?;
    }
    for topic in [topics::VOTERS, topics::VOTES] {
        for partition in 0..platform.partitions(topic).await? {
            let persisted = store.checkpoint(PERSIST, topic, partition).await?;
            demand_end(platform, topic, partition, persisted).await?;
        }
    }
    Ok(())
}

/// Demands that a partition's log has as many records as the database has of it.
///
/// # Errors
/// [`WholeLogError::Behind`] when it has fewer, or what the platform fails with.
pub async fn demand_end(
    platform: &dyn Platform,
    topic: &'static str,
    partition: u32,
    stored: i64,
) -> Result<(), WholeLogError> {
    let end = platform.end_offset(topic, partition).await?;
    if end < stored {
        return Err(WholeLogError::Behind(LogBehindStore {
            topic,
            partition,
            end,
            stored,
        }));
    }
    Ok(())
}
