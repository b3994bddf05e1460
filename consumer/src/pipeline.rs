//! Publishing how far this consumer is in each partition, for the pipeline panel and other readers.

use std::collections::HashMap;
use std::sync::Arc;

use platform::NewRecord;
use wire::{PersistPosition, PipelineRecord, TallyPosition, topics};

use crate::ConsumerError;
use crate::context::Context;
use crate::rounds::Round;

pub(crate) struct PipelinePublisher {
    context: Arc<Context>,
    /// The record last published, by key.
    published: HashMap<String, PipelineRecord>,
}

impl PipelinePublisher {
    pub(crate) fn new(context: Arc<Context>) -> Self {
        PipelinePublisher {
            context,
            published: HashMap::new(),
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

impl Round for PipelinePublisher {
    /// Publishes what has moved.
    async fn round(&mut self) -> Result<(), ConsumerError> {
        let mut changed = self.records();
        changed.retain(|record| self.published.get(&record.key()) != Some(record));
        if changed.is_empty() {
            return Ok(());
        }
        let records = changed
            .iter()
            .map(|record| NewRecord {
                key: Some(record.key().into_bytes()),
                value: serde_json::to_vec(record)
                    .expect("invariant: numbers and names have a JSON form"),
            })
            .collect();
        self.context
            .platform
            .produce(topics::PIPELINE, records)
            .await?;
        self.published
            .extend(changed.into_iter().map(|record| (record.key(), record)));
        Ok(())
    }
}
