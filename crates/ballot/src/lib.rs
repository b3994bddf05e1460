//! The ballot and its counting, and nothing else: what is voted on, what a vote is, when it counts, why it is
//! rejected, how counts add up, and who wins.
//!
//! This crate does no I/O, knows no platform and depends on no other crate of this system. The same code is
//! compiled to `wasm32` for the SmartModules and natively for the recount, the audit and the tests, so that
//! each rule stands in exactly one place.

#![deny(missing_docs)]
#![forbid(unsafe_code)]

mod ballot_paper;
mod candidate;
mod choices;
mod contest;
mod contest_counts;
mod counter;
pub mod counting;
mod credential;
mod definition;
mod first_votes;
#[cfg(any(test, fuzzing))]
pub mod fuzzed;
mod group;
mod group_paths;
mod group_values;
mod hash_seed;
mod judge;
mod known_answers;
mod names;
mod params;
mod partition;
pub mod ranking;
mod reason;
mod record;
mod reporting;
mod rules;
mod running_total;
#[cfg(test)]
mod sample_votes;
mod scan;
mod selection;
mod tally;
mod vote;
mod vote_reader;
mod voter;
mod voter_table;

pub use candidate::Candidate;
pub use choices::{Answer, Choices};
pub use contest::Contest;
pub use counter::{Delta, NoSuchOffsets, PartitionCounter};
pub use credential::{CredentialKey, KeyError, key_bytes};
pub use definition::{
    DefinitionError, District, ElectionDefinition, ElectionTitle, MAX_CONTESTS, MAX_GROUPS,
    PRECINCT_GROUP, Precinct, TUTORIAL_CONTEST,
};
pub use first_votes::{FirstVotes, VoterRef};
pub use group::{Group, OTHER, UNKNOWN};
pub use group_paths::GroupPaths;
pub use group_values::value_of_text;
pub use hash_seed::HashSeed;
pub use judge::{Judge, PartitionJudge};
pub use params::{
    PARAM_CANDIDATES, PARAM_CREDENTIAL_KEY, PARAM_DEFINITION, PARAM_DUPLICATES, PARAM_HASH_SEED,
    PARAM_MODE, PARAM_PARTITION, PARAM_POLLS_CLOSE, PARAM_POLLS_OPEN, ParamError, Params,
    module_params, passed_params, whole_param,
};
pub use partition::{Partition, partition_of};
pub use ranking::Ranking;
pub use reason::Reason;
pub use record::RecordRef;
pub use reporting::Reporting;
pub use rules::{Ballot, Marked, PollsWindow, Rules};
pub use running_total::running_total;
pub use selection::{BadAnswer, Marks, OVERVOTE, Selection, UNDERVOTE};
pub use tally::{BySelection, CellPath, ContestTally, Tally, Unbalanced};
pub use vote::{GroupValue, MAX_ID_BYTES, ParsedVote, Vote, VotingTime};
pub use vote_reader::VoteReader;
pub use voter::{Address, Voter};
pub use voter_table::OFFSET_LIMIT;
