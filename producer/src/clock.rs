//! The time that votes are cast at.

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use ballot::VotingTime;

/// A point in time as `voting_time` is written.
pub(crate) fn formatted(unix_seconds: i64) -> String {
    chrono::DateTime::from_timestamp(unix_seconds, 0)
        .unwrap_or_default()
        .format(VotingTime::FORMAT)
        .to_string()
}

/// Now, UTC, as `voting_time` is written.
pub(crate) fn voting_time_now() -> String {
    let since_1970 = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    let seconds = i64::try_from(since_1970.as_secs()).unwrap_or_default();
    formatted(not_before(
        &LATEST,
        seconds - faults::clock_set_back("producer/clock"),
    ))
}

/// The latest time that a vote was cast at by this process, in seconds since 1970.
static LATEST: AtomicI64 = AtomicI64::new(i64::MIN);

/// The time, but never one before the latest: a clock that is set back over the opening of the polls would
/// have the votes rejected that are cast from then on.
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
