//! Limits of requests by client or by voter: a number a minute, of which a tenth may come at once.

use std::hash::{BuildHasher, Hash, RandomState};
use std::num::NonZeroU32;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// Slots for clients. Two clients with the same slot, which is rare, share its limit; memory is constant.
const SLOTS: usize = 1 << 16;

/// One limit for each of many clients, by the generic cell rate algorithm: for each client only the time is kept up to
/// which its requests are paid for.
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
    pub(crate) fn new(per_minute: NonZeroU32) -> RateLimit {
        let between = Duration::from_secs(60) / per_minute.get();
        let at_once = per_minute.get().div_ceil(10);
        RateLimit {
            between,
            burst: between * at_once,
            paid_up_to: (0..SLOTS).map(|_| AtomicU64::new(0)).collect(),
            hasher: RandomState::new(),
            began: Instant::now(),
        }
    }

    /// Counts a request; an error is the time until the next one is allowed.
    pub(crate) fn check(&self, client: &(impl Hash + ?Sized)) -> Result<(), Duration> {
        self.check_at(client, self.began.elapsed())
    }

    fn check_at(&self, client: &(impl Hash + ?Sized), now: Duration) -> Result<(), Duration> {
        let slot = self.hasher.hash_one(client) as usize % SLOTS;
        let mut wait = Duration::ZERO;
        let noted =
            self.paid_up_to[slot].fetch_update(Ordering::Relaxed, Ordering::Relaxed, |paid| {
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
        let limit = RateLimit::new(NonZeroU32::new(30).unwrap());
        let at = Duration::from_secs;
        for _ in 0..3 {
            assert_eq!(limit.check_at("a", at(10)), Ok(()));
        }
        assert_eq!(limit.check_at("a", at(10)), Err(at(2)));
        // A refused request is not counted.
        assert_eq!(limit.check_at("a", at(10)), Err(at(2)));
        assert_eq!(limit.check_at("b", at(10)), Ok(()));
        assert_eq!(limit.check_at("a", at(12)), Ok(()));
        assert_eq!(limit.check_at("a", at(12)), Err(at(2)));
        for _ in 0..3 {
            assert_eq!(limit.check_at("a", at(1_000)), Ok(()));
        }
        assert!(limit.check_at("a", at(1_000)).is_err());
    }
}
