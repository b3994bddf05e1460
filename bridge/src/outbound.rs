//! From Fluvio to Kafka: one task a partition, each record to the partition of the same number.

use std::collections::BTreeSet;
use std::convert::Infallible;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use ballot::Partition;
use futures_util::StreamExt;
use platform::{NO_TIMESTAMP, Output, OutputBatch, StreamRequest};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use service::records::RecordsError;
use service::restart::{Problems, until_done};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::chain::{numbered, read_number};
use crate::context::{Context, join_all};
use crate::dead_letters::{Undeliverable, leave_behind};
use crate::kafka::producer::{Failure, Flight, Outbound, Producer, Producers};
use crate::kafka::tail::Source;
use crate::mark::Marks;
use crate::pipeline::{REPORT_EVERY, every};
use crate::progress::Place;
use crate::unacknowledged::Unacknowledged;
use crate::{BridgeError, Link};

/// After so many records a task lets others run; it never has to wait while the queue has room.
const RECORDS_AT_ONCE: usize = 256;

/// How long to wait for records on their way at the end. The next bridge sends what has not arrived by
/// then.
const LAST_RECORDS_LIMIT: Duration = Duration::from_secs(10);

/// How long to wait for those of the try before until that is reported.
const LANDING_LOOK: Duration = Duration::from_secs(1);

/// How often to check whether Kafka acknowledges anything.
const ACKNOWLEDGED_LOOK: Duration = Duration::from_secs(1);

/// Carries all partitions of a link until `stop`.
pub(crate) async fn carry_out(
    context: Arc<Context>,
    link: Arc<Link>,
    stop: CancellationToken,
) -> Result<(), BridgeError> {
    let prepare = || prepare(&context, &link);
    let prepared = until_done(&link.to_string(), &context.progress, &stop, prepare).await?;
    let Some((partitions, max_bytes)) = prepared else {
        return Ok(());
    };
    let producers = Arc::new(Producers::new(
        context.kafka.clone(),
        link.compression,
        max_bytes,
    ));
    let mut tasks = JoinSet::new();
    for partition in 0..partitions {
        let carrier = Carrier {
            name: format!("{link} partition {partition}"),
            context: context.clone(),
            producers: producers.clone(),
            link: link.clone(),
            partitions,
            place: Place::new(&link, partition),
            flight: Mutex::new(None),
            refused: Mutex::default(),
            stop: stop.clone(),
        };
        tasks.spawn(async move {
            let Carrier {
                name,
                context,
                stop,
                ..
            } = &carrier;
            let carried = until_done(name, &context.progress, stop, || carrier.carry());
            carried.await.map(drop)
        });
    }
    let carried = join_all(tasks, &stop).await;
    carried.and(producers.close().await)
}

/// Makes sure that the topic is on Kafka. Returns how many partitions to carry, and how large a batch may
/// be.
async fn prepare(context: &Context, link: &Link) -> Result<(u32, Option<usize>), BridgeError> {
    let Context {
        platform,
        kafka,
        observer,
        ..
    } = context;
    let partitions = platform.partitions(&link.fluvio).await?;
    kafka.ensure_topic(observer, link, partitions).await?;
    let max_bytes = kafka.compare_settings(link).await?;
    Ok((partitions, max_bytes))
}

/// Carries one partition.
struct Carrier {
    /// What it is called among the problems.
    name: String,
    context: Arc<Context>,
    producers: Arc<Producers>,
    link: Arc<Link>,
    /// How many partitions the topic has on Fluvio.
    partitions: u32,
    place: Place,
    /// What is on its way, also from the try before. The lock is never held across an await.
    flight: Mutex<Option<Arc<Flight>>>,
    /// Offsets of records that the broker has refused: they are not sent again.
    refused: Mutex<BTreeSet<i64>>,
    stop: CancellationToken,
}

/// What Kafka did not take.
enum Refused {
    /// A record that is too large, and always will be.
    TooLarge(Undeliverable),
    Other(BridgeError),
}

/// How much of a stream was taken.
struct Taken {
    /// The offset that is due.
    next: i64,
    /// Records before this offset are on Kafka already.
    carried_to: i64,
    /// The offset of the last record that was sent; -1: none was.
    sent: i64,
}

impl Carrier {
    async fn carry(&self) -> Result<(), BridgeError> {
        let Context {
            kafka,
            observer,
            progress,
            ..
        } = &*self.context;
        self.land().await?;
        // It may have been deleted since the last try.
        kafka
            .ensure_topic(observer, &self.link, self.partitions)
            .await?;
        let source = self.source().await?;
        let carried_to = self.carried_to(&source).await?;
        progress.update(&self.place, |at| at.position = carried_to);
        let producer = self.producers.current().await?;
        let flight = producer.begin_flight(self.place.partition, carried_to);
        *self.flight.lock().unwrap_or_else(PoisonError::into_inner) = Some(flight.clone());
        let acknowledged = format!("{}, acknowledged", self.name);
        let carried = tokio::select! {
            carried = self.carry_from(carried_to, &source, &producer, &flight) => carried,
            never = self.report_unacknowledged(&flight, &acknowledged) => match never {},
        };
        progress.set_problem(&acknowledged, None);
        carried
    }

    /// Carries what is there from an offset on, until `stop`.
    async fn carry_from(
        &self,
        carried_to: i64,
        source: &Source,
        producer: &Producer,
        flight: &Flight,
    ) -> Result<(), BridgeError> {
        let partition = Partition {
            number: self.place.partition,
            of: self.partitions,
        };
        let params = &self.context.election_params;
        let chain = numbered(&self.link.chain, params, partition);
        // A module that drops duplicates must have seen all votes.
        let from = if chain.is_empty() { carried_to } else { 0 };
        let mut taken = Taken {
            next: from,
            carried_to,
            sent: carried_to - 1,
        };
        let Place {
            topic, partition, ..
        } = &self.place;
        let mut marks = Marks::new(topic, *partition, &source.election);
        let request = StreamRequest {
            topic: topic.clone(),
            partition: *partition,
            from,
            chain,
        };
        let mut stream = self.context.platform.stream(request).await?;
        let mut is_all_reported = true;
        let mut looks = every(REPORT_EVERY);
        loop {
            let outputs = tokio::select! {
                () = self.stop.cancelled() => break,
                failure = flight.failed() => return Err(match self.failure(failure) {
                    // The partition is carried on without it.
                    Refused::TooLarge(record) => {
                        self.lock_refused().insert(record.offset);
                        self.leave_behind(record).await?;
                        self.context.kafka.unreachable("it refused a record")
                    }
                    Refused::Other(error) => error,
                }),
                _ = looks.tick() => {
                    is_all_reported = self.report(flight, &taken);
                    continue;
                }
                () = flight.landed(), if !is_all_reported => {
                    is_all_reported = self.report(flight, &taken);
                    continue;
                }
                outputs = stream.next() => outputs,
            };
            let ended = || RecordsError::Ended {
                topic: topic.clone(),
                partition: *partition,
            };
            let outputs = outputs.ok_or_else(ended)??;
            tokio::select! {
                () = self.stop.cancelled() => break,
                sent = self.send(producer, flight, &mut marks, outputs, &mut taken) => sent?,
            }
            is_all_reported = self.report(flight, &taken);
        }
        drop(stream);
        let landed = tokio::time::timeout(LAST_RECORDS_LIMIT, flight.landed()).await;
        if landed.is_err() {
            let name = &self.name;
            tracing::warn!(
                "{name}: Kafka did not acknowledge the last records; the next bridge sends them"
            );
        }
        self.report(flight, &taken);
        Ok(())
    }

    /// Reports as a problem when Kafka has acknowledged none of the records on their way for a while.
    async fn report_unacknowledged(&self, flight: &Flight, name: &str) -> Infallible {
        let progress = &self.context.progress;
        let mut looks = tokio::time::interval(ACKNOWLEDGED_LOOK);
        let mut unacknowledged = Unacknowledged::new();
        loop {
            let now = looks.tick().await;
            let problem = unacknowledged.look(flight.waits_at(), now);
            if progress.set_problem(name, problem.clone())
                && let Some(problem) = problem
            {
                tracing::warn!("{name}: {problem}");
            }
        }
    }

    /// Waits until nothing of the try before is on its way: it would arrive after we looked.
    async fn land(&self) -> Result<(), BridgeError> {
        let flight = self
            .flight
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        let Some(flight) = flight else { return Ok(()) };
        let landed = tokio::time::timeout(LANDING_LOOK, flight.landed()).await;
        landed.map_err(|_| {
            let kafka = &self.context.kafka;
            kafka.unreachable("records that were sent are not acknowledged")
        })
    }

    async fn source(&self) -> Result<Source, BridgeError> {
        let opened_at = self.context.store.election_opened_at().await?;
        let opened_at = opened_at.map_or(0, |opened_at| opened_at.timestamp_micros());
        Ok(Source {
            place: self.place.clone(),
            election: format!("{opened_at:x}"),
        })
    }

    async fn carried_to(&self, source: &Source) -> Result<i64, BridgeError> {
        let Context {
            platform,
            kafka,
            config,
            ..
        } = &*self.context;
        let marked = kafka.carried_to(source, config.quiet).await?;
        let place = self.place.clone();
        let end = platform.end_offset(&place.topic, place.partition).await?;
        if marked > end {
            return Err(BridgeError::AheadOfLog { place, marked, end });
        }
        Ok(marked)
    }

    /// Puts outputs into the queue, as soon as there is room for each.
    async fn send(
        &self,
        producer: &Producer,
        flight: &Flight,
        marks: &mut Marks,
        outputs: OutputBatch,
        taken: &mut Taken,
    ) -> Result<(), BridgeError> {
        for (n, output) in outputs.iter().enumerate() {
            if n % RECORDS_AT_ONCE == RECORDS_AT_ONCE - 1 {
                tokio::task::yield_now().await;
            }
            let (offset, key) = self.record(output)?;
            if offset != taken.next {
                let gap = RecordsError::Gap {
                    topic: self.place.topic.clone(),
                    partition: self.place.partition,
                    expected: taken.next,
                    found: offset,
                };
                return Err(gap.into());
            }
            let is_unreadable = output.offsets > 1;
            let is_rejected =
                is_unreadable || (!self.link.chain.is_empty() && output.value.is_empty());
            let is_refused = self.lock_refused().contains(&offset);
            if offset >= taken.carried_to && !is_rejected && !is_refused {
                let record = Outbound {
                    topic: &self.place.kafka_topic,
                    partition: self.place.partition,
                    key,
                    value: &output.value,
                    mark: marks.mark(offset, taken.sent),
                    offset,
                    timestamp: (output.timestamp != NO_TIMESTAMP).then_some(output.timestamp),
                };
                let sent = match self.producers.is_too_large(&record) {
                    true => Err(Failure::too_large(&record)),
                    false => {
                        faults::at("bridge/produce")
                            .map_err(|fault| self.context.kafka.unreachable(&fault.problem))?;
                        producer.send(&record, flight).await
                    }
                };
                match sent.map_err(|failure| self.failure(failure)) {
                    Ok(()) => taken.sent = offset,
                    Err(Refused::TooLarge(record)) => self.leave_behind(record).await?,
                    Err(Refused::Other(error)) => return Err(error),
                }
            }
            taken.next = offset + i64::from(output.offsets);
        }
        Ok(())
    }

    /// The offset of the record that an output is of, and the record's own key.
    fn record<'a>(&self, output: &'a Output) -> Result<(i64, Option<&'a [u8]>), BridgeError> {
        let key = output.key.as_deref();
        if self.link.chain.is_empty() {
            return Ok((output.offset, key));
        }
        let (offset, begin) = read_number(output)
            .ok_or_else(|| BridgeError::NotNumbered(self.link.fluvio.clone()))?;
        let key = key.map(|key| &key[begin..]);
        Ok((offset, key.filter(|key| !key.is_empty())))
    }

    /// Reports how far it is. Returns whether all that was taken has arrived.
    fn report(&self, flight: &Flight, taken: &Taken) -> bool {
        let position = flight.position(taken.next.max(taken.carried_to));
        self.context.progress.update(&self.place, |at| {
            at.position = position;
            at.end = at.end.max(taken.next);
        });
        position >= taken.next
    }

    fn lock_refused(&self) -> MutexGuard<'_, BTreeSet<i64>> {
        self.refused.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn leave_behind(&self, record: Undeliverable) -> Result<(), BridgeError> {
        leave_behind(&self.context, &self.place, record).await
    }

    fn failure(&self, failure: Failure) -> Refused {
        use RDKafkaErrorCode as Code;
        match failure.code {
            Code::MessageSizeTooLarge | Code::MessageBatchTooLarge | Code::InvalidMessageSize => {
                Refused::TooLarge(Undeliverable {
                    offset: failure.offset,
                    bytes: failure.bytes,
                    reason: failure.code.to_string(),
                })
            }
            code => Refused::Other(self.context.kafka.error(
                format!("write to topic `{}`", self.link.kafka),
                &KafkaError::MessageProduction(code),
            )),
        }
    }
}
