//! The durable log: topics, partitions and SmartModules in a `fjall` store, one entry per batch.
//!
//! A batch's key is topic, partition and base offset, so that a partition is one key range in offset order; its value is
//! an [entry](super::entry). An entry is written whole or not at all (the store's journal is checksummed), and the
//! operating system has it when `append` returns, so `kill -9` loses nothing.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicU32;
use std::sync::{Arc, Mutex, OnceLock, PoisonError, RwLock};
use std::time::{SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use fjall::{
    CompressionType, Database, Keyspace, KeyspaceCreateOptions, KvSeparationOptions, PersistMode,
};
use serde::{Deserialize, Serialize};
use tokio::sync::watch;

use super::entry::{BatchBuilder, StoredBatch};
use crate::PlatformError;
use crate::checks::{check_module, check_partitions, check_topic_name};

/// Larger entries are kept in blobs, outside the files of the index.
const BLOB_BYTES: u32 = 1 << 10;

/// About how many bytes of batches, as stored, are read at once.
const READ_BYTES: usize = 1 << 20;

/// A file that every store has.
const STORE_MARK: &str = "version";

/// An empty batch, written now.
pub(super) fn new_batch() -> BatchBuilder {
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |time| time.as_millis() as i64);
    const MS: i64 = 1_000;
    BatchBuilder::new(now - faults::clock_set_back("log/clock") * MS)
}

/// A topic. Its number of partitions never changes.
pub(super) struct Topic {
    name: String,
    partitions: Vec<Partition>,
    keyless: AtomicU32,
}

/// A partition's end. Held `appending` keeps others from appending; readers watch `end`.
pub(super) struct Partition {
    appending: Mutex<()>,
    end: watch::Sender<i64>,
}

impl Topic {
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    pub(super) fn partitions(&self) -> u32 {
        self.partitions.len() as u32
    }

    pub(super) fn partition(&self, partition: u32) -> Result<&Partition, PlatformError> {
        self.partitions
            .get(partition as usize)
            .ok_or_else(|| PlatformError::NoPartition {
                topic: self.name.clone(),
                partition,
                partitions: self.partitions(),
            })
    }

    /// Counts the records without a key.
    pub(super) fn keyless(&self) -> &AtomicU32 {
        &self.keyless
    }
}

impl Partition {
    /// The offset of the next record.
    pub(super) fn end(&self) -> i64 {
        *self.end.borrow()
    }

    /// Tells when the end moves.
    pub(super) fn watch_end(&self) -> watch::Receiver<i64> {
        self.end.subscribe()
    }
}

#[derive(Serialize, Deserialize)]
struct TopicEntry {
    partitions: u32,
}

/// The log of one data directory.
pub(super) struct Log {
    path: PathBuf,
    database: Database,
    /// `topic/NAME` -> [`TopicEntry`], `module/NAME` -> wasm.
    catalogue: Keyspace,
    batches: Keyspace,
    topics: RwLock<HashMap<String, Arc<Topic>>>,
    /// The first write that failed. After it the store refuses all writes without saying why.
    failed_write: OnceLock<String>,
}

impl Log {
    pub(super) fn open(path: &Path) -> Result<Log, PlatformError> {
        if !path.join(STORE_MARK).exists() {
            create(path)?;
        }
        let (database, catalogue, batches) =
            open_store(path).map_err(|error| storage_error(path, error))?;
        let log = Log {
            path: path.to_owned(),
            database,
            catalogue,
            batches,
            topics: RwLock::default(),
            failed_write: OnceLock::new(),
        };
        log.recover_topics()?;
        Ok(log)
    }

    fn recover_topics(&self) -> Result<(), PlatformError> {
        let mut topics = HashMap::new();
        for entry in self.catalogue.prefix("topic/") {
            let (key, value) = entry.into_inner().map_err(|error| self.failed(error))?;
            let name = String::from_utf8_lossy(&key["topic/".len()..]).into_owned();
            let entry: TopicEntry = serde_json::from_slice(&value).map_err(|error| {
                let problem = format!("the entry of topic `{name}` is damaged: {error}");
                storage(&self.path, problem)
            })?;
            let ends = (0..entry.partitions)
                .map(|partition| self.recover_end(&name, partition))
                .collect::<Result<_, _>>()?;
            topics.insert(name.clone(), Arc::new(new_topic(name, ends)));
        }
        *self.topics.write().unwrap_or_else(PoisonError::into_inner) = topics;
        Ok(())
    }

    fn recover_end(&self, topic: &str, partition: u32) -> Result<i64, PlatformError> {
        let Some(last) = self
            .batches
            .prefix(batch_key(topic, partition, None))
            .next_back()
        else {
            return Ok(0);
        };
        let (key, value) = last.into_inner().map_err(|error| self.failed(error))?;
        let batch = stored_batch(topic, partition, &key, value.into())?;
        Ok(batch.end())
    }

    pub(super) fn create_topic(&self, name: &str, partitions: u32) -> Result<(), PlatformError> {
        check_topic_name(name)?;
        let mut topics = self.topics.write().unwrap_or_else(PoisonError::into_inner);
        let wanted = partitions.max(1);
        if let Some(topic) = topics.get(name) {
            return check_partitions(name, topic.partitions(), wanted);
        }
        let entry = serde_json::to_vec(&TopicEntry { partitions: wanted })
            .expect("invariant: a number has a JSON form");
        self.catalogue
            .insert(format!("topic/{name}"), entry)
            .map_err(|error| self.failed(error))?;
        let topic = new_topic(name.to_owned(), vec![0; wanted as usize]);
        topics.insert(name.to_owned(), Arc::new(topic));
        Ok(())
    }

    pub(super) fn topic(&self, name: &str) -> Result<Arc<Topic>, PlatformError> {
        self.topics
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .get(name)
            .cloned()
            .ok_or_else(|| PlatformError::NoTopic { topic: name.into() })
    }

    /// Appends a batch.
    pub(super) fn append(
        &self,
        topic: &Topic,
        partition: u32,
        batch: BatchBuilder,
    ) -> Result<(), PlatformError> {
        let (entry, count) = batch.finish();
        let end = topic.partition(partition)?;
        let _appending = end.appending.lock().unwrap_or_else(PoisonError::into_inner);
        let base_offset = end.end();
        self.fault("log/append")?;
        self.batches
            .insert(
                batch_key(&topic.name, partition, Some(base_offset)),
                fjall::Slice::from(entry),
            )
            .map_err(|error| self.write_failed(error))?;
        end.end.send_replace(base_offset + i64::from(count));
        self.fault("log/appended")
    }

    /// The batch that holds `offset`, and those behind it: up to the end, or about [`READ_BYTES`].
    ///
    /// Not an iterator: while one is open, the store keeps everything that was written since in memory, flushed or not,
    /// and a stream may wait for its reader for any time.
    pub(super) fn batches_from(
        &self,
        topic: &Topic,
        partition: u32,
        offset: i64,
    ) -> Result<Vec<StoredBatch>, PlatformError> {
        let start = self.batch_holding(topic, partition, offset)?;
        let to = batch_key(&topic.name, partition, Some(i64::MAX));
        let from = batch_key(&topic.name, partition, Some(start));
        let (mut batches, mut bytes) = (Vec::new(), 0);
        for entry in self.batches.range(from..to) {
            let batch = entry
                .into_inner()
                .map_err(|error| self.failed(error))
                .and_then(|(key, value)| {
                    bytes += value.len();
                    stored_batch(&topic.name, partition, &key, value.into())
                });
            match batch {
                Ok(batch) => batches.push(batch),
                // The batches before the damage are read first; the next read finds it again.
                Err(_) if !batches.is_empty() => break,
                Err(error) => return Err(error),
            }
            if bytes >= READ_BYTES {
                break;
            }
        }
        Ok(batches)
    }

    /// Base offset of the batch that holds `offset` (or would, at the end).
    fn batch_holding(
        &self,
        topic: &Topic,
        partition: u32,
        offset: i64,
    ) -> Result<i64, PlatformError> {
        let first = batch_key(&topic.name, partition, Some(0));
        let offset = offset.max(0);
        let upto = batch_key(&topic.name, partition, Some(offset));
        let Some(entry) = self.batches.range(first..=upto).next_back() else {
            return Ok(offset);
        };
        let key = entry.key().map_err(|error| self.failed(error))?;
        Ok(base_offset_of(&key).unwrap_or(offset))
    }

    pub(super) fn store_module(&self, name: &str, wasm: &[u8]) -> Result<(), PlatformError> {
        check_module(name, wasm)?;
        let key = format!("module/{name}");
        let stored = self
            .catalogue
            .get(&key)
            .map_err(|error| self.failed(error))?;
        if stored.as_deref() != Some(wasm) {
            self.catalogue
                .insert(key, wasm)
                .map_err(|error| self.failed(error))?;
        }
        Ok(())
    }

    pub(super) fn module(&self, name: &str) -> Result<Option<Vec<u8>>, PlatformError> {
        let stored = self
            .catalogue
            .get(format!("module/{name}"))
            .map_err(|error| self.failed(error))?;
        Ok(stored.map(|wasm| wasm.to_vec()))
    }

    pub(super) fn sync(&self) -> Result<(), PlatformError> {
        self.database
            .persist(PersistMode::SyncAll)
            .map_err(|error| self.failed(error))
    }

    pub(super) fn disk_bytes(&self) -> Result<u64, PlatformError> {
        self.database
            .disk_space()
            .map_err(|error| self.failed(error))
    }

    /// A point at which a test makes the storage fail.
    pub(super) fn fault(&self, point: &str) -> Result<(), PlatformError> {
        faults::at(point).map_err(|fault| storage(&self.path, fault.problem))
    }

    fn write_failed(&self, error: fjall::Error) -> PlatformError {
        let problem = match error {
            fjall::Error::Poisoned => format!(
                "it accepts no writes since one failed ({}); make room on its disk if it is full, then start again",
                self.failed_write
                    .get()
                    .map_or("in the background", String::as_str)
            ),
            fjall::Error::Locked => return self.failed(error),
            other => self.failed_write.get_or_init(|| other.to_string()).clone(),
        };
        storage(&self.path, problem)
    }

    fn failed(&self, error: fjall::Error) -> PlatformError {
        storage_error(&self.path, error)
    }
}

/// Creates an empty log, whole or not at all: the store cannot open what is left when its creation was killed, so it is
/// created beside its place and then renamed.
fn create(path: &Path) -> Result<(), PlatformError> {
    let failed = |error: std::io::Error| storage(path, error);
    let making = path.with_added_extension("new");
    remove_if_there(std::fs::remove_dir_all(&making)).map_err(failed)?;
    std::fs::create_dir_all(&making).map_err(failed)?;
    drop(open_store(&making).map_err(|error| storage_error(path, error))?);
    // Only an empty directory: files without the store's mark are not ours.
    remove_if_there(std::fs::remove_dir(path)).map_err(failed)?;
    std::fs::rename(&making, path).map_err(failed)
}

fn remove_if_there(removed: std::io::Result<()>) -> std::io::Result<()> {
    match removed {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// Opens the store with its two keyspaces, which are created if they are missing.
fn open_store(path: &Path) -> fjall::Result<(Database, Keyspace, Keyspace)> {
    let database = Database::builder(path)
        // Entries are compressed already.
        .journal_compression(CompressionType::None)
        .open()?;
    let catalogue = database.keyspace("catalogue", KeyspaceCreateOptions::default)?;
    let batches = database.keyspace("batches", || {
        KeyspaceCreateOptions::default().with_kv_separation(Some(
            KvSeparationOptions::default()
                .separation_threshold(BLOB_BYTES)
                .compression(CompressionType::None),
        ))
    })?;
    Ok((database, catalogue, batches))
}

fn storage_error(path: &Path, error: fjall::Error) -> PlatformError {
    match error {
        fjall::Error::Locked => PlatformError::InUse { path: path.into() },
        fjall::Error::JournalRecovery(damage) => {
            let problem = format!(
                "its journal is damaged ({damage:?}): it does not hold what was written; restore the directory from a \
                 copy that fits the database, or start anew with `--fresh`"
            );
            storage(path, problem)
        }
        other => storage(path, other),
    }
}

pub(super) fn storage(path: &Path, problem: impl ToString) -> PlatformError {
    PlatformError::Storage {
        path: path.into(),
        problem: problem.to_string(),
    }
}

fn new_topic(name: String, ends: Vec<i64>) -> Topic {
    let partitions = ends
        .into_iter()
        .map(|end| Partition {
            appending: Mutex::new(()),
            end: watch::Sender::new(end),
        })
        .collect();
    Topic {
        name,
        partitions,
        keyless: AtomicU32::new(0),
    }
}

/// Topic, a zero byte (no topic name has one), partition and offset, big endian so that they sort.
fn batch_key(topic: &str, partition: u32, offset: Option<i64>) -> Vec<u8> {
    let mut key = Vec::with_capacity(topic.len() + 1 + size_of::<u32>() + size_of::<i64>());
    key.extend_from_slice(topic.as_bytes());
    key.push(0);
    key.extend_from_slice(&partition.to_be_bytes());
    if let Some(offset) = offset {
        key.extend_from_slice(&offset.to_be_bytes());
    }
    key
}

fn base_offset_of(key: &[u8]) -> Option<i64> {
    key.last_chunk().map(|offset| i64::from_be_bytes(*offset))
}

fn stored_batch(
    topic: &str,
    partition: u32,
    key: &[u8],
    entry: Bytes,
) -> Result<StoredBatch, PlatformError> {
    let base_offset = base_offset_of(key).unwrap_or_default();
    StoredBatch::read(base_offset, entry).map_err(|problem| PlatformError::Damaged {
        topic: topic.into(),
        partition,
        offset: base_offset,
        problem,
    })
}

#[cfg(test)]
mod tests {
    use futures_util::StreamExt;
    use rand::rngs::StdRng;
    use rand::{Rng, SeedableRng};

    use super::super::EmbeddedPlatform;
    use super::*;
    use crate::{NewRecord, Platform, StreamRequest};

    const TOPIC: &str = "votes";

    /// A log with so many batches, each of one record of so many bytes that cannot be compressed.
    async fn with_batches(directory: &Path, batches: u64, bytes: usize) -> EmbeddedPlatform {
        let platform = EmbeddedPlatform::open(directory).await.unwrap();
        platform.create_topic(TOPIC, 1).await.unwrap();
        for n in 0..batches {
            let mut value = vec![0; bytes];
            StdRng::seed_from_u64(n).fill_bytes(&mut value);
            let record = NewRecord { key: None, value };
            platform.produce(TOPIC, vec![record]).await.unwrap();
        }
        platform
    }

    /// The offsets of the batches that are read together, from an offset on.
    fn read(platform: &EmbeddedPlatform, offset: i64) -> Result<Vec<i64>, PlatformError> {
        let topic = platform.log.topic(TOPIC)?;
        let batches = platform.log.batches_from(&topic, 0, offset)?;
        Ok(batches.iter().map(|batch| batch.base_offset).collect())
    }

    #[tokio::test]
    async fn a_read_takes_batches_of_about_a_megabyte() {
        let directory = tempfile::tempdir().unwrap();
        let platform = with_batches(directory.path(), 5, READ_BYTES / 2).await;
        assert_eq!(read(&platform, 0).unwrap(), [0, 1]);
        assert_eq!(read(&platform, 3).unwrap(), [3, 4]);
        platform.close().await.unwrap();
    }

    #[tokio::test]
    async fn what_is_before_a_damaged_batch_is_read_and_then_the_damage_is_told() {
        let directory = tempfile::tempdir().unwrap();
        let platform = with_batches(directory.path(), 3, 10).await;
        let key = batch_key(TOPIC, 0, Some(2));
        platform.log.batches.insert(key, "damaged").unwrap();
        assert_eq!(read(&platform, 0).unwrap(), [0, 1]);
        let error = read(&platform, 2).unwrap_err();
        assert!(matches!(error, PlatformError::Damaged { offset: 2, .. }));
        platform.close().await.unwrap();
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_missing_batch_ends_a_stream() {
        let directory = tempfile::tempdir().unwrap();
        let platform = with_batches(directory.path(), 3, 10).await;
        let key = batch_key(TOPIC, 0, Some(1));
        platform.log.batches.remove(key).unwrap();
        let request = StreamRequest {
            topic: TOPIC.into(),
            partition: 0,
            from: 0,
            chain: vec![],
        };
        let mut stream = platform.stream(request).await.unwrap();
        assert_eq!(stream.next().await.unwrap().unwrap()[0].offset, 0);
        let error = stream.next().await.unwrap().unwrap_err().to_string();
        assert!(error.contains("the next batch starts at 2"), "{error}");
        assert!(stream.next().await.is_none());
        platform.close().await.unwrap();
    }
}
