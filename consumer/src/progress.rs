//! How far the consumer is, for whoever waits for it or draws it.

use std::time::{SystemTime, UNIX_EPOCH};

use tokio::sync::watch;

/// How far one partition is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct PartitionProgress {
    /// Votes before this offset are counted.
    pub counted: i64,
    /// Counts before this offset are stored.
    pub checkpointed: i64,
    /// Votes before this offset are rows (or rejected rows).
    pub persisted: i64,
    /// Voters before this offset are rows.
    pub voters_persisted: i64,
    /// When they were stored by this consumer, in milliseconds since 1970.
    pub checkpointed_at: Option<i64>,
    /// Milliseconds that the votes counted last took, from produced to counted.
    pub cast_to_counted_ms: Option<u64>,
    /// Memory of the partition's SmartModule, in bytes.
    pub module_bytes: u64,
}

/// How far the whole consumer is.
#[derive(Debug, Clone, Default)]
pub struct Snapshot {
    /// By partition.
    pub partitions: Vec<PartitionProgress>,
}

impl Snapshot {
    /// A figure, summed over the partitions.
    pub fn sum(&self, figure: impl Fn(&PartitionProgress) -> i64) -> u64 {
        self.partitions
            .iter()
            .map(|partition| figure(partition).unsigned_abs())
            .sum()
    }

    /// Whether a figure has reached its end in every partition.
    pub fn reached(&self, ends: &[i64], figure: impl Fn(&PartitionProgress) -> i64) -> bool {
        self.partitions.len() == ends.len()
            && self
                .partitions
                .iter()
                .zip(ends)
                .all(|(partition, &end)| figure(partition) >= end)
    }
}

/// The consumer's progress: written by its tasks, watched by anybody. Clones share it.
#[derive(Debug, Clone)]
pub struct Progress {
    snapshot: watch::Sender<Snapshot>,
}

impl Progress {
    /// Nothing done yet, in this many partitions.
    pub fn new(partitions: u32) -> Self {
        Progress {
            snapshot: watch::Sender::new(Snapshot {
                partitions: vec![PartitionProgress::default(); partitions as usize],
            }),
        }
    }

    /// Watches how far it is.
    pub fn watch(&self) -> watch::Receiver<Snapshot> {
        self.snapshot.subscribe()
    }

    pub(crate) fn update(&self, partition: u32, change: impl FnOnce(&mut PartitionProgress)) {
        self.snapshot
            .send_modify(|snapshot| change(&mut snapshot.partitions[partition as usize]));
    }
}

/// Milliseconds since 1970.
pub(crate) fn now_ms() -> i64 {
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    now.as_millis() as i64
}
