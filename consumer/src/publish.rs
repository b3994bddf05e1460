//! Publishing the aggregates, in update style: one record per group that changed, absolute totals.

use std::collections::HashMap;
use std::sync::Arc;

use domain::{Candidate, aggregate_records};
use futures_util::future::try_join_all;
use platform::{NewRecord, Platform};

use crate::rounds::Round;
use crate::tally::Ledgers;
use crate::{ConsumerError, Progress};

pub(crate) struct Publisher {
    platform: Arc<dyn Platform>,
    candidates: Vec<Candidate>,
    ledgers: Ledgers,
    progress: Progress,
    /// The total last published, by topic and key.
    published: HashMap<(&'static str, String), u64>,
    /// Votes counted when it was.
    published_up_to: Option<u64>,
}

impl Publisher {
    pub(crate) fn new(
        platform: Arc<dyn Platform>,
        candidates: Vec<Candidate>,
        ledgers: Ledgers,
        progress: Progress,
    ) -> Self {
        Publisher {
            platform,
            candidates,
            ledgers,
            progress,
            published: HashMap::new(),
            published_up_to: None,
        }
    }

    /// Publishes every group whose total has changed.
    async fn publish(&mut self) -> Result<(), ConsumerError> {
        let Some(total) = self.ledgers.total() else {
            return Ok(());
        };
        let mut changed: HashMap<&'static str, Vec<NewRecord>> = HashMap::new();
        let mut totals = Vec::new();
        for record in aggregate_records(&total, &self.candidates) {
            let group = (record.topic, record.key);
            if self.published.get(&group) != Some(&record.total) {
                changed.entry(record.topic).or_default().push(NewRecord {
                    key: Some(group.1.clone().into_bytes()),
                    value: record.value.into_bytes(),
                });
                totals.push((group, record.total));
            }
        }
        // All at once: whoever shows them wants those of one moment together.
        let produced = changed
            .into_iter()
            .map(|(topic, records)| self.platform.produce(topic, records));
        try_join_all(produced).await?;
        self.published.extend(totals);
        Ok(())
    }
}

impl Round for Publisher {
    /// Publishes if the count has moved.
    async fn round(&mut self) -> Result<(), ConsumerError> {
        let counted = self
            .progress
            .watch()
            .borrow()
            .sum(|partition| partition.counted);
        if self.published_up_to != Some(counted) {
            self.publish().await?;
            self.published_up_to = Some(counted);
        }
        Ok(())
    }
}
