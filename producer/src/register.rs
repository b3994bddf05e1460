//! Registering voters: the roll, into the topic `voters`.

use std::borrow::Cow;
use std::sync::Arc;

use ballot::Voter;
use platform::Platform;
use tokio_util::sync::CancellationToken;
use wire::topics::VOTERS;

use crate::seeds::{Purpose, word};
use crate::sequence::{Sequence, produce_sequence};
use crate::{ProducerError, Progress, voter, voter_id};

/// Where voters come from.
#[derive(Debug, Clone)]
pub enum VoterSource {
    /// Invented ones: the first `count` of the electorate with this seed.
    Generated {
        /// The seed.
        seed: u64,
        /// How many.
        count: u64,
        /// The precincts they live in; none where the election has none.
        precincts: Vec<String>,
    },
    /// Those of a roll, see [`read_roll`](crate::read_roll).
    Roll(Vec<Voter>),
}

impl Sequence for VoterSource {
    fn len(&self) -> u64 {
        match self {
            VoterSource::Generated { count, .. } => *count,
            VoterSource::Roll(voters) => voters.len() as u64,
        }
    }

    fn voter_id(&self, index: u64) -> Cow<'_, str> {
        match self {
            VoterSource::Generated { seed, .. } => voter_id(*seed, index).into(),
            VoterSource::Roll(voters) => (&*voters[index as usize].voter_id).into(),
        }
    }

    fn value(&self, index: u64, _voting_time: &str) -> Result<Vec<u8>, ProducerError> {
        let json = match self {
            VoterSource::Generated {
                seed, precincts, ..
            } => {
                let mut voter = voter(*seed, index);
                voter.precinct = precinct(*seed, index, precincts);
                serde_json::to_vec(&voter)
            }
            VoterSource::Roll(voters) => serde_json::to_vec(&voters[index as usize]),
        };
        json.map_err(|error| ProducerError::Task(error.to_string()))
    }
}

/// The precinct that a voter lives in.
fn precinct(seed: u64, index: u64, precincts: &[String]) -> Option<String> {
    let number = word(seed, Purpose::Precinct, index).checked_rem(precincts.len() as u64)?;
    precincts.get(number as usize).cloned()
}

/// Registers voters: produces them to `voters`, except for those that an earlier run has produced. Returns
/// how many it produced; fewer than there are when it was stopped.
///
/// # Errors
/// When the topic holds another election's voters, or the platform fails; then the run can be
/// repeated, and continues where this one ended.
pub async fn register_voters(
    platform: &Arc<dyn Platform>,
    voters: VoterSource,
    progress: &Arc<Progress>,
    stop: &CancellationToken,
) -> Result<u64, ProducerError> {
    produce_sequence(platform, VOTERS, voters, 0, progress, stop).await
}
