//! Asking a broker: which partitions a topic has, and where they begin and end.

use std::sync::Arc;

use rdkafka::config::FromClientConfigAndContext;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};

use super::context::Context;
use super::{ANSWER_TIMEOUT, Kafka, blocking};
use crate::BridgeError;

/// A connection for questions. Clones share it.
#[derive(Clone)]
pub(crate) struct Observer {
    kafka: Kafka,
    consumer: Arc<BaseConsumer<Context>>,
}

/// The first offset there is in a partition, and the one after the last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Watermarks {
    pub(crate) low: i64,
    pub(crate) high: i64,
}

impl Kafka {
    pub(crate) async fn observer(&self) -> Result<Observer, BridgeError> {
        let kafka = self.clone();
        let consumer = blocking(move || kafka.consumer(&[], &[])).await??;
        Ok(Observer {
            kafka: self.clone(),
            consumer: Arc::new(consumer),
        })
    }

    /// A consumer that commits nothing and joins no group. (Without the name of a group librdkafka gives out
    /// no messages.)
    pub(super) fn consumer(
        &self,
        may: &[(&str, &str)],
        must: &[(&str, &str)],
    ) -> Result<BaseConsumer<Context>, BridgeError> {
        let may = [&[("group.id", "election-bridge")], may].concat();
        let always = [
            ("enable.auto.commit", "false"),
            ("enable.auto.offset.store", "false"),
            ("auto.offset.reset", "error"),
            ("allow.auto.create.topics", "false"),
        ];
        let must = [&always[..], must].concat();
        let config = self.client_config(&may, &must);
        BaseConsumer::from_config_and_context(&config, self.context())
            .map_err(|error| self.error("set up a consumer", &error))
    }
}

impl Observer {
    /// How many partitions a topic has; `None` when there is no such topic.
    pub(crate) async fn partitions(&self, topic: &str) -> Result<Option<u32>, BridgeError> {
        use RDKafkaErrorCode::{UnknownTopic, UnknownTopicOrPartition};
        let name = topic.to_owned();
        let doing = format!("look up topic `{topic}`");
        let partitions = self.ask(doing, move |consumer| {
            let metadata = consumer.fetch_metadata(Some(&name), ANSWER_TIMEOUT)?;
            let Some(topic) = metadata.topics().iter().find(|topic| topic.name() == name) else {
                return Ok(0);
            };
            match topic.error().map(RDKafkaErrorCode::from) {
                None => Ok(topic.partitions().len()),
                Some(UnknownTopicOrPartition | UnknownTopic) => Ok(0),
                Some(code) => Err(KafkaError::MetadataFetch(code)),
            }
        });
        let partitions = u32::try_from(partitions.await?).ok();
        Ok(partitions.filter(|&partitions| partitions > 0))
    }

    /// Where a partition begins and ends.
    pub(crate) async fn watermarks(
        &self,
        topic: &str,
        partition: u32,
    ) -> Result<Watermarks, BridgeError> {
        let name = topic.to_owned();
        let doing = format!("look up where topic `{topic}` partition {partition} ends");
        self.ask(doing, move |consumer| {
            let (low, high) = consumer.fetch_watermarks(&name, partition as i32, ANSWER_TIMEOUT)?;
            Ok(Watermarks { low, high })
        })
        .await
    }

    async fn ask<T: Send + 'static>(
        &self,
        doing: String,
        question: impl FnOnce(&BaseConsumer<Context>) -> Result<T, KafkaError> + Send + 'static,
    ) -> Result<T, BridgeError> {
        let consumer = self.consumer.clone();
        let kafka = self.kafka.clone();
        blocking(move || {
            let answer = question(&consumer);
            kafka.listen(&consumer, answer.is_err());
            let answer = answer.map_err(|error| kafka.error(doing, &error))?;
            kafka.said.answered();
            Ok(answer)
        })
        .await?
    }

    /// Ends the connection.
    pub(crate) async fn close(self) -> Result<(), BridgeError> {
        blocking(move || drop(self)).await
    }
}
