//! Reading a partition on Kafka to its end, to find its last marked record.
//!
//! Brokers report the end with the records. Asked for the newest offset, some (tansu) give that of the last
//! batch, so that is only where to begin.

use std::time::{Duration, Instant};

use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::KafkaError;
use rdkafka::message::{BorrowedMessage, Message};
use rdkafka::{Offset, TopicPartitionList};
use wire::topics;

use super::context::Context;
use super::producer::MAX_BATCH_RECORDS;
use super::{ANSWER_TIMEOUT, Kafka, blocking};
use crate::mark::Mark;
use crate::{BridgeError, Place};

/// How many offsets are read at first, and by which factor more each further time. The last record is
/// nearly always the one; other writers' records may follow it, and offsets without records (of
/// transactions, or compacted away). The first look covers all that can have been written behind a
/// record that was refused: the request on its way, and the one that was ready.
const FIRST_LOOK: i64 = 3 * MAX_BATCH_RECORDS;
const LOOK_FURTHER: i64 = 16;
/// How long to wait for a message before the clock is checked.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// A partition that is bridged, and of which election.
#[derive(Debug, Clone)]
pub(crate) struct Source {
    pub(crate) place: Place,
    pub(crate) election: String,
}

impl Kafka {
    /// The offset on Fluvio after the last record that was carried over, 0 when none was.
    ///
    /// The broker may still be writing what a killed bridge has sent. So this reads until nothing more has
    /// come for [`BridgeConfig::quiet`](crate::BridgeConfig::quiet).
    pub(crate) async fn carried_to(
        &self,
        source: &Source,
        quiet: Duration,
    ) -> Result<i64, BridgeError> {
        let (kafka, source) = (self.clone(), source.clone());
        blocking(move || {
            let place = &source.place;
            let tail = Tail::new(&kafka, &place.kafka_topic, place.partition)?;
            tail.carried_to(&source, quiet)
        })
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
            tail.read_to_end(from, Duration::ZERO, |message| {
                end = message.offset() + 1;
                true
            })?;
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

    fn carried_to(&self, source: &Source, mut quiet: Duration) -> Result<i64, BridgeError> {
        let partition = self.partition as i32;
        let (low, high) = self
            .consumer
            .fetch_watermarks(self.topic, partition, ANSWER_TIMEOUT)
            .map_err(|error| self.error(&error))?;
        let mut look = FIRST_LOOK;
        loop {
            let from = (high - look).max(low);
            if let Some(next) = self.last_marked(from, quiet, source)? {
                return Ok(next);
            }
            if from == low {
                break;
            }
            look *= LOOK_FURTHER;
            quiet = Duration::ZERO;
        }
        if low > 0 {
            return Err(BridgeError::PositionLost(source.place.clone()));
        }
        Ok(0)
    }

    /// The offset on Fluvio after that of the last marked record from an offset on.
    fn last_marked(
        &self,
        from: i64,
        quiet: Duration,
        source: &Source,
    ) -> Result<Option<i64>, BridgeError> {
        let place = &source.place;
        let mut found = None;
        // Sent so far; known only where the topic begins.
        let mut sent = (from == 0).then_some(-1);
        let mut hole = None;
        self.read_to_end(from, quiet, |message| {
            let mark = Mark::of(message);
            let mark =
                mark.filter(|mark| mark.topic == place.topic && mark.partition == place.partition);
            if let Some(mark) = mark {
                found = Some((mark.offset + 1, mark.election == source.election));
                if sent.is_some_and(|sent| mark.before > sent) {
                    hole = Some(mark.before);
                }
                sent = sent.max(Some(mark.offset));
            }
            mark.is_some()
        })?;
        // Where only the newest per key is kept, holes are as they should be.
        if let Some(missing) = hole
            && !topics::AGGREGATES.contains(&&*place.topic)
            && let Some((_, true)) = found
        {
            let place = place.clone();
            return Err(BridgeError::Hole { place, missing });
        }
        match found {
            Some((next, true)) => Ok(Some(next)),
            Some((_, false)) => Err(BridgeError::AnotherElection(place.clone())),
            None => Ok(None),
        }
    }

    /// Reads to the end, and then until no message for which `each` returns true has come for a while.
    fn read_to_end(
        &self,
        from: i64,
        quiet: Duration,
        mut each: impl FnMut(&BorrowedMessage<'_>) -> bool,
    ) -> Result<(), BridgeError> {
        let mut assignment = TopicPartitionList::new();
        assignment
            .add_partition_offset(self.topic, self.partition as i32, Offset::Offset(from))
            .and_then(|()| self.consumer.assign(&assignment))
            .map_err(|error| self.error(&error))?;
        let mut heard = Instant::now();
        let mut is_at_end = false;
        loop {
            if is_at_end && heard.elapsed() >= quiet {
                return Ok(());
            }
            match self.consumer.poll(LOOK_EVERY) {
                None if heard.elapsed() >= ANSWER_TIMEOUT * 2 => {
                    let problem = "it does not send a topic's last records";
                    return Err(self.kafka.unreachable(problem));
                }
                None => {}
                Some(Err(KafkaError::PartitionEOF(_))) => {
                    if !is_at_end {
                        heard = Instant::now();
                    }
                    is_at_end = true;
                }
                Some(Err(error)) => return Err(self.error(&error)),
                Some(Ok(message)) => {
                    let counts = each(&message);
                    if counts || !is_at_end {
                        heard = Instant::now();
                    }
                }
            }
        }
    }

    fn error(&self, error: &KafkaError) -> BridgeError {
        self.kafka.listen(&self.consumer, true);
        let Tail {
            topic, partition, ..
        } = self;
        let doing = format!("read the end of topic `{topic}` partition {partition}");
        self.kafka.error(doing, error)
    }
}
