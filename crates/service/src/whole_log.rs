//! Checking that the log has every record that was counted or persisted.

use platform::{Platform, PlatformError};
use store::{PERSIST, Store, StoreError};
use wire::topics;

use crate::restart::Failure;

/// The log has fewer records than were counted or persisted.
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

/// Why the check failed.
#[derive(Debug, thiserror::Error)]
pub enum WholeLogError {
    /// The log has lost records.
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

/// Checks every partition. Must be called before anything is appended: a new record would take the offset of a lost one
/// and hide the loss.
///
/// # Errors
/// [`WholeLogError::Behind`] when records are missing, or the error of platform or database.
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

/// Checks that a partition has at least `stored` records.
///
/// # Errors
/// [`WholeLogError::Behind`] when it has fewer, or the platform's error.
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
