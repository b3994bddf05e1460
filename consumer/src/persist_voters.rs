//! Persisting the roll: one task a partition turns the records of `voters` into rows, exactly once.

use ballot::{MAX_ID_BYTES, Voter};
use evidence::ChainedTopic;
use platform::Output;
use store::{IngestVoters, PERSIST, RejectedVoterRow};
use tokio_util::sync::CancellationToken;
use wire::topics;

use crate::ConsumerError;
use crate::batches::{Batches, end_of, hash};
use crate::context::{Context, Ours};

/// How many bytes of an unusable record `rejected_voters` keeps; the log has all of it.
const KEPT_VOTER_BYTES: usize = 4 * 1024;

pub(crate) async fn persist_voters(
    context: &Context,
    ours: Ours,
    stop: &CancellationToken,
) -> Result<(), ConsumerError> {
    let Context {
        platform,
        store,
        progress,
        ..
    } = context;
    let Ours { partition, lease } = ours;
    let mut next = (store.checkpoint(PERSIST, topics::VOTERS, partition)).await?;
    let mut batches = Batches::begin(&**platform, topics::VOTERS, partition, next, stop).await?;
    let chain_end = store.chain_end(ChainedTopic::Voters, partition).await?;
    progress.update(partition, |progress| {
        progress.voters_persisted = next;
        progress.voters_chain_head = chain_end.map(|end| end.head);
    });
    while let Some(outputs) = batches.next().await? {
        let next_offset = end_of(&outputs, next);
        let read = move || (read_voters(&outputs), hash(&outputs));
        let ((voters, rejected), batch_hash) = tokio::task::spawn_blocking(read).await?;
        let chain_head = store
            .ingest_voters(IngestVoters {
                partition,
                base_offset: next,
                next_offset,
                voters: &voters,
                rejected: &rejected,
                batch_hash,
                lease,
            })
            .await?;
        next = next_offset;
        progress.update(partition, |progress| {
            progress.voters_persisted = next;
            progress.voters_chain_head = Some(chain_head);
        });
    }
    Ok(())
}

/// What records of `voters` become in the tables: voters and malformed records, both in the order of the log.
/// The audit uses it, too, to know what should be there.
pub fn read_voters(outputs: &[Output]) -> (Vec<Voter>, Vec<RejectedVoterRow>) {
    let mut voters = Vec::with_capacity(outputs.len());
    let mut rejected = Vec::new();
    for output in outputs {
        match read_voter(&output.value) {
            Ok(voter) => voters.push(voter),
            Err(problem) => rejected.push(RejectedVoterRow {
                offset: output.offset,
                records: output.offsets,
                problem,
                value: output.value[..output.value.len().min(KEPT_VOTER_BYTES)].to_vec(),
            }),
        }
    }
    (voters, rejected)
}

fn read_voter(value: &[u8]) -> Result<Voter, String> {
    let voter: Voter = serde_json::from_slice(value).map_err(|error| error.to_string())?;
    if voter.voter_id.is_empty() || voter.voter_id.len() > MAX_ID_BYTES {
        return Err(format!("voter_id must have 1 to {MAX_ID_BYTES} bytes"));
    }
    Ok(voter)
}
