//! How far each stage is in each partition: the records of the `pipeline` topic.

use std::collections::BTreeMap;

use ballot::Reason;
use evidence::Digest;
use serde::{Deserialize, Serialize};

/// Record of `pipeline`, keyed by [`PipelineRecord::key`]. Published in update style: the newest
/// record per key is the truth.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "consumer", rename_all = "snake_case")]
pub enum PipelineRecord {
    /// How far counting is.
    Tally(TallyPosition),
    /// How far persisting is.
    Persist(PersistPosition),
    /// How far the bridge to Kafka is.
    Bridge(BridgePosition),
}

/// How far counting is in a partition.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TallyPosition {
    /// The partition of `votes`.
    pub partition: u32,
    /// Votes before this offset are counted or rejected. After a restart it begins at 0 again: up
    /// to the checkpoint, the log is compared with the stored tally.
    pub counted_to: i64,
    /// Counts before this offset are stored.
    pub checkpointed_to: i64,
    /// When they were, in milliseconds since 1970; absent until this consumer has stored a tally.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub checkpointed_at: Option<i64>,
    /// Votes rejected before `counted_to`, by reason.
    pub rejected: BTreeMap<Reason, u64>,
    /// Milliseconds that the votes counted last took, from produced to counted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cast_to_counted_ms: Option<u64>,
    /// Memory of the partition's SmartModule, in bytes.
    pub module_bytes: u64,
}

/// How far persisting is in a partition.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PersistPosition {
    /// The partition of `votes` and `voters`.
    pub partition: u32,
    /// Votes before this offset are rows (or rejected rows).
    pub votes_to: i64,
    /// Voters before this offset are rows (or rejected rows).
    pub voters_to: i64,
    /// The head of the chain over the votes before `votes_to`; absent where none is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub chain_head: Option<Digest>,
    /// The head of the chain over the voters before `voters_to`; absent where none is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub voters_chain_head: Option<Digest>,
}

/// Which way the bridge carries a topic.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum BridgeDirection {
    /// From Fluvio to Kafka.
    #[default]
    ToKafka,
    /// From Kafka to Fluvio.
    FromKafka,
}

/// How far the bridge is in a partition of a topic.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct BridgePosition {
    /// The topic on Fluvio.
    pub topic: String,
    /// The topic on Kafka.
    pub kafka_topic: String,
    /// Which way its records go.
    pub direction: BridgeDirection,
    /// The partition of the topic that is read: on Fluvio on the way to Kafka, else on Kafka.
    pub partition: u32,
    /// Records before this offset are on the other side.
    pub position: i64,
    /// Records that are still to be carried over.
    pub lag: i64,
    /// Records that the bridge left behind, because the other side does not take them.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub left_behind: u64,
}

fn is_zero(number: &u64) -> bool {
    *number == 0
}

impl PipelineRecord {
    /// The record's key: the stage and the partition, e.g. `tally/0` or `bridge/votes/0`.
    pub fn key(&self) -> String {
        match self {
            PipelineRecord::Tally(position) => format!("tally/{}", position.partition),
            PipelineRecord::Persist(position) => format!("persist/{}", position.partition),
            // A topic of Fluvio may be linked with several of Kafka, each way.
            PipelineRecord::Bridge(position) => format!(
                "bridge/{}/{}/{}",
                position.topic, position.kafka_topic, position.partition
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_are_read_as_they_are_written() {
        let record = PipelineRecord::Tally(TallyPosition {
            partition: 1,
            counted_to: 30,
            rejected: [(Reason::Duplicate, 2)].into(),
            ..TallyPosition::default()
        });
        let json = serde_json::to_string(&record).unwrap();
        assert_eq!(
            json,
            r#"{"consumer":"tally","partition":1,"counted_to":30,"checkpointed_to":0,"rejected":{"duplicate":2},"module_bytes":0}"#
        );
        assert_eq!(
            serde_json::from_str::<PipelineRecord>(&json).unwrap(),
            record
        );
        assert_eq!(record.key(), "tally/1");
    }

    #[test]
    fn a_position_of_the_bridge_names_both_topics() {
        let record = PipelineRecord::Bridge(BridgePosition {
            topic: "votes".into(),
            kafka_topic: "votes_topic".into(),
            direction: BridgeDirection::ToKafka,
            partition: 1,
            position: 30,
            lag: 2,
            left_behind: 0,
        });
        let json = serde_json::to_string(&record).unwrap();
        assert_eq!(
            json,
            r#"{"consumer":"bridge","topic":"votes","kafka_topic":"votes_topic","direction":"to-kafka","partition":1,"position":30,"lag":2}"#
        );
        assert_eq!(
            serde_json::from_str::<PipelineRecord>(&json).unwrap(),
            record
        );
        assert_eq!(record.key(), "bridge/votes/votes_topic/1");
    }
}
