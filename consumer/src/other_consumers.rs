//! The partitions of other consumers: what they have stored.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use service::restart::{Failure, Problems};
use store::PERSIST;
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;
use wire::topics;

use crate::ConsumerError;
use crate::context::Context;

/// How often what others have stored is read: half of how often it is stored.
const READ_EVERY: Duration = Duration::from_millis(250);

/// What the progress calls it.
const DOING: &str = "reading what other consumers have stored";

/// Keeps what is known of other consumers' partitions up to date, until `stop`.
pub(crate) async fn watch_others(
    context: Arc<Context>,
    stop: CancellationToken,
) -> Result<(), ConsumerError> {
    let mut ticks = tokio::time::interval(READ_EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let reading = async {
        loop {
            ticks.tick().await;
            match read(&context).await {
                Ok(()) => {
                    context.progress.set_problem(DOING, None);
                }
                Err(error) if error.is_transient() => {
                    context.progress.set_problem(DOING, Some(error.to_string()));
                }
                Err(error) => return Err::<Infallible, _>(error),
            }
        }
    };
    match stop.run_until_cancelled(reading).await {
        Some(Err(error)) => Err(error),
        None => Ok(()),
    }
}

async fn read(context: &Context) -> Result<(), ConsumerError> {
    let Context {
        ledgers,
        progress,
        store,
        ..
    } = context;
    let is_foreign = |&partition: &u32| !ledgers.owns(partition);
    if !ledgers.partitions().any(|partition| is_foreign(&partition)) {
        return Ok(());
    }
    for (partition, next_offset, tally) in store.tallies().await? {
        if !ledgers.partitions().contains(&partition) || !is_foreign(&partition) {
            continue;
        }
        ledgers.learn(partition, next_offset, tally);
        progress.update_if_moved(partition, |progress| {
            progress.counted = progress.counted.max(next_offset);
            progress.checkpointed = progress.checkpointed.max(next_offset);
        });
    }
    for partition in ledgers.partitions().filter(is_foreign) {
        let votes = store.checkpoint(PERSIST, topics::VOTES, partition).await?;
        let voters = store.checkpoint(PERSIST, topics::VOTERS, partition).await?;
        progress.update_if_moved(partition, |progress| {
            progress.persisted = progress.persisted.max(votes);
            progress.voters_persisted = progress.voters_persisted.max(voters);
        });
    }
    Ok(())
}
