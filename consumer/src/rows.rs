//! What a record of `votes` becomes in the tables. The audit asks the same, to know what should be there.

use domain::{Ballot, ParsedVote, Reason};
use store::{RejectedRow, VoteRow};

/// Bytes of a rejected record that are kept in `rejected_votes`; the log has the whole.
pub const KEPT_BYTES: usize = 64 * 1024;

/// The row of a vote that counts.
pub fn vote_row(offset: i64, ballot: Ballot<'_>) -> VoteRow {
    VoteRow {
        voter_id: ballot.voter_id.into_owned(),
        candidate_id: ballot.candidate_id.into_owned(),
        voting_time: ballot.voting_time,
        offset,
    }
}

/// The row of a record that does not count.
pub fn rejected_row(offset: i64, reason: Reason, voter_id: String, value: &[u8]) -> RejectedRow {
    RejectedRow {
        offset,
        reason,
        voter_id,
        value: value[..value.len().min(KEPT_BYTES)].to_vec(),
        value_bytes: value.len(),
    }
}

/// The voter that a rejected record names, empty where it names none.
pub fn named_voter(value: &[u8]) -> String {
    ParsedVote::parse(value).map_or_else(|_| String::new(), |vote| vote.voter_id.into_owned())
}
