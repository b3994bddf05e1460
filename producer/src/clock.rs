//! The clock for voting times.

use std::sync::atomic::{AtomicI64, Ordering};

use ballot::VotingTime;
use chrono::{DateTime, Utc};

/// A point in time as `voting_time` is written.
pub(crate) fn formatted(unix_seconds: i64) -> String {
    let time = DateTime::from_timestamp(unix_seconds, 0).unwrap_or_default();
    time.format(VotingTime::FORMAT).to_string()
}

/// Now, UTC, as `voting_time` is written.
pub(crate) fn voting_time_now() -> String {
    let seconds = Utc::now().timestamp() - faults::clock_set_back("producer/clock");
    formatted(not_before(&LATEST, seconds))
}

/// The latest time that a vote was cast at by this process, in seconds since 1970.
static LATEST: AtomicI64 = AtomicI64::new(i64::MIN);

/// The time, but never before the latest: if the clock were set back to before the polls opened, the votes
/// cast from then on would be rejected.
fn not_before(latest: &AtomicI64, now: i64) -> i64 {
    latest.fetch_max(now, Ordering::Relaxed).max(now)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn set_back_the_clock_stands_until_it_is_as_late_again() {
        let latest = AtomicI64::new(i64::MIN);
        let told = [100, 101, 40, 60, 101, 102].map(|now| not_before(&latest, now));
        assert_eq!(told, [100, 101, 101, 101, 101, 102]);
    }
}
