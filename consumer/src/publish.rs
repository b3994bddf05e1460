//! Publishing the aggregates, in update style: one record per group that changed, absolute totals.

use std::collections::HashMap;
use std::sync::Arc;

use ballot::{ElectionDefinition, Tally};
use futures_util::future::try_join_all;
use platform::NewRecord;
use wire::{ChangedTotals, aggregate_records, topics};

use crate::ConsumerError;
use crate::context::Context;
use crate::rounds::Round;

/// The owner of this partition publishes the totals of all.
const PUBLISHING_PARTITION: u32 = 0;

pub(crate) struct Publisher {
    context: Arc<Context>,
    definition: ElectionDefinition,
    /// The total last published, by topic and key.
    published: HashMap<(&'static str, String), u64>,
    /// The count last published.
    published_tally: Tally,
    /// Votes counted when it was.
    published_up_to: Option<u64>,
}

impl Publisher {
    pub(crate) fn new(context: Arc<Context>, definition: ElectionDefinition) -> Self {
        Publisher {
            context,
            definition,
            published: HashMap::new(),
            published_tally: Tally::default(),
            published_up_to: None,
        }
    }

    /// Publishes every group whose total has changed.
    async fn publish(&mut self) -> Result<(), ConsumerError> {
        let total = self.context.ledgers.total();
        let mut changed: HashMap<&'static str, Vec<NewRecord>> = HashMap::new();
        let mut totals = Vec::new();
        for record in aggregate_records(&total, &self.definition) {
            let group = (record.topic, record.key);
            if self.published.get(&group) != Some(&record.total) {
                changed.entry(record.topic).or_default().push(NewRecord {
                    key: Some(group.1.clone().into_bytes()),
                    value: record.value.into_bytes(),
                });
                totals.push((group, record.total));
            }
        }
        let election = self.context.election_set_up_at;
        let news = ChangedTotals::between(election, &self.published_tally, &total);
        changed.insert(topics::TOTALS, news.iter().map(news_record).collect());
        // All at once: readers want the totals of one moment together.
        let produced = changed
            .into_iter()
            .map(|(topic, records)| self.context.platform.produce(topic, records));
        try_join_all(produced).await?;
        self.published.extend(totals);
        self.published_tally = total;
        Ok(())
    }
}

fn news_record(news: &ChangedTotals) -> NewRecord {
    NewRecord {
        key: None,
        value: serde_json::to_vec(news).expect("invariant: text and numbers have a JSON form"),
    }
}

impl Round for Publisher {
    /// Publishes if the count has moved.
    async fn round(&mut self) -> Result<(), ConsumerError> {
        if !self.context.ledgers.owns(PUBLISHING_PARTITION) {
            // Another consumer may publish meanwhile.
            self.published.clear();
            self.published_tally = Tally::default();
            self.published_up_to = None;
            return Ok(());
        }
        let progress = self.context.progress.watch();
        let counted = progress.borrow().sum(|partition| partition.counted);
        if self.published_up_to != Some(counted) {
            self.publish().await?;
            self.published_up_to = Some(counted);
        }
        Ok(())
    }
}
