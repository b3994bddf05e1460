//! The partitions that are ours, each with its tasks; which ones, a round of leases says, where there
//! are several consumers.

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
    /// Whether its lease is to be given back, once its tasks have ended.
    is_given_back: bool,
}

impl OwnedPartitions {
    /// None yet. All of them end at `stop`.
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

    /// Follows what a round of leases says: begins what is new, ends what is another's, and gives back
    /// what is beyond our share.
    pub(crate) fn follow(&mut self, round: &LeaseRound) {
        for owning in self.partitions.values() {
            if !round
                .held
                .iter()
                .any(|held| owning.ours.lease == Some(*held))
            {
                tracing::warn!(
                    partition = owning.ours.partition,
                    "the partition is another consumer's by now"
                );
                owning.stop.cancel();
            }
        }
        for lease in &round.held {
            // One whose tasks are ending is begun when a later round still says so.
            if !self.partitions.contains_key(&lease.partition) {
                tracing::info!(partition = lease.partition, "the partition is ours now");
                self.begin(Ours {
                    partition: lease.partition,
                    lease: Some(*lease),
                });
            }
        }
        let kept = self.partitions.values_mut().rev();
        let mut kept: Vec<_> = kept.filter(|owning| !owning.stop.is_cancelled()).collect();
        let surplus = kept.len().saturating_sub(round.share);
        for owning in kept.drain(..).take(surplus) {
            tracing::info!(
                partition = owning.ours.partition,
                "the partition is given to another consumer"
            );
            owning.is_given_back = true;
            owning.stop.cancel();
        }
    }

    /// Waits until the tasks of a partition have ended.
    pub(crate) async fn ended(&mut self) -> Option<Ended> {
        Some(self.tasks.join_next().await?.unwrap_or_else(|error| {
            // Which one it was is lost with it, and it is fatal anyway.
            (u32::MAX, Err(ConsumerError::Task(error.to_string())))
        }))
    }

    /// Does what is to be done when the tasks of a partition have ended.
    ///
    /// # Errors
    /// What ended them, unless it is that the partition is another consumer's.
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
                // Not lost: the lease stays ours, and the next round begins it again.
                tracing::warn!(partition, "cannot give the partition back yet: {error}");
            }
        } else if self.stop.is_cancelled() {
            // It stays ours until all is stored.
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
