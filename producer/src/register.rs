//! Registering voters: the roll, into the topic `voters`.

use std::borrow::Cow;
use std::sync::Arc;

use ballot::Voter;
use platform::{NewRecord, Platform, partition_of};
use tokio_util::sync::CancellationToken;
use wire::topics::VOTERS;

use crate::log_position::LogPosition;
use crate::pacing::Pacing;
use crate::pump::{
    CHUNK_BYTES, CHUNK_PASSED, Chunk, Generate, Generated, check_not_longer, log_positions, pump,
};
use crate::seeds::{Purpose, word};
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

impl VoterSource {
    /// The id of the voter at this place.
    pub(crate) fn voter_id(&self, index: u64) -> Cow<'_, str> {
        match self {
            VoterSource::Generated { seed, .. } => voter_id(*seed, index).into(),
            VoterSource::Roll(voters) => (&*voters[index as usize].voter_id).into(),
        }
    }

    pub(crate) fn len(&self) -> u64 {
        match self {
            VoterSource::Generated { count, .. } => *count,
            VoterSource::Roll(voters) => voters.len() as u64,
        }
    }
}

/// Registers voters: produces them to `voters`, but for those a former run has produced. Returns how
/// many it produced; fewer than there are when it was stopped.
///
/// # Errors
/// When the topic holds another election's voters, or the platform fails; then the run can be
/// repeated, and goes on where this one ended.
pub async fn register_voters(
    platform: &Arc<dyn Platform>,
    voters: VoterSource,
    progress: &Arc<Progress>,
    stop: &CancellationToken,
) -> Result<u64, ProducerError> {
    progress.begin(voters.len());
    let positions = log_positions(platform, VOTERS).await?;
    check_not_longer(VOTERS, &positions, voters.len())?;
    let registration = Registration {
        voters,
        next: 0,
        positions,
    };
    let source = Generated::new(registration);
    let pacing = Pacing::flat_out();
    pump(platform.as_ref(), VOTERS, source, pacing, progress, stop).await
}

/// The sequence of `voters` over all partitions.
struct Registration {
    voters: VoterSource,
    next: u64,
    positions: Vec<LogPosition>,
}

impl Registration {
    fn record(&self, index: u64) -> Result<NewRecord, ProducerError> {
        let (key, value) = match &self.voters {
            VoterSource::Generated {
                seed, precincts, ..
            } => {
                let mut voter = voter(*seed, index);
                voter.precinct = precinct(*seed, index, precincts);
                (voter.voter_id.clone(), voter_json(&voter)?)
            }
            VoterSource::Roll(voters) => {
                let voter = &voters[index as usize];
                (voter.voter_id.clone(), voter_json(voter)?)
            }
        };
        Ok(NewRecord {
            key: Some(key.into_bytes()),
            value,
        })
    }

    /// The partition of a voter, without making the rest of the voter.
    fn partition(&self, index: u64) -> usize {
        let partitions = self.positions.len() as u32;
        partition_of(self.voters.voter_id(index).as_bytes(), partitions) as usize
    }
}

impl Generate for Registration {
    fn fill(&mut self, limit: usize) -> Result<Option<Chunk>, ProducerError> {
        if self.next == self.voters.len() {
            self.positions.iter().try_for_each(LogPosition::finish)?;
            return Ok(None);
        }
        let mut chunk = Chunk::default();
        let mut bytes = 0;
        while self.next < self.voters.len()
            && chunk.records.len() < limit
            && chunk.already < CHUNK_PASSED
            && bytes < CHUNK_BYTES
        {
            let index = self.next;
            self.next += 1;
            chunk.assumed += 1;
            let partition = self.partition(index);
            if self.positions[partition].skip() {
                chunk.already += 1;
                continue;
            }
            let record = self.record(index)?;
            if self.positions[partition].pass(&record)? {
                chunk.already += 1;
            } else {
                bytes += record.value.len();
                chunk.records.push(record);
            }
        }
        Ok(Some(chunk))
    }
}

/// The precinct that a voter lives in.
fn precinct(seed: u64, index: u64, precincts: &[String]) -> Option<String> {
    let number = word(seed, Purpose::Precinct, index).checked_rem(precincts.len() as u64)?;
    precincts.get(number as usize).cloned()
}

/// A voter as a record's value.
fn voter_json(voter: &Voter) -> Result<Vec<u8>, ProducerError> {
    serde_json::to_vec(voter).map_err(|error| ProducerError::Task(error.to_string()))
}
