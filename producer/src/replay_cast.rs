//! Casting the ballots of a replay.

use std::borrow::Cow;
use std::sync::Arc;

use ballot::CredentialKey;
use platform::Platform;
use tokio_util::sync::CancellationToken;
use wire::topics::VOTES;

use crate::sequence::{Sequence, produce_sequence};
use crate::{ProducerError, Progress};

/// Ballots that are cast again, each known by its number in the order in which they are cast.
pub trait Replayed: Send + Sync + 'static {
    /// Ballots in all.
    fn total(&self) -> u64;

    /// The voter of ballot number `index`, without the rest of it.
    fn voter_id(&self, index: u64) -> String;

    /// The record's value for ballot number `index`, with the voter's credential if there is a key; `None`
    /// beyond the last.
    fn vote(&self, index: u64, voting_time: &str, key: Option<&CredentialKey>) -> Option<Vec<u8>>;
}

/// Casts every ballot of a replay, with a credential if there is a key for them, at `rate` votes a second (0
/// for flat out), except for those that an earlier run has cast. Returns how many it cast; fewer than there
/// are when it was stopped.
///
/// # Errors
/// When `votes` holds another election, or the platform fails; then the run can be repeated, and
/// continues where this one ended.
pub async fn replay_votes(
    platform: &Arc<dyn Platform>,
    replay: Arc<impl Replayed>,
    credentials: Option<CredentialKey>,
    rate: u64,
    progress: &Arc<Progress>,
    stop: &CancellationToken,
) -> Result<u64, ProducerError> {
    let ballots = Ballots {
        replay,
        credentials,
    };
    produce_sequence(platform, VOTES, ballots, rate, progress, stop).await
}

struct Ballots<R> {
    replay: Arc<R>,
    credentials: Option<CredentialKey>,
}

impl<R: Replayed> Sequence for Ballots<R> {
    fn len(&self) -> u64 {
        self.replay.total()
    }

    fn voter_id(&self, index: u64) -> Cow<'_, str> {
        self.replay.voter_id(index).into()
    }

    fn value(&self, index: u64, voting_time: &str) -> Result<Vec<u8>, ProducerError> {
        let vote = (self.replay).vote(index, voting_time, self.credentials.as_ref());
        vote.ok_or_else(|| ProducerError::Task(format!("there is no ballot {index}")))
    }
}
