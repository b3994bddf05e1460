//! The consumer as a whole: it runs the partitions and the rounds, ends all when one fails, and stores what
//! is counted before it ends.

use std::ops::RangeInclusive;
use std::sync::Arc;
use std::time::Duration;

use platform::Platform;
use store::{LeaseRound, Store};
use tokio::sync::{Mutex, watch};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use wire::{Disclosure, topics};

use crate::checkpoints::Checkpoints;
use crate::context::{Context, Ours};
use crate::leases::keep_leases;
use crate::ledgers::Ledgers;
use crate::other_consumers::watch_others;
use crate::owned_partitions::OwnedPartitions;
use crate::pipeline::Positions;
use crate::publish::Publisher;
use crate::rounds::in_rounds;
use crate::{ConsumerConfig, ConsumerError, Election, Progress};

/// Time between two publications of the aggregates while votes come: the shortest, and the longest on a slow
/// platform.
const TOTALS_INTERVAL: RangeInclusive<Duration> =
    Duration::from_millis(10)..=Duration::from_millis(100);
/// Shortest time between two publications of how far it is.
const POSITIONS_INTERVAL: Duration = Duration::from_millis(100);
/// Time between two stored tallies: the shortest, and the longest while storing them is slow.
const CHECKPOINT_INTERVAL: RangeInclusive<Duration> =
    Duration::from_millis(200)..=Duration::from_millis(500);

/// Counts and persists until `stop`, then stores what is counted and returns. After a transient failure (a
/// lost connection, a server that restarts) it continues from what is stored.
///
/// # Errors
/// The first failure of any task that is not transient; it stops all others.
pub async fn run(
    platform: Arc<dyn Platform>,
    store: Store,
    election: Election,
    config: ConsumerConfig,
    progress: Progress,
    stop: CancellationToken,
) -> Result<(), ConsumerError> {
    let partitions = partitions(&*platform).await?;
    progress.begin(partitions);
    let set_up_at = store.election_opened_at().await?;
    let context = Arc::new(Context {
        platform,
        election_set_up_at: set_up_at.map_or(0, |at| at.timestamp_micros()),
        store,
        rules: election.rules(),
        disclosure: Disclosure::of(&election),
        config,
        ledgers: Ledgers::new(partitions, election.definition.clone()),
        progress,
        storing: Mutex::default(),
    });
    // The partitions stop first; then publishers and checkpoints, so that their last round has it all;
    // then the leases are given up.
    let stop = stop.child_token();
    let rounds_stop = CancellationToken::new();
    let mut owned = OwnedPartitions::new(context.clone(), stop.child_token());
    let mut rounds = begin_rounds(&context, election, &rounds_stop);
    let leases_stop = CancellationToken::new();
    let mut leases = JoinSet::new();
    let (follow, mut followed) = watch::channel(LeaseRound::default());
    match context.config.sharing.clone() {
        Some(sharing) => {
            // A pool of its own, so that no heartbeat waits for a long transaction.
            let heartbeats = context.store.another_pool(1)?;
            let progress = context.progress.clone();
            let stop = leases_stop.clone();
            leases.spawn(keep_leases(
                heartbeats, sharing, partitions, follow, progress, stop,
            ));
            rounds.spawn(watch_others(context.clone(), rounds_stop.clone()));
        }
        None => (0..partitions).for_each(|partition| {
            owned.begin(Ours {
                partition,
                lease: None,
            });
        }),
    }

    let mut outcome = Ok(());
    loop {
        if stop.is_cancelled() && owned.is_empty() {
            rounds_stop.cancel();
        }
        if rounds.is_empty() {
            leases_stop.cancel();
        }
        let ended = tokio::select! {
            Some(ended) = owned.ended() => owned.settle(ended).await,
            Some(ended) = rounds.join_next() => ended.map_err(ConsumerError::from).flatten(),
            Some(ended) = leases.join_next() => ended.map_err(ConsumerError::from).flatten(),
            Ok(()) = followed.changed(), if !stop.is_cancelled() => {
                let round = followed.borrow_and_update().clone();
                owned.follow(&round);
                Ok(())
            }
            () = stop.cancelled(), if !rounds_stop.is_cancelled() && owned.is_empty() => Ok(()),
            else => return outcome,
        };
        if ended.is_err() {
            stop.cancel();
            match outcome {
                Ok(()) => outcome = ended,
                // It follows from the first failure, which is returned.
                Err(_) => tracing::warn!(error = ?ended, "also failed"),
            }
        }
    }
}

/// The partitions of the election.
async fn partitions(platform: &dyn Platform) -> Result<u32, ConsumerError> {
    let votes = platform.partitions(topics::VOTES).await?;
    let voters = platform.partitions(topics::VOTERS).await?;
    if voters == votes {
        Ok(votes)
    } else {
        Err(ConsumerError::PartitionsDiffer { voters, votes })
    }
}

fn begin_rounds(
    context: &Arc<Context>,
    election: Election,
    stop: &CancellationToken,
) -> JoinSet<Result<(), ConsumerError>> {
    let mut rounds = JoinSet::new();
    let (config, progress) = (&context.config, &context.progress);
    rounds.spawn(in_rounds(
        "publishing how far this consumer is",
        Positions::new(context.clone()),
        progress.clone(),
        POSITIONS_INTERVAL..=POSITIONS_INTERVAL,
        stop.clone(),
    ));
    if config.tally {
        rounds.spawn(in_rounds(
            "publishing the totals",
            Publisher::new(context.clone(), election.definition),
            progress.clone(),
            TOTALS_INTERVAL,
            stop.clone(),
        ));
        rounds.spawn(in_rounds(
            "storing the tallies",
            Checkpoints(context.clone()),
            progress.clone(),
            CHECKPOINT_INTERVAL,
            stop.clone(),
        ));
    }
    rounds
}
