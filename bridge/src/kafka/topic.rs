//! Topics that the bridge writes to: creating them, and checking those that exist.

use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, ResourceSpecifier, TopicReplication};
use rdkafka::config::FromClientConfigAndContext;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use wire::topics;

use super::context::Context;
use super::observer::Observer;
use super::{ANSWER_TIMEOUT, Kafka, blocking};
use crate::args::BROKER_DEFAULT;
use crate::{BridgeError, Link};

/// Settings that a topic is created with; other settings of an existing topic cause a warning.
fn settings(fluvio: &str) -> &'static [(&'static str, &'static str)] {
    if topics::AGGREGATES.contains(&fluvio) {
        // The newest per key is the truth.
        &[("cleanup.policy", "compact")]
    } else {
        &[("cleanup.policy", "delete"), ("retention.ms", "-1")]
    }
}

impl Kafka {
    /// Makes sure that a link's topic is on Kafka, with as many partitions as on Fluvio.
    pub(crate) async fn ensure_topic(
        &self,
        observer: &Observer,
        link: &Link,
        partitions: u32,
    ) -> Result<(), BridgeError> {
        match observer.partitions(&link.kafka).await? {
            None => self.create_topic(link, partitions).await,
            Some(found) if found < partitions => Err(BridgeError::FewerPartitions {
                kafka: link.kafka.clone(),
                found,
                fluvio: link.fluvio.clone(),
                wanted: partitions,
            }),
            Some(_) => Ok(()),
        }
    }

    async fn create_topic(&self, link: &Link, partitions: u32) -> Result<(), BridgeError> {
        let admin = self.admin().await?;
        let doing = format!("create topic `{}`", link.kafka);
        let mut created = create(&admin, link, partitions, self.replication).await;
        use RDKafkaErrorCode::{InvalidReplicationFactor, InvalidRequest, UnsupportedVersion};
        let code = created
            .as_ref()
            .err()
            .and_then(KafkaError::rdkafka_error_code);
        // Brokers before 2.4, and some others, have no default to ask for.
        let has_no_default = matches!(
            code,
            Some(InvalidReplicationFactor | UnsupportedVersion | InvalidRequest)
        );
        if self.replication == BROKER_DEFAULT && has_no_default {
            created = create(&admin, link, partitions, 1).await;
        }
        blocking(move || drop(admin)).await?;
        match created {
            Ok(()) => {
                let topic = &link.kafka;
                tracing::info!(topic, partitions, "created the topic on Kafka");
                Ok(())
            }
            Err(KafkaError::AdminOp(RDKafkaErrorCode::TopicAlreadyExists)) => Ok(()),
            Err(error) => Err(self.error(doing, &error)),
        }
    }

    /// Warns of settings of a topic that differ from those the bridge would create it with. Returns the bytes
    /// of the largest batch that it takes, if the broker reports that.
    pub(crate) async fn compare_settings(&self, link: &Link) -> Result<Option<usize>, BridgeError> {
        let admin = self.admin().await?;
        let topic = [ResourceSpecifier::Topic(&link.kafka)];
        let described = admin.describe_configs(&topic, &options()).await;
        blocking(move || drop(admin)).await?;
        let described = described.and_then(|described| {
            let first = described.into_iter().next();
            first
                .ok_or(KafkaError::Canceled)?
                .map_err(KafkaError::AdminOp)
        });
        let described = match described {
            Ok(described) => described,
            Err(error) => {
                let topic = &link.kafka;
                tracing::debug!(topic, "Kafka does not report the topic's settings: {error}");
                return Ok(None);
            }
        };
        for (name, wanted) in settings(&link.fluvio) {
            let found = described.get(name).and_then(|entry| entry.value.as_deref());
            if let Some(found) = found.filter(|found| found != wanted) {
                tracing::warn!(
                    topic = link.kafka,
                    "the topic on Kafka has {name}={found}; it should have {name}={wanted}: rpk topic alter-config {} --set {name}={wanted}",
                    link.kafka
                );
            }
        }
        let max_bytes = described.get("max.message.bytes");
        Ok(max_bytes.and_then(|entry| entry.value.as_deref()?.parse().ok()))
    }

    async fn admin(&self) -> Result<AdminClient<Context>, BridgeError> {
        let kafka = self.clone();
        blocking(move || {
            let config = kafka.client_config(&[], &[]);
            AdminClient::from_config_and_context(&config, kafka.context())
                .map_err(|error| kafka.error("set up an admin client", &error))
        })
        .await?
    }
}

fn options() -> AdminOptions {
    AdminOptions::new()
        .request_timeout(Some(ANSWER_TIMEOUT))
        .operation_timeout(Some(ANSWER_TIMEOUT))
}

async fn create(
    admin: &AdminClient<Context>,
    link: &Link,
    partitions: u32,
    replication: i32,
) -> Result<(), KafkaError> {
    let mut topic = NewTopic::new(
        &link.kafka,
        partitions as i32,
        TopicReplication::Fixed(replication),
    );
    for (name, value) in settings(&link.fluvio) {
        topic = topic.set(name, value);
    }
    let created = admin.create_topics([&topic], &options()).await?;
    match created.into_iter().next() {
        Some(Ok(_)) => Ok(()),
        Some(Err((_, code))) => Err(KafkaError::AdminOp(code)),
        None => Err(KafkaError::Canceled),
    }
}
