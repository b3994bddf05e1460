//! From Kafka to Fluvio: one task a topic.
//!
//! Fluvio and Postgres cannot commit together. So before a batch is written to Fluvio, Postgres stores
//! which offsets it covers and where the partitions on Fluvio end. If a bridge finds that a batch was under
//! way, it reads the batch from Kafka again, finds which of its records have arrived behind those ends, and
//! writes the others.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::try_join_all;
use platform::NewRecord;
use service::records::{Records, RecordsError};
use service::restart::{Failure, until_done};
use service::whole_log::demand_whole_log;
use store::{Inbound, InboundPosition};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::context::Context;
use crate::dead_letters::{Undeliverable, leave_behind};
use crate::inbound_records::Unsettled;
use crate::kafka::blocking;
use crate::kafka::reader::{BATCHES_AHEAD, Batch, read, read_again};
use crate::pipeline::every;
use crate::progress::{Place, Position};
use crate::{BridgeError, Link};

/// Carries all partitions of a link until `stop`.
pub(crate) async fn carry_in(
    context: Arc<Context>,
    link: Arc<Link>,
    stop: CancellationToken,
) -> Result<(), BridgeError> {
    let name = link.to_string();
    let carrier = Carrier {
        context: &context,
        link: &link,
        stop: &stop,
    };
    let carried = until_done(&name, &context.progress, &stop, || carrier.carry());
    carried.await.map(drop)
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
        // All at once: code that waits for one of them must know of the others.
        let known = inbound.positions.iter().zip(&ends).map(|(at, &end)| {
            let place = Place::new(self.link, at.partition);
            let position = Position {
                position: at.next_offset,
                end,
                ..Position::default()
            };
            (place, position)
        });
        self.context.progress.set(known);
        if inbound.is_under_way() {
            self.settle(&mut inbound).await?;
        }
        self.report(&inbound);
        // The guard ends the thread however this ends.
        let reading = self.stop.child_token();
        let _guard = reading.clone().drop_guard();
        let (batches, mut read_batches) = mpsc::channel(BATCHES_AHEAD);
        let (kafka, topic) = (self.context.kafka.clone(), self.link.kafka.clone());
        let next = |at: &InboundPosition| (at.partition, at.next_offset);
        let from: BTreeMap<_, _> = inbound.positions.iter().map(next).collect();
        let stop = reading.clone();
        let reader =
            tokio::task::spawn_blocking(move || read(&kafka, &topic, &from, &batches, &stop));
        let carried = self.carry_batches(&mut inbound, &mut read_batches).await;
        reading.cancel();
        drop(read_batches);
        let read = reader.await?;
        carried.and(read)
    }

    /// Carries batches until the reader ends.
    async fn carry_batches(
        &self,
        inbound: &mut Inbound,
        batches: &mut mpsc::Receiver<Batch>,
    ) -> Result<(), BridgeError> {
        let mut looks = every(PARTITIONS_EVERY);
        loop {
            let batch = tokio::select! {
                () = self.stop.cancelled() => return Ok(()),
                _ = looks.tick() => {
                    self.check_partitions(inbound).await?;
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
                // If it stops here, the next bridge has nothing to settle.
                self.store(inbound).await?;
            }
            self.report(inbound);
        }
    }

    /// Where to continue reading, and where each partition ends now.
    async fn begin(&self) -> Result<(Inbound, Vec<i64>), BridgeError> {
        let Context {
            store, observer, ..
        } = self.context;
        let Link { fluvio, kafka, .. } = self.link;
        let partitions = observer.partitions(kafka).await?;
        let partitions = partitions.ok_or_else(|| BridgeError::NoTopic(kafka.clone()))?;
        // A missing topic on Fluvio is noticed here, not with the first batch.
        self.context.platform.partitions(fluvio).await?;
        store.add_inbound(fluvio, kafka, partitions).await?;
        let mut inbound = store.inbound(fluvio, kafka).await?;
        let mut ends = Vec::with_capacity(inbound.positions.len());
        for position in &mut inbound.positions {
            let partition = position.partition;
            let next = position.next_offset;
            let behind = |next, end| BridgeError::KafkaBehindStore {
                kafka: kafka.clone(),
                partition,
                next,
                end,
            };
            if partition >= partitions {
                return Err(behind(next, 0));
            }
            let marks = observer.watermarks(kafka, partition).await?;
            let from = marks.high.max(marks.low);
            let end = self.context.kafka.end_from(kafka, partition, from).await?;
            if position.batch_end > end {
                return Err(behind(position.batch_end, end));
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

    /// Finds which records of a batch that was under way have arrived, and writes the others.
    async fn settle(&self, inbound: &mut Inbound) -> Result<(), BridgeError> {
        let positions = inbound.positions.iter();
        let ranges: BTreeMap<_, _> = positions
            .filter(|at| at.batch_end > at.next_offset)
            .map(|at| (at.partition, (at.next_offset, at.batch_end)))
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
        let total = arrived.len();
        let records = batch.records.into_iter().zip(batch.origins);
        let (records, origins): (Vec<_>, Vec<_>) = records
            .zip(arrived)
            .filter_map(|(record, has_arrived)| (!has_arrived).then_some(record))
            .unzip();
        tracing::info!(
            link = %self.link,
            arrived = total - records.len(),
            missing = records.len(),
            "settled the last batch of the previous bridge"
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
        let platform = &*self.context.platform;
        let mut records = Records::open(platform, &self.link.fluvio, partition, from).await?;
        let mut next = from;
        while next < end && !unsettled.is_settled() {
            let batch = records.next_batch().await?;
            for output in batch.iter().filter(|output| output.offset < end) {
                unsettled.found(output);
            }
            next += batch.len() as i64;
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
        let limit = self.context.platform.max_record_bytes();
        let mut taken = Vec::with_capacity(records.len());
        for (record, &(partition, offset)) in records.into_iter().zip(origins) {
            let bytes = record.value.len() + record.key.as_ref().map_or(0, Vec::len);
            if bytes <= limit {
                taken.push(record);
                continue;
            }
            let undeliverable = Undeliverable {
                offset,
                bytes,
                reason: format!("Fluvio takes records of at most {limit} bytes"),
            };
            let place = Place::new(self.link, partition);
            leave_behind(self.context, &place, undeliverable).await?;
        }
        if !taken.is_empty() {
            let platform = &self.context.platform;
            platform.produce(&self.link.fluvio, taken).await?;
        }
        Ok(())
    }

    async fn store(&self, inbound: &Inbound) -> Result<(), BridgeError> {
        let Link { fluvio, kafka, .. } = self.link;
        let store = &self.context.store;
        if store.store_inbound(fluvio, kafka, inbound).await? {
            Ok(())
        } else {
            Err(BridgeError::PositionMoved(self.link.to_string()))
        }
    }

    async fn fluvio_ends(&self) -> Result<Vec<i64>, BridgeError> {
        let (platform, topic) = (&self.context.platform, &self.link.fluvio);
        let partitions = platform.partitions(topic).await?;
        let ends = (0..partitions).map(|partition| platform.end_offset(topic, partition));
        Ok(try_join_all(ends).await?)
    }

    /// Fails when partitions were added to the topic on Kafka, so that reading begins again with them.
    async fn check_partitions(&self, inbound: &Inbound) -> Result<(), BridgeError> {
        let topic = &self.link.kafka;
        // The reader notices when no broker answers.
        match self.context.observer.partitions(topic).await {
            Ok(Some(partitions)) if partitions as usize > inbound.positions.len() => {
                Err(BridgeError::PartitionsAdded(topic.clone()))
            }
            Err(error) if !error.is_transient() => Err(error),
            _ => Ok(()),
        }
    }

    /// A point at which a test ends the stream.
    fn fault(&self, point: &str) -> Result<(), RecordsError> {
        faults::at(point).map_err(|_| RecordsError::Ended {
            topic: self.link.fluvio.clone(),
            partition: 0,
        })
    }

    fn report(&self, inbound: &Inbound) {
        for position in &inbound.positions {
            let place = Place::new(self.link, position.partition);
            self.context.progress.update(&place, |at| {
                at.position = position.next_offset;
                at.end = at.end.max(position.next_offset);
            });
        }
    }
}

/// How often to check whether the topic on Kafka has more partitions.
const PARTITIONS_EVERY: Duration = Duration::from_secs(15);

/// Moves the positions behind a batch that has been written.
fn end_batch(inbound: &mut Inbound) {
    for position in &mut inbound.positions {
        position.next_offset = position.batch_end;
    }
}
