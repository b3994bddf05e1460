//! Reading a partition on Kafka to its end: where it says that it was left, its last marked record.
//!
//! Where it ends, the brokers say with the records. Asked for the newest offset, some (tansu) tell that of
//! the last batch, so that is only where to begin.

use std::time::{Duration, Instant};

use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::KafkaError;
use rdkafka::message::{BorrowedMessage, Message};
use rdkafka::{Offset, TopicPartitionList};

use super::context::Context;
use super::{ANSWER_TIMEOUT, Kafka, blocking};
use crate::BridgeError;
use crate::mark::Mark;

/// How many offsets are looked at first, and by how much more each further time. The last record is
/// nearly always the one; before it there may be others' records, and offsets that are none any more
/// (of transactions, or compacted away).
const FIRST_LOOK: i64 = 64;
const LOOK_FURTHER: i64 = 16;
/// How long a message is waited for before it is looked at the clock.
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// A partition that is bridged, and of which election.
#[derive(Debug, Clone)]
pub(crate) struct Source {
    pub(crate) fluvio: String,
    pub(crate) kafka: String,
    pub(crate) partition: u32,
    pub(crate) election: String,
}

impl Kafka {
    /// The offset on Fluvio after the last record that was carried over, 0 when none was.
    ///
    /// What a bridge that was killed had sent, but the broker had not yet written, is not seen here. The
    /// broker has dealt with all it had received within moments, as a rule before a new bridge has
    /// connected; nothing but a transaction could make sure of that.
    pub(crate) async fn carried_to(&self, source: &Source) -> Result<i64, BridgeError> {
        let (kafka, source) = (self.clone(), source.clone());
        blocking(move || Tail::new(&kafka, &source.kafka, source.partition)?.carried_to(&source))
            .await?
    }

    /// Where a partition ends, if it ends at `from` or later.
    pub(crate) async fn end_from(
        &self,
        topic: &str,
        partition: u32,
        from: i64,
    ) -> Result<i64, BridgeError> {
        let (kafka, topic) = (self.clone(), topic.to_owned());
        blocking(move || {
            let mut end = from;
            let tail = Tail::new(&kafka, &topic, partition)?;
            tail.read_to_end(from, |message| end = message.offset() + 1)?;
            Ok(end)
        })
        .await?
    }
}

struct Tail<'a> {
    kafka: &'a Kafka,
    topic: &'a str,
    partition: u32,
    consumer: BaseConsumer<Context>,
}

impl<'a> Tail<'a> {
    fn new(kafka: &'a Kafka, topic: &'a str, partition: u32) -> Result<Self, BridgeError> {
        let consumer = kafka.consumer(
            &[("fetch.wait.max.ms", "50")],
            &[
                ("enable.partition.eof", "true"),
                // The bridge's own records are of no transaction, and others' may be open for long.
                ("isolation.level", "read_uncommitted"),
            ],
        )?;
        Ok(Tail {
            kafka,
            topic,
            partition,
            consumer,
        })
    }

    fn carried_to(&self, source: &Source) -> Result<i64, BridgeError> {
        let partition = self.partition as i32;
        let (low, high) = self
            .consumer
            .fetch_watermarks(self.topic, partition, ANSWER_TIMEOUT)
            .map_err(|error| self.error(&error))?;
        let mut look = FIRST_LOOK;
        loop {
            let from = (high - look).max(low);
            if let Some(next) = self.last_marked(from, source)? {
                return Ok(next);
            }
            if from == low {
                break;
            }
            look *= LOOK_FURTHER;
        }
        if low > 0 {
            return Err(BridgeError::PositionLost {
                kafka: self.topic.to_owned(),
                partition: self.partition,
            });
        }
        Ok(0)
    }

    /// The offset on Fluvio after that of the last marked record from an offset on.
    fn last_marked(&self, from: i64, source: &Source) -> Result<Option<i64>, BridgeError> {
        let mut found = None;
        self.read_to_end(from, |message| {
            if let Some(mark) = Mark::of(message)
                && mark.topic == source.fluvio
                && mark.partition == source.partition
            {
                found = Some((mark.offset + 1, mark.election == source.election));
            }
        })?;
        match found {
            Some((next, true)) => Ok(Some(next)),
            Some((_, false)) => Err(BridgeError::AnotherElection {
                kafka: self.topic.to_owned(),
                partition: self.partition,
            }),
            None => Ok(None),
        }
    }

    fn read_to_end(
        &self,
        from: i64,
        mut each: impl FnMut(&BorrowedMessage<'_>),
    ) -> Result<(), BridgeError> {
        let mut assignment = TopicPartitionList::new();
        assignment
            .add_partition_offset(self.topic, self.partition as i32, Offset::Offset(from))
            .and_then(|()| self.consumer.assign(&assignment))
            .map_err(|error| self.error(&error))?;
        let mut heard = Instant::now();
        loop {
            match self.consumer.poll(LOOK_EVERY) {
                None if heard.elapsed() >= ANSWER_TIMEOUT * 2 => {
                    let problem = "it does not send a topic's last records";
                    return Err(self.kafka.unreachable(problem));
                }
                None => {}
                Some(Err(KafkaError::PartitionEOF(_))) => return Ok(()),
                Some(Err(error)) => return Err(self.error(&error)),
                Some(Ok(message)) => {
                    heard = Instant::now();
                    each(&message);
                }
            }
        }
    }

    fn error(&self, error: &KafkaError) -> BridgeError {
        // Lets librdkafka tell first what is wrong with its connection.
        for _ in 0..100 {
            if self.consumer.poll(Duration::ZERO).is_none() {
                break;
            }
        }
        let Tail {
            topic, partition, ..
        } = self;
        let doing = format!("read the end of topic `{topic}` partition {partition}");
        self.kafka.error(doing, error)
    }
}
