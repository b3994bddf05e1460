//! A platform in memory: a list of records a partition. It can be told to fail after some records,
//! as a machine does that is switched off.

use std::collections::HashMap;
use std::sync::Mutex;

use async_trait::async_trait;
use futures_util::{StreamExt, stream};
use platform::{
    NewRecord, Output, OutputStream, Platform, PlatformError, StreamRequest, partition_of,
};
use tokio_util::sync::CancellationToken;

/// Records that come together from a stream, so that streams have several batches.
const BATCH: usize = 100;

#[derive(Default)]
pub struct MemoryPlatform {
    topics: Mutex<HashMap<String, Vec<Vec<NewRecord>>>>,
    /// Records that are still taken before it fails; `None` for any number.
    left: Mutex<Option<usize>>,
    /// Stops the run when that many records more were taken.
    stop: Mutex<Option<(usize, CancellationToken)>>,
}

impl MemoryPlatform {
    /// Takes `records` more, then fails in the middle of a `produce`. `None` mends it.
    pub fn fail_after(&self, records: Option<usize>) {
        *self.left.lock().unwrap() = records;
    }

    /// Cancels `stop` once it has taken `records` more.
    pub fn stop_after(&self, records: usize, stop: CancellationToken) {
        *self.stop.lock().unwrap() = Some((records, stop));
    }

    pub fn log(&self, topic: &str) -> Vec<Vec<NewRecord>> {
        self.topics.lock().unwrap()[topic].clone()
    }

    pub fn partition_count(&self, topic: &str) -> Option<usize> {
        Some(self.topics.lock().unwrap().get(topic)?.len())
    }
}

fn no_topic(topic: &str) -> PlatformError {
    PlatformError::NoTopic {
        topic: topic.to_owned(),
    }
}

#[async_trait]
impl Platform for MemoryPlatform {
    async fn create_topic(&self, topic: &str, partitions: u32) -> Result<(), PlatformError> {
        let mut topics = self.topics.lock().unwrap();
        let existing = topics
            .entry(topic.to_owned())
            .or_insert_with(|| vec![Vec::new(); partitions as usize]);
        if existing.len() == partitions as usize {
            return Ok(());
        }
        Err(PlatformError::OtherPartitions {
            topic: topic.to_owned(),
            existing: existing.len() as u32,
            wanted: partitions,
        })
    }

    async fn partitions(&self, topic: &str) -> Result<u32, PlatformError> {
        let count = self.partition_count(topic);
        count.map(|n| n as u32).ok_or_else(|| no_topic(topic))
    }

    async fn end_offset(&self, topic: &str, partition: u32) -> Result<i64, PlatformError> {
        let topics = self.topics.lock().unwrap();
        let partitions = topics.get(topic).ok_or_else(|| no_topic(topic))?;
        Ok(partitions[partition as usize].len() as i64)
    }

    fn max_record_bytes(&self) -> usize {
        usize::MAX
    }

    async fn deploy(&self, _module: &str, _wasm: &[u8]) -> Result<(), PlatformError> {
        Ok(())
    }

    async fn module(&self, _module: &str) -> Result<Option<Vec<u8>>, PlatformError> {
        Ok(None)
    }

    async fn produce(&self, topic: &str, records: Vec<NewRecord>) -> Result<(), PlatformError> {
        // So that partitions take turns, as they do where producing takes time.
        tokio::task::yield_now().await;
        let mut topics = self.topics.lock().unwrap();
        let partitions = topics.get_mut(topic).ok_or_else(|| no_topic(topic))?;
        let mut left = self.left.lock().unwrap();
        if let Some((records_left, stop)) = &mut *self.stop.lock().unwrap() {
            *records_left = records_left.saturating_sub(records.len());
            if *records_left == 0 {
                stop.cancel();
            }
        }
        for record in records {
            if let Some(left) = &mut *left {
                if *left == 0 {
                    return Err(PlatformError::Task("switched off".into()));
                }
                *left -= 1;
            }
            let key = record.key.as_deref().unwrap_or_default();
            let partition = partition_of(key, partitions.len() as u32);
            partitions[partition as usize].push(record);
        }
        Ok(())
    }

    async fn stream(&self, request: StreamRequest) -> Result<OutputStream, PlatformError> {
        assert!(request.chain.is_empty(), "the producer uses no SmartModule");
        let records =
            self.topics.lock().unwrap()[&request.topic][request.partition as usize].clone();
        let outputs: Vec<Output> = (0..)
            .zip(records)
            .filter(|&(offset, _)| offset >= request.from)
            .map(|(offset, record)| Output {
                offset,
                offsets: 1,
                key: record.key.map(Into::into),
                value: record.value.into(),
                timestamp: 0,
            })
            .collect();
        let batches: Vec<_> = outputs
            .chunks(BATCH)
            .map(|batch| Ok(batch.to_vec()))
            .collect();
        Ok(stream::iter(batches).chain(stream::pending()).boxed())
    }
}
