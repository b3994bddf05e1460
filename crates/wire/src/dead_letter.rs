//! A record that the bridge cannot carry to the other side.

use serde::{Deserialize, Serialize};

use crate::BridgeDirection;

/// A record of `dead-letters`: where the one that was left behind stands, and why. It stays there, so its value is not
/// repeated.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeadLetter {
    /// Which way it was going.
    pub direction: BridgeDirection,
    /// The topic on Fluvio.
    pub topic: String,
    /// The topic on Kafka.
    pub kafka_topic: String,
    /// The partition that it stands in: on Fluvio on the way to Kafka, else on Kafka.
    pub partition: u32,
    /// Its offset there.
    pub offset: i64,
    /// Bytes of key and value together.
    pub bytes: u64,
    /// Why the other side does not take it.
    pub reason: String,
}

impl DeadLetter {
    /// The record's key: its place, e.g. `votes/votes_topic/0/17`.
    pub fn key(&self) -> String {
        let DeadLetter {
            topic,
            kafka_topic,
            partition,
            offset,
            ..
        } = self;
        let (from, to) = match self.direction {
            BridgeDirection::ToKafka => (topic, kafka_topic),
            BridgeDirection::FromKafka => (kafka_topic, topic),
        };
        format!("{from}/{to}/{partition}/{offset}")
    }
}
