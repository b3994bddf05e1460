//! Waiting until everything in the log is counted and persisted.

use platform::Platform;
use tokio_util::sync::CancellationToken;
use wire::topics;

use crate::{ConsumerError, Progress};

/// Waits until what is in the log now is counted, stored and persisted; false if it was stopped
/// before.
///
/// # Errors
/// When the platform fails.
pub async fn wait_until_done(
    platform: &dyn Platform,
    progress: &Progress,
    stop: &CancellationToken,
) -> Result<bool, ConsumerError> {
    let votes = ends(platform, topics::VOTES).await?;
    let voters = ends(platform, topics::VOTERS).await?;
    let mut watch = progress.watch();
    let done = watch.wait_for(|snapshot| {
        snapshot.reached(&votes, |partition| partition.counted)
            && snapshot.reached(&votes, |partition| partition.checkpointed)
            && snapshot.reached(&votes, |partition| partition.persisted)
            && snapshot.reached(&voters, |partition| partition.voters_persisted)
    });
    match stop.run_until_cancelled(done).await {
        Some(Err(_)) => Err(ConsumerError::Task("its progress is gone".into())),
        Some(Ok(_)) => Ok(true),
        None => Ok(false),
    }
}

async fn ends(platform: &dyn Platform, topic: &str) -> Result<Vec<i64>, ConsumerError> {
    let mut ends = Vec::new();
    for partition in 0..platform.partitions(topic).await? {
        ends.push(platform.end_offset(topic, partition).await?);
    }
    Ok(ends)
}
