//! Counting: one task a partition streams it through `vote-tally` from offset 0 and adds the deltas
//! to its ledger.
//!
//! The stream always starts at 0, because the SmartModule learns from the votes themselves who has voted.
//! Up to where the count stood before, the ledger compares instead of counting again.

use ledger::Applied;
use platform::NO_TIMESTAMP;
use service::records::RecordsError;
use service::whole_log::demand_end;
use tokio_util::sync::CancellationToken;
use wire::topics;

use crate::ConsumerError;
use crate::context::Context;
use crate::deltas::{Deltas, TimedDelta};
use crate::progress::now_ms;

pub(crate) async fn tally_partition(
    context: &Context,
    partition: u32,
    stop: &CancellationToken,
) -> Result<(), ConsumerError> {
    let Context {
        ledgers, progress, ..
    } = context;
    let stood = ledgers.begin_stream(partition);
    // A log that lost counted votes must not be filled up with others, which would then be compared.
    demand_end(&*context.platform, topics::VOTES, partition, stood).await?;
    let of_all = context.partition(partition);
    let chain = &context.config.tally_chain;
    let mut deltas = Deltas::open(&*context.platform, of_all, chain, &context.rules).await?;
    let fault = |_| RecordsError::Ended {
        topic: topics::VOTES.into(),
        partition,
    };
    while let Some(next) = stop.run_until_cancelled(deltas.next()).await {
        let counted_here = deltas.are_counted_here();
        for TimedDelta { delta, timestamp } in next? {
            faults::at("consumer/delta").map_err(fault)?;
            let applied = ledgers.apply(partition, &delta)?;
            faults::at("consumer/counted").map_err(fault)?;
            tracing::trace!(
                partition,
                next_offset = delta.next_offset,
                ?applied,
                "delta"
            );
            progress.update(partition, |progress| {
                progress.counted = progress.counted.max(delta.next_offset);
                progress.counted_here = counted_here;
                if applied == Applied::Counted && timestamp != NO_TIMESTAMP {
                    progress.cast_to_counted_ms = u64::try_from(now_ms() - timestamp).ok();
                }
                progress.module_bytes = delta.memory_bytes;
            });
        }
    }
    Ok(())
}
