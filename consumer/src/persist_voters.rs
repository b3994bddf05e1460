//! Persisting the roll: one task a partition turns the records of `voters` into rows, exactly once.

use domain::{MAX_ID_BYTES, Voter, topics};
use platform::Output;
use store::{IngestVoters, PERSIST, RejectedVoterRow};
use tokio_util::sync::CancellationToken;

use crate::ConsumerError;
use crate::partition::{Context, Ours, demand_log};
use crate::persist_votes::{gather, stream};

/// Bytes of an unusable record that are kept in `rejected_voters`; the log has the whole.
const KEPT_BYTES: usize = 4 * 1024;

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
    demand_log(context, topics::VOTERS, partition, next).await?;
    progress.update(partition, |progress| progress.voters_persisted = next);
    let mut stream = stream(&**platform, topics::VOTERS, partition, next).await?;
    while let Some(outputs) = stop
        .run_until_cancelled(gather(&mut stream, topics::VOTERS, partition, next))
        .await
    {
        let outputs = outputs?;
        let next_offset = next + outputs.len() as i64;
        let (voters, rejected) = tokio::task::spawn_blocking(move || read_voters(&outputs))
            .await
            .map_err(|error| ConsumerError::Task(error.to_string()))?;
        store
            .ingest_voters(IngestVoters {
                partition,
                base_offset: next,
                next_offset,
                voters: &voters,
                rejected: &rejected,
                lease,
            })
            .await?;
        next = next_offset;
        progress.update(partition, |progress| progress.voters_persisted = next);
    }
    Ok(())
}

/// What records of `voters` become in the tables: voters, and what is none. Both in the order of the log.
/// The audit asks the same, to know what should be there.
pub fn read_voters(outputs: &[Output]) -> (Vec<Voter>, Vec<RejectedVoterRow>) {
    let mut voters = Vec::with_capacity(outputs.len());
    let mut rejected = Vec::new();
    for output in outputs {
        match read_voter(&output.value) {
            Ok(voter) => voters.push(voter),
            Err(problem) => rejected.push(RejectedVoterRow {
                offset: output.offset,
                problem,
                value: output.value[..output.value.len().min(KEPT_BYTES)].to_vec(),
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
