//! Keeping our leases alive: saying, every second or so, that we live, and hearing which partitions
//! are ours.

use std::time::Duration;

use service::restart::Problems;
use store::{LeaseRound, Store};
use tokio::sync::watch;
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;

use crate::{ConsumerError, Progress, Sharing};

/// Rounds in the time after which a silent consumer's partitions are taken over.
const ROUNDS_IN_TIME_TO_LIVE: u32 = 5;

/// What the progress calls it.
const DOING: &str = "renewing the leases";

/// Renews the leases until `stop`, then leaves the group, so that others take over at once.
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
        match store.renew_leases(&member, partitions, time_to_live).await {
            Ok(round) => {
                progress.set_problem(DOING, None);
                rounds.send_replace(round);
            }
            // Until it can be renewed the work goes on: if somebody took it over meanwhile, what we
            // would store is refused.
            Err(error) if error.is_transient() => {
                if progress.set_problem(DOING, Some(error.to_string())) {
                    tracing::warn!("{DOING}: {error}");
                }
            }
            Err(error) => return Err(error.into()),
        }
    }
    match tokio::time::timeout(LEAVE_LIMIT, store.leave(&member)).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => tracing::warn!("cannot leave, so the leases run out: {error}"),
        Err(_) => tracing::warn!("cannot leave in time, so the leases run out"),
    }
    Ok(())
}

/// How long leaving may take; after that, the leases run out by themselves.
const LEAVE_LIMIT: Duration = Duration::from_secs(5);
