//! Writing to Kafka: in order per partition, without gaps or duplicates, as much at once as the queue
//! holds.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock, PoisonError, RwLock};

use rdkafka::config::FromClientConfigAndContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::{DeliveryResult, Header, Message, OwnedHeaders};
use rdkafka::producer::{BaseRecord, Producer as _, ProducerContext, ThreadedProducer};
use rdkafka::{ClientConfig, ClientContext};
use tokio::sync::{Mutex, Notify};

use super::context::Context;
use super::{Kafka, blocking};
use crate::mark::MARK_HEADER;
use crate::{BridgeError, KafkaCompression};

/// Records that wait in librdkafka's queue for all partitions of a topic together, and their size.
/// Beyond it, senders wait.
const MAX_QUEUED: usize = 100_000;
const MAX_QUEUED_KIB: &str = "65536";

/// A waiting sender is woken when so many are left, not for each record that leaves: two threads that
/// hand over record by record spend their time waking each other.
const LOW_WATER: usize = MAX_QUEUED / 2;

/// The most records, and bytes, of a request. That many bytes hold about that many votes.
pub(crate) const MAX_BATCH_RECORDS: i64 = 2_000;
const MAX_BATCH_BYTES: usize = 1_000_000;

/// The records of one partition that are on their way, from one start to the next. They are delivered in
/// order, and none after a failure.
#[derive(Debug, Default)]
pub(crate) struct Flight {
    /// The offset on Fluvio after the last delivered record.
    delivered_to: AtomicI64,
    under_way: AtomicUsize,
    failure: OnceLock<Failure>,
    /// Everything was delivered, or something failed.
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
    fn from(position: i64) -> Arc<Flight> {
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

    /// The offset on Fluvio from which on records may be on their way; `None` when none is.
    pub(crate) fn waits_at(&self) -> Option<i64> {
        let is_landed = self.under_way.load(Ordering::Acquire) == 0;
        (!is_landed).then(|| self.delivered_to.load(Ordering::Acquire))
    }

    /// One record less is on its way.
    fn given_back(&self, has_failed: bool) {
        let left = self.under_way.fetch_sub(1, Ordering::AcqRel) - 1;
        if left == 0 || has_failed {
            self.changed.notify_waiters();
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

/// The room in a producer's queue.
#[derive(Debug, Default)]
struct Room {
    queued: AtomicUsize,
    is_wanted: AtomicBool,
    is_there: Notify,
}

impl Room {
    fn taken(&self) {
        self.queued.fetch_add(1, Ordering::AcqRel);
    }

    fn given_back(&self) {
        let left = self.queued.fetch_sub(1, Ordering::AcqRel) - 1;
        if left <= LOW_WATER && self.is_wanted.swap(false, Ordering::AcqRel) {
            self.is_there.notify_waiters();
        }
    }
}

struct Deliveries {
    context: Context,
    room: Arc<Room>,
    flights: Arc<Flights>,
}

/// The flights of a producer's partitions. A partition has one at a time: the next begins when the one
/// before has landed.
type Flights = RwLock<HashMap<u32, Arc<Flight>>>;

impl ClientContext for Deliveries {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        self.context.log(level, facility, message);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        self.context.error(error, reason);
    }
}

impl ProducerContext for Deliveries {
    /// The record's offset on Fluvio. A number, for nothing need be allocated for it.
    type DeliveryOpaque = usize;

    fn delivery(&self, result: &DeliveryResult<'_>, offset: usize) {
        let offset = offset as i64;
        let partition = match result {
            Ok(message) | Err((_, message)) => message.partition().unsigned_abs(),
        };
        let flights = self.flights.read().unwrap_or_else(PoisonError::into_inner);
        let Some(flight) = flights.get(&partition) else {
            // invariant: a flight is begun before its first record is sent.
            tracing::error!(
                partition,
                offset,
                "Kafka answers for a record that was not sent"
            );
            return;
        };
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
        flight.given_back(result.is_err());
        self.room.given_back();
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

type Queued<'a> = BaseRecord<'a, [u8], [u8], usize>;

/// A connection for writing.
pub(crate) struct Producer {
    inner: ThreadedProducer<Deliveries>,
    room: Arc<Room>,
    flights: Arc<Flights>,
}

impl Producer {
    /// How it sends to a topic whose largest batch has so many bytes.
    fn config(
        kafka: &Kafka,
        compression: KafkaCompression,
        max_bytes: Option<usize>,
    ) -> ClientConfig {
        let batch_bytes = max_bytes.map_or(MAX_BATCH_BYTES, |max| max.min(MAX_BATCH_BYTES));
        // Fewer may be wished for, but no more.
        let wished = kafka.properties.get("batch.num.messages");
        let batch_records = wished
            .and_then(|wished| wished.parse().ok())
            .map_or(MAX_BATCH_RECORDS, |wished: i64| {
                wished.min(MAX_BATCH_RECORDS)
            });
        kafka.client_config(
            &[
                ("linger.ms", "5"),
                ("compression.codec", compression.name()),
                ("queue.buffering.max.messages", &MAX_QUEUED.to_string()),
                ("queue.buffering.max.kbytes", MAX_QUEUED_KIB),
            ],
            &[
                ("enable.idempotence", "true"),
                // If a broker refused a record and took those behind it, the record would be missing for
                // ever. Some brokers notice such a gap, but none in a producer's first requests. So one
                // request is on its way at a time, and none is larger than the topic takes.
                // (librdkafka may still send the one that is ready. The marks reveal that.)
                ("enable.gapless.guarantee", "true"),
                ("max.in.flight.requests.per.connection", "1"),
                ("batch.num.messages", &batch_records.to_string()),
                ("batch.size", &batch_bytes.to_string()),
                ("message.timeout.ms", "0"),
                ("acks", "all"),
            ],
        )
    }

    fn new(
        kafka: &Kafka,
        compression: KafkaCompression,
        max_bytes: Option<usize>,
    ) -> Result<Producer, BridgeError> {
        let config = Producer::config(kafka, compression, max_bytes);
        let room = Arc::new(Room::default());
        let flights = Arc::new(Flights::default());
        let deliveries = Deliveries {
            context: kafka.context(),
            room: room.clone(),
            flights: flights.clone(),
        };
        let inner = ThreadedProducer::from_config_and_context(&config, deliveries)
            .map_err(|error| kafka.error("set up a producer", &error))?;
        Ok(Producer {
            inner,
            room,
            flights,
        })
    }

    /// Begins to send a partition's records; those before `position` are delivered. The flight before
    /// must have landed.
    pub(crate) fn begin_flight(&self, partition: u32, position: i64) -> Arc<Flight> {
        let flight = Flight::from(position);
        let mut flights = self.flights.write().unwrap_or_else(PoisonError::into_inner);
        flights.insert(partition, flight.clone());
        flight
    }

    /// Puts a record into the queue, as soon as there is room. Its flight knows whether it was delivered.
    pub(crate) async fn send(&self, record: &Outbound<'_>, flight: &Flight) -> Result<(), Failure> {
        let header = Header {
            key: MARK_HEADER,
            value: Some(record.mark),
        };
        let mut queued = BaseRecord::with_opaque_to(record.topic, record.offset as usize)
            .partition(record.partition as i32)
            .payload(record.value)
            .headers(OwnedHeaders::new_with_capacity(1).insert(header));
        queued.key = record.key;
        queued.timestamp = record.timestamp;
        loop {
            let Some(back) = self.try_send(queued, flight)? else {
                return Ok(());
            };
            // This hears of room that is made from here on; the next try finds what was made before.
            let mut room = std::pin::pin!(self.room.is_there.notified());
            room.as_mut().enable();
            self.room.is_wanted.store(true, Ordering::Release);
            let Some(back) = self.try_send(back, flight)? else {
                return Ok(());
            };
            queued = back;
            room.await;
        }
    }

    /// Puts a record into the queue; gives it back when there is no room.
    fn try_send<'a>(
        &self,
        record: Queued<'a>,
        flight: &Flight,
    ) -> Result<Option<Queued<'a>>, Failure> {
        // Counted before the try, since it may be delivered before that returns; and for no longer than the
        // try takes, since a sender that is stopped while it waits for room has nothing on its way.
        flight.under_way.fetch_add(1, Ordering::AcqRel);
        self.room.taken();
        let Err((error, back)) = self.inner.send(record) else {
            return Ok(None);
        };
        self.room.given_back();
        flight.given_back(false);
        match error.rdkafka_error_code() {
            Some(RDKafkaErrorCode::QueueFull) => Ok(Some(back)),
            code => Err(Failure {
                code: code.unwrap_or(RDKafkaErrorCode::Unknown),
                offset: back.delivery_opaque as i64,
                bytes: size(back.key, back.payload),
            }),
        }
    }
}

/// The producer of a topic's partitions, which is replaced when a failure has ended it. Each topic has its
/// own, so that none waits for another's records.
pub(crate) struct Producers {
    kafka: Kafka,
    compression: KafkaCompression,
    /// The largest batch that the topic takes, where that is known.
    max_bytes: Option<usize>,
    current: Mutex<Option<Arc<Producer>>>,
}

impl Producers {
    pub(crate) fn new(
        kafka: Kafka,
        compression: KafkaCompression,
        max_bytes: Option<usize>,
    ) -> Self {
        Producers {
            kafka,
            compression,
            max_bytes,
            current: Mutex::new(None),
        }
    }

    /// Whether the topic refuses a record of this size, which a batch makes a little larger.
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
        let (compression, max_bytes) = (self.compression, self.max_bytes);
        let producer = blocking(move || {
            drop(ended);
            Producer::new(&kafka, compression, max_bytes)
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

#[cfg(test)]
mod tests {
    use crate::BridgeConfig;

    use super::*;

    #[test]
    fn after_a_failure_only_what_was_delivered_is_passed() {
        let flight = Flight::from(5);
        assert_eq!(flight.position(9), 9, "nothing is on its way");
        flight.under_way.store(2, Ordering::Release);
        assert_eq!(flight.position(9), 5);
        flight.given_back(false);
        flight.failure.get_or_init(|| Failure {
            code: RDKafkaErrorCode::InvalidTimestamp,
            offset: 6,
            bytes: 1,
        });
        flight.given_back(true);
        assert_eq!(flight.position(9), 5);
    }

    #[test]
    fn a_batch_is_no_larger_than_the_topic_takes_and_than_is_looked_through() {
        let mut config = BridgeConfig::new("127.0.0.1:1");
        let mut settings = |wished: &str, max_bytes| {
            let wished = ("batch.num.messages".to_owned(), wished.to_owned());
            config.properties.extend([wished]);
            let kafka = Kafka::new(&config);
            let config = Producer::config(&kafka, KafkaCompression::default(), max_bytes);
            ["batch.num.messages", "batch.size"].map(|name| config.get(name).unwrap().to_owned())
        };
        assert_eq!(settings("10", Some(2_000)), ["10", "2000"]);
        let most = [MAX_BATCH_RECORDS.to_string(), MAX_BATCH_BYTES.to_string()];
        assert_eq!(settings("100000", Some(usize::MAX)), most);
        assert_eq!(settings("?", None), most);
    }

    #[test]
    fn the_manifest_says_how_batches_are_compressed_and_a_property_is_stronger() {
        let mut config = BridgeConfig::new("127.0.0.1:1");
        let codec = |config: &BridgeConfig, compression| {
            let config = Producer::config(&Kafka::new(config), compression, None);
            // librdkafka knows every one of them.
            config.create::<rdkafka::producer::BaseProducer>().unwrap();
            config.get("compression.codec").unwrap().to_owned()
        };
        for compression in KafkaCompression::ALL {
            assert_eq!(codec(&config, compression), compression.name());
        }
        let wished = ("compression.codec".to_owned(), "zstd".to_owned());
        config.properties.extend([wished]);
        assert_eq!(codec(&config, KafkaCompression::Gzip), "zstd");
    }
}
