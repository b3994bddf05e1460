//! The topics `totals` and `pipeline`, from their ends on: Postgres has what was published before.

use std::sync::Arc;

use futures_util::StreamExt;
use futures_util::stream::select_all;
use platform::{OutputBatch, Platform, PlatformError, StreamRequest};
use tokio_util::sync::CancellationToken;
use wire::topics;

use super::Source;
use crate::shared::Shared;

/// Applies every record of `totals` or `pipeline`, until `stop`.
pub(crate) async fn watch_topic(
    platform: Arc<dyn Platform>,
    topic: &'static str,
    shared: Shared,
    stop: CancellationToken,
) {
    let mut source = Source::new(format!("topic {topic}"), &shared);
    while let Some(ended) = stop
        .run_until_cancelled(follow(&*platform, topic, &shared, &mut source))
        .await
    {
        match ended {
            Ok(()) => source.failed("the stream ended", &stop).await,
            Err(error) => source.failed(error, &stop).await,
        }
    }
}

async fn follow(
    platform: &dyn Platform,
    topic: &str,
    shared: &Shared,
    source: &mut Source,
) -> Result<(), PlatformError> {
    let mut streams = Vec::new();
    for partition in 0..platform.partitions(topic).await? {
        let request = StreamRequest {
            topic: topic.into(),
            partition,
            from: platform.end_offset(topic, partition).await?,
            chain: Vec::new(),
        };
        streams.push(platform.stream(request).await?);
    }
    shared.ask_to_reload();
    source.works();
    let mut batches = select_all(streams);
    while let Some(batch) = batches.next().await {
        apply(topic, &batch?, shared);
    }
    Ok(())
}

fn apply(topic: &str, batch: &OutputBatch, shared: &Shared) {
    shared.update(|board| {
        for record in batch {
            let applied = if topic == topics::PIPELINE {
                board.apply_pipeline(&record.value)
            } else {
                board.apply_totals(&record.value)
            };
            // A bad record does not stop the others.
            if let Err(error) = applied {
                let offset = record.offset;
                tracing::warn!(topic, offset, "a record cannot be read: {error}");
            }
        }
    });
}
