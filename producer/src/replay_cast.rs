//! Casting the ballots of a replay.

use std::sync::Arc;

use ballot::CredentialKey;
use platform::{NewRecord, Platform, partition_of};
use tokio_util::sync::CancellationToken;
use wire::topics::VOTES;

use crate::log_position::LogPosition;
use crate::pacing::Pacing;
use crate::pump::{
    CHUNK_BYTES, CHUNK_PASSED, Chunk, Generate, Generated, check_not_longer, log_positions, pump,
};
use crate::{ProducerError, Progress, Replay, clock};

/// Casts every ballot of a replay, with a credential where there is a key for them, at `rate` votes a second (0 for flat out), but for those a former
/// run has cast. Returns how many it cast; fewer than there are when it was stopped.
///
/// # Errors
/// When `votes` holds another election, or the platform fails; then the run can be repeated, and
/// goes on where this one ended.
pub async fn replay_votes(
    platform: &Arc<dyn Platform>,
    replay: Replay,
    credentials: Option<CredentialKey>,
    rate: u64,
    progress: &Arc<Progress>,
    stop: &CancellationToken,
) -> Result<u64, ProducerError> {
    progress.begin(replay.total());
    let positions = log_positions(platform, VOTES).await?;
    check_not_longer(VOTES, &positions, replay.total())?;
    let ballots = Ballots {
        replay,
        credentials,
        next: 0,
        positions,
    };
    let source = Generated::new(ballots);
    let pacing = Pacing::of(rate);
    pump(platform.as_ref(), VOTES, source, pacing, progress, stop).await
}

/// The sequence of `votes` over all partitions.
struct Ballots {
    replay: Replay,
    credentials: Option<CredentialKey>,
    next: u64,
    positions: Vec<LogPosition>,
}

impl Generate for Ballots {
    fn fill(&mut self, limit: usize) -> Result<Option<Chunk>, ProducerError> {
        let voting_time = clock::voting_time_now();
        let partitions = self.positions.len() as u32;
        let mut chunk = Chunk::default();
        let mut bytes = 0;
        while chunk.records.len() < limit && chunk.already < CHUNK_PASSED && bytes < CHUNK_BYTES {
            if self.next == self.replay.total() {
                break;
            }
            let key = self.replay.voter_id(self.next).into_bytes();
            let position = &mut self.positions[partition_of(&key, partitions) as usize];
            chunk.assumed += 1;
            if position.skip() {
                self.next += 1;
                chunk.already += 1;
                continue;
            }
            let credentials = self.credentials.as_ref();
            let vote = self.replay.vote_under(credentials, self.next, &voting_time);
            let Some(value) = vote else { break };
            self.next += 1;
            let record = NewRecord {
                key: Some(key),
                value,
            };
            if position.pass(&record)? {
                chunk.already += 1;
            } else {
                bytes += record.value.len();
                chunk.records.push(record);
            }
        }
        if chunk.assumed == 0 {
            self.positions.iter().try_for_each(LogPosition::finish)?;
            return Ok(None);
        }
        Ok(Some(chunk))
    }
}
