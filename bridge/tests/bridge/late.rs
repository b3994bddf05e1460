//! A broker that writes late what was sent to it: nothing is sent twice, and it is told that it waits.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bridge::Snapshot;
use futures_util::StreamExt;
use platform::embedded::EmbeddedPlatform;
use platform::{NewRecord, OutputStream, Platform, PlatformError, StreamRequest};
use tokio::sync::Notify;
use wire::topics;

use crate::broker::Broker;
use crate::setting::{Setting, config, to_kafka};

/// A platform whose streams can be ended, all at once.
struct Interruptible {
    platform: Arc<EmbeddedPlatform>,
    interrupted: Arc<Notify>,
}

#[async_trait]
impl Platform for Interruptible {
    async fn create_topic(&self, topic: &str, partitions: u32) -> Result<(), PlatformError> {
        self.platform.create_topic(topic, partitions).await
    }

    async fn partitions(&self, topic: &str) -> Result<u32, PlatformError> {
        self.platform.partitions(topic).await
    }

    async fn end_offset(&self, topic: &str, partition: u32) -> Result<i64, PlatformError> {
        self.platform.end_offset(topic, partition).await
    }

    fn max_record_bytes(&self) -> usize {
        self.platform.max_record_bytes()
    }

    async fn deploy(&self, module: &str, wasm: &[u8]) -> Result<(), PlatformError> {
        self.platform.deploy(module, wasm).await
    }

    async fn module(&self, module: &str) -> Result<Option<Vec<u8>>, PlatformError> {
        self.platform.module(module).await
    }

    async fn produce(&self, topic: &str, records: Vec<NewRecord>) -> Result<(), PlatformError> {
        self.platform.produce(topic, records).await
    }

    async fn stream(&self, request: StreamRequest) -> Result<OutputStream, PlatformError> {
        let interrupted = self.interrupted.clone().notified_owned();
        let outputs = self.platform.stream(request).await?;
        Ok(outputs.take_until(interrupted).boxed())
    }
}

fn values(broker: &Broker, topic: &str) -> Vec<String> {
    let records = broker.read(topic, 0).into_iter();
    records.map(|record| record.value).collect()
}

fn tells(snapshot: &Snapshot, what: &str) -> bool {
    snapshot.problems.values().any(|told| told.contains(what))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_on_its_way_has_landed_before_a_link_begins_again() {
    let Some((broker, gate)) = Broker::behind_a_gate().await else {
        return;
    };
    let setting = Setting::new(1).await;
    let config = config(&broker, to_kafka(topics::VOTERS, "voters_out"));
    let interrupted = Arc::new(Notify::new());
    let platform = Interruptible {
        platform: setting.platform.clone(),
        interrupted: interrupted.clone(),
    };
    let mut running = setting.begin_on(Arc::new(platform), config);
    setting.produce(topics::VOTERS, &[("a", "1")]).await;
    running.done(&setting).await;

    gate.close();
    setting
        .produce(topics::VOTERS, &[("b", "2"), ("c", "3")])
        .await;
    gate.until_held().await;
    interrupted.notify_waiters();
    running
        .until(|snapshot| tells(snapshot, "records that were sent are not acknowledged"))
        .await;
    gate.open();
    running.done(&setting).await;
    running.stop().await;
    assert_eq!(values(&broker, "voters_out"), ["1", "2", "3"]);
    setting.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_killed_bridge_had_sent_may_still_come() {
    let Some((broker, gate)) = Broker::behind_a_gate().await else {
        return;
    };
    let setting = Setting::new(1).await;
    let mut config = config(&broker, to_kafka(topics::VOTERS, "voters_out"));
    config.quiet = Duration::from_secs(3);
    gate.close();
    setting.produce(topics::VOTERS, &[("a", "1")]).await;
    let killed = setting.begin(config.clone());
    gate.until_held().await;
    killed.kill().await;

    let fetches = gate.fetches();
    let mut running = setting.begin(config);
    // It has seen the end when it asks again.
    gate.until_fetches(fetches + 3).await;
    gate.open();
    running.done(&setting).await;
    running.stop().await;
    assert_eq!(values(&broker, "voters_out"), ["1"]);
    setting.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn that_kafka_acknowledges_nothing_is_told_while_it_is_so() {
    let Some((broker, gate)) = Broker::behind_a_gate().await else {
        return;
    };
    let setting = Setting::new(1).await;
    let config = config(&broker, to_kafka(topics::VOTERS, "voters_out"));
    let mut running = setting.begin(config);
    setting
        .produce(topics::VOTERS, &[("a", "1"), ("b", "2")])
        .await;
    running.done(&setting).await;
    gate.close();
    setting.produce(topics::VOTERS, &[("c", "3")]).await;
    running
        .until(|snapshot| {
            tells(snapshot, "has acknowledged nothing") && tells(snapshot, "from offset 2")
        })
        .await;
    gate.open();
    running
        .until(|snapshot| snapshot.problems.is_empty() && snapshot.lag() == 0)
        .await;
    running.stop().await;
    assert_eq!(values(&broker, "voters_out"), ["1", "2", "3"]);
    setting.end().await;
}
