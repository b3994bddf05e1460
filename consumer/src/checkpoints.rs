//! Storing the tallies: each with the offset it counts up to, in one transaction, every so often.

use store::{PartitionTally, Store};

use crate::progress::now_ms;
use crate::rounds::Round;
use crate::tally::Ledgers;
use crate::{ConsumerError, Progress};

pub(crate) struct Checkpoints {
    store: Store,
    ledgers: Ledgers,
    progress: Progress,
    /// Offset stored, by partition.
    stored: Vec<i64>,
}

impl Checkpoints {
    pub(crate) fn new(
        store: Store,
        ledgers: Ledgers,
        progress: Progress,
        stored: Vec<i64>,
    ) -> Self {
        Checkpoints {
            store,
            ledgers,
            progress,
            stored,
        }
    }
}

impl Round for Checkpoints {
    /// Stores what has moved.
    async fn round(&mut self) -> Result<(), ConsumerError> {
        let moved: Vec<_> = self
            .ledgers
            .partitions()
            .zip(&self.stored)
            .filter_map(|(partition, &stored)| {
                let (next_offset, tally) = self.ledgers.beyond(partition, stored)?;
                Some((partition, next_offset, tally))
            })
            .collect();
        if moved.is_empty() {
            return Ok(());
        }
        let rows: Vec<_> = moved
            .iter()
            .map(|(partition, next_offset, tally)| PartitionTally {
                partition: *partition,
                next_offset: *next_offset,
                tally,
            })
            .collect();
        self.store.save_tallies(&rows).await?;
        for (partition, next_offset, _) in moved {
            self.stored[partition as usize] = next_offset;
            self.progress.update(partition, |progress| {
                progress.checkpointed = next_offset;
                progress.checkpointed_at = Some(now_ms());
            });
        }
        Ok(())
    }
}
