//! The voters of a replay: what is replayed has none, and they are invented from seed and number.

use crate::demographics::{age, gender};
use crate::seeds::{Purpose, indexed_uuid, mix, word};

/// About how many bytes a replayed vote has.
const VOTE_CAPACITY: usize = 288;

/// An invented voter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ReplayVoter {
    pub(crate) voter_id: String,
    pub(crate) gender: &'static str,
    pub(crate) registered_age: i32,
}

impl ReplayVoter {
    /// The voter of ballot number `index`.
    pub(crate) fn of(seed: u64, index: u64) -> ReplayVoter {
        let voter = word(seed, Purpose::ReplayVoter, index);
        ReplayVoter {
            voter_id: ReplayVoter::id(seed, index),
            gender: gender(voter),
            registered_age: age(mix(voter)),
        }
    }

    /// The voter's id alone.
    pub(crate) fn id(seed: u64, index: u64) -> String {
        indexed_uuid(seed, Purpose::ReplayVoterId, index)
    }

    /// The beginning of the voter's vote: an open JSON object, after a comma.
    pub(crate) fn begin_vote(&self) -> Vec<u8> {
        let age = self.registered_age.to_string();
        let mut vote = Vec::with_capacity(VOTE_CAPACITY);
        // Ids and genders are made here, of letters, digits and hyphens: nothing to escape.
        for part in [
            r#"{"voter_id":""#,
            &self.voter_id,
            r#"","gender":""#,
            self.gender,
            r#"","registered_age":"#,
            &age,
            ",",
        ] {
            vote.extend_from_slice(part.as_bytes());
        }
        vote
    }
}
