//! The platform on a Fluvio cluster.
//!
//! The controller (SC) knows what there is; records go to and come from the SPUs that lead their
//! partitions. Connections are our own, with the `fluvio` client's types and TLS: `connection` says why.
//! Everything runs on tokio.

mod config;
mod connection;
mod controller;
mod log_end;
mod produce;
mod stream;
mod topic;

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use async_trait::async_trait;
use fluvio::SmartModuleInvocationWasm;
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

pub use self::config::{ClusterAddress, ClusterConfig, Compression, DEFAULT_PORT, TopicSettings};
use self::controller::Controller;
pub use self::produce::{BATCH_BYTES, MAX_RECORD_BYTES};
use self::stream::Chain;
pub use self::stream::{CHAIN_SLICE_BYTES, RAW_SLICE_BYTES};
use self::topic::Topic;
use crate::{NewRecord, OutputStream, Platform, PlatformError, StreamRequest, is_topic_name};

/// How long a new topic may take until its partitions can be used.
const TOPIC_LIMIT: Duration = Duration::from_secs(60);
/// The pause between two looks at a new topic: an SPU does not announce that it serves a partition.
const TOPIC_PAUSE: Duration = Duration::from_millis(20);

/// The first bytes of a WebAssembly module.
const WASM_MAGIC: &[u8] = b"\0asm";

/// A Fluvio cluster as the platform. Clones share their connections.
#[derive(Clone)]
pub struct FluvioPlatform {
    shared: Arc<Shared>,
}

struct Shared {
    controller: Controller,
    config: ClusterConfig,
    /// Topics that were looked up. One whose SPU did not answer, or has moved, is looked up anew.
    topics: RwLock<HashMap<String, Arc<Topic>>>,
    streams: TaskTracker,
    closing: CancellationToken,
}

impl FluvioPlatform {
    /// Connects to a cluster.
    ///
    /// # Errors
    /// When the configuration names none, or its controller does not answer.
    pub async fn connect(config: ClusterConfig) -> Result<FluvioPlatform, PlatformError> {
        let address = config.address.clone();
        let cluster = tokio::task::spawn_blocking(move || address.resolve())
            .await
            .map_err(|error| PlatformError::Task(error.to_string()))??;
        Ok(FluvioPlatform {
            shared: Arc::new(Shared {
                controller: Controller::connect(cluster).await?,
                config,
                topics: RwLock::default(),
                streams: TaskTracker::new(),
                closing: CancellationToken::new(),
            }),
        })
    }

    /// The address of the cluster's controller.
    pub fn endpoint(&self) -> &str {
        &self.shared.controller.cluster().endpoint
    }

    /// In what a topic differs from how the configuration has it, in words; nothing when there is no
    /// such topic. What a topic was created with cannot be changed.
    ///
    /// # Errors
    /// When the controller does not answer.
    pub async fn topic_differences(&self, topic: &str) -> Result<Vec<String>, PlatformError> {
        let existing = self.shared.controller.topic_spec(topic).await?;
        Ok(existing.map_or_else(Vec::new, |existing| {
            self.settings(topic).differences(&existing)
        }))
    }

    /// Deletes a topic with all its records, if it is there, and waits until it is gone.
    ///
    /// # Errors
    /// When the controller refuses, or does not answer.
    pub async fn delete_topic(&self, topic: &str) -> Result<(), PlatformError> {
        let controller = &self.shared.controller;
        if controller.topic_spec(topic).await?.is_none() {
            return Ok(());
        }
        controller.delete_topic(topic).await?;
        let known = &self.shared.topics;
        known
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(topic);
        let mut looks = tokio::time::interval(TOPIC_PAUSE);
        let gone = async {
            while controller.topic_spec(topic).await?.is_some() {
                looks.tick().await;
            }
            Ok(())
        };
        match tokio::time::timeout(TOPIC_LIMIT, gone).await {
            Ok(gone) => gone,
            Err(_) => Err(PlatformError::Timeout {
                doing: format!("waiting until topic `{topic}` is deleted"),
                seconds: TOPIC_LIMIT.as_secs(),
            }),
        }
    }

    fn settings(&self, topic: &str) -> &TopicSettings {
        let config = &self.shared.config;
        config.topics.get(topic).unwrap_or(&config.topic_defaults)
    }

    /// Ends all streams and waits for them.
    pub async fn close(self) {
        self.shared.closing.cancel();
        self.shared.streams.close();
        self.shared.streams.wait().await;
    }

    async fn topic(&self, name: &str) -> Result<Arc<Topic>, PlatformError> {
        let known = self.shared.topics.read();
        let known = known
            .unwrap_or_else(PoisonError::into_inner)
            .get(name)
            .cloned();
        if let Some(topic) = known {
            return Ok(topic);
        }
        let topic = Arc::new(Topic::look_up(&self.shared.controller, name).await?);
        let mut topics = self
            .shared
            .topics
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        // Who was faster has the connections that keep the order.
        Ok(topics.entry(name.to_owned()).or_insert(topic).clone())
    }

    /// Passes a result on. After a failure that may come from what we believe about the topic, it is
    /// forgotten, so that the next call looks it up.
    fn learn<T>(
        &self,
        topic: &Arc<Topic>,
        result: Result<T, PlatformError>,
    ) -> Result<T, PlatformError> {
        if result.as_ref().is_err_and(is_about_the_place) {
            let mut topics = self
                .shared
                .topics
                .write()
                .unwrap_or_else(PoisonError::into_inner);
            if topics
                .get(&topic.name)
                .is_some_and(|known| Arc::ptr_eq(known, topic))
            {
                topics.remove(&topic.name);
            }
        }
        result
    }

    /// Waits until every partition of a topic has a leader that serves it.
    async fn wait_until_usable(&self, name: &str) -> Result<(), PlatformError> {
        let mut looks = tokio::time::interval(TOPIC_PAUSE);
        looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let usable = async {
            loop {
                looks.tick().await;
                let usable = match self.topic(name).await {
                    Ok(topic) => self.learn(&topic, serves(&topic).await),
                    Err(error) => Err(error),
                };
                match usable {
                    Ok(()) => return Ok(()),
                    Err(
                        PlatformError::Moved { .. }
                        | PlatformError::NoTopic { .. }
                        | PlatformError::Refused { .. },
                    ) => {}
                    Err(error) => return Err(error),
                }
            }
        };
        match tokio::time::timeout(TOPIC_LIMIT, usable).await {
            Ok(usable) => usable,
            Err(_) => Err(PlatformError::Timeout {
                doing: format!(
                    "waiting for SPUs to serve the new topic `{name}` (`fluvio cluster spu list` shows those there are)"
                ),
                seconds: TOPIC_LIMIT.as_secs(),
            }),
        }
    }
}

async fn serves(topic: &Topic) -> Result<(), PlatformError> {
    for partition in 0..topic.partitions() {
        topic.end_offset(partition).await?;
    }
    Ok(())
}

fn is_about_the_place(error: &PlatformError) -> bool {
    matches!(
        error,
        PlatformError::Moved { .. }
            | PlatformError::Unreachable { .. }
            | PlatformError::ConnectionLost { .. }
            | PlatformError::Timeout { .. }
            | PlatformError::NoTopic { .. }
    )
}

#[async_trait]
impl Platform for FluvioPlatform {
    async fn create_topic(&self, topic: &str, partitions: u32) -> Result<(), PlatformError> {
        if !is_topic_name(topic) {
            return Err(PlatformError::TopicName {
                topic: topic.into(),
            });
        }
        let wanted = partitions.max(1);
        let controller = &self.shared.controller;
        let as_wanted = |existing: u32| {
            if existing == wanted {
                Ok(())
            } else {
                Err(PlatformError::OtherPartitions {
                    topic: topic.into(),
                    existing,
                    wanted,
                })
            }
        };
        if let Some(facts) = controller.topic(topic).await? {
            as_wanted(facts.partitions)?;
        } else {
            let settings = self.settings(topic);
            if let Err(error) = controller.create_topic(topic, settings.spec(wanted)).await {
                // Somebody else may have made it meanwhile.
                let facts = controller.topic(topic).await?.ok_or(error)?;
                as_wanted(facts.partitions)?;
            }
        }
        self.wait_until_usable(topic).await
    }

    async fn partitions(&self, topic: &str) -> Result<u32, PlatformError> {
        Ok(self.topic(topic).await?.partitions())
    }

    async fn end_offset(&self, topic: &str, partition: u32) -> Result<i64, PlatformError> {
        let found = self.topic(topic).await?;
        match self.learn(&found, found.end_offset(partition).await) {
            Err(error) if is_about_the_place(&error) => {
                let found = self.topic(topic).await?;
                self.learn(&found, found.end_offset(partition).await)
            }
            other => other,
        }
    }

    async fn deploy(&self, module: &str, wasm: &[u8]) -> Result<(), PlatformError> {
        let failed = |problem: String| PlatformError::Module {
            module: module.into(),
            problem,
        };
        if !wasm.starts_with(WASM_MAGIC) {
            return Err(failed("not WebAssembly; give it the `.wasm` file".into()));
        }
        if self.module(module).await?.as_deref() == Some(wasm) {
            return Ok(());
        }
        let wasm = wasm.to_vec();
        let gzipped =
            tokio::task::spawn_blocking(move || match SmartModuleInvocationWasm::adhoc_from_bytes(
                &wasm,
            ) {
                Ok(SmartModuleInvocationWasm::AdHoc(gzipped)) => Ok(gzipped),
                Ok(other) => Err(format!("it was packed as {other:?}")),
                Err(error) => Err(error.to_string()),
            });
        let gzipped = gzipped
            .await
            .map_err(|error| PlatformError::Task(error.to_string()))?
            .map_err(failed)?;
        self.shared.controller.store_module(module, gzipped).await
    }

    async fn module(&self, module: &str) -> Result<Option<Vec<u8>>, PlatformError> {
        let Some(gzipped) = self.shared.controller.module(module).await? else {
            return Ok(None);
        };
        let raw = tokio::task::spawn_blocking(|| gzipped.into_raw()).await;
        let raw = raw.map_err(|error| PlatformError::Task(error.to_string()))?;
        raw.map(Some).map_err(|error| PlatformError::Module {
            module: module.into(),
            problem: format!("what is deployed cannot be read: {error}"),
        })
    }

    async fn produce(&self, topic: &str, records: Vec<NewRecord>) -> Result<(), PlatformError> {
        let topic = self.topic(topic).await?;
        let produced = produce::produce(&topic, records).await;
        self.learn(&topic, produced)
    }

    async fn stream(&self, request: StreamRequest) -> Result<OutputStream, PlatformError> {
        let mut topic = self.topic(&request.topic).await?;
        topic.check_partition(request.partition)?;
        let chain = Chain::resolve(&self.shared.controller, &request.chain).await?;
        let start = |topic: Arc<Topic>| {
            let shared = &self.shared;
            stream::start(
                topic,
                &request,
                chain.clone(),
                &shared.streams,
                shared.closing.clone(),
            )
        };
        let started = start(topic.clone()).await;
        match self.learn(&topic, started) {
            Err(error) if is_about_the_place(&error) => {
                topic = self.topic(&request.topic).await?;
                self.learn(&topic, start(topic.clone()).await)
            }
            other => other,
        }
    }
}
