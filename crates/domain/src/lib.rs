//! The rules of the election, and nothing else: what a vote is, when it counts, why it is rejected,
//! how counts add up, and what every record looks like on the wire.
//!
//! This crate does no I/O and knows no platform. The same code is compiled to `wasm32` for the
//! SmartModules and natively for the recount, the audit and the tests, so that each rule stands in
//! exactly one place.

#![deny(missing_docs)]
#![forbid(unsafe_code)]

mod aggregate;
mod batch;
mod candidate;
mod chain;
mod counter;
mod digest;
mod enrich;
mod first_votes;
#[cfg(any(test, fuzzing))]
pub mod fuzzed;
mod groups;
mod judge;
mod keys;
mod layout;
mod ledger;
mod merkle;
mod names;
mod offset_key;
mod params;
mod pipeline;
mod publishable;
mod receipt;
mod rejection;
mod rules;
mod running_total;
mod safeguards;
mod scan;
mod tally;
pub mod topics;
mod vote;
mod vote_tail;
mod voter;
mod voter_table;

pub use aggregate::{
    AggregateRecord, TurnoutByAge, TurnoutByGender, TurnoutByLocation, VotesByParty, VotesByRegion,
    VotesPerCandidate, aggregate_records,
};
pub use batch::{BatchError, RecordReader, RecordRef, RecordsBuilder};
pub use candidate::Candidate;
pub use chain::{BatchHasher, ChainedTopic, HashedBatch, first_head, next_head};
pub use counter::{Delta, PartitionCounter};
pub use digest::{Digest, DigestError};
pub use enrich::{Enricher, VoteText};
pub use first_votes::{FirstVotes, VoterRef};
pub use groups::{AgeBand, UNKNOWN_GROUP, group_name};
pub use judge::{Judge, PartitionJudge};
pub use keys::{BlindingKey, CredentialKey, ElectionKey, KeyError, PseudonymKey};
pub use layout::VoteReader;
pub use ledger::{Applied, Ledger, LedgerError};
pub use merkle::{InclusionProof, MerkleTree};
pub use offset_key::{offset_key, split_offset_key};
pub use params::{
    PARAM_CANDIDATES, PARAM_CREDENTIAL_KEY, PARAM_DUPLICATES, PARAM_MODE, PARAM_POLLS_CLOSE,
    PARAM_POLLS_OPEN, ParamError, Params, module_params,
};
pub use pipeline::{
    BridgeDirection, BridgePosition, PersistPosition, PipelineRecord, TallyPosition,
};
pub use receipt::{Receipt, ReceiptError, Reveal, Seal, moment_text, vote_leaf};
pub use rejection::{Reason, RejectedVote};
pub use rules::{Ballot, Election, PollsWindow, Rules};
pub use running_total::running_total;
pub use safeguards::{KeyMismatch, Safeguards};
pub use tally::{Cell, CellKind, Difference, Tally};
pub use vote::{MAX_ID_BYTES, ParsedVote, Vote, VotingTime};
pub use vote_tail::{TIME_BYTES, TIME_FIELD, VoteTail, append_credential};
pub use voter::{Address, Voter};
