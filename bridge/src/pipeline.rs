//! Telling how far the bridge is: where each partition ends by now, whether Kafka answers, and all of
//! it on the topic `pipeline`, for its readers.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use platform::NewRecord;
use service::restart::{Failure, Problems};
use tokio::time::{Instant, MissedTickBehavior};
use tokio_util::sync::CancellationToken;
use wire::{BridgeDirection, BridgePosition, PipelineRecord, topics};

use crate::BridgeError;
use crate::context::Context;

/// How often it is asked where partitions end.
const ENDS_EVERY: Duration = Duration::from_secs(1);
/// How often it is asked whether Kafka answers.
const KAFKA_EVERY: Duration = Duration::from_secs(3);
/// What that is called among the problems.
const KAFKA: &str = "Kafka";
const PUBLISHING: &str = "publishing how far the bridge is";

/// Tells until `told_last`, and once more then.
///
/// # Errors
/// The first failure that does not pass; `stop` is cancelled for it.
pub(crate) async fn tell_how_far(
    context: Arc<Context>,
    stop: CancellationToken,
    told_last: CancellationToken,
) -> Result<(), BridgeError> {
    let mut teller = Teller {
        context: &context,
        published: HashMap::new(),
        ends_known: None,
        kafka_asked: None,
    };
    let mut rounds = tokio::time::interval(context.config.publish_interval);
    rounds.set_missed_tick_behavior(MissedTickBehavior::Delay);
    while told_last.run_until_cancelled(rounds.tick()).await.is_some() {
        let round = told_last.run_until_cancelled(teller.round()).await;
        if let Some(Err(error)) = round {
            stop.cancel();
            return Err(error);
        }
    }
    teller.last_round().await
}

struct Teller<'a> {
    context: &'a Context,
    /// The record last published, by key.
    published: HashMap<String, PipelineRecord>,
    ends_known: Option<Instant>,
    kafka_asked: Option<Instant>,
}

impl Teller<'_> {
    async fn round(&mut self) -> Result<(), BridgeError> {
        if is_due(&mut self.kafka_asked, KAFKA_EVERY) {
            self.ask_kafka().await?;
        }
        if is_due(&mut self.ends_known, ENDS_EVERY) {
            self.look_for_ends().await?;
        }
        let published = self.publish().await;
        self.tell(PUBLISHING, published)
    }

    async fn last_round(&mut self) -> Result<(), BridgeError> {
        match tokio::time::timeout(ENDS_EVERY, self.publish()).await {
            Ok(Err(error)) if !error.is_transient() => Err(error),
            // The next bridge publishes where it begins.
            _ => Ok(()),
        }
    }

    /// Whether a failure passes: then it is a problem until it has.
    fn tell(&self, doing: &str, done: Result<(), BridgeError>) -> Result<(), BridgeError> {
        let problem = match done {
            Ok(()) => None,
            Err(error) if error.is_transient() => Some(error.to_string()),
            Err(error) => return Err(error),
        };
        let text = problem.clone().unwrap_or_default();
        if self.context.progress.set_problem(doing, problem) && !text.is_empty() {
            tracing::warn!("{doing}: {text}");
        }
        Ok(())
    }

    /// A producer waits for a broker that is gone without a word.
    async fn ask_kafka(&self) -> Result<(), BridgeError> {
        let Some(link) = self.context.config.links.first() else {
            return Ok(());
        };
        let answer = self.context.observer.partitions(&link.kafka).await;
        self.tell(KAFKA, answer.map(drop))
    }

    async fn look_for_ends(&self) -> Result<(), BridgeError> {
        let Context {
            platform,
            observer,
            progress,
            ..
        } = self.context;
        let places: Vec<_> = progress
            .watch()
            .borrow()
            .partitions
            .keys()
            .cloned()
            .collect();
        for place in places {
            let end = if place.to_kafka {
                let end = platform.end_offset(&place.topic, place.partition).await;
                end.map_err(BridgeError::from)
            } else {
                let marks = observer.watermarks(&place.kafka_topic, place.partition);
                marks.await.map(|marks| marks.high)
            };
            match end {
                // Not back: some brokers tell less than is known already.
                Ok(end) => progress.update(&place, |at| at.end = end.max(at.end).max(at.position)),
                // The reader of that partition fails too, and reports it.
                Err(error) if error.is_transient() => {
                    tracing::debug!("cannot tell how far behind the bridge is: {error}");
                    return Ok(());
                }
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Publishes what has moved.
    async fn publish(&mut self) -> Result<(), BridgeError> {
        let mut changed = self.records();
        changed.retain(|record| self.published.get(&record.key()) != Some(record));
        if changed.is_empty() {
            return Ok(());
        }
        let records = changed
            .iter()
            .map(|record| NewRecord {
                key: Some(record.key().into_bytes()),
                value: serde_json::to_vec(record)
                    .expect("invariant: numbers and names have a JSON form"),
            })
            .collect();
        let platform = &self.context.platform;
        platform.produce(topics::PIPELINE, records).await?;
        let changed = changed.into_iter().map(|record| (record.key(), record));
        self.published.extend(changed);
        Ok(())
    }

    fn records(&self) -> Vec<PipelineRecord> {
        let watch = self.context.progress.watch();
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
                })
            })
            .collect()
    }
}

fn is_due(last: &mut Option<Instant>, every: Duration) -> bool {
    if last.is_some_and(|last| last.elapsed() < every) {
        return false;
    }
    *last = Some(Instant::now());
    true
}
