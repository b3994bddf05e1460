//! Publishes a snapshot when the board has changed: at once after a pause, otherwise together with further changes.

use std::sync::Arc;
use std::time::Duration;

use chrono::Utc;
use tokio::time::{Instant, MissedTickBehavior};
use tokio_util::sync::CancellationToken;

use crate::board::rfc3339;
use crate::hub::Hub;
use crate::shared::Shared;

const SAMPLE_EVERY: Duration = Duration::from_secs(1);

/// Most events a second to all listeners together: the more listeners, the fewer for each. Sending one takes some ten
/// microseconds.
const PUSHES_PER_SECOND: u32 = 5_000;

/// Part of the time that making snapshots may take, at most: one in so many. Rounds of very many different rankings take
/// hundreds of milliseconds.
const RESTING_PART: u32 = 4;

/// Time without a change until a heartbeat is sent.
const HEARTBEAT: Duration = Duration::from_secs(5);

/// When the next snapshot may be published: on average one an interval, each up to half an interval early (the generic
/// cell rate algorithm). With a fixed minimum distance every delay would also delay all later ones, until each waits
/// for a whole interval.
struct Pace {
    /// When the next is due at regular intervals.
    regular: Instant,
}

impl Pace {
    /// The time of the next one: `wanted` or, if that is too soon, later.
    fn next(&mut self, wanted: Instant, interval: Duration) -> Instant {
        let due = wanted.max(self.regular - interval / 2);
        self.regular = self.regular.max(due) + interval;
        due
    }
}

/// Publishes until `stop`, on average at most once an `interval`, which is longer where many listen.
pub(crate) async fn publish(
    shared: Shared,
    hub: Arc<Hub>,
    interval: Duration,
    stop: CancellationToken,
) {
    let mut samples = tokio::time::interval(SAMPLE_EVERY);
    samples.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut pace = Pace {
        regular: Instant::now(),
    };
    let mut last = Instant::now();
    let mut took = Duration::ZERO;
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            () = shared.changed() => {
                let budgeted = Duration::from_secs(1) * hub.listeners() / PUSHES_PER_SECOND;
                let interval = interval.max(budgeted).max(took * RESTING_PART);
                let due = pace.next(Instant::now(), interval);
                let due = tokio::time::sleep_until(due);
                if stop.run_until_cancelled(due).await.is_none() {
                    return;
                }
                let begun = Instant::now();
                let (snapshot, changed) = {
                    let mut board = shared.board();
                    let changed = board.take_changed_locations();
                    (board.snapshot(Utc::now()), changed)
                };
                let changed = changed.map(|names| {
                    let place = |name: &String| {
                        snapshot.locations.binary_search_by(|at| at.state.cmp(name)).ok()
                    };
                    names.iter().filter_map(place).collect()
                });
                last = Instant::now();
                took = last - begun;
                hub.publish(snapshot, changed);
            }
            _ = samples.tick() => {
                shared.update(|board| board.sample_rate(std::time::Instant::now()));
            }
            () = tokio::time::sleep_until(last + HEARTBEAT) => {
                hub.heartbeat(&rfc3339(Utc::now()));
                last = Instant::now();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const INTERVAL: Duration = Duration::from_millis(200);

    /// How long each of these waits, in milliseconds after the start.
    fn waits(wanted_ms: impl IntoIterator<Item = u64>) -> Vec<u64> {
        let start = Instant::now();
        let mut pace = Pace { regular: start };
        let wait = |ms| {
            let wanted = start + Duration::from_millis(ms);
            (pace.next(wanted, INTERVAL) - wanted).as_millis() as u64
        };
        wanted_ms.into_iter().map(wait).collect()
    }

    #[test]
    fn regular_changes_do_not_wait_even_when_they_come_a_little_late_or_early() {
        let jitter = [0, 7, 3, 40, 0, 12, 60, 2, 0, 31];
        let wanted = (0..100).map(|n| n * 200 + jitter[n as usize % jitter.len()]);
        assert_eq!(waits(wanted).iter().sum::<u64>(), 0);
    }

    #[test]
    fn many_changes_come_at_the_interval() {
        let start = Instant::now();
        let mut pace = Pace { regular: start };
        // The next change is there as soon as the last has gone out.
        let mut now = start;
        for _ in 0..50 {
            now = pace.next(now, INTERVAL);
        }
        let took = now - start;
        assert!(took >= INTERVAL * 49 - INTERVAL / 2, "{took:?}");
        assert!(took <= INTERVAL * 49, "{took:?}");
    }

    #[test]
    fn the_first_after_a_silence_goes_at_once_and_does_not_save_up() {
        assert_eq!(waits([10_000, 10_000, 10_000]), [0, 100, 300]);
    }
}
