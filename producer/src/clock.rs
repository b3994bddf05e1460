//! The time that votes are cast at.

use std::time::{SystemTime, UNIX_EPOCH};

use domain::VotingTime;

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
    formatted(seconds - faults::clock_set_back())
}
