//! How far the consumer is, for code that waits for it or shows it.

use std::collections::BTreeMap;
use std::time::UNIX_EPOCH;

use evidence::Digest;
use service::restart::{Problems, note_problem};
use tokio::sync::watch;

/// How far one partition is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct PartitionProgress {
    /// Whether this consumer counts and persists it. Of another's, only what is stored is known.
    pub is_ours: bool,
    /// Votes before this offset are counted.
    pub counted: i64,
    /// Counts before this offset are stored.
    pub checkpointed: i64,
    /// Votes before this offset are rows (or rejected rows).
    pub persisted: i64,
    /// The head of the chain over the votes that are rows; `None` while there are none.
    pub chain_head: Option<Digest>,
    /// Voters before this offset are rows.
    pub voters_persisted: i64,
    /// The head of the chain over them; `None` while there are none.
    pub voters_chain_head: Option<Digest>,
    /// When they were stored by this consumer, in milliseconds since 1970.
    pub checkpointed_at: Option<i64>,
    /// Milliseconds that the votes counted last took, from produced to counted.
    pub cast_to_counted_ms: Option<u64>,
    /// Memory of the partition's SmartModule, in bytes.
    pub module_bytes: u64,
    /// Whether the consumer counts the partition itself, because the platform cannot: its log has a batch that says something
    /// else about itself than it holds.
    pub counted_here: bool,
}

/// How far the whole consumer is.
#[derive(Debug, Clone, Default)]
pub struct Snapshot {
    /// By partition.
    pub partitions: Vec<PartitionProgress>,
    /// What fails at the moment and is retried: the problem, by what is being done.
    pub problems: BTreeMap<String, String>,
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
        let mut partitions = self.partitions.iter().zip(ends);
        self.partitions.len() == ends.len()
            && partitions.all(|(partition, &end)| figure(partition) >= end)
    }
}

/// The consumer's progress: its tasks write it, anyone may watch it. Clones share it.
#[derive(Debug, Clone, Default)]
pub struct Progress {
    snapshot: watch::Sender<Snapshot>,
}

impl Progress {
    /// Nothing done yet, in this many partitions.
    pub fn new(partitions: u32) -> Self {
        let progress = Progress::default();
        progress.begin(partitions);
        progress
    }

    /// Watches how far it is.
    pub fn watch(&self) -> watch::Receiver<Snapshot> {
        self.snapshot.subscribe()
    }

    /// Knows of this many partitions, if it knew of none.
    pub(crate) fn begin(&self, partitions: u32) {
        self.snapshot.send_if_modified(|snapshot| {
            let is_new = snapshot.partitions.is_empty();
            if is_new {
                let unknown = PartitionProgress::default();
                snapshot.partitions.resize(partitions as usize, unknown);
            }
            is_new
        });
    }

    /// Notes how far a partition is. Watchers wake only if something has changed.
    pub(crate) fn update(&self, partition: u32, change: impl FnOnce(&mut PartitionProgress)) {
        self.snapshot.send_if_modified(|snapshot| {
            let known = &mut snapshot.partitions[partition as usize];
            let before = *known;
            change(known);
            *known != before
        });
    }
}

impl Problems for Progress {
    fn set_problem(&self, doing: &str, problem: Option<String>) -> bool {
        self.snapshot
            .send_if_modified(|snapshot| note_problem(&mut snapshot.problems, doing, problem))
    }
}

/// Milliseconds since 1970.
pub(crate) fn now_ms() -> i64 {
    let now = UNIX_EPOCH.elapsed().unwrap_or_default();
    now.as_millis() as i64
}
