//! What other consumers have stored of their partitions.

use std::sync::Arc;
use std::time::Duration;

use service::restart::Problems;
use store::PERSIST;
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;
use wire::topics;

use crate::ConsumerError;
use crate::context::Context;

/// How often to read what others have stored: twice as often as they store it.
const READ_EVERY: Duration = Duration::from_millis(250);

/// What this is called among the problems.
const DOING: &str = "reading what other consumers have stored";

/// Keeps the state of other consumers' partitions up to date until `stop`.
pub(crate) async fn watch_others(
    context: Arc<Context>,
    stop: CancellationToken,
) -> Result<(), ConsumerError> {
    let mut ticks = tokio::time::interval(READ_EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    while stop.run_until_cancelled(ticks.tick()).await.is_some() {
        if let Some(read) = stop.run_until_cancelled(read(&context)).await {
            context.progress.note(DOING, read)?;
        }
    }
    Ok(())
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
        progress.update(partition, |progress| {
            progress.counted = progress.counted.max(next_offset);
            progress.checkpointed = progress.checkpointed.max(next_offset);
        });
    }
    for partition in ledgers.partitions().filter(is_foreign) {
        let votes = store.checkpoint(PERSIST, topics::VOTES, partition).await?;
        let voters = store.checkpoint(PERSIST, topics::VOTERS, partition).await?;
        progress.update(partition, |progress| {
            progress.persisted = progress.persisted.max(votes);
            progress.voters_persisted = progress.voters_persisted.max(voters);
        });
    }
    Ok(())
}
