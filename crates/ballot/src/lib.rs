//! The ballot and its counting, and nothing else: what a vote is, when it counts, why it is rejected, and how
//! counts add up.
//!
//! This crate does no I/O, knows no platform and depends on no other crate of this system. The same code is
//! compiled to `wasm32` for the SmartModules and natively for the recount, the audit and the tests, so that
//! each rule stands in exactly one place.

#![deny(missing_docs)]
#![forbid(unsafe_code)]

mod candidate;
mod counter;
mod credential;
mod first_votes;
#[cfg(any(test, fuzzing))]
pub mod fuzzed;
mod groups;
mod judge;
mod names;
mod params;
mod reason;
mod record;
mod rules;
mod running_total;
#[cfg(test)]
mod sample_votes;
mod scan;
mod tally;
mod vote;
mod vote_reader;
mod voter;
mod voter_table;

pub use candidate::Candidate;
pub use counter::{CountError, Delta, PartitionCounter};
pub use credential::{CredentialKey, KeyError, key_bytes};
pub use first_votes::{FirstVotes, VoterRef};
pub use groups::{AgeBand, UNKNOWN_GROUP, group_name};
pub use judge::{Judge, PartitionJudge};
pub use params::{
    PARAM_CANDIDATES, PARAM_CREDENTIAL_KEY, PARAM_DUPLICATES, PARAM_MODE, PARAM_POLLS_CLOSE,
    PARAM_POLLS_OPEN, ParamError, Params, module_params,
};
pub use reason::Reason;
pub use record::RecordRef;
pub use rules::{Ballot, PollsWindow, Rules};
pub use running_total::running_total;
pub use tally::{Cell, CellKind, Tally};
pub use vote::{MAX_ID_BYTES, ParsedVote, Vote, VotingTime};
pub use vote_reader::VoteReader;
pub use voter::{Address, Voter};
pub use voter_table::OFFSET_LIMIT;
