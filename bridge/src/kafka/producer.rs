//! Writing to Kafka: in order per partition, without gaps and without doubles, as much at once as the
//! queue holds.

use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

use rdkafka::ClientContext;
use rdkafka::config::FromClientConfigAndContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::{DeliveryResult, Header, Message, OwnedHeaders};
use rdkafka::producer::{BaseRecord, Producer as _, ProducerContext, ThreadedProducer};
use tokio::sync::{Mutex, Notify};

use super::context::Context;
use super::{Kafka, blocking};
use crate::BridgeError;
use crate::mark::MARK_HEADER;

/// Records that wait in librdkafka's queue for all partitions of a topic together, and their size.
/// Beyond, whoever has more waits.
const MAX_QUEUED: &str = "50000";
const MAX_QUEUED_KIB: &str = "32768";

/// Most records, and bytes, of a request: about what one of so many bytes has of votes.
pub(crate) const MAX_BATCH_RECORDS: i64 = 2_000;
const MAX_BATCH_BYTES: usize = 1_000_000;

/// The records of one partition that are on their way, from one start to the next. They are delivered in
/// order; after a failure none is any more.
#[derive(Debug, Default)]
pub(crate) struct Flight {
    /// The offset on Fluvio after the last delivered record.
    delivered_to: AtomicI64,
    under_way: AtomicUsize,
    failure: OnceLock<Failure>,
    /// Something was delivered, or failed.
    changed: Notify,
}

/// What was not delivered, and why.
#[derive(Debug, Clone)]
pub(crate) struct Failure {
    pub(crate) code: RDKafkaErrorCode,
    pub(crate) offset: i64,
    pub(crate) bytes: usize,
}

impl Flight {
    /// Nothing is on its way; records before `position` are delivered.
    pub(crate) fn from(position: i64) -> Arc<Flight> {
        Arc::new(Flight {
            delivered_to: position.into(),
            ..Flight::default()
        })
    }

    /// Records before this offset are delivered, if `taken_to` is the offset after the last that was
    /// taken from the stream (not all of which are to be sent).
    pub(crate) fn position(&self, taken_to: i64) -> i64 {
        // In this order: what is sent meanwhile is after `taken_to`.
        let is_landed = self.under_way.load(Ordering::Acquire) == 0;
        if is_landed && self.failure.get().is_none() {
            taken_to
        } else {
            self.delivered_to.load(Ordering::Acquire)
        }
    }

    /// Waits until something could not be delivered.
    pub(crate) async fn failed(&self) -> Failure {
        self.changed(|flight| flight.failure.get().cloned()).await
    }

    /// Waits until nothing is on its way any more.
    pub(crate) async fn landed(&self) {
        self.changed(|flight| (flight.under_way.load(Ordering::Acquire) == 0).then_some(()))
            .await;
    }

    async fn changed<T>(&self, look: impl Fn(&Flight) -> Option<T>) -> T {
        loop {
            let mut changed = std::pin::pin!(self.changed.notified());
            changed.as_mut().enable();
            if let Some(seen) = look(self) {
                return seen;
            }
            changed.await;
        }
    }
}

/// A record on its way.
pub(crate) struct Sent {
    flight: Arc<Flight>,
    offset: i64,
}

struct Deliveries {
    context: Context,
    /// There is room in the queue again.
    room: Arc<Notify>,
}

impl ClientContext for Deliveries {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        self.context.log(level, facility, message);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        self.context.error(error, reason);
    }
}

impl ProducerContext for Deliveries {
    type DeliveryOpaque = Box<Sent>;

    fn delivery(&self, result: &DeliveryResult<'_>, sent: Box<Sent>) {
        let Sent { flight, offset } = *sent;
        match result {
            Ok(_) if flight.failure.get().is_none() => {
                flight.delivered_to.store(offset + 1, Ordering::Release);
            }
            // Behind a failure; found by its mark on the next start.
            Ok(_) => {}
            Err((error, message)) => {
                let failure = Failure {
                    code: error
                        .rdkafka_error_code()
                        .unwrap_or(RDKafkaErrorCode::Unknown),
                    offset,
                    bytes: size(message.key(), message.payload()),
                };
                // The first counts; the others follow from it.
                flight.failure.get_or_init(|| failure);
            }
        }
        flight.under_way.fetch_sub(1, Ordering::AcqRel);
        flight.changed.notify_waiters();
        self.room.notify_waiters();
    }
}

impl Failure {
    pub(crate) fn too_large(record: &Outbound<'_>) -> Failure {
        Failure {
            code: RDKafkaErrorCode::MessageSizeTooLarge,
            offset: record.offset,
            bytes: size(record.key, Some(record.value)),
        }
    }
}

fn size(key: Option<&[u8]>, value: Option<&[u8]>) -> usize {
    key.map_or(0, <[u8]>::len) + value.map_or(0, <[u8]>::len)
}

/// A record to be written.
pub(crate) struct Outbound<'a> {
    pub(crate) topic: &'a str,
    pub(crate) partition: u32,
    pub(crate) key: Option<&'a [u8]>,
    pub(crate) value: &'a [u8],
    pub(crate) mark: &'a str,
    /// Its offset on Fluvio.
    pub(crate) offset: i64,
    /// When it was written there, if that is known.
    pub(crate) timestamp: Option<i64>,
}

/// A connection for writing.
pub(crate) struct Producer {
    inner: ThreadedProducer<Deliveries>,
    room: Arc<Notify>,
}

impl Producer {
    fn new(kafka: &Kafka, max_bytes: Option<usize>) -> Result<Producer, BridgeError> {
        let batch_bytes = max_bytes.map_or(MAX_BATCH_BYTES, |max| max.min(MAX_BATCH_BYTES));
        // Fewer may be wished for, but no more.
        let wished = kafka.properties.get("batch.num.messages");
        let batch_records = wished
            .and_then(|wished| wished.parse().ok())
            .map_or(MAX_BATCH_RECORDS, |wished: i64| {
                wished.min(MAX_BATCH_RECORDS)
            });
        let config = kafka.client_config(
            &[
                ("linger.ms", "5"),
                ("compression.codec", "lz4"),
                ("queue.buffering.max.messages", MAX_QUEUED),
                ("queue.buffering.max.kbytes", MAX_QUEUED_KIB),
            ],
            &[
                ("enable.idempotence", "true"),
                // A record that is refused, and those behind it taken, would be missing for ever. Brokers
                // notice such a gap, but not all do, and none in a producer's first requests. So one is
                // on its way at a time, and larger ones than the topic takes are not made at all.
                // (librdkafka may still send the one that is ready. That is told by the marks.)
                ("enable.gapless.guarantee", "true"),
                ("max.in.flight.requests.per.connection", "1"),
                ("batch.num.messages", &batch_records.to_string()),
                ("batch.size", &batch_bytes.to_string()),
                ("message.timeout.ms", "0"),
                ("acks", "all"),
            ],
        );
        let room = Arc::new(Notify::new());
        let deliveries = Deliveries {
            context: kafka.context(),
            room: room.clone(),
        };
        let inner = ThreadedProducer::from_config_and_context(&config, deliveries)
            .map_err(|error| kafka.error("set up a producer", &error))?;
        Ok(Producer { inner, room })
    }

    /// Puts a record into the queue, as soon as there is room. Of what becomes of it, its flight knows.
    pub(crate) async fn send(
        &self,
        record: &Outbound<'_>,
        flight: &Arc<Flight>,
    ) -> Result<(), Failure> {
        let header = Header {
            key: MARK_HEADER,
            value: Some(record.mark),
        };
        let sent = Box::new(Sent {
            flight: flight.clone(),
            offset: record.offset,
        });
        let mut queued = BaseRecord::with_opaque_to(record.topic, sent)
            .partition(record.partition as i32)
            .payload(record.value)
            .headers(OwnedHeaders::new_with_capacity(1).insert(header));
        queued.key = record.key;
        queued.timestamp = record.timestamp;
        loop {
            let mut room = std::pin::pin!(self.room.notified());
            room.as_mut().enable();
            // Not before: who is stopped while waiting for room has nothing on its way.
            flight.under_way.fetch_add(1, Ordering::AcqRel);
            let refused = self.inner.send(queued);
            let Err((error, back)) = refused else {
                return Ok(());
            };
            flight.under_way.fetch_sub(1, Ordering::AcqRel);
            let code = error.rdkafka_error_code();
            if code != Some(RDKafkaErrorCode::QueueFull) {
                return Err(Failure {
                    code: code.unwrap_or(RDKafkaErrorCode::Unknown),
                    offset: record.offset,
                    bytes: size(record.key, Some(record.value)),
                });
            }
            queued = back;
            room.await;
        }
    }
}

/// The producer of a topic's partitions; another one when a failure has ended it. Each topic has its own,
/// so that none waits for another's records.
pub(crate) struct Producers {
    kafka: Kafka,
    /// The largest batch that the topic takes, where that is known.
    max_bytes: Option<usize>,
    current: Mutex<Option<Arc<Producer>>>,
}

impl Producers {
    pub(crate) fn new(kafka: Kafka, max_bytes: Option<usize>) -> Self {
        Producers {
            kafka,
            max_bytes,
            current: Mutex::new(None),
        }
    }

    /// Whether the topic would not take a record, however it is sent: with what a batch has around its
    /// records.
    pub(crate) fn is_too_large(&self, record: &Outbound<'_>) -> bool {
        const AROUND: usize = 128;
        let bytes = size(record.key, Some(record.value)) + record.mark.len() + AROUND;
        self.max_bytes.is_some_and(|max| bytes > max)
    }

    pub(crate) async fn current(&self) -> Result<Arc<Producer>, BridgeError> {
        let mut current = self.current.lock().await;
        if let Some(producer) = &*current
            && producer.inner.client().fatal_error().is_none()
        {
            return Ok(producer.clone());
        }
        let (ended, kafka) = (current.take(), self.kafka.clone());
        let max_bytes = self.max_bytes;
        let producer = blocking(move || {
            drop(ended);
            Producer::new(&kafka, max_bytes)
        });
        let producer = Arc::new(producer.await??);
        *current = Some(producer.clone());
        Ok(producer)
    }

    /// Ends the connection. What is still in the queue is dropped.
    pub(crate) async fn close(&self) -> Result<(), BridgeError> {
        let ended = self.current.lock().await.take();
        blocking(move || drop(ended)).await
    }
}
