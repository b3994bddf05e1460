//! The record of the topic `totals`: the figures of the count that have changed, of one moment.

use ballot::{CellPath, Tally};
use serde::{Deserialize, Serialize};

/// Figures that have changed since the record before. Whoever shows the count reads the stored tallies once and
/// these from then on: totals only grow, so the larger of two is the newer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChangedTotals {
    /// Which election they are of: when it was set up, in microseconds since 1970.
    pub election: i64,
    /// The figures, absolute and over all partitions.
    pub totals: Tally,
}

impl ChangedTotals {
    /// The figures in which `now` is ahead of what was published `before`.
    pub fn between(election: i64, before: &Tally, now: &Tally) -> ChangedTotals {
        let before = before.cells();
        let has_changed = |(path, votes): &(CellPath, u64)| before.get(path) != Some(votes);
        ChangedTotals {
            election,
            totals: Tally::from_cells(now.cells().into_iter().filter(has_changed)),
        }
    }
}
