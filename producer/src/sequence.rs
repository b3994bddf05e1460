//! Sequences of records of which each can be computed by its number, and producing them to a topic.

use std::borrow::Cow;
use std::sync::Arc;

use platform::{NewRecord, Platform, partition_of};
use tokio_util::sync::CancellationToken;
use wire::topics;

use crate::log_position::LogPosition;
use crate::pacing::Pacing;
use crate::pump::{CHUNK_BYTES, Chunk, ChunkSource, on_blocking_thread, pump};
use crate::{ProducerError, Progress, clock};

/// How many records are skipped in one go, so that a stop is soon noticed.
const CHUNK_SKIPPED: u64 = 1 << 16;

/// A fixed sequence of records.
pub(crate) trait Sequence: Send + 'static {
    /// How many records there are.
    fn len(&self) -> u64;

    /// The voter that a record is about: its key.
    fn voter_id(&self, index: u64) -> Cow<'_, str>;

    /// A record's value.
    fn value(&self, index: u64, voting_time: &str) -> Result<Vec<u8>, ProducerError>;
}

/// Produces a sequence, except for what an earlier run has produced, at `rate` records a second (0 for flat
/// out). Returns how many records it produced; fewer than there are when it was stopped.
pub(crate) async fn produce_sequence(
    platform: &Arc<dyn Platform>,
    topic: &'static str,
    sequence: impl Sequence,
    rate: u64,
    progress: &Progress,
    stop: &CancellationToken,
) -> Result<u64, ProducerError> {
    progress.begin(sequence.len());
    let mut positions = Vec::new();
    for partition in 0..platform.partitions(topic).await? {
        positions.push(LogPosition::read(platform.as_ref(), topic, partition).await?);
    }
    check_not_longer(topic, &positions, sequence.len())?;
    let source = Generated(Some(Generator {
        sequence,
        next: 0,
        positions,
    }));
    let pacing = Pacing::of(rate);
    pump(platform.as_ref(), topic, source, pacing, progress, stop).await
}

/// Fails if the log holds more than the whole sequence, so that nothing is written to it.
fn check_not_longer(
    topic: &'static str,
    positions: &[LogPosition],
    sequence: u64,
) -> Result<(), ProducerError> {
    let in_log: u64 = positions.iter().map(LogPosition::in_log).sum();
    if in_log <= sequence {
        return Ok(());
    }
    let what = if topic == topics::VOTERS {
        "voters"
    } else {
        "votes"
    };
    let longest = (0..).zip(positions).max_by_key(|(_, at)| at.in_log());
    Err(ProducerError::OtherElection {
        topic,
        partition: longest.map_or(0, |(partition, _)| partition),
        problem: format!("the topic has {in_log} records, and this run has only {sequence} {what}"),
    })
}

/// What computes a sequence; absent while it is lent to another thread.
struct Generated<S>(Option<Generator<S>>);

impl<S: Sequence> ChunkSource for Generated<S> {
    async fn next_chunk(&mut self, limit: usize) -> Result<Option<Chunk>, ProducerError> {
        on_blocking_thread(&mut self.0, move |generator| generator.next_chunk(limit)).await
    }
}

struct Generator<S> {
    sequence: S,
    next: u64,
    /// By partition.
    positions: Vec<LogPosition>,
}

impl<S: Sequence> Generator<S> {
    fn next_chunk(&mut self, limit: usize) -> Result<Option<Chunk>, ProducerError> {
        let len = self.sequence.len();
        if self.next == len {
            self.positions.iter().try_for_each(LogPosition::finish)?;
            return Ok(None);
        }
        let voting_time = clock::voting_time_now();
        let partitions = self.positions.len() as u32;
        let mut chunk = Chunk::default();
        let mut bytes = 0;
        while self.next < len
            && chunk.records.len() < limit
            && chunk.already < CHUNK_SKIPPED
            && bytes < CHUNK_BYTES
        {
            let index = self.next;
            self.next += 1;
            chunk.assumed += 1;
            let key = self.sequence.voter_id(index);
            let partition = partition_of(key.as_bytes(), partitions);
            let position = &mut self.positions[partition as usize];
            if position.skip() {
                chunk.already += 1;
                continue;
            }
            let record = NewRecord {
                key: Some(key.into_owned().into_bytes()),
                value: self.sequence.value(index, &voting_time)?,
            };
            if position.pass(&record)? {
                chunk.already += 1;
            } else {
                bytes += record.value.len();
                chunk.records.push(record);
            }
        }
        Ok(Some(chunk))
    }
}
