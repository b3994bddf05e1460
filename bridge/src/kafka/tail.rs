//! Where a partition on Kafka says that it was left: its last marked record.

use std::time::Instant;

use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::KafkaError;
use rdkafka::message::Message;
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
        blocking(move || {
            let consumer = kafka.consumer(
                &[("fetch.wait.max.ms", "50")],
                &[
                    ("enable.partition.eof", "true"),
                    // The bridge's own records are of no transaction, and others' may be open for long.
                    ("isolation.level", "read_uncommitted"),
                ],
            )?;
            let found = Tail {
                kafka: &kafka,
                source: &source,
                consumer: &consumer,
            }
            .carried_to();
            // Lets librdkafka tell what is wrong with its connection.
            found.map_err(|error| match error {
                Failed::Kafka(error) => {
                    while let Some(Err(_)) = consumer.poll(std::time::Duration::ZERO) {}
                    kafka.error(
                        format!(
                            "read the end of topic `{}` partition {}",
                            source.kafka, source.partition
                        ),
                        &error,
                    )
                }
                Failed::Bridge(error) => error,
            })
        })
        .await?
    }
}

enum Failed {
    Kafka(KafkaError),
    Bridge(BridgeError),
}

impl From<KafkaError> for Failed {
    fn from(error: KafkaError) -> Self {
        Failed::Kafka(error)
    }
}

struct Tail<'a> {
    kafka: &'a Kafka,
    source: &'a Source,
    consumer: &'a BaseConsumer<Context>,
}

impl Tail<'_> {
    fn carried_to(&self) -> Result<i64, Failed> {
        let Source {
            kafka, partition, ..
        } = self.source;
        let (low, high) =
            self.consumer
                .fetch_watermarks(kafka, *partition as i32, ANSWER_TIMEOUT)?;
        let mut look = FIRST_LOOK;
        loop {
            let from = (high - look).max(low);
            if from < high
                && let Some(next) = self.last_marked(from, high)?
            {
                return Ok(next);
            }
            if from == low {
                break;
            }
            look *= LOOK_FURTHER;
        }
        if low > 0 {
            return Err(Failed::Bridge(BridgeError::PositionLost {
                kafka: kafka.clone(),
                partition: *partition,
            }));
        }
        Ok(0)
    }

    /// The offset on Fluvio after that of the last marked record from an offset on.
    fn last_marked(&self, from: i64, high: i64) -> Result<Option<i64>, Failed> {
        let Source {
            fluvio,
            kafka,
            partition,
            election,
        } = self.source;
        let mut assignment = TopicPartitionList::new();
        assignment.add_partition_offset(kafka, *partition as i32, Offset::Offset(from))?;
        self.consumer.assign(&assignment)?;
        let mut found = None;
        let mut heard = Instant::now();
        loop {
            match self.consumer.poll(ANSWER_TIMEOUT / 10) {
                None if heard.elapsed() >= ANSWER_TIMEOUT * 2 => {
                    let problem = "it does not send the topic's last records";
                    return Err(Failed::Bridge(self.kafka.unreachable(problem)));
                }
                None => continue,
                Some(Err(KafkaError::PartitionEOF(_))) => break,
                Some(Err(error)) => return Err(error.into()),
                Some(Ok(message)) => {
                    heard = Instant::now();
                    if let Some(mark) = Mark::of(&message)
                        && mark.topic == fluvio
                        && mark.partition == *partition
                    {
                        found = Some((mark.offset + 1, mark.election == election));
                    }
                    if message.offset() >= high - 1 {
                        break;
                    }
                }
            }
        }
        match found {
            Some((next, true)) => Ok(Some(next)),
            Some((_, false)) => Err(Failed::Bridge(BridgeError::AnotherElection {
                kafka: kafka.clone(),
                partition: *partition,
            })),
            None => Ok(None),
        }
    }
}
