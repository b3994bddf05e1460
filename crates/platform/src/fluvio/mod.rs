//! The platform on a Fluvio cluster.
//!
//! The controller (SC) knows topics and SmartModules; records go to and come from the SPUs that lead their partitions.
//! Connections are our own, with the `fluvio` client's types and TLS: `connection` says why.

mod config;
mod connection;
mod controller;
mod log_end;
mod produce;
mod stream;
mod topic;
mod unpack;

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock, RwLockWriteGuard};
use std::time::Duration;

use async_trait::async_trait;
use fluvio::SmartModuleInvocationWasm;
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

pub use self::config::{ClusterAddress, ClusterConfig, Compression, TopicSettings};
use self::controller::Controller;
pub use self::produce::{BATCH_BYTES, MAX_RECORD_BYTES};
use self::stream::Chain;
pub use self::stream::{CHAIN_SLICE_BYTES, RAW_SLICE_BYTES};
use self::topic::Topic;
use crate::checks::{check_module, check_partitions, check_topic_name};
use crate::{NewRecord, OutputStream, Platform, PlatformError, StreamRequest, blocking};

/// How long a new topic may take until its partitions can be used.
const TOPIC_LIMIT: Duration = Duration::from_secs(60);
/// The time between two polls of a new topic: an SPU does not announce that it serves a partition.
const TOPIC_POLL: Duration = Duration::from_millis(20);

/// The problem of an answer without what was asked for.
const UNRELATED_ANSWER: &str = "the answer is about something else";

/// A Fluvio cluster. Clones share their connections.
#[derive(Clone)]
pub struct FluvioPlatform {
    shared: Arc<Shared>,
}

struct Shared {
    controller: Controller,
    config: ClusterConfig,
    /// Known topics. One whose SPU did not answer, or that has moved, is looked up again.
    topics: RwLock<HashMap<String, Arc<Topic>>>,
    streams: TaskTracker,
    closing: CancellationToken,
}

impl FluvioPlatform {
    /// Connects to a cluster.
    ///
    /// # Errors
    /// When the configuration names no cluster, or its controller does not answer.
    pub async fn connect(config: ClusterConfig) -> Result<FluvioPlatform, PlatformError> {
        let address = config.address.clone();
        let cluster = blocking(move || address.resolve()).await??;
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

    /// The differences between a topic and its configuration, in words; none if there is no such topic. The settings
    /// of an existing topic cannot be changed.
    ///
    /// # Errors
    /// When the controller does not answer.
    pub async fn topic_differences(&self, topic: &str) -> Result<Vec<String>, PlatformError> {
        let existing = self.shared.controller.topic(topic).await?;
        Ok(existing.map_or_else(Vec::new, |existing| {
            self.settings(topic).differences(&existing)
        }))
    }

    /// Deletes a topic with all its records, if it exists, and waits until it is gone.
    ///
    /// # Errors
    /// When the controller refuses, or does not answer.
    pub async fn delete_topic(&self, topic: &str) -> Result<(), PlatformError> {
        let controller = &self.shared.controller;
        if controller.topic(topic).await?.is_none() {
            return Ok(());
        }
        controller.delete_topic(topic).await?;
        self.topics().remove(topic);
        let mut polls = tokio::time::interval(TOPIC_POLL);
        let gone = async {
            while controller.topic(topic).await?.is_some() {
                polls.tick().await;
            }
            Ok(())
        };
        let doing = || format!("waiting until topic `{topic}` is deleted");
        within(TOPIC_LIMIT, doing, gone).await
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
        // Another call may have been faster. Its connections are used, so that records keep their order.
        Ok(self
            .topics()
            .entry(name.to_owned())
            .or_insert(topic)
            .clone())
    }

    fn topics(&self) -> RwLockWriteGuard<'_, HashMap<String, Arc<Topic>>> {
        let topics = self.shared.topics.write();
        topics.unwrap_or_else(PoisonError::into_inner)
    }

    /// Passes a result on. After an error that may come from outdated facts the topic is forgotten, so that the next
    /// call looks it up again.
    fn learn<T>(
        &self,
        topic: &Arc<Topic>,
        result: Result<T, PlatformError>,
    ) -> Result<T, PlatformError> {
        if result.as_ref().is_err_and(may_be_outdated) {
            let mut topics = self.topics();
            if let Some(known) = topics.get(&topic.name)
                && Arc::ptr_eq(known, topic)
            {
                topics.remove(&topic.name);
            }
        }
        result
    }

    /// Does something with a topic; if outdated facts made it fail, once more with new ones.
    async fn with_topic<T, F>(
        &self,
        name: &str,
        work: impl Fn(Arc<Topic>) -> F,
    ) -> Result<T, PlatformError>
    where
        F: Future<Output = Result<T, PlatformError>>,
    {
        let topic = self.topic(name).await?;
        match self.learn(&topic, work(topic.clone()).await) {
            Err(error) if may_be_outdated(&error) => {
                let topic = self.topic(name).await?;
                self.learn(&topic, work(topic.clone()).await)
            }
            other => other,
        }
    }

    /// Waits until every partition of a topic has a leader that serves it.
    async fn wait_until_usable(&self, name: &str) -> Result<(), PlatformError> {
        let mut polls = tokio::time::interval(TOPIC_POLL);
        polls.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let usable = async {
            loop {
                polls.tick().await;
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
        let doing = || {
            format!(
                "waiting for SPUs to serve the new topic `{name}` (`fluvio cluster spu list` shows the SPUs)"
            )
        };
        within(TOPIC_LIMIT, doing, usable).await
    }
}

async fn serves(topic: &Topic) -> Result<(), PlatformError> {
    for partition in 0..topic.partitions() {
        topic.end_offset(partition).await?;
    }
    Ok(())
}

/// Whether an error may come from outdated facts about a topic: who leads its partitions, and where.
fn may_be_outdated(error: &PlatformError) -> bool {
    matches!(
        error,
        PlatformError::Moved { .. }
            | PlatformError::Unreachable { .. }
            | PlatformError::ConnectionLost { .. }
            | PlatformError::Timeout { .. }
            | PlatformError::NoTopic { .. }
    )
}

/// Does something within a time limit.
async fn within<T>(
    limit: Duration,
    doing: impl FnOnce() -> String,
    work: impl Future<Output = Result<T, PlatformError>>,
) -> Result<T, PlatformError> {
    match tokio::time::timeout(limit, work).await {
        Ok(done) => done,
        Err(_) => Err(PlatformError::Timeout {
            doing: doing(),
            seconds: limit.as_secs(),
        }),
    }
}

#[async_trait]
impl Platform for FluvioPlatform {
    async fn create_topic(&self, topic: &str, partitions: u32) -> Result<(), PlatformError> {
        check_topic_name(topic)?;
        let wanted = partitions.max(1);
        let controller = &self.shared.controller;
        let mut existing = controller.topic(topic).await?;
        if existing.is_none() {
            let settings = self.settings(topic);
            if let Err(error) = controller.create_topic(topic, settings.spec(wanted)).await {
                // Another process may have created it meanwhile.
                existing = Some(controller.topic(topic).await?.ok_or(error)?);
            }
        }
        if let Some(existing) = existing {
            check_partitions(topic, existing.partitions(), wanted)?;
        }
        self.wait_until_usable(topic).await
    }

    async fn partitions(&self, topic: &str) -> Result<u32, PlatformError> {
        Ok(self.topic(topic).await?.partitions())
    }

    async fn end_offset(&self, topic: &str, partition: u32) -> Result<i64, PlatformError> {
        let end = |topic: Arc<Topic>| async move { topic.end_offset(partition).await };
        self.with_topic(topic, end).await
    }

    fn max_record_bytes(&self) -> usize {
        MAX_RECORD_BYTES
    }

    async fn deploy(&self, module: &str, wasm: &[u8]) -> Result<(), PlatformError> {
        check_module(module, wasm)?;
        if self.module(module).await?.as_deref() == Some(wasm) {
            return Ok(());
        }
        let wasm = wasm.to_vec();
        let packed = blocking(move || SmartModuleInvocationWasm::adhoc_from_bytes(&wasm)).await?;
        let problem = match packed {
            Ok(SmartModuleInvocationWasm::AdHoc(gzipped)) => {
                return self.shared.controller.store_module(module, gzipped).await;
            }
            Ok(other) => format!("it was packed as {other:?}"),
            Err(error) => error.to_string(),
        };
        Err(PlatformError::Module {
            module: module.into(),
            problem,
        })
    }

    async fn module(&self, module: &str) -> Result<Option<Vec<u8>>, PlatformError> {
        let Some(gzipped) = self.shared.controller.module(module).await? else {
            return Ok(None);
        };
        let raw = blocking(|| gzipped.into_raw()).await?;
        raw.map(Some).map_err(|error| PlatformError::Module {
            module: module.into(),
            problem: format!("the deployed module cannot be read: {error}"),
        })
    }

    async fn produce(&self, topic: &str, records: Vec<NewRecord>) -> Result<(), PlatformError> {
        let topic = self.topic(topic).await?;
        let produced = produce::produce(&topic, records).await;
        self.learn(&topic, produced)
    }

    async fn stream(&self, request: StreamRequest) -> Result<OutputStream, PlatformError> {
        let topic = self.topic(&request.topic).await?;
        topic.partition(request.partition)?;
        let shared = &self.shared;
        let chain = Chain::resolve(&shared.controller, &request.chain).await?;
        let start = |topic| {
            let closing = shared.closing.clone();
            stream::start(topic, &request, chain.clone(), &shared.streams, closing)
        };
        self.with_topic(&request.topic, start).await
    }
}
