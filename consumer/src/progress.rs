//! How far the consumer is, for code that waits for it or draws it.

use std::collections::BTreeMap;
use std::time::{SystemTime, UNIX_EPOCH};

use evidence::Digest;
use service::restart::{Problems, note_problem};
use tokio::sync::watch;

/// How far one partition is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct PartitionProgress {
    /// Whether this consumer counts and persists it. What is known of another's is what is stored.
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
}

/// How far the whole consumer is.
#[derive(Debug, Clone, Default)]
pub struct Snapshot {
    /// By partition.
    pub partitions: Vec<PartitionProgress>,
    /// What does not work at the moment and is tried again: the problem, by what is being done.
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
                problems: BTreeMap::new(),
            }),
        }
    }

    /// Watches how far it is.
    pub fn watch(&self) -> watch::Receiver<Snapshot> {
        self.snapshot.subscribe()
    }

    /// How far it is at the moment.
    pub(crate) fn now(&self) -> watch::Ref<'_, Snapshot> {
        self.snapshot.borrow()
    }

    pub(crate) fn update(&self, partition: u32, change: impl FnOnce(&mut PartitionProgress)) {
        self.snapshot
            .send_modify(|snapshot| change(&mut snapshot.partitions[partition as usize]));
    }
}

impl Problems for Progress {
    fn set_problem(&self, doing: &str, problem: Option<String>) -> bool {
        self.snapshot
            .send_if_modified(|snapshot| note_problem(&mut snapshot.problems, doing, problem))
    }
}

impl Progress {
    /// Like [`Progress::update`], but nobody is woken when nothing has changed.
    pub(crate) fn update_if_moved(
        &self,
        partition: u32,
        change: impl FnOnce(&mut PartitionProgress),
    ) {
        self.snapshot.send_if_modified(|snapshot| {
            let known = &mut snapshot.partitions[partition as usize];
            let before = *known;
            change(known);
            *known != before
        });
    }
}

/// Milliseconds since 1970.
pub(crate) fn now_ms() -> i64 {
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    now.as_millis() as i64
}
