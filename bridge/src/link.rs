//! Links: which topic goes where; and the check that no record comes back.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

pub use manifest::{Direction, KafkaCompression};
use platform::ModuleCall;

use crate::BridgeError;

/// A topic on Fluvio and one on Kafka, and which way records go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    /// The topic on Fluvio.
    pub fluvio: String,
    /// The topic on Kafka.
    pub kafka: String,
    /// Which way records go.
    pub direction: Direction,
    /// On the way to Kafka, the chain of SmartModules that records go through, without the parameters that the
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

/// For each topic of one of the two sides, those to which its records go.
type GoesTo = BTreeMap<String, BTreeSet<String>>;

/// Checks that no record can come back to the topic it was in, that no pair is given twice, and that a
/// topic on Kafka is filled from one topic only (each of its partitions has one position).
pub(crate) fn check_links(links: &[Link]) -> Result<(), BridgeError> {
    let mut goes_to = GoesTo::new();
    let mut fills: BTreeMap<&str, &str> = BTreeMap::new();
    for link in links {
        let fluvio = format!("`{}` on Fluvio", link.fluvio);
        let kafka = format!("`{}` on Kafka", link.kafka);
        let (from, to) = match link.direction {
            Direction::ToKafka => (fluvio, kafka),
            Direction::FromKafka => (kafka, fluvio),
        };
        if reaches(&goes_to, &to, &from) {
            return Err(BridgeError::Loop { from, to });
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

fn reaches(goes_to: &GoesTo, from: &str, to: &str) -> bool {
    // What is there already has no loop, so this ends.
    from == to
        || goes_to.get(from).is_some_and(|targets| {
            let mut targets = targets.iter();
            targets.any(|target| reaches(goes_to, target, to))
        })
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
