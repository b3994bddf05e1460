//! Publishing the aggregates, in update style: one record per group that changed, absolute totals.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use domain::{Candidate, aggregate_records};
use futures_util::future::try_join_all;
use platform::{NewRecord, Platform};
use tokio_util::sync::CancellationToken;

use crate::tally::Ledgers;
use crate::{ConsumerError, Progress};

pub(crate) struct Publisher {
    platform: Arc<dyn Platform>,
    candidates: Vec<Candidate>,
    ledgers: Ledgers,
    progress: Progress,
    /// The total last published, by topic and key.
    published: HashMap<(&'static str, String), u64>,
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
        }
    }

    /// Publishes whenever the count has moved, at most once an interval; once more at the end.
    pub(crate) async fn run(
        mut self,
        interval: Duration,
        stop: CancellationToken,
    ) -> Result<(), ConsumerError> {
        let mut moved = self.progress.watch();
        let mut published_up_to = None;
        loop {
            let counted = moved.borrow_and_update().sum(|partition| partition.counted);
            if published_up_to != Some(counted) {
                self.publish().await?;
                published_up_to = Some(counted);
            }
            if stop.is_cancelled() {
                return Ok(());
            }
            tokio::select! {
                () = stop.cancelled() => {}
                _ = moved.changed() => {
                    // Changes within the interval are published together.
                    stop.run_until_cancelled(tokio::time::sleep(interval)).await;
                }
            }
        }
    }

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
