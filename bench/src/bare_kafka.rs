//! Kafka without the bridge: a plain librdkafka producer and consumer, the fastest that any program can be.

use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use manifest::KafkaCompression;
use platform::Output;
use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication, TopicResult};
use rdkafka::client::DefaultClientContext;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::producer::{BaseRecord, DefaultProducerContext, Producer, ThreadedProducer};
use rdkafka::{ClientConfig, Offset, TopicPartitionList};

/// How long the broker may take to answer.
const LIMIT: Duration = Duration::from_secs(60);
/// How long the producer waits when its queue is full.
const FULL: Duration = Duration::from_millis(1);

/// A broker.
#[derive(Debug, Clone)]
pub(crate) struct BareKafka {
    bootstrap: String,
}

impl BareKafka {
    pub(crate) fn new(bootstrap: &str) -> Self {
        BareKafka {
            bootstrap: bootstrap.into(),
        }
    }

    fn config(&self) -> ClientConfig {
        let mut config = ClientConfig::new();
        config.set("bootstrap.servers", &self.bootstrap);
        config
    }

    pub(crate) async fn create_topics(
        &self,
        topics: &[&str],
        partitions: u32,
    ) -> anyhow::Result<()> {
        let new = topics
            .iter()
            .map(|topic| NewTopic::new(topic, partitions as i32, TopicReplication::Fixed(1)));
        let created = self
            .admin()?
            .create_topics(&new.collect::<Vec<_>>(), &options())
            .await;
        each_done("create a topic", created)
    }

    pub(crate) async fn delete_topics(&self, topics: &[&str]) -> anyhow::Result<()> {
        let deleted = self.admin()?.delete_topics(topics, &options()).await;
        each_done("delete a topic", deleted)
    }

    fn admin(&self) -> anyhow::Result<AdminClient<DefaultClientContext>> {
        Ok(self.config().create()?)
    }

    /// Produces the votes of each partition. Returns how long it takes until every vote is acknowledged.
    pub(crate) async fn produce(
        &self,
        topic: &str,
        compression: KafkaCompression,
        votes: Vec<Vec<Output>>,
    ) -> anyhow::Result<Duration> {
        let (mut config, topic) = (self.config(), topic.to_owned());
        config.set("compression.codec", compression.name());
        tokio::task::spawn_blocking(move || produce(config, &topic, &votes)).await?
    }

    /// How long it takes until the partitions have been read to these offsets.
    pub(crate) async fn consume(&self, topic: &str, ends: &[i64]) -> anyhow::Result<Duration> {
        let (config, topic, ends) = (self.config(), topic.to_owned(), ends.to_owned());
        tokio::task::spawn_blocking(move || consume(config, &topic, &ends)).await?
    }
}

fn options() -> AdminOptions {
    AdminOptions::new().operation_timeout(Some(LIMIT))
}

fn each_done(
    doing: &'static str,
    done: Result<Vec<TopicResult>, KafkaError>,
) -> anyhow::Result<()> {
    for topic in done.context(doing)? {
        if let Err((topic, code)) = topic {
            bail!("cannot {doing}, `{topic}`: {code}");
        }
    }
    Ok(())
}

fn produce(
    mut config: ClientConfig,
    topic: &str,
    votes: &[Vec<Output>],
) -> anyhow::Result<Duration> {
    let producer: ThreadedProducer<DefaultProducerContext> =
        config.set("enable.idempotence", "true").create()?;
    // The connection is there beforehand, as the bridge's is.
    producer.client().fetch_metadata(Some(topic), LIMIT)?;
    let began = Instant::now();
    let partitions = (0..).zip(votes);
    let votes =
        partitions.flat_map(|(partition, votes)| votes.iter().map(move |vote| (partition, vote)));
    for (partition, vote) in votes {
        let mut record = BaseRecord::to(topic)
            .partition(partition)
            .key(vote.key.as_deref().unwrap_or_default())
            .payload(&*vote.value);
        while let Err((error, back)) = producer.send(record) {
            if error.rdkafka_error_code() != Some(RDKafkaErrorCode::QueueFull) {
                return Err(error).context("cannot produce");
            }
            record = back;
            std::thread::sleep(FULL);
        }
    }
    producer.flush(LIMIT)?;
    Ok(began.elapsed())
}

fn consume(mut config: ClientConfig, topic: &str, ends: &[i64]) -> anyhow::Result<Duration> {
    let consumer: BaseConsumer = config
        .set("group.id", "election-bench")
        .set("enable.auto.commit", "false")
        .create()?;
    consumer.fetch_metadata(Some(topic), LIMIT)?;
    let mut assignment = TopicPartitionList::new();
    for partition in 0..ends.len() {
        assignment.add_partition_offset(topic, partition as i32, Offset::Beginning)?;
    }
    let began = Instant::now();
    consumer.assign(&assignment)?;
    let mut left: i64 = ends.iter().sum();
    while left > 0 {
        match consumer.poll(LIMIT) {
            Some(message) => drop(message.context("cannot consume")?),
            None => bail!("the broker sends no more records; {left} are missing"),
        }
        left -= 1;
    }
    Ok(began.elapsed())
}
