//! Keeping this consumer's leases alive: it renews them every second or so, and learns which partitions it
//! owns.

use std::time::Duration;

use service::restart::Problems;
use store::{LeaseRound, Store};
use tokio::sync::watch;
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;

use crate::{ConsumerError, Progress, Sharing};

/// How many renewals fit into the time after which a silent consumer loses its partitions.
const ROUNDS_IN_TIME_TO_LIVE: u32 = 5;

/// What this is called among the problems.
const DOING: &str = "renewing the leases";

/// Renews the leases until `stop`, then leaves the group, so that other consumers take over at once.
pub(crate) async fn keep_leases(
    store: Store,
    sharing: Sharing,
    partitions: u32,
    rounds: watch::Sender<LeaseRound>,
    progress: Progress,
    stop: CancellationToken,
) -> Result<(), ConsumerError> {
    let Sharing {
        member,
        time_to_live,
    } = sharing;
    let mut ticks = tokio::time::interval(time_to_live / ROUNDS_IN_TIME_TO_LIVE);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    while stop.run_until_cancelled(ticks.tick()).await.is_some() {
        let renewed = store.renew_leases(&member, partitions, time_to_live).await;
        // After a transient failure the work continues: if another consumer took a partition over meanwhile,
        // the database refuses what this one would store of it.
        if let Some(round) = progress.note(DOING, renewed.map_err(ConsumerError::from))? {
            rounds.send_replace(round);
        }
    }
    match tokio::time::timeout(LEAVE_LIMIT, store.leave(&member)).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => tracing::warn!("cannot give the leases back, so they expire: {error}"),
        Err(_) => tracing::warn!("cannot give the leases back in time, so they expire"),
    }
    Ok(())
}

/// How long leaving may take; after that, the leases expire.
const LEAVE_LIMIT: Duration = Duration::from_secs(5);
