//! Reporting how far the bridge is: where each partition ends now, whether Kafka answers, and all of
//! it on the topic `pipeline`, for its readers.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use service::pipeline::PipelinePublisher;
use service::restart::{Failure, Problems};
use tokio::time::{Interval, MissedTickBehavior};
use tokio_util::sync::CancellationToken;
use wire::{BridgeDirection, BridgePosition, PipelineRecord};

use crate::context::Context;
use crate::{BridgeError, Progress};

/// How often partitions are asked for their ends.
const ENDS_EVERY: Duration = Duration::from_secs(1);
/// How often Kafka is asked whether it answers: a producer waits in silence for a broker that is gone.
const KAFKA_EVERY: Duration = Duration::from_secs(3);
/// How often the bridge reports how far it is.
pub(crate) const REPORT_EVERY: Duration = Duration::from_millis(250);
/// What asking Kafka is called among the problems.
const KAFKA: &str = "Kafka";
const PUBLISHING: &str = "publishing how far the bridge is";

/// Reports until `is_last`, and once more then.
///
/// # Errors
/// The first failure that is not transient; `stop` is cancelled for it.
pub(crate) async fn report_positions(
    context: Arc<Context>,
    stop: CancellationToken,
    is_last: CancellationToken,
) -> Result<(), BridgeError> {
    let mut publisher = PipelinePublisher::default();
    let reporting = async {
        tokio::select! {
            failed = ask_kafka(&context) => failed,
            failed = look_for_ends(&context) => failed,
            failed = publish(&context, &mut publisher) => failed,
        }
    };
    if let Some(Err(error)) = is_last.run_until_cancelled(reporting).await {
        stop.cancel();
        return Err(error);
    }
    let last = publisher.publish(&*context.platform, records(&context.progress));
    match tokio::time::timeout(ENDS_EVERY, last).await {
        Ok(Err(error)) if !error.is_transient() => Err(error.into()),
        // The next bridge publishes where it begins.
        _ => Ok(()),
    }
}

async fn ask_kafka(context: &Context) -> Result<Infallible, BridgeError> {
    let Some(link) = context.config.links.first() else {
        return std::future::pending().await;
    };
    let mut ticks = every(KAFKA_EVERY);
    loop {
        ticks.tick().await;
        let answer = context.observer.partitions(&link.kafka).await;
        context.progress.note(KAFKA, answer)?;
    }
}

async fn look_for_ends(context: &Context) -> Result<Infallible, BridgeError> {
    let mut ticks = every(ENDS_EVERY);
    loop {
        ticks.tick().await;
        match note_ends(context).await {
            // The reader of that partition fails too, and reports it.
            Err(error) if error.is_transient() => {
                tracing::debug!("cannot tell how far behind the bridge is: {error}");
            }
            done => done?,
        }
    }
}

async fn note_ends(context: &Context) -> Result<(), BridgeError> {
    let Context {
        platform,
        observer,
        progress,
        ..
    } = context;
    let snapshot = progress.watch().borrow().clone();
    for place in snapshot.partitions.into_keys() {
        let end = if place.to_kafka {
            platform.end_offset(&place.topic, place.partition).await?
        } else {
            let marks = observer.watermarks(&place.kafka_topic, place.partition);
            marks.await?.high
        };
        // Never back: some brokers report less than is known already.
        progress.update(&place, |at| at.end = end.max(at.end).max(at.position));
    }
    Ok(())
}

async fn publish(
    context: &Context,
    publisher: &mut PipelinePublisher,
) -> Result<Infallible, BridgeError> {
    let Context {
        platform, progress, ..
    } = context;
    let mut ticks = every(REPORT_EVERY);
    loop {
        ticks.tick().await;
        let published = publisher.publish(&**platform, records(progress)).await;
        progress.note(PUBLISHING, published.map_err(BridgeError::from))?;
    }
}

fn records(progress: &Progress) -> Vec<PipelineRecord> {
    let watch = progress.watch();
    let snapshot = watch.borrow();
    let partitions = snapshot.partitions.iter();
    partitions
        .map(|(place, at)| {
            PipelineRecord::Bridge(BridgePosition {
                topic: place.topic.clone(),
                kafka_topic: place.kafka_topic.clone(),
                direction: if place.to_kafka {
                    BridgeDirection::ToKafka
                } else {
                    BridgeDirection::FromKafka
                },
                partition: place.partition,
                position: at.position,
                lag: at.lag(),
                left_behind: at.left_behind,
            })
        })
        .collect()
}

/// A clock that never catches up on missed ticks.
pub(crate) fn every(period: Duration) -> Interval {
    let mut ticks = tokio::time::interval(period);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    ticks
}
