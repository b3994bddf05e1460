//! When the board has changed, a snapshot goes out: at once if it has been quiet, else together with
//! what else changes in the meantime.

use std::sync::Arc;
use std::time::Duration;

use chrono::Utc;
use tokio::time::{Instant, MissedTickBehavior};
use tokio_util::sync::CancellationToken;

use crate::board::rfc3339;
use crate::hub::Hub;
use crate::shared::Shared;

/// How often the rate is sampled.
const SAMPLE_EVERY: Duration = Duration::from_secs(1);

/// How long a change waits for those that belong to it: the aggregates of one moment are published
/// topic by topic, within a few milliseconds.
const GATHER: Duration = Duration::from_millis(10);

/// Longest silence: a listener that hears nothing for longer knows that the connection is gone.
const HEARTBEAT: Duration = Duration::from_secs(5);

/// Publishes until `stop`, at most once a `shortest_interval`.
pub(crate) async fn publish(
    shared: Shared,
    hub: Arc<Hub>,
    shortest_interval: Duration,
    stop: CancellationToken,
) {
    let mut samples = tokio::time::interval(SAMPLE_EVERY);
    samples.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut last = Instant::now();
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            () = shared.changed() => {
                let due = (Instant::now() + GATHER).max(last + shortest_interval);
                if stop.run_until_cancelled(tokio::time::sleep_until(due)).await.is_none() {
                    return;
                }
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
                hub.publish(snapshot, changed);
            }
            _ = samples.tick() => {
                let moves = shared.board().sample_rate(std::time::Instant::now());
                if moves {
                    shared.notify();
                }
            }
            () = tokio::time::sleep_until(last + HEARTBEAT) => {
                hub.heartbeat(&rfc3339(Utc::now()));
                last = Instant::now();
            }
        }
    }
}
