//! How often one client, or one voter, may ask: a steady rate, and a burst on top of it.

use std::hash::{BuildHasher, Hash, RandomState};
use std::num::NonZeroU32;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// Places that are told apart. Two clients that share a place share its rate, which is rare, and memory
/// stays what it is, however many ask.
const PLACES: usize = 1 << 16;

/// A rate for each of many clients, by the generic cell rate algorithm: all that is kept of a client is
/// the time up to which its requests are paid for.
#[derive(Debug)]
pub(crate) struct RateLimit {
    between: Duration,
    burst: Duration,
    /// In microseconds since `began`.
    paid_up_to: Box<[AtomicU64]>,
    hasher: RandomState,
    began: Instant,
}

impl RateLimit {
    /// So many a minute, of which so many may come at once.
    pub(crate) fn new(per_minute: NonZeroU32, at_once: NonZeroU32) -> RateLimit {
        let between = Duration::from_secs(60) / per_minute.get();
        RateLimit {
            between,
            burst: between * at_once.get(),
            paid_up_to: (0..PLACES).map(|_| AtomicU64::new(0)).collect(),
            hasher: RandomState::new(),
            began: Instant::now(),
        }
    }

    /// Takes note of a request.
    ///
    /// # Errors
    /// When it is one too many: after how long it may be tried again.
    pub(crate) fn check(&self, client: &(impl Hash + ?Sized)) -> Result<(), Duration> {
        self.check_at(client, self.began.elapsed())
    }

    fn check_at(&self, client: &(impl Hash + ?Sized), now: Duration) -> Result<(), Duration> {
        let place = self.hasher.hash_one(client) as usize % PLACES;
        let mut wait = Duration::ZERO;
        let noted =
            self.paid_up_to[place].fetch_update(Ordering::Relaxed, Ordering::Relaxed, |paid| {
                let next = Duration::from_micros(paid).max(now) + self.between;
                wait = next.saturating_sub(now + self.burst);
                wait.is_zero()
                    .then(|| u64::try_from(next.as_micros()).unwrap_or(u64::MAX))
            });
        noted.map(drop).map_err(|_| wait)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_is_taken_and_then_only_the_rate() {
        let number = |n| NonZeroU32::new(n).unwrap();
        let limit = RateLimit::new(number(60), number(3));
        let at = Duration::from_secs;
        for _ in 0..3 {
            assert_eq!(limit.check_at("a", at(10)), Ok(()));
        }
        assert_eq!(limit.check_at("a", at(10)), Err(at(1)));
        // What is refused is not counted.
        assert_eq!(limit.check_at("a", at(10)), Err(at(1)));
        assert_eq!(limit.check_at("b", at(10)), Ok(()));
        assert_eq!(limit.check_at("a", at(11)), Ok(()));
        assert_eq!(limit.check_at("a", at(11)), Err(at(1)));
        for _ in 0..3 {
            assert_eq!(limit.check_at("a", at(1_000)), Ok(()));
        }
        assert!(limit.check_at("a", at(1_000)).is_err());
    }
}
