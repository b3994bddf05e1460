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

fn config(bootstrap: &str) -> ClientConfig {
    let mut config = ClientConfig::new();
    config.set("bootstrap.servers", bootstrap);
    config
}

pub(crate) async fn create_topics(
    bootstrap: &str,
    topics: &[&str],
    partitions: u32,
) -> anyhow::Result<()> {
    let admin: AdminClient<DefaultClientContext> = config(bootstrap).create()?;
    let new = topics.iter();
    let new = new.map(|topic| NewTopic::new(topic, partitions as i32, TopicReplication::Fixed(1)));
    let new: Vec<_> = new.collect();
    let created = admin.create_topics(&new, &options()).await;
    each_done("create a topic", created)
}

pub(crate) async fn delete_topics(bootstrap: &str, topics: &[&str]) -> anyhow::Result<()> {
    let admin: AdminClient<DefaultClientContext> = config(bootstrap).create()?;
    let deleted = admin.delete_topics(topics, &options()).await;
    each_done("delete a topic", deleted)
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

/// Produces the votes of each partition. Returns how long it takes until every vote is acknowledged.
pub(crate) fn produce(
    bootstrap: &str,
    topic: &str,
    compression: KafkaCompression,
    votes: &[Vec<Output>],
) -> anyhow::Result<Duration> {
    let producer: ThreadedProducer<DefaultProducerContext> = config(bootstrap)
        .set("enable.idempotence", "true")
        .set("compression.codec", compression.name())
        .create()?;
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

/// Returns how long it takes to read the partitions to these offsets.
pub(crate) fn consume(bootstrap: &str, topic: &str, ends: &[i64]) -> anyhow::Result<Duration> {
    let consumer: BaseConsumer = config(bootstrap)
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
