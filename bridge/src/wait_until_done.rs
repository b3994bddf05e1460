//! Waiting until everything that is on one side is also on the other.

use platform::Platform;
use tokio_util::sync::CancellationToken;

use crate::progress::Place;
use crate::{BridgeError, Direction, Link, Progress};

/// Waits until all that is in the linked topics now has arrived on the other side; false if it was
/// stopped before. For topics that come from Kafka, that means all that was there when their link began.
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
        let out = ends.iter().all(|(place, end)| {
            let known = snapshot.partitions.get(place);
            known.is_some_and(|at| at.position >= *end)
        });
        let from_kafka = links
            .iter()
            .filter(|link| link.direction == Direction::FromKafka);
        out && from_kafka.into_iter().all(|link| {
            let mut partitions = snapshot
                .partitions
                .iter()
                .filter(|(place, _)| !place.to_kafka && place.kafka_topic == link.kafka)
                .peekable();
            partitions.peek().is_some() && partitions.all(|(_, at)| at.lag() == 0)
        })
    });
    match stop.run_until_cancelled(done).await {
        Some(Err(_)) => Err(BridgeError::Task("its progress is gone".into())),
        Some(Ok(_)) => Ok(true),
        None => Ok(false),
    }
}
