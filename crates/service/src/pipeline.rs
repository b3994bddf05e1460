//! Publishing how far a service is, to the topic `pipeline`.

use std::collections::HashMap;

use platform::{NewRecord, Platform, PlatformError};
use wire::{PipelineRecord, topics};

/// Publishes those positions that have changed.
#[derive(Debug, Default)]
pub struct PipelinePublisher {
    /// The record last published, by key.
    published: HashMap<String, PipelineRecord>,
}

impl PipelinePublisher {
    /// Publishes the records that differ from those published last.
    ///
    /// # Errors
    /// What the platform fails with; then all of them are published the next time.
    pub async fn publish(
        &mut self,
        platform: &dyn Platform,
        mut records: Vec<PipelineRecord>,
    ) -> Result<(), PlatformError> {
        records.retain(|record| self.published.get(&record.key()) != Some(record));
        if records.is_empty() {
            return Ok(());
        }
        let new_record = |record: &PipelineRecord| NewRecord {
            key: Some(record.key().into_bytes()),
            value: serde_json::to_vec(record)
                .expect("invariant: numbers and names have a JSON form"),
        };
        let changed = records.iter().map(new_record).collect();
        platform.produce(topics::PIPELINE, changed).await?;
        let published = records.into_iter().map(|record| (record.key(), record));
        self.published.extend(published);
        Ok(())
    }
}
