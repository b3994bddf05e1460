//! From Fluvio to Kafka: one task a partition, each record to the partition of the same number.

use std::convert::Infallible;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::StreamExt;
use platform::{NO_TIMESTAMP, Output, OutputBatch, StreamRequest};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use service::restart::{Problems, until_done};
use tokio::task::JoinSet;
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;

use crate::chain::{numbered, read_number};
use crate::context::{Context, join_all};
use crate::kafka::producer::{Failure, Flight, Outbound, Producer, Producers};
use crate::kafka::tail::Source;
use crate::mark::Marks;
use crate::progress::Place;
use crate::unacknowledged::Unacknowledged;
use crate::{BridgeError, Link};

/// After so many records a task lets others run: nothing else does while the queue has room.
const RECORDS_AT_ONCE: usize = 256;

/// How long records that are on their way are waited for at the end. What does not arrive by then is
/// sent by the next bridge.
const LAST_RECORDS_LIMIT: Duration = Duration::from_secs(10);

/// How long those of the try before are waited for, before it is said that they are waited for.
const LANDING_LOOK: Duration = Duration::from_secs(1);

/// How often it is looked whether Kafka acknowledges anything.
const ACKNOWLEDGED_LOOK: Duration = Duration::from_secs(1);

/// Carries all partitions of a link until `stop`.
pub(crate) async fn carry_out(
    context: Arc<Context>,
    link: Arc<Link>,
    stop: CancellationToken,
) -> Result<(), BridgeError> {
    let prepare = || prepare(&context, &link);
    let what = link.to_string();
    let Some((partitions, max_bytes)) =
        until_done(&what, &context.progress, &stop, prepare).await?
    else {
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
            context: context.clone(),
            producers: producers.clone(),
            link: link.clone(),
            partition,
            partitions,
            place: Place::new(&link, partition),
            flight: Mutex::new(None),
            stop: stop.clone(),
        };
        tasks.spawn(async move {
            let what = format!("{} partition {partition}", carrier.link);
            let Carrier { context, stop, .. } = &carrier;
            until_done(&what, &context.progress, stop, || carrier.carry())
                .await
                .map(drop)
        });
    }
    let carried = join_all(tasks, &stop).await;
    carried.and(producers.close().await)
}

/// How many partitions there are to be carried, and how large a batch may be; the topic on Kafka is ready
/// for them.
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

struct Carrier {
    context: Arc<Context>,
    producers: Arc<Producers>,
    link: Arc<Link>,
    partition: u32,
    /// Of the topic on Fluvio.
    partitions: u32,
    place: Place,
    /// What is on its way, also from the try before. Held for a look only.
    flight: Mutex<Option<Arc<Flight>>>,
    stop: CancellationToken,
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
        // Again: it may have been deleted meanwhile.
        kafka
            .ensure_topic(observer, &self.link, self.partitions)
            .await?;
        let source = self.source().await?;
        let carried_to = self.carried_to(&source).await?;
        progress.update(&self.place, |at| at.position = carried_to);
        let producer = self.producers.current().await?;
        let flight = producer.begin_flight(self.partition, carried_to);
        *self.flight.lock().unwrap_or_else(PoisonError::into_inner) = Some(flight.clone());
        let acknowledged = format!("{} partition {}, acknowledged", self.link, self.partition);
        let carried = tokio::select! {
            carried = self.carry_from(carried_to, &source, &producer, &flight) => carried,
            never = self.tell_unacknowledged(&flight, &acknowledged) => match never {},
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
        let chain = numbered(&self.link.chain, &self.context.election_params);
        // A module that drops duplicates must have seen all votes.
        let from = if chain.is_empty() { carried_to } else { 0 };
        let mut taken = Taken {
            next: from,
            carried_to,
            sent: carried_to - 1,
        };
        let mut marks = Marks::new(&source.fluvio, self.partition, &source.election);
        let mut stream = self
            .context
            .platform
            .stream(StreamRequest {
                topic: self.link.fluvio.clone(),
                partition: self.partition,
                from,
                chain,
            })
            .await?;
        let mut is_all_told = true;
        let mut looks = tokio::time::interval(self.context.config.publish_interval);
        looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let outputs = tokio::select! {
                () = self.stop.cancelled() => break,
                failure = flight.failed() => return Err(self.failure(failure)),
                _ = looks.tick() => {
                    is_all_told = self.tell(flight, &taken);
                    continue;
                }
                () = flight.landed(), if !is_all_told => {
                    is_all_told = self.tell(flight, &taken);
                    continue;
                }
                outputs = stream.next() => outputs,
            };
            let outputs = outputs.ok_or_else(|| BridgeError::StreamEnded {
                topic: self.link.fluvio.clone(),
                partition: self.partition,
            })??;
            tokio::select! {
                () = self.stop.cancelled() => break,
                sent = self.send(producer, flight, &mut marks, outputs, &mut taken) => sent?,
            }
            is_all_told = self.tell(flight, &taken);
        }
        drop(stream);
        if tokio::time::timeout(LAST_RECORDS_LIMIT, flight.landed())
            .await
            .is_err()
        {
            let link = &self.link;
            let partition = self.partition;
            tracing::warn!(%link, partition, "Kafka does not take the last records; the next bridge sends them");
        }
        self.tell(flight, &taken);
        Ok(())
    }

    /// Tells, among the problems, that none of the records that are on their way has been acknowledged for
    /// long, as long as that is so.
    async fn tell_unacknowledged(&self, flight: &Flight, name: &str) -> Infallible {
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
        match tokio::time::timeout(LANDING_LOOK, flight.landed()).await {
            Ok(()) => Ok(()),
            Err(_) => Err(self
                .context
                .kafka
                .unreachable("records that were sent are not acknowledged")),
        }
    }

    async fn source(&self) -> Result<Source, BridgeError> {
        let opened_at = self.context.store.election_opened_at().await?;
        Ok(Source {
            fluvio: self.link.fluvio.clone(),
            kafka: self.link.kafka.clone(),
            partition: self.partition,
            election: opened_at.map_or_else(
                || "0".into(),
                |opened_at| format!("{:x}", opened_at.timestamp_micros()),
            ),
        })
    }

    async fn carried_to(&self, source: &Source) -> Result<i64, BridgeError> {
        let Context { kafka, config, .. } = &*self.context;
        let carried_to = kafka.carried_to(source, config.quiet).await?;
        let end = self
            .context
            .platform
            .end_offset(&self.link.fluvio, self.partition)
            .await?;
        if carried_to > end {
            return Err(BridgeError::AheadOfLog {
                kafka: self.link.kafka.clone(),
                fluvio: self.link.fluvio.clone(),
                partition: self.partition,
                marked: carried_to,
                end,
            });
        }
        Ok(carried_to)
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
                return Err(BridgeError::Gap {
                    topic: self.link.fluvio.clone(),
                    partition: self.partition,
                    expected: taken.next,
                    found: offset,
                });
            }
            let is_rejected = !self.link.chain.is_empty() && output.value.is_empty();
            if offset >= taken.carried_to && !is_rejected {
                let record = Outbound {
                    topic: &self.link.kafka,
                    partition: self.partition,
                    key,
                    value: &output.value,
                    mark: marks.mark(offset, taken.sent),
                    offset,
                    timestamp: (output.timestamp != NO_TIMESTAMP).then_some(output.timestamp),
                };
                if self.producers.is_too_large(&record) {
                    // Those before it arrive.
                    flight.landed().await;
                    return Err(self.failure(Failure::too_large(&record)));
                }
                self.fault("bridge/produce")?;
                if let Err(failure) = producer.send(&record, flight).await {
                    return Err(self.failure(failure));
                }
                taken.sent = offset;
            }
            taken.next = offset + 1;
        }
        Ok(())
    }

    /// The offset of the record that an output is of, and the record's own key.
    fn record<'a>(&self, output: &'a Output) -> Result<(i64, Option<&'a [u8]>), BridgeError> {
        let key = output.key.as_deref();
        if self.link.chain.is_empty() {
            return Ok((output.offset, key));
        }
        let (offset, begin) = read_number(output).ok_or_else(|| BridgeError::NotNumbered {
            topic: self.link.fluvio.clone(),
        })?;
        Ok((
            offset,
            key.map(|key| &key[begin..]).filter(|key| !key.is_empty()),
        ))
    }

    /// Tells how far it is; whether all that was taken has arrived.
    fn tell(&self, flight: &Flight, taken: &Taken) -> bool {
        let position = flight.position(taken.next.max(taken.carried_to));
        self.context.progress.update(&self.place, |at| {
            at.position = position;
            at.end = at.end.max(taken.next);
        });
        position >= taken.next
    }

    /// A point at which a test has the broker gone.
    fn fault(&self, point: &str) -> Result<(), BridgeError> {
        faults::at(point).map_err(|fault| self.context.kafka.unreachable(&fault.problem))
    }

    fn failure(&self, failure: Failure) -> BridgeError {
        use RDKafkaErrorCode as Code;
        match failure.code {
            Code::MessageSizeTooLarge | Code::MessageBatchTooLarge | Code::InvalidMessageSize => {
                BridgeError::TooLarge {
                    fluvio: self.link.fluvio.clone(),
                    partition: self.partition,
                    offset: failure.offset,
                    bytes: failure.bytes,
                    kafka: self.link.kafka.clone(),
                    problem: failure.code.to_string(),
                }
            }
            code => self.context.kafka.error(
                format!("write to topic `{}`", self.link.kafka),
                &KafkaError::MessageProduction(code),
            ),
        }
    }
}
