//! From Kafka to Fluvio: one task a topic.
//!
//! Fluvio and Postgres cannot commit together. So before a batch is written to Fluvio, Postgres is told
//! which offsets it covers and where the partitions on Fluvio end. A bridge that finds that a batch was under
//! way reads it from Kafka again, looks on Fluvio from there on which of its records have arrived, and
//! writes the others.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::future::try_join_all;
use platform::{NewRecord, PlatformError, StreamRequest};
use service::restart::{Failure, until_done};
use service::whole_log::demand_whole_log;
use store::{Inbound, InboundPosition};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::context::Context;
use crate::inbound_records::Unsettled;
use crate::kafka::blocking;
use crate::kafka::reader::{BATCHES_AHEAD, Batch, read, read_again};
use crate::progress::{Place, Position};
use crate::{BridgeError, Link};

/// Carries all partitions of a link until `stop`.
pub(crate) async fn carry_in(
    context: Arc<Context>,
    link: Arc<Link>,
    stop: CancellationToken,
) -> Result<(), BridgeError> {
    let what = link.to_string();
    let carrier = Carrier {
        context: &context,
        link: &link,
        stop: &stop,
    };
    until_done(&what, &context.progress, &stop, || carrier.carry())
        .await
        .map(drop)
}

struct Carrier<'a> {
    context: &'a Context,
    link: &'a Link,
    stop: &'a CancellationToken,
}

impl Carrier<'_> {
    async fn carry(&self) -> Result<(), BridgeError> {
        let Context {
            platform, store, ..
        } = self.context;
        demand_whole_log(&**platform, store).await?;
        let (mut inbound, ends) = self.begin().await?;
        // All at once: a waiter for one must know of the others.
        let known = inbound.positions.iter().zip(&ends).map(|(at, &end)| {
            let position = at.next_offset;
            (
                Place::new(self.link, at.partition),
                Position { position, end },
            )
        });
        self.context.progress.set(known);
        if inbound.is_under_way() {
            self.settle(&mut inbound).await?;
        }
        self.tell(&inbound);
        // Ends the thread however this ends.
        let reading = self.stop.child_token();
        let _guard = reading.clone().drop_guard();
        let (batches, mut read_batches) = mpsc::channel(BATCHES_AHEAD);
        let (kafka, topic) = (self.context.kafka.clone(), self.link.kafka.clone());
        let from = positions(&inbound, |position| position.next_offset);
        let stop = reading.clone();
        let reader =
            tokio::task::spawn_blocking(move || read(&kafka, &topic, &from, &batches, &stop));
        let carried = self.carry_batches(&mut inbound, &mut read_batches).await;
        reading.cancel();
        drop(read_batches);
        let read = reader
            .await
            .map_err(|error| BridgeError::Task(error.to_string()))?;
        carried?;
        read
    }

    /// Until there are no more, since the reader has ended.
    async fn carry_batches(
        &self,
        inbound: &mut Inbound,
        batches: &mut mpsc::Receiver<Batch>,
    ) -> Result<(), BridgeError> {
        let mut looks = tokio::time::interval(PARTITIONS_EVERY);
        looks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            let batch = tokio::select! {
                () = self.stop.cancelled() => return Ok(()),
                _ = looks.tick() => {
                    self.demand_partitions(inbound).await?;
                    continue;
                }
                batch = batches.recv() => batch,
            };
            let Some(batch) = batch else { return Ok(()) };
            self.begin_batch(inbound, &batch).await?;
            self.fault("bridge/begun")?;
            self.produce(batch.records, &batch.origins).await?;
            self.fault("bridge/arrived")?;
            end_batch(inbound);
            if batches.is_empty() {
                // So that nothing has to be settled when it ends here.
                self.store(inbound).await?;
            }
            self.tell(inbound);
        }
    }

    /// Where reading goes on, and where each partition ends by now.
    async fn begin(&self) -> Result<(Inbound, Vec<i64>), BridgeError> {
        let Context {
            store, observer, ..
        } = self.context;
        let Link { fluvio, kafka, .. } = self.link;
        let partitions = observer.partitions(kafka).await?;
        let partitions = partitions.ok_or_else(|| BridgeError::NoTopic {
            topic: kafka.clone(),
        })?;
        // Its own failure rather than that of a batch.
        self.context.platform.partitions(fluvio).await?;
        store.add_inbound(fluvio, kafka, partitions).await?;
        let mut inbound = store.inbound(fluvio, kafka).await?;
        let mut ends = Vec::with_capacity(inbound.positions.len());
        for position in &mut inbound.positions {
            let partition = position.partition;
            if partition >= partitions {
                return Err(BridgeError::KafkaBehindStore {
                    kafka: kafka.clone(),
                    partition,
                    next: position.next_offset,
                    end: 0,
                });
            }
            let marks = observer.watermarks(kafka, partition).await?;
            let next = position.next_offset;
            let from = marks.high.max(marks.low);
            let end = self.context.kafka.end_from(kafka, partition, from).await?;
            if position.batch_end > end {
                return Err(BridgeError::KafkaBehindStore {
                    kafka: kafka.clone(),
                    partition,
                    next: position.batch_end,
                    end,
                });
            }
            if next < marks.low && position.batch_end == 0 {
                // Never read: it begins where the topic does.
                (position.next_offset, position.batch_end) = (marks.low, marks.low);
            } else if next < marks.low {
                return Err(BridgeError::RecordsDeleted {
                    kafka: kafka.clone(),
                    partition,
                    next,
                    begin: marks.low,
                });
            }
            ends.push(end);
        }
        Ok((inbound, ends))
    }

    /// Finds out which records of a batch that was under way have arrived, and writes the others.
    async fn settle(&self, inbound: &mut Inbound) -> Result<(), BridgeError> {
        let ranges: BTreeMap<_, _> = inbound
            .positions
            .iter()
            .filter(|position| position.batch_end > position.next_offset)
            .map(|position| {
                let InboundPosition {
                    partition,
                    next_offset,
                    batch_end,
                } = *position;
                (partition, (next_offset, batch_end))
            })
            .collect();
        let (kafka, topic) = (self.context.kafka.clone(), self.link.kafka.clone());
        let batch = blocking(move || read_again(&kafka, &topic, &ranges)).await??;
        let ends = self.fluvio_ends().await?;
        let mut unsettled = Unsettled::new(&batch.records);
        for (partition, &end) in (0..).zip(&ends) {
            let from = inbound.fluvio_ends.get(partition as usize).copied();
            let from = from.unwrap_or_default();
            if from > end {
                return Err(BridgeError::LogBehindStore {
                    fluvio: self.link.fluvio.clone(),
                    partition,
                    end,
                    stored: from,
                });
            }
            self.look_for(&mut unsettled, partition, from, end).await?;
        }
        let arrived = unsettled.into_arrived();
        let missing = |n: usize| !arrived[n];
        let total = arrived.len();
        let (mut records, mut origins) = (Vec::new(), Vec::new());
        for (n, record) in batch.records.into_iter().enumerate() {
            if missing(n) {
                records.push(record);
                origins.push(batch.origins[n]);
            }
        }
        tracing::info!(
            link = %self.link,
            arrived = total - records.len(),
            missing = records.len(),
            "the last batch of the bridge before is settled"
        );
        self.produce(records, &origins).await?;
        end_batch(inbound);
        self.store(inbound).await
    }

    async fn look_for(
        &self,
        unsettled: &mut Unsettled<'_>,
        partition: u32,
        from: i64,
        end: i64,
    ) -> Result<(), BridgeError> {
        if from >= end || unsettled.is_settled() {
            return Ok(());
        }
        let topic = &self.link.fluvio;
        let mut stream = self
            .context
            .platform
            .stream(StreamRequest {
                topic: topic.clone(),
                partition,
                from,
                chain: Vec::new(),
            })
            .await?;
        let mut expected = from;
        while expected < end && !unsettled.is_settled() {
            let outputs = stream.next().await;
            let outputs = outputs.ok_or_else(|| BridgeError::StreamEnded {
                topic: topic.clone(),
                partition,
            })??;
            for output in outputs.iter().take_while(|output| output.offset < end) {
                if output.offset != expected {
                    return Err(BridgeError::Gap {
                        topic: topic.clone(),
                        partition,
                        expected,
                        found: output.offset,
                    });
                }
                unsettled.found(output);
                expected += 1;
            }
            if outputs.last().is_some_and(|output| output.offset >= end) {
                break;
            }
        }
        Ok(())
    }

    /// Stores what is about to be written.
    async fn begin_batch(&self, inbound: &mut Inbound, batch: &Batch) -> Result<(), BridgeError> {
        inbound.fluvio_ends = self.fluvio_ends().await?;
        for position in &mut inbound.positions {
            if let Some(&end) = batch.ends.get(&position.partition) {
                position.batch_end = end;
            }
        }
        self.store(inbound).await
    }

    async fn produce(
        &self,
        records: Vec<NewRecord>,
        origins: &[(u32, i64)],
    ) -> Result<(), BridgeError> {
        if records.is_empty() {
            return Ok(());
        }
        let sizes: Vec<_> = records
            .iter()
            .map(|record| record.value.len() + record.key.as_ref().map_or(0, Vec::len))
            .collect();
        let produced = self.context.platform.produce(&self.link.fluvio, records);
        produced.await.map_err(|error| {
            let PlatformError::TooLarge { bytes, limit, .. } = error else {
                return error.into();
            };
            let largest = (0..sizes.len()).max_by_key(|&n| sizes[n]);
            let (partition, offset) = largest
                .and_then(|n| origins.get(n).copied())
                .unwrap_or_default();
            BridgeError::InboundTooLarge {
                kafka: self.link.kafka.clone(),
                partition,
                offset,
                bytes,
                limit,
            }
        })
    }

    async fn store(&self, inbound: &Inbound) -> Result<(), BridgeError> {
        let Link { fluvio, kafka, .. } = self.link;
        let store = &self.context.store;
        if store.store_inbound(fluvio, kafka, inbound).await? {
            Ok(())
        } else {
            Err(BridgeError::PositionMoved {
                link: self.link.to_string(),
            })
        }
    }

    async fn fluvio_ends(&self) -> Result<Vec<i64>, BridgeError> {
        let (platform, topic) = (&self.context.platform, &self.link.fluvio);
        let partitions = platform.partitions(topic).await?;
        let ends = (0..partitions).map(|partition| platform.end_offset(topic, partition));
        Ok(try_join_all(ends).await?)
    }

    /// Partitions that are added to the topic on Kafka are read, too.
    async fn demand_partitions(&self, inbound: &Inbound) -> Result<(), BridgeError> {
        let topic = &self.link.kafka;
        // A broker that does not answer is the reader's to notice.
        match self.context.observer.partitions(topic).await {
            Ok(Some(partitions)) if partitions as usize > inbound.positions.len() => {
                Err(BridgeError::PartitionsAdded {
                    topic: topic.clone(),
                })
            }
            Err(error) if !error.is_transient() => Err(error),
            _ => Ok(()),
        }
    }

    /// A point at which a test has the stream ended.
    fn fault(&self, point: &str) -> Result<(), BridgeError> {
        faults::at(point).map_err(|_| BridgeError::StreamEnded {
            topic: self.link.fluvio.clone(),
            partition: 0,
        })
    }

    fn tell(&self, inbound: &Inbound) {
        for position in &inbound.positions {
            let place = Place::new(self.link, position.partition);
            self.context.progress.update(&place, |at| {
                at.position = position.next_offset;
                at.end = at.end.max(position.next_offset);
            });
        }
    }
}

/// How often it is looked whether the topic on Kafka has more partitions.
const PARTITIONS_EVERY: Duration = Duration::from_secs(15);

fn positions(inbound: &Inbound, offset: impl Fn(&InboundPosition) -> i64) -> BTreeMap<u32, i64> {
    let positions = inbound.positions.iter();
    positions
        .map(|position| (position.partition, offset(position)))
        .collect()
}

/// What was being written is there.
fn end_batch(inbound: &mut Inbound) {
    for position in &mut inbound.positions {
        position.next_offset = position.batch_end;
    }
}
