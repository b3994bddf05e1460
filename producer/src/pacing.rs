//! Votes per second: a budget that fills with time, shared by those who cast.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::time::{Instant, sleep_until};

/// Records are cast in batches of what this time allows, or singly.
const BATCH_INTERVAL: Duration = Duration::from_millis(10);
/// Budget that was not used is kept for this long.
const CATCH_UP: Duration = Duration::from_secs(1);

/// One sharer's part of a rate.
#[derive(Debug)]
pub(crate) struct Pacing {
    /// Records a second for all sharers; `None` for flat out.
    rate: Option<f64>,
    sharers: Arc<AtomicUsize>,
    /// Records that may be cast; negative when more were than allowed.
    budget: f64,
    filled: Instant,
}

impl Pacing {
    /// Shares a rate, 0 for flat out, evenly among `sharers`. When one of them is dropped, the others get its
    /// part.
    pub(crate) fn shared(rate: u64, sharers: usize) -> Vec<Pacing> {
        let left = Arc::new(AtomicUsize::new(sharers));
        (0..sharers)
            // A slow rate should not come in bursts of one record from each at a time.
            .map(|number| Pacing::new(rate, Arc::clone(&left), number as f64 / sharers as f64))
            .collect()
    }

    /// A rate for a single producer, 0 for flat out.
    pub(crate) fn of(rate: u64) -> Pacing {
        Pacing::new(rate, Arc::new(AtomicUsize::new(1)), 0.0)
    }

    fn new(rate: u64, sharers: Arc<AtomicUsize>, budget: f64) -> Pacing {
        Pacing {
            rate: (rate > 0).then_some(rate as f64),
            sharers,
            budget,
            filled: Instant::now(),
        }
    }

    /// How many records may be cast now: waits for at least one.
    pub(crate) async fn allowed(&mut self) -> usize {
        let Some(rate) = self.rate else {
            return usize::MAX;
        };
        loop {
            let share = rate / self.sharers.load(Ordering::Relaxed).max(1) as f64;
            let now = Instant::now();
            self.budget += now.duration_since(self.filled).as_secs_f64() * share;
            self.filled = now;
            let batch = (share * BATCH_INTERVAL.as_secs_f64()).max(1.0);
            self.budget = self.budget.min((share * CATCH_UP.as_secs_f64()).max(batch));
            if self.budget >= batch {
                return self.budget as usize;
            }
            let missing = (batch - self.budget) / share;
            // Checked again now and then: the share grows when others are done.
            let wait = Duration::from_secs_f64(missing.min(CATCH_UP.as_secs_f64()));
            sleep_until(now + wait).await;
        }
    }

    /// Takes what was cast from the budget.
    pub(crate) fn spend(&mut self, records: usize) {
        if self.rate.is_some() {
            self.budget -= records as f64;
        }
    }
}

impl Drop for Pacing {
    fn drop(&mut self) {
        self.sharers.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_rate_is_kept_and_flat_out_is_free() {
        let mut flat_out = Pacing::shared(0, 1);
        assert_eq!(flat_out[0].allowed().await, usize::MAX);

        let mut shared = Pacing::shared(10_000, 2);
        drop(shared.pop());
        let mut pacing = shared.pop().unwrap();
        let begun = Instant::now();
        let mut cast = 0;
        while cast < 1_000 {
            let allowed = pacing.allowed().await;
            assert!(allowed >= 1);
            pacing.spend(allowed);
            cast += allowed;
            let most = begun.elapsed().as_secs_f64() * 10_000.0 + 1.0;
            assert!((cast as f64) <= most, "{cast} records, {most} allowed");
        }
    }
}
