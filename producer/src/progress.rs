//! How far a run is, for progress bars and metrics.

use std::sync::atomic::{AtomicU64, Ordering};

/// Records done and to be done. Records of an earlier run count as done once this run has recognised
/// them. The total of a run of votes grows as duplicates and invalid votes are scripted; at the end, both
/// are equal.
#[derive(Debug, Default)]
pub struct Progress {
    done: AtomicU64,
    total: AtomicU64,
}

impl Progress {
    /// Records in the log.
    pub fn done(&self) -> u64 {
        self.done.load(Ordering::Relaxed)
    }

    /// Records of the whole run, as far as is known.
    pub fn total(&self) -> u64 {
        self.total.load(Ordering::Relaxed)
    }

    pub(crate) fn begin(&self, total: u64) {
        self.done.store(0, Ordering::Relaxed);
        self.total.store(total, Ordering::Relaxed);
    }

    pub(crate) fn add_done(&self, records: u64) {
        self.done.fetch_add(records, Ordering::Relaxed);
    }

    /// Corrects the total: `assumed` records turned out to be `known`.
    pub(crate) fn correct_total(&self, assumed: u64, known: u64) {
        // Wrapping on purpose: adding the difference modulo 2^64 is right in both directions.
        self.total
            .fetch_add(known.wrapping_sub(assumed), Ordering::Relaxed);
    }
}
