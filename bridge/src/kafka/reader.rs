//! Reading all partitions of a topic on Kafka in batches, on a thread of its own.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use platform::NewRecord;
use rdkafka::consumer::Consumer;
use rdkafka::error::KafkaError;
use rdkafka::message::{BorrowedMessage, Message};
use rdkafka::{Offset, TopicPartitionList};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::{ANSWER_TIMEOUT, Kafka};
use crate::BridgeError;
use crate::inbound_records::record;
use crate::mark::is_marked;

/// The most records, and bytes, of a batch: one statement in the database covers it.
const BATCH_RECORDS: usize = 10_000;
const BATCH_BYTES: usize = 4 * 1024 * 1024;
/// How many batches are read ahead.
pub(crate) const BATCHES_AHEAD: usize = 1;
/// How long to wait for a message before checking whether to stop.
const LOOK_EVERY: Duration = Duration::from_millis(100);
/// How long to wait for another message while a batch waits to be written.
const BUSY: Duration = Duration::from_millis(2);

/// Records of some partitions, and the offsets that they cover.
#[derive(Debug, Default)]
pub(crate) struct Batch {
    pub(crate) records: Vec<NewRecord>,
    /// Where each record comes from: partition and offset.
    pub(crate) origins: Vec<(u32, i64)>,
    /// The offset after the last that was read, by partition.
    pub(crate) ends: BTreeMap<u32, i64>,
    bytes: usize,
}

impl Batch {
    fn is_full(&self) -> bool {
        self.records.len() >= BATCH_RECORDS || self.bytes >= BATCH_BYTES
    }

    fn push(&mut self, message: &BorrowedMessage<'_>) {
        let partition = message.partition().unsigned_abs();
        self.ends.insert(partition, message.offset() + 1);
        if is_marked(message) {
            return;
        }
        let record = record(message.key(), message.payload());
        self.bytes += record.value.len() + record.key.as_ref().map_or(0, Vec::len);
        self.records.push(record);
        self.origins.push((partition, message.offset()));
    }
}

/// Reads a topic's partitions from these offsets on; blocks. Ends when it is stopped, or `batches` is
/// closed.
pub(crate) fn read(
    kafka: &Kafka,
    topic: &str,
    from: &BTreeMap<u32, i64>,
    batches: &mpsc::Sender<Batch>,
    stop: &CancellationToken,
) -> Result<(), BridgeError> {
    let failed = |error: KafkaError| kafka.error(format!("read topic `{topic}`"), &error);
    let consumer = kafka.consumer(
        &[
            ("fetch.wait.max.ms", "100"),
            ("queued.min.messages", "50000"),
            ("queued.max.messages.kbytes", "16384"),
            // Nothing is fetched for so long after the queue was full; the default is a second.
            ("fetch.queue.backoff.ms", "5"),
        ],
        &[("isolation.level", "read_committed")],
    )?;
    consumer
        .assign(&assignment(topic, from).map_err(failed)?)
        .map_err(failed)?;
    while !stop.is_cancelled() && !batches.is_closed() {
        let mut batch = Batch::default();
        let mut patience = LOOK_EVERY;
        while !batch.is_full() {
            match consumer.poll(patience) {
                // A batch goes at once, unless the one before still waits to be written: then it grows
                // meanwhile, so that batches are as large as the load demands.
                None if batch.ends.is_empty() || batches.capacity() > 0 => break,
                None if stop.is_cancelled() || batches.is_closed() => break,
                None => patience = BUSY,
                Some(Ok(message)) => {
                    batch.push(&message);
                    patience = Duration::ZERO;
                }
                Some(Err(error)) => return Err(failed(error)),
            }
        }
        if !batch.ends.is_empty() && batches.blocking_send(batch).is_err() {
            break;
        }
    }
    Ok(())
}

/// Reads again, in each partition, the records from one offset up to another; blocks.
pub(crate) fn read_again(
    kafka: &Kafka,
    topic: &str,
    ranges: &BTreeMap<u32, (i64, i64)>,
) -> Result<Batch, BridgeError> {
    let failed = |error: KafkaError| kafka.error(format!("read topic `{topic}` again"), &error);
    let consumer = kafka.consumer(
        &[("fetch.wait.max.ms", "50")],
        &[
            ("enable.partition.eof", "true"),
            ("isolation.level", "read_committed"),
        ],
    )?;
    let from = ranges
        .iter()
        .map(|(&partition, &(from, _))| (partition, from))
        .collect();
    consumer
        .assign(&assignment(topic, &from).map_err(failed)?)
        .map_err(failed)?;
    let mut left = ranges.clone();
    let mut batch = Batch::default();
    let mut heard = Instant::now();
    while !left.is_empty() {
        match consumer.poll(LOOK_EVERY) {
            None if heard.elapsed() >= ANSWER_TIMEOUT * 2 => {
                return Err(kafka.unreachable("it does not send the records"));
            }
            None => continue,
            Some(Err(KafkaError::PartitionEOF(partition))) => {
                // The last offsets have no records (any more).
                left.remove(&partition.unsigned_abs());
            }
            Some(Err(error)) => return Err(failed(error)),
            Some(Ok(message)) => {
                let partition = message.partition().unsigned_abs();
                if let Some(&(_, end)) = left.get(&partition) {
                    if message.offset() < end {
                        batch.push(&message);
                    }
                    if message.offset() >= end - 1 {
                        left.remove(&partition);
                    }
                }
            }
        }
        heard = Instant::now();
    }
    Ok(batch)
}

fn assignment(topic: &str, from: &BTreeMap<u32, i64>) -> Result<TopicPartitionList, KafkaError> {
    let mut assignment = TopicPartitionList::with_capacity(from.len());
    for (&partition, &offset) in from {
        assignment.add_partition_offset(topic, partition as i32, Offset::Offset(offset))?;
    }
    Ok(assignment)
}
