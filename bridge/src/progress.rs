//! How far the bridge is, for code that waits for it or shows it.

use std::collections::BTreeMap;

use service::restart::{Problems, note_problem};
use tokio::sync::watch;

use crate::{Direction, Link};

/// A partition that the bridge reads: of the Fluvio topic on the way to Kafka, of the Kafka topic on
/// the way from it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// The topic on Fluvio.
    pub topic: String,
    /// The topic on Kafka.
    pub kafka_topic: String,
    /// Whether records go to Kafka, or come from it.
    pub to_kafka: bool,
    /// The partition.
    pub partition: u32,
}

impl Place {
    pub(crate) fn new(link: &Link, partition: u32) -> Self {
        Place {
            topic: link.fluvio.clone(),
            kafka_topic: link.kafka.clone(),
            to_kafka: link.direction == Direction::ToKafka,
            partition,
        }
    }
}

/// How far a partition is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Position {
    /// Records before this offset are on the other side, or do not go there.
    pub position: i64,
    /// Where the partition ends, as far as known.
    pub end: i64,
    /// Records that this bridge left behind, because the other side does not take them.
    pub left_behind: u64,
    /// The offset of the last of these.
    pub(crate) last_left_behind: Option<i64>,
}

impl Position {
    /// Records that are still to be carried over.
    pub fn lag(self) -> i64 {
        (self.end - self.position).max(0)
    }
}

/// How far the whole bridge is.
#[derive(Debug, Clone, Default)]
pub struct Snapshot {
    /// By partition; a partition is known from when its link has begun.
    pub partitions: BTreeMap<Place, Position>,
    /// What fails at the moment and is retried: the problem, by what is being done.
    pub problems: BTreeMap<String, String>,
}

impl Snapshot {
    /// Records that are still to be carried over, of all partitions.
    pub fn lag(&self) -> i64 {
        self.partitions
            .values()
            .map(|position| position.lag())
            .sum()
    }
}

/// The bridge's progress: its tasks write it, anyone may watch it. Clones share it.
#[derive(Debug, Clone, Default)]
pub struct Progress {
    snapshot: watch::Sender<Snapshot>,
}

impl Progress {
    /// Watches how far it is.
    pub fn watch(&self) -> watch::Receiver<Snapshot> {
        self.snapshot.subscribe()
    }

    /// Notes how far a partition is; nobody is woken when nothing has changed.
    pub(crate) fn update(&self, place: &Place, change: impl FnOnce(&mut Position)) {
        self.snapshot.send_if_modified(|snapshot| {
            let before = snapshot.partitions.get(place).copied();
            let mut at = before.unwrap_or_default();
            change(&mut at);
            if before != Some(at) {
                snapshot.partitions.insert(place.clone(), at);
            }
            before != Some(at)
        });
    }

    /// Notes how far several partitions are, at once.
    pub(crate) fn set(&self, positions: impl IntoIterator<Item = (Place, Position)>) {
        self.snapshot
            .send_modify(|snapshot| snapshot.partitions.extend(positions));
    }
}

impl Problems for Progress {
    fn set_problem(&self, doing: &str, problem: Option<String>) -> bool {
        self.snapshot
            .send_if_modified(|snapshot| note_problem(&mut snapshot.problems, doing, problem))
    }
}
