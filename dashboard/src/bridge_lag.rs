//! How far the bridge to Kafka is with each topic: the sum of its partitions' newest positions.

use std::collections::BTreeMap;

use wire::{BridgeDirection, BridgePosition};

use crate::model::BridgedTopic;

/// The topic on Fluvio, that on Kafka, and whether records go to Kafka.
type Link = (String, String, bool);

/// By partition, the newest position, lag, and records left behind.
type Partitions = BTreeMap<u32, (i64, i64, u64)>;

#[derive(Debug, Default)]
pub(crate) struct BridgeLag(BTreeMap<Link, Partitions>);

impl BridgeLag {
    /// Takes a position; returns whether it is new.
    pub(crate) fn apply(&mut self, position: BridgePosition) -> bool {
        let to_kafka = position.direction == BridgeDirection::ToKafka;
        let topics = (position.topic, position.kafka_topic, to_kafka);
        let at = (position.position, position.lag, position.left_behind);
        let known = self.0.entry(topics).or_default();
        known.insert(position.partition, at) != Some(at)
    }

    pub(crate) fn topics(&self) -> Vec<BridgedTopic> {
        let records = |figure: i64| u64::try_from(figure).unwrap_or(0);
        let links = self.0.iter();
        let topics = links.map(
            |((topic, kafka_topic, to_kafka), partitions)| BridgedTopic {
                topic: topic.clone(),
                kafka_topic: kafka_topic.clone(),
                to_kafka: *to_kafka,
                carried: partitions.values().map(|at| records(at.0)).sum(),
                lag: partitions.values().map(|at| records(at.1)).sum(),
                left_behind: partitions.values().map(|at| at.2).sum(),
            },
        );
        topics.collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn partitions_of_a_topic_are_summed() {
        let mut lag = BridgeLag::default();
        let at = |partition, position| BridgePosition {
            topic: "votes".into(),
            kafka_topic: "votes_topic".into(),
            partition,
            position,
            lag: 10 - position,
            left_behind: u64::from(partition),
            ..BridgePosition::default()
        };
        assert!(lag.apply(at(0, 1)) && lag.apply(at(1, 2)) && lag.apply(at(0, 4)));
        assert!(!lag.apply(at(0, 4)));
        let topics = lag.topics();
        assert_eq!((topics.len(), topics[0].carried, topics[0].lag), (1, 6, 14));
        assert_eq!(topics[0].left_behind, 1);
    }
}
