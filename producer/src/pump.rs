//! From a sequence into a topic: the next chunk is made while the one before it is being produced.

use std::sync::Arc;

use platform::{NewRecord, Platform};
use tokio::sync::mpsc;
use tokio::task::spawn_blocking;
use tokio_util::sync::CancellationToken;
use wire::topics;

use crate::log_position::LogPosition;
use crate::pacing::Pacing;
use crate::{ProducerError, Progress};

/// A chunk is full at about this many bytes: what the platform likes as a batch.
pub(crate) const CHUNK_BYTES: usize = 1 << 20;
/// How many records are passed over in one go, so that a stop is soon noticed.
pub(crate) const CHUNK_PASSED: u64 = 1 << 16;
/// Chunks that wait between making and producing.
const CHUNKS_AHEAD: usize = 1;

/// Some records of a sequence, in order.
#[derive(Debug, Default)]
pub(crate) struct Chunk {
    /// To be produced.
    pub(crate) records: Vec<NewRecord>,
    /// Records before or among these that are in the log already.
    pub(crate) already: u64,
    /// How many records the progress's total was assuming for this chunk.
    pub(crate) assumed: u64,
}

/// A sequence, chunk by chunk.
pub(crate) trait ChunkSource: Send {
    /// The next chunk, of about `limit` new records at most; `None` at the end.
    fn next_chunk(
        &mut self,
        limit: usize,
    ) -> impl Future<Output = Result<Option<Chunk>, ProducerError>> + Send;
}

/// A sequence that is computed, on a thread that may block.
pub(crate) trait Generate: Send + 'static {
    /// The next chunk, of `limit` new records at most; `None` at the end.
    fn fill(&mut self, limit: usize) -> Result<Option<Chunk>, ProducerError>;
}

/// Makes a computed sequence a source of chunks.
pub(crate) struct Generated<G>(Option<G>);

impl<G> Generated<G> {
    pub(crate) fn new(generator: G) -> Self {
        Generated(Some(generator))
    }
}

impl<G: Generate> ChunkSource for Generated<G> {
    async fn next_chunk(&mut self, limit: usize) -> Result<Option<Chunk>, ProducerError> {
        on_blocking_thread(&mut self.0, move |generator| generator.fill(limit)).await
    }
}

/// Lends what is in `slot` to a thread that may block.
pub(crate) async fn on_blocking_thread<S, T>(
    slot: &mut Option<S>,
    work: impl FnOnce(&mut S) -> Result<T, ProducerError> + Send + 'static,
) -> Result<T, ProducerError>
where
    S: Send + 'static,
    T: Send + 'static,
{
    let Some(mut state) = slot.take() else {
        return Err(ProducerError::Task("it was given up before".into()));
    };
    let done = spawn_blocking(move || {
        let result = work(&mut state);
        (state, result)
    });
    let (state, result) = done
        .await
        .map_err(|error| ProducerError::Task(error.to_string()))?;
    *slot = Some(state);
    result
}

/// Produces a sequence to a topic. Returns how many records that were, in this run; after a stop,
/// those whose chunks were made before it.
pub(crate) async fn pump(
    platform: &dyn Platform,
    topic: &'static str,
    mut source: impl ChunkSource,
    mut pacing: Pacing,
    progress: &Progress,
    stop: &CancellationToken,
) -> Result<u64, ProducerError> {
    let (chunks, mut waiting) = mpsc::channel::<Vec<NewRecord>>(CHUNKS_AHEAD);
    let make = async move {
        let mut next = async || -> Result<Option<Vec<NewRecord>>, ProducerError> {
            let limit = pacing.allowed().await;
            let Some(chunk) = source.next_chunk(limit).await? else {
                return Ok(None);
            };
            pacing.spend(chunk.records.len());
            let known = chunk.already + chunk.records.len() as u64;
            progress.correct_total(chunk.assumed, known);
            progress.add_done(chunk.already);
            Ok(Some(chunk.records))
        };
        loop {
            let records = tokio::select! {
                biased;
                () = stop.cancelled() => return Ok(()),
                records = next() => records?,
            };
            match records {
                None => return Ok(()),
                Some(records) if records.is_empty() => {}
                // The other end is gone only after an error, which is told there.
                Some(records) => {
                    if chunks.send(records).await.is_err() {
                        return Ok(());
                    }
                }
            }
        }
    };
    let produce = async {
        let mut produced = 0;
        while let Some(records) = waiting.recv().await {
            let count = records.len() as u64;
            platform.produce(topic, records).await?;
            progress.add_done(count);
            produced += count;
        }
        Ok::<u64, ProducerError>(produced)
    };
    let ((), produced) = tokio::try_join!(make, produce)?;
    Ok(produced)
}

/// Where every partition of a topic stands.
pub(crate) async fn log_positions(
    platform: &Arc<dyn Platform>,
    topic: &'static str,
) -> Result<Vec<LogPosition>, ProducerError> {
    let mut positions = Vec::new();
    for partition in 0..platform.partitions(topic).await? {
        positions.push(LogPosition::read(platform.as_ref(), topic, partition).await?);
    }
    Ok(positions)
}

/// The error of a log that holds more than the whole sequence, so that nothing is written to it.
pub(crate) fn check_not_longer(
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
    Err(ProducerError::OtherElection {
        topic,
        partition: (positions.iter().map(LogPosition::in_log).enumerate())
            .max_by_key(|&(_, in_log)| in_log)
            .map_or(0, |(partition, _)| partition as u32),
        problem: format!("the topic has {in_log} records, and this run has only {sequence} {what}"),
    })
}
