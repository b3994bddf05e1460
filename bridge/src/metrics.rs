//! The metrics of a bridge, from its progress.

use std::fmt;

use bridge::{Position, Snapshot};
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ByPartition {
    topic: String,
    kafka_topic: String,
    direction: &'static str,
    partition: u32,
}

/// What is measured of a partition: name, help and value.
type Figure = (&'static str, &'static str, fn(Position) -> i64);

const FIGURES: [Figure; 3] = [
    (
        "position",
        "Records before this offset are on the other side",
        |at| at.position,
    ),
    ("lag", "Records that are still to be carried over", |at| {
        at.lag()
    }),
    (
        "dead_letters",
        "Records that this bridge left behind",
        |at| i64::try_from(at.left_behind).unwrap_or(i64::MAX),
    ),
];

/// All of them, as text.
pub(crate) fn render(snapshot: &Snapshot) -> Result<String, fmt::Error> {
    let mut registry = Registry::with_prefix("election_bridge");
    for (name, help, figure) in FIGURES {
        let family = Family::<ByPartition, Gauge>::default();
        for (place, at) in &snapshot.partitions {
            let label = ByPartition {
                topic: place.topic.clone(),
                kafka_topic: place.kafka_topic.clone(),
                direction: if place.to_kafka {
                    "to-kafka"
                } else {
                    "from-kafka"
                },
                partition: place.partition,
            };
            family.get_or_create(&label).set(figure(*at));
        }
        registry.register(name, help, family);
    }
    let problems = Gauge::<i64>::default();
    problems.set(i64::try_from(snapshot.problems.len()).unwrap_or(i64::MAX));
    registry.register(
        "problems",
        "What fails at the moment and is retried",
        problems,
    );
    let mut text = String::new();
    encode(&mut text, &registry)?;
    Ok(text)
}
