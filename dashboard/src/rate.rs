//! Votes per second: one sample a second, for the last two minutes.

use std::collections::VecDeque;
use std::time::Instant;

use crate::counts::share;

/// Seconds kept for the sparkline.
const HISTORY: usize = 120;

/// Seconds that the present rate is an average of, so that it is steady enough to be read.
const PRESENT: usize = 3;

/// The rate of votes decided (counted or rejected).
#[derive(Debug, Default)]
pub(crate) struct Rate {
    last: Option<(i64, Instant)>,
    /// Votes a second, oldest first.
    history: VecDeque<u64>,
}

impl Rate {
    /// Takes a sample of the number decided so far. The first one is only a start: what was decided before has no rate.
    /// Returns whether the history has anything but zeros, or had until now.
    pub(crate) fn sample(&mut self, decided: i64, now: Instant) -> bool {
        let Some((before, when)) = self.last else {
            self.last = Some((decided, now));
            return false;
        };
        let shown_before = self.history.iter().any(|&votes| votes > 0);
        // A restarted consumer counts from 0 again.
        let most = decided.max(before);
        let seconds = now.duration_since(when).as_secs_f64().max(f64::EPSILON);
        let per_second = ((most - before) as f64 / seconds).round() as u64;
        if self.history.len() == HISTORY {
            self.history.pop_front();
        }
        self.history.push_back(per_second);
        self.last = Some((most, now));
        shown_before || per_second > 0
    }

    pub(crate) fn per_second(&self) -> f64 {
        let present = self.history.iter().rev().take(PRESENT);
        share(present.clone().sum(), present.len() as u64)
    }

    pub(crate) fn history(&self) -> Vec<u64> {
        self.history.iter().copied().collect()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn what_was_counted_before_is_no_rate() {
        let start = Instant::now();
        let at = |second| start + Duration::from_secs(second);
        let mut rate = Rate::default();
        assert!(!rate.sample(1_000_000, at(0)));
        assert_eq!((rate.per_second(), rate.history()), (0.0, vec![]));
        assert!(rate.sample(1_000_300, at(1)));
        // The consumer restarts and counts again from 0.
        assert!(rate.sample(0, at(2)));
        assert!(rate.sample(1_000_600, at(3)));
        assert_eq!(rate.history(), [300, 0, 300]);
        assert_eq!(rate.per_second(), 200.0);
    }

    #[test]
    fn it_falls_silent_when_only_zeros_are_left() {
        let start = Instant::now();
        let mut rate = Rate::default();
        rate.sample(0, start);
        let samples = (1..=HISTORY as u64 + 2)
            .map(|second| rate.sample(5, start + Duration::from_secs(second)));
        let shown: Vec<bool> = samples.collect();
        assert_eq!(shown.iter().filter(|&&shown| shown).count(), HISTORY + 1);
        assert_eq!(rate.history().len(), HISTORY);
    }
}
