//! One partition of the election: counting and persisting it, each of which restarts after a transient
//! failure.

use std::sync::Arc;

use service::restart::until_done;
use service::whole_log::demand_end;
use tokio_util::sync::CancellationToken;
use wire::topics;

use crate::ConsumerError;
use crate::context::{Context, Ours};
use crate::persist_voters::persist_voters;
use crate::persist_votes::persist_votes;
use crate::tally::tally_partition;

/// Counts and persists a partition until `stop`.
///
/// # Errors
/// The first failure that is not transient; it stops the partition's other tasks.
pub(crate) async fn run_partition(
    context: Arc<Context>,
    ours: Ours,
    stop: CancellationToken,
) -> Result<(), ConsumerError> {
    let Ours { partition, .. } = ours;
    let progress = &context.progress;
    let what = |doing: &str| format!("{doing} partition {partition}");
    let take_over = || take_over(&context, ours);
    let taken = until_done(&what("taking over"), progress, &stop, take_over).await?;
    if taken.is_none() {
        return Ok(());
    }
    let counting = async {
        if context.config.tally {
            let count = || tally_partition(&context, partition, &stop);
            until_done(&what("counting"), progress, &stop, count).await?;
        }
        Ok(())
    };
    let votes = async {
        if context.config.persist {
            let persist = || persist_votes(&context, ours, &stop);
            until_done(&what("persisting votes"), progress, &stop, persist).await?;
        }
        Ok(())
    };
    let voters = async {
        if context.config.persist {
            let persist = || persist_voters(&context, ours, &stop);
            until_done(&what("persisting voters"), progress, &stop, persist).await?;
        }
        Ok(())
    };
    tokio::try_join!(counting, votes, voters).map(drop)
}

/// Begins where the partition is stored.
async fn take_over(context: &Context, ours: Ours) -> Result<(), ConsumerError> {
    let partition = ours.partition;
    let checkpoint = context.store.load_tally(partition).await?;
    let offset = checkpoint.as_ref().map_or(0, |(offset, _)| *offset);
    demand_end(&*context.platform, topics::VOTES, partition, offset).await?;
    context.ledgers.own(ours, checkpoint);
    context.progress.update(partition, |progress| {
        progress.is_ours = true;
        progress.checkpointed = offset;
    });
    Ok(())
}
