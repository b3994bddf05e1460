//! What records look like outside: the topics and their records, the batches that hold them, and what others
//! may see of a vote.
//!
//! This crate does no I/O and knows no platform.

#![deny(missing_docs)]
#![forbid(unsafe_code)]

mod aggregate;
mod batch;
mod dead_letter;
mod disclosure;
mod election;
mod enrich;
#[cfg(any(test, fuzzing))]
pub mod fuzzed;
mod offset_key;
mod pipeline;
mod publishable;
mod rejected;
// The votes that all readings of a vote are tested with.
#[cfg(test)]
#[path = "../../ballot/src/sample_votes.rs"]
mod sample_votes;
pub mod topics;
mod totals;
mod vote_tail;

pub use aggregate::{
    AggregateRecord, TurnoutByLocation, VotesPerCandidate, aggregate_records, votes_by_party,
};
pub use batch::{BatchError, MAX_BATCH_BYTES, RecordReader, RecordsBuilder};
pub use dead_letter::DeadLetter;
pub use disclosure::Disclosure;
pub use election::Election;
pub use enrich::{Enricher, VoteText};
pub use offset_key::{offset_key, split_offset_key};
pub use pipeline::{
    BridgeDirection, BridgePosition, PersistPosition, PipelineRecord, TallyPosition,
};
pub use rejected::RejectedVote;
pub use totals::ChangedTotals;
pub use vote_tail::{TIME_BYTES, TIME_FIELD, VoteTail, append_credential, append_write_ins};
