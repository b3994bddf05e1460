//! Storing the tallies regularly: each with the offset that it counts up to, in one transaction.

use std::sync::Arc;

use store::{PartitionTally, Store, StoreError, Stored};

use crate::ConsumerError;
use crate::context::Context;
use crate::ledgers::Unstored;
use crate::progress::now_ms;
use crate::rounds::Round;

pub(crate) struct Checkpoints(pub(crate) Arc<Context>);

impl Round for Checkpoints {
    async fn round(&mut self) -> Result<(), ConsumerError> {
        store_tallies(&self.0).await
    }
}

/// Stores the tallies of this consumer's partitions that have moved.
pub(crate) async fn store_tallies(context: &Context) -> Result<(), ConsumerError> {
    let Context {
        ledgers, progress, ..
    } = context;
    let _storing = context.storing.lock().await;
    let moved = ledgers.unstored();
    if moved.is_empty() {
        return Ok(());
    }
    let rows: Vec<_> = moved
        .iter()
        .map(|unstored| PartitionTally {
            partition: unstored.ours.partition,
            next_offset: unstored.next_offset,
            tally: &unstored.tally,
            lease: unstored.ours.lease,
            stored: Stored {
                next_offset: unstored.stored,
                tally: unstored.stored_tally.as_deref(),
            },
        })
        .collect();
    if let Err(error) = save(&context.store, &rows).await {
        // A partition that another consumer owns now is left out from here on; the next round stores the
        // others.
        if let Some(partition) = error.is_lease_lost() {
            tracing::warn!(partition, "{error}");
            ledgers.disown(partition);
            return Ok(());
        }
        for unstored in &moved {
            ledgers.doubt_stored(unstored.ours.partition);
        }
        return Err(error.into());
    }
    for Unstored {
        ours,
        next_offset,
        tally,
        ..
    } in moved
    {
        ledgers.set_stored(ours.partition, next_offset, tally);
        progress.update(ours.partition, |progress| {
            progress.checkpointed = next_offset;
            progress.checkpointed_at = Some(now_ms());
        });
    }
    Ok(())
}

async fn save(store: &Store, rows: &[PartitionTally<'_>]) -> Result<(), StoreError> {
    faults::at("consumer/checkpoint").map_err(StoreError::fault("save the tallies"))?;
    store.save_tallies(rows).await
}
