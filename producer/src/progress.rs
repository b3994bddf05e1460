//! How far a run is, for the progress bar.

use std::sync::atomic::{AtomicU64, Ordering};

/// Records done and to be done. Those a former run left in the log count as done once this run has
/// recognised them. `total` of a run of votes grows as duplicates and invalid votes are scripted;
/// when the run is over, both are equal.
#[derive(Debug, Default)]
pub struct Progress {
    /// Records in the log.
    pub done: AtomicU64,
    /// Records of the whole run, as far as is known.
    pub total: AtomicU64,
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

    /// Learns that what counted as `assumed` records are in truth `known`.
    pub(crate) fn correct_total(&self, assumed: u64, known: u64) {
        // Wrapping on purpose: adding the difference modulo 2^64 is right in both directions.
        self.total
            .fetch_add(known.wrapping_sub(assumed), Ordering::Relaxed);
    }
}
