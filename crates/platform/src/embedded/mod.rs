//! The embedded platform: an [engine] for SmartModules over a durable log, in this process.
//!
//! It runs the same `.wasm` files as a cluster. The log keeps records in Fluvio's own encoding, so that SmartModules get
//! them without re-encoding. One process owns the data directory.

pub mod engine;
mod entry;
mod log;
mod stream;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use self::engine::{Engine, EngineSettings};
use self::log::{Log, new_batch, storage};
use crate::checks::check_sizes;
use crate::partitioning::by_partition;
use crate::{NewRecord, OutputStream, Platform, PlatformError, StreamRequest, blocking};

/// About the size of batches: large enough that the engine's cost per batch is negligible, small enough that a count
/// moves several times a second.
pub const BATCH_BYTES: usize = 1 << 20;

/// Largest record, key and value together. A batch holds at least one record, and the engine copies
/// a batch several times.
pub const MAX_RECORD_BYTES: usize = 8 << 20;

/// The directory of compiled SmartModules, beside the files of the log.
const COMPILED: &str = "compiled-modules";

/// The embedded platform. Clones share it.
#[derive(Clone)]
pub struct EmbeddedPlatform {
    log: Arc<Log>,
    engine: Engine,
    streams: TaskTracker,
    closing: CancellationToken,
}

impl EmbeddedPlatform {
    /// Opens (or creates) the platform in a directory, recovering what was written before.
    ///
    /// # Errors
    /// When the directory is in use by another process, cannot be written, or is damaged.
    pub async fn open(directory: &Path) -> Result<EmbeddedPlatform, PlatformError> {
        // wasmtime takes absolute paths only.
        let absolute = std::path::absolute(directory).map_err(|error| storage(directory, error))?;
        EmbeddedPlatform::keeping(directory, Some(absolute.join(COMPILED))).await
    }

    /// Opens the platform in a directory that is deleted soon: it keeps no compiled modules, which wasmtime may
    /// still be writing then.
    ///
    /// # Errors
    /// As [`EmbeddedPlatform::open`].
    pub async fn open_temporary(directory: &Path) -> Result<EmbeddedPlatform, PlatformError> {
        EmbeddedPlatform::keeping(directory, None).await
    }

    async fn keeping(
        directory: &Path,
        compiled: Option<PathBuf>,
    ) -> Result<EmbeddedPlatform, PlatformError> {
        let directory = directory.to_owned();
        let (log, engine) = blocking(move || -> Result<_, PlatformError> {
            let log = Log::open(&directory)?;
            let settings = EngineSettings {
                compiled,
                ..EngineSettings::default()
            };
            let engine = Engine::new(settings).map_err(|error| storage(&directory, error))?;
            Ok((log, engine))
        })
        .await??;
        Ok(EmbeddedPlatform {
            log: Arc::new(log),
            engine,
            streams: TaskTracker::new(),
            closing: CancellationToken::new(),
        })
    }

    /// Ends all streams, waits for them, and syncs the log to disk.
    ///
    /// # Errors
    /// When the storage fails.
    pub async fn close(self) -> Result<(), PlatformError> {
        self.closing.cancel();
        self.engine.interrupt();
        self.streams.close();
        self.streams.wait().await;
        self.on_log(Log::sync).await
    }

    async fn on_log<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Log) -> Result<T, PlatformError> + Send + 'static,
    ) -> Result<T, PlatformError> {
        let log = self.log.clone();
        blocking(move || work(&log)).await?
    }

    /// How many streams are running.
    pub fn streams(&self) -> usize {
        self.streams.len()
    }

    /// Bytes on disk.
    ///
    /// # Errors
    /// When the storage fails.
    pub async fn disk_bytes(&self) -> Result<u64, PlatformError> {
        self.on_log(|log| log.disk_bytes()).await
    }
}

/// Most bytes that a record takes in a batch.
fn room_for(record: &NewRecord) -> usize {
    /// Seven varints, of which those of lengths, offset and time have at most ten bytes, and two flags.
    const AROUND: usize = 64;
    record.size() + AROUND
}

#[async_trait]
impl Platform for EmbeddedPlatform {
    async fn create_topic(&self, topic: &str, partitions: u32) -> Result<(), PlatformError> {
        let topic = topic.to_owned();
        self.on_log(move |log| log.create_topic(&topic, partitions))
            .await
    }

    async fn partitions(&self, topic: &str) -> Result<u32, PlatformError> {
        Ok(self.log.topic(topic)?.partitions())
    }

    async fn end_offset(&self, topic: &str, partition: u32) -> Result<i64, PlatformError> {
        Ok(self.log.topic(topic)?.partition(partition)?.end())
    }

    fn max_record_bytes(&self) -> usize {
        MAX_RECORD_BYTES
    }

    async fn deploy(&self, module: &str, wasm: &[u8]) -> Result<(), PlatformError> {
        let (module, wasm) = (module.to_owned(), wasm.to_vec());
        self.on_log(move |log| log.store_module(&module, &wasm))
            .await
    }

    async fn module(&self, module: &str) -> Result<Option<Vec<u8>>, PlatformError> {
        let module = module.to_owned();
        self.on_log(move |log| log.module(&module)).await
    }

    async fn produce(&self, topic: &str, records: Vec<NewRecord>) -> Result<(), PlatformError> {
        let topic = self.log.topic(topic)?;
        check_sizes(topic.name(), &records, MAX_RECORD_BYTES)?;
        self.on_log(move |log| {
            let shares = by_partition(records, topic.partitions(), topic.keyless());
            for (partition, share) in (0..).zip(shares) {
                // The room that is still needed, because a batch that grows is copied each time.
                let mut left: usize = share.iter().map(room_for).sum();
                let mut batch = new_batch();
                for record in &share {
                    let records = batch.records();
                    if records.is_empty() {
                        records.reserve(left.min(BATCH_BYTES + room_for(record)));
                    }
                    left -= room_for(record);
                    records.push(record.key.as_deref(), &record.value);
                    if records.size() >= BATCH_BYTES {
                        log.append(
                            &topic,
                            partition,
                            std::mem::replace(&mut batch, new_batch()),
                        )?;
                    }
                }
                if !batch.records().is_empty() {
                    log.append(&topic, partition, batch)?;
                }
            }
            Ok(())
        })
        .await
    }

    async fn stream(&self, request: StreamRequest) -> Result<OutputStream, PlatformError> {
        let topic = self.log.topic(&request.topic)?;
        topic.partition(request.partition)?;
        let unwanted = self.closing.child_token();
        let chain = if request.chain.is_empty() {
            None
        } else {
            let (log, engine) = (self.log.clone(), self.engine.clone());
            let (modules, unwanted) = (request.chain.clone(), unwanted.clone());
            Some(blocking(move || stream::build_chain(&log, &engine, modules, unwanted)).await??)
        };
        stream::start(
            self.log.clone(),
            topic,
            request,
            chain,
            self.engine.clone(),
            &self.streams,
            unwanted,
        )
    }
}
