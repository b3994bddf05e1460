//! The partitions that this consumer owns, each with its tasks. If there are several consumers, each renewal
//! of the leases says which ones they are.

use std::collections::BTreeMap;
use std::sync::Arc;

use store::LeaseRound;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::ConsumerError;
use crate::checkpoints::store_tallies;
use crate::context::{Context, Ours};
use crate::partition::run_partition;

pub(crate) struct OwnedPartitions {
    context: Arc<Context>,
    stop: CancellationToken,
    tasks: JoinSet<Ended>,
    partitions: BTreeMap<u32, Owning>,
}

/// A partition whose tasks have ended, and how.
pub(crate) type Ended = (u32, Result<(), ConsumerError>);

struct Owning {
    ours: Ours,
    stop: CancellationToken,
    /// Whether to give its lease back when its tasks have ended.
    is_given_back: bool,
}

impl OwnedPartitions {
    /// Owns none yet. All of them end at `stop`.
    pub(crate) fn new(context: Arc<Context>, stop: CancellationToken) -> Self {
        OwnedPartitions {
            context,
            stop,
            tasks: JoinSet::new(),
            partitions: BTreeMap::new(),
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.tasks.is_empty()
    }

    /// Begins counting and persisting a partition.
    pub(crate) fn begin(&mut self, ours: Ours) {
        let stop = self.stop.child_token();
        let owning = Owning {
            ours,
            stop: stop.clone(),
            is_given_back: false,
        };
        let Ours { partition, .. } = ours;
        self.partitions.insert(partition, owning);
        let context = self.context.clone();
        self.tasks
            .spawn(async move { (partition, run_partition(context, ours, stop).await) });
    }

    /// Follows a renewal of the leases: begins new partitions, ends those of other consumers, and gives back
    /// what exceeds this one's share.
    pub(crate) fn follow(&mut self, round: &LeaseRound) {
        for owning in self.partitions.values() {
            let mut held = round.held.iter();
            if !held.any(|held| owning.ours.lease == Some(*held)) {
                let partition = owning.ours.partition;
                tracing::warn!(partition, "another consumer owns the partition now");
                owning.stop.cancel();
            }
        }
        for lease in &round.held {
            // If its tasks are still ending, a later round begins it.
            let partition = lease.partition;
            if !self.partitions.contains_key(&partition) {
                tracing::info!(partition, "this consumer owns the partition now");
                let lease = Some(*lease);
                self.begin(Ours { partition, lease });
            }
        }
        let kept = self.partitions.values_mut().rev();
        let kept: Vec<_> = kept.filter(|owning| !owning.stop.is_cancelled()).collect();
        let surplus = kept.len().saturating_sub(round.share);
        for owning in kept.into_iter().take(surplus) {
            let partition = owning.ours.partition;
            tracing::info!(partition, "giving the partition to another consumer");
            owning.is_given_back = true;
            owning.stop.cancel();
        }
    }

    /// Waits until the tasks of a partition have ended.
    pub(crate) async fn ended(&mut self) -> Option<Ended> {
        Some(self.tasks.join_next().await?.unwrap_or_else(|error| {
            // The partition's number is lost with it, and this is fatal anyway.
            (u32::MAX, Err(error.into()))
        }))
    }

    /// Cleans up after the tasks of a partition have ended.
    ///
    /// # Errors
    /// What ended them, unless that is another consumer that owns the partition now.
    pub(crate) async fn settle(&mut self, (partition, ended): Ended) -> Result<(), ConsumerError> {
        let Some(owning) = self.partitions.remove(&partition) else {
            return ended;
        };
        match ended {
            Err(error) if error.is_not_ours() => tracing::warn!(partition, "{error}"),
            Err(error) => return Err(error),
            Ok(()) => {}
        }
        if owning.is_given_back {
            if let Err(error) = self.give_back(owning.ours).await {
                // The lease is kept, and the next renewal begins the partition again.
                tracing::warn!(partition, "cannot give the partition back yet: {error}");
            }
        } else if self.stop.is_cancelled() {
            // It is kept until all is stored.
            return Ok(());
        }
        self.context.ledgers.disown(partition);
        self.context
            .progress
            .update(partition, |progress| progress.is_ours = false);
        Ok(())
    }

    async fn give_back(&self, ours: Ours) -> Result<(), ConsumerError> {
        store_tallies(&self.context).await?;
        if let Some(lease) = ours.lease {
            self.context.store.release_lease(lease).await?;
        }
        Ok(())
    }
}
