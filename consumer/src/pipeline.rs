//! Publishing how far this consumer is in each partition, for the pipeline panel and other readers.

use std::sync::Arc;

use service::pipeline::PipelinePublisher;
use wire::{PersistPosition, PipelineRecord, TallyPosition};

use crate::ConsumerError;
use crate::context::Context;
use crate::rounds::Round;

pub(crate) struct Positions {
    context: Arc<Context>,
    publisher: PipelinePublisher,
}

impl Positions {
    pub(crate) fn new(context: Arc<Context>) -> Self {
        Positions {
            context,
            publisher: PipelinePublisher::default(),
        }
    }

    fn records(&self) -> Vec<PipelineRecord> {
        let Context {
            config,
            ledgers,
            progress,
            ..
        } = &*self.context;
        let snapshot = progress.watch().borrow().clone();
        let mut records = Vec::new();
        for (partition, at) in (0..).zip(&snapshot.partitions) {
            if !at.is_ours {
                continue;
            }
            if config.tally {
                records.push(PipelineRecord::Tally(TallyPosition {
                    partition,
                    counted_to: at.counted,
                    checkpointed_to: at.checkpointed,
                    checkpointed_at: at.checkpointed_at,
                    rejected: ledgers.rejected(partition),
                    cast_to_counted_ms: at.cast_to_counted_ms,
                    module_bytes: at.module_bytes,
                }));
            }
            if config.persist {
                records.push(PipelineRecord::Persist(PersistPosition {
                    partition,
                    votes_to: at.persisted,
                    voters_to: at.voters_persisted,
                    chain_head: at.chain_head,
                    voters_chain_head: at.voters_chain_head,
                }));
            }
        }
        records
    }
}

impl Round for Positions {
    /// Publishes what has moved.
    async fn round(&mut self) -> Result<(), ConsumerError> {
        let records = self.records();
        let platform = &*self.context.platform;
        Ok(self.publisher.publish(platform, records).await?)
    }
}
