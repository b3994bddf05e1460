//! Producing a sequence to a topic: the next chunk is made while the one before is produced.

use platform::{NewRecord, Platform};
use tokio::sync::mpsc;
use tokio::task::spawn_blocking;
use tokio_util::sync::CancellationToken;

use crate::pacing::Pacing;
use crate::{ProducerError, Progress};

/// A chunk is full at about this many bytes, the platform's preferred batch.
pub(crate) const CHUNK_BYTES: usize = 1 << 20;
/// How many chunks wait to be produced.
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

/// Runs `work` on a thread that may block, and lends it what is in `slot`.
pub(crate) async fn on_blocking_thread<S, T>(
    slot: &mut Option<S>,
    work: impl FnOnce(&mut S) -> Result<T, ProducerError> + Send + 'static,
) -> Result<T, ProducerError>
where
    S: Send + 'static,
    T: Send + 'static,
{
    let Some(mut state) = slot.take() else {
        return Err(ProducerError::Task("it was cut short before".into()));
    };
    let done = spawn_blocking(move || {
        let result = work(&mut state);
        (state, result)
    });
    let (state, result) = done.await?;
    *slot = Some(state);
    result
}

/// Produces a sequence to a topic. Returns how many records this run produced; after a stop, those whose
/// chunks were made before it.
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
        let mut next = async || {
            let limit = pacing.allowed().await;
            let chunk = source.next_chunk(limit).await?;
            if let Some(chunk) = &chunk {
                pacing.spend(chunk.records.len());
                let known = chunk.already + chunk.records.len() as u64;
                progress.correct_total(chunk.assumed, known);
                progress.add_done(chunk.already);
            }
            Ok::<_, ProducerError>(chunk)
        };
        loop {
            let chunk = tokio::select! {
                biased;
                () = stop.cancelled() => return Ok(()),
                chunk = next() => chunk?,
            };
            let Some(Chunk { records, .. }) = chunk else {
                return Ok(());
            };
            // The other end is gone only after an error, which it reports.
            if !records.is_empty() && chunks.send(records).await.is_err() {
                return Ok(());
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
