//! Links: which topic goes where, and that none comes back.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

pub use manifest::{Direction, KafkaCompression};
use platform::ModuleCall;

use crate::BridgeError;

/// A topic of Fluvio and one of Kafka, and which way records go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    /// The topic on Fluvio.
    pub fluvio: String,
    /// The topic on Kafka.
    pub kafka: String,
    /// Which way records go.
    pub direction: Direction,
    /// On the way to Kafka, the chain of SmartModules they go through, without the parameters that the
    /// election gives; empty for records as they are.
    pub chain: Vec<ModuleCall>,
    /// On the way to Kafka, how batches are compressed.
    pub compression: KafkaCompression,
}

impl fmt::Display for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Link { fluvio, kafka, .. } = self;
        match self.direction {
            Direction::ToKafka => write!(f, "{fluvio} to {kafka}"),
            Direction::FromKafka => write!(f, "{kafka} to {fluvio}"),
        }
    }
}

/// A topic on one of the two sides.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Side<'a> {
    Fluvio(&'a str),
    Kafka(&'a str),
}

impl fmt::Display for Side<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Side::Fluvio(topic) => write!(f, "`{topic}` on Fluvio"),
            Side::Kafka(topic) => write!(f, "`{topic}` on Kafka"),
        }
    }
}

/// Demands that no record can come back to the topic it was in, that no pair is given twice, and that a
/// topic on Kafka is filled from one topic only (each of its partitions has one position).
pub(crate) fn check_links(links: &[Link]) -> Result<(), BridgeError> {
    let mut goes_to: BTreeMap<Side<'_>, BTreeSet<Side<'_>>> = BTreeMap::new();
    let mut fills: BTreeMap<&str, &str> = BTreeMap::new();
    for link in links {
        let (fluvio, kafka) = (Side::Fluvio(&link.fluvio), Side::Kafka(&link.kafka));
        let (from, to) = match link.direction {
            Direction::ToKafka => (fluvio, kafka),
            Direction::FromKafka => (kafka, fluvio),
        };
        if reaches(&goes_to, to, from) {
            return Err(BridgeError::Loop {
                from: from.to_string(),
                to: to.to_string(),
            });
        }
        let is_new = goes_to.entry(from).or_default().insert(to);
        let other = match link.direction {
            Direction::ToKafka => fills.insert(&link.kafka, &link.fluvio),
            Direction::FromKafka => None,
        };
        if !is_new || other.is_some() {
            return Err(BridgeError::TwoLinks {
                kafka: link.kafka.clone(),
                one: other.unwrap_or(&link.fluvio).to_owned(),
                other: link.fluvio.clone(),
            });
        }
    }
    Ok(())
}

fn reaches<'a>(
    goes_to: &BTreeMap<Side<'a>, BTreeSet<Side<'a>>>,
    from: Side<'a>,
    to: Side<'a>,
) -> bool {
    let mut left = vec![from];
    let mut seen = BTreeSet::new();
    while let Some(side) = left.pop() {
        if side == to {
            return true;
        }
        if seen.insert(side) {
            left.extend(goes_to.get(&side).into_iter().flatten().copied());
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    fn link(fluvio: &str, kafka: &str, direction: Direction) -> Link {
        Link {
            fluvio: fluvio.into(),
            kafka: kafka.into(),
            direction,
            chain: Vec::new(),
            compression: KafkaCompression::default(),
        }
    }

    #[test]
    fn a_topic_that_would_come_back_is_refused() {
        use Direction::{FromKafka, ToKafka};
        for links in [
            vec![
                link("votes", "votes_topic", ToKafka),
                link("votes", "votes_topic", FromKafka),
            ],
            vec![
                link("votes", "a", ToKafka),
                link("voters", "a", FromKafka),
                link("voters", "b", ToKafka),
                link("votes", "b", FromKafka),
            ],
        ] {
            let error = check_links(&links).unwrap_err();
            assert!(matches!(error, BridgeError::Loop { .. }), "{error}");
            assert!(error.to_string().contains("direction"), "{error}");
        }
        check_links(&[
            link("votes", "votes_in", FromKafka),
            link("votes", "votes_topic", ToKafka),
        ])
        .unwrap();
    }

    #[test]
    fn one_target_has_one_source() {
        let error = check_links(&[
            link("votes", "all", Direction::ToKafka),
            link("voters", "all", Direction::ToKafka),
        ])
        .unwrap_err();
        assert!(matches!(error, BridgeError::TwoLinks { .. }), "{error}");
        let error = check_links(&[
            link("votes", "in", Direction::FromKafka),
            link("votes", "in", Direction::FromKafka),
        ])
        .unwrap_err();
        assert!(matches!(error, BridgeError::TwoLinks { .. }), "{error}");
    }
}
