//! Counting: one task a partition streams it through `vote-tally` from offset 0 and adds the deltas
//! to its ledger.
//!
//! The stream always starts at 0, because the SmartModule's memory of who has voted is made by the
//! votes themselves. Up to the checkpoint the ledger compares instead of counting anew.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use domain::{Applied, Delta, Ledger, Reason, Rules, Tally, topics};
use futures_util::StreamExt;
use platform::{ModuleCall, NO_TIMESTAMP, Platform, StreamRequest};
use tokio_util::sync::CancellationToken;

use crate::progress::now_ms;
use crate::{ConsumerError, Progress};

/// The SmartModule that counts.
const VOTE_TALLY: &str = "vote-tally";

/// The ledgers of all partitions, shared between those who add and those who publish and store. Locks
/// are held for one addition or one copy, never across an await; hence a plain mutex.
#[derive(Clone)]
pub(crate) struct Ledgers(Arc<Vec<Mutex<Ledger>>>);

impl Ledgers {
    pub(crate) fn new(ledgers: Vec<Ledger>) -> Self {
        Ledgers(Arc::new(ledgers.into_iter().map(Mutex::new).collect()))
    }

    fn lock(&self, partition: u32) -> MutexGuard<'_, Ledger> {
        self.0[partition as usize]
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// The sum of all partitions; `None` while one of them is still behind its checkpoint, when the
    /// sum would be less than what was published before.
    pub(crate) fn total(&self) -> Option<Tally> {
        let mut total = Tally::default();
        for partition in self.partitions() {
            let ledger = self.lock(partition);
            if !ledger.caught_up() {
                return None;
            }
            total.add(ledger.tally());
        }
        Some(total)
    }

    /// A partition's position and tally, once it is past `stored`.
    pub(crate) fn beyond(&self, partition: u32, stored: i64) -> Option<(i64, Tally)> {
        let ledger = self.lock(partition);
        (ledger.caught_up() && ledger.next_offset() > stored)
            .then(|| (ledger.next_offset(), ledger.tally().clone()))
    }

    /// Votes of a partition that are rejected so far, by reason.
    pub(crate) fn rejected(&self, partition: u32) -> BTreeMap<Reason, u64> {
        self.lock(partition).tally().rejected.clone()
    }

    pub(crate) fn partitions(&self) -> std::ops::Range<u32> {
        0..self.0.len() as u32
    }
}

/// A partition of `votes` from its beginning through `vote-tally`: a stream of deltas.
pub fn tally_request(partition: u32, rules: &Rules) -> StreamRequest {
    StreamRequest {
        topic: topics::VOTES.into(),
        partition,
        from: 0,
        chain: vec![ModuleCall {
            module: VOTE_TALLY.into(),
            params: rules.to_params(),
        }],
    }
}

pub(crate) async fn tally_partition(
    platform: Arc<dyn Platform>,
    rules: Rules,
    partition: u32,
    ledgers: Ledgers,
    progress: Progress,
    stop: CancellationToken,
) -> Result<(), ConsumerError> {
    let mut stream = platform.stream(tally_request(partition, &rules)).await?;
    while let Some(outputs) = stop.run_until_cancelled(stream.next()).await {
        let outputs = outputs.ok_or(ConsumerError::StreamEnded {
            topic: topics::VOTES,
            partition,
        })??;
        for output in outputs {
            let delta: Delta = serde_json::from_slice(&output.value).map_err(|error| {
                ConsumerError::NotADelta {
                    partition,
                    problem: error.to_string(),
                }
            })?;
            let applied = ledgers.lock(partition).apply(&delta);
            let applied = applied.map_err(|source| ConsumerError::Ledger { partition, source })?;
            tracing::trace!(
                partition,
                next_offset = delta.next_offset,
                ?applied,
                "delta"
            );
            progress.update(partition, |progress| {
                progress.counted = progress.counted.max(delta.next_offset);
                if applied == Applied::Counted && output.timestamp != NO_TIMESTAMP {
                    progress.cast_to_counted_ms = u64::try_from(now_ms() - output.timestamp).ok();
                }
                progress.module_bytes = delta.memory_bytes;
            });
        }
    }
    Ok(())
}
