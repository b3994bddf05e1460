//! Waiting until everything that is on Fluvio is on Kafka, too.

use platform::Platform;
use tokio_util::sync::CancellationToken;

use crate::progress::Place;
use crate::{BridgeError, Direction, Link, Progress};

/// Waits until all that is in the linked topics on Fluvio now has arrived on Kafka; false if it was
/// stopped before.
///
/// # Errors
/// When the platform fails.
pub async fn wait_until_done(
    platform: &dyn Platform,
    links: &[Link],
    progress: &Progress,
    stop: &CancellationToken,
) -> Result<bool, BridgeError> {
    let mut ends = Vec::new();
    for link in links {
        if link.direction == Direction::ToKafka {
            for partition in 0..platform.partitions(&link.fluvio).await? {
                let end = platform.end_offset(&link.fluvio, partition).await?;
                ends.push((Place::new(link, partition), end));
            }
        }
    }
    let mut watch = progress.watch();
    let done = watch.wait_for(|snapshot| {
        ends.iter().all(|(place, end)| {
            let known = snapshot.partitions.get(place);
            known.is_some_and(|at| at.position >= *end)
        })
    });
    match stop.run_until_cancelled(done).await {
        Some(Err(_)) => Err(BridgeError::Task("its progress is gone".into())),
        Some(Ok(_)) => Ok(true),
        None => Ok(false),
    }
}
