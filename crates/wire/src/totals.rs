//! The record of the topic `totals`: the figures of the count that have changed, of one moment, if they fit one record.

use ballot::Tally;
use serde::{Deserialize, Serialize};

/// Figures that have changed since the record before. A dashboard reads the stored tallies once and
/// these from then on: totals only grow, so the larger of two is the newer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChangedTotals {
    /// Which election they are of: when it was set up, in microseconds since 1970.
    pub election: i64,
    /// The figures, absolute and over all partitions.
    pub totals: Tally,
}

/// Bytes of figures in a record, about: far less than any platform takes.
const RECORD_BYTES: usize = 256 * 1024;

/// Bytes of a figure beside its names, at most.
const FIGURE_BYTES: usize = 32;

impl ChangedTotals {
    /// The figures in which `now` is ahead of what was published `before`, in as few records as they fit.
    pub fn between(election: i64, before: &Tally, now: &Tally) -> Vec<ChangedTotals> {
        let before = before.cells();
        let mut records = Vec::new();
        let (mut part, mut bytes) = (Vec::new(), 0);
        for (path, votes) in now.cells() {
            if before.get(&path) == Some(&votes) {
                continue;
            }
            bytes += path.text_bytes() + FIGURE_BYTES;
            part.push((path, votes));
            if bytes >= RECORD_BYTES {
                records.push(std::mem::take(&mut part));
                bytes = 0;
            }
        }
        if !part.is_empty() {
            records.push(part);
        }
        let record = |part| ChangedTotals {
            election,
            totals: Tally::from_cells(part),
        };
        records.into_iter().map(record).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_figures_are_split_and_none_is_lost() {
        let mut now = Tally::default();
        for n in 0..20_000_u64 {
            now.add_turnout("location", &format!("Location {n}"), n + 1);
        }
        let mut before = now.clone();
        before.add_turnout("location", "Location 7", 0);
        assert!(ChangedTotals::between(1, &before, &now).is_empty());
        let records = ChangedTotals::between(1, &Tally::default(), &now);
        assert!(records.len() > 1);
        let mut sum = Tally::default();
        for record in records {
            let bytes = serde_json::to_vec(&record).unwrap().len();
            assert!(bytes < 2 * RECORD_BYTES, "{bytes}");
            sum.add(&record.totals);
        }
        assert_eq!(sum, now);
    }
}
