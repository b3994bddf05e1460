//! Whether every vote is accounted for: shown only after log, tally and rows were compared.

use std::time::{Duration, Instant};

use crate::model::Accounted;

/// Pause after a comparison that found a difference. The next one must confirm it before it is shown: votes may
/// have arrived during the first.
const COMPARE_AGAIN: Duration = Duration::from_secs(1);

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Comparison {
    pub(crate) cast: u64,
    /// Records of `voters` at that time.
    pub(crate) voter_records: u64,
    pub(crate) voters: u64,
    /// Votes by which log, tally and rows differ; 0 when cast = counted + rejected, in the rows, too.
    pub(crate) difference: u64,
}

/// The last comparison.
#[derive(Debug, Default)]
pub(crate) struct Accounting {
    last: Option<(Comparison, Instant)>,
    /// Whether the one before found the same.
    confirmed: bool,
}

impl Accounting {
    fn of_now(&self, cast: u64, voter_records: u64) -> Option<&(Comparison, Instant)> {
        self.last
            .as_ref()
            .filter(|(last, _)| (last.cast, last.voter_records) == (cast, voter_records))
    }

    /// Whether these numbers of records were not compared yet, or differed some time ago.
    pub(crate) fn wants_comparison(&self, cast: u64, voter_records: u64) -> bool {
        self.of_now(cast, voter_records)
            .is_none_or(|(last, when)| last.difference > 0 && when.elapsed() >= COMPARE_AGAIN)
    }

    pub(crate) fn set(&mut self, comparison: Comparison, now: Instant) {
        self.confirmed = self
            .last
            .as_ref()
            .is_some_and(|(last, _)| *last == comparison);
        self.last = Some((comparison, now));
    }

    /// The verdict, and the votes by which log, tally and rows differ: 0 unless the verdict is that they do.
    pub(crate) fn verdict(&self, cast: u64, voter_records: u64) -> (Accounted, u64) {
        match self.of_now(cast, voter_records) {
            Some((last, _)) if last.difference == 0 => (Accounted::Agrees, 0),
            Some((last, _)) if self.confirmed => (Accounted::Differs, last.difference),
            _ => (Accounted::InProgress, 0),
        }
    }

    /// Records of `voters` that are invalid, or repeat one: known after a comparison.
    pub(crate) fn records_without_a_voter(&self) -> u64 {
        self.last.as_ref().map_or(0, |(last, _)| {
            last.voter_records.saturating_sub(last.voters)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_verdict_holds_for_what_was_compared() {
        let mut accounting = Accounting::default();
        assert!(accounting.wants_comparison(10, 5));
        assert_eq!(accounting.verdict(10, 5), (Accounted::InProgress, 0));
        let comparison = Comparison {
            cast: 10,
            voter_records: 5,
            voters: 4,
            difference: 0,
        };
        accounting.set(comparison.clone(), Instant::now());
        assert_eq!(accounting.verdict(10, 5), (Accounted::Agrees, 0));
        assert!(!accounting.wants_comparison(10, 5));
        assert_eq!(accounting.records_without_a_voter(), 1);
        assert_eq!(accounting.verdict(11, 5), (Accounted::InProgress, 0));
        assert!(accounting.wants_comparison(11, 5));

        let differs = Comparison {
            difference: 1,
            ..comparison
        };
        let now = Instant::now();
        accounting.set(differs.clone(), now);
        assert_eq!(accounting.verdict(10, 5), (Accounted::InProgress, 0));
        assert!(!accounting.wants_comparison(10, 5));
        accounting.set(differs, now - COMPARE_AGAIN);
        assert_eq!(accounting.verdict(10, 5), (Accounted::Differs, 1));
        assert!(accounting.wants_comparison(10, 5));
    }
}
