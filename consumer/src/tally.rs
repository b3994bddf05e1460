//! Counting: one task a partition streams it through `vote-tally` from offset 0 and adds the deltas
//! to its ledger.
//!
//! The stream always starts at 0, because the SmartModule learns from the votes themselves who has voted.
//! Up to where the count stood before, the ledger compares instead of counting again.

use ballot::{Delta, Rules};
use futures_util::StreamExt;
use ledger::Applied;
use platform::{ModuleCall, NO_TIMESTAMP, StreamRequest};
use service::records::RecordsError;
use service::whole_log::demand_end;
use tokio_util::sync::CancellationToken;
use wire::topics;

use crate::ConsumerError;
use crate::context::Context;
use crate::progress::now_ms;

/// A partition of `votes` from its beginning through the chain that counts: a stream of deltas.
pub fn tally_request(partition: u32, chain: &[ModuleCall], rules: &Rules) -> StreamRequest {
    let with_rules = |call: &ModuleCall| {
        let mut call = call.clone();
        call.params.extend(rules.to_params());
        call
    };
    StreamRequest {
        topic: topics::VOTES.into(),
        partition,
        from: 0,
        chain: chain.iter().map(with_rules).collect(),
    }
}

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
    let request = tally_request(partition, &context.config.tally_chain, &context.rules);
    let mut stream = context.platform.stream(request).await?;
    let ended = || RecordsError::Ended {
        topic: topics::VOTES.into(),
        partition,
    };
    while let Some(outputs) = stop.run_until_cancelled(stream.next()).await {
        let outputs = outputs.ok_or_else(ended)??;
        for output in outputs {
            let delta: Delta = serde_json::from_slice(&output.value).map_err(|error| {
                ConsumerError::NotADelta {
                    partition,
                    problem: error.to_string(),
                }
            })?;
            faults::at("consumer/delta").map_err(|_| ended())?;
            let applied = ledgers.apply(partition, &delta)?;
            faults::at("consumer/counted").map_err(|_| ended())?;
            tracing::trace!(
                partition,
                next_offset = delta.next_offset,
                ?applied,
                "delta"
            );
            progress.update(partition, |progress| {
                progress.counted = progress.counted.max(delta.next_offset);
                if applied == Applied::Counted && output.timestamp != NO_TIMESTAMP {
                    progress.cast_to_counted_ms = u64::try_from(now_ms() - output.timestamp).ok();
                }
                progress.module_bytes = delta.memory_bytes;
            });
        }
    }
    Ok(())
}
