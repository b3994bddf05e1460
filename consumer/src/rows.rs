//! What a record of `votes` becomes in the tables. The audit uses it, too, to know what should be there.

use std::borrow::Cow;

use ballot::{Ballot, Reason, Rules};
use platform::Output;
use store::{RejectedRow, VoteRow};
use wire::Disclosure;

/// How many bytes of a rejected record `rejected_votes` keeps; the log has all of it.
pub const KEPT_BYTES: usize = 64 * 1024;

/// The row of a vote that counts.
pub fn vote_row(
    rules: &Rules,
    disclosure: &Disclosure,
    offset: i64,
    ballot: Ballot<'_>,
) -> VoteRow {
    VoteRow {
        candidate_id: ballot.candidate_id().map(str::to_owned),
        selections: ballot.selections_json(rules),
        voter_id: disclosure.stored_voter_id(ballot.voter_id).into_owned(),
        voting_time: ballot.voting_time,
        offset,
    }
}

/// The row of a record that does not count.
pub fn rejected_row(
    disclosure: &Disclosure,
    record: &Output,
    reason: Reason,
    voter_id: String,
) -> RejectedRow {
    let kept = disclosure.publishable(&record.value);
    RejectedRow {
        offset: record.offset,
        records: record.offsets,
        reason,
        voter_id,
        value: kept[..kept.len().min(KEPT_BYTES)].to_vec(),
        value_bytes: record.value.len(),
    }
}

/// The voter that a rejected record names, empty if it names none.
pub fn named_voter<'a>(rules: &Rules, value: &'a [u8]) -> Cow<'a, str> {
    rules
        .read(value)
        .map_or_else(|_| Cow::default(), |vote| vote.voter_id)
}
