//! The producer: makes an election and puts it on the streaming platform.
//!
//! Candidates and voters are invented from a seed, read from a roll, or derived from official
//! results or recorded ballots; a script decides which votes are cast, duplicates and invalid ones included. All of it is a
//! function of seed and options, so that a run can continue exactly after a kill: the end of the log
//! says how much of the sequence is there.

#![deny(missing_docs)]
#![forbid(unsafe_code)]

pub mod args;
mod ballot_replay;
mod candidates;
mod cast;
mod clock;
mod credentials_file;
mod demographics;
mod deployment;
mod election;
mod electorate;
mod error;
mod log_position;
mod marks;
mod pacing;
mod permutation;
mod plan;
mod preferences;
mod progress;
mod pump;
mod regions;
mod register;
mod replay;
mod replay_cast;
mod replay_voter;
mod script;
mod seeds;
mod sequence;

pub use ballot_replay::BallotReplay;
pub use candidates::candidates;
pub use cast::{CastPlan, cast_votes};
pub use credentials_file::write_credentials;
pub use deployment::{Change, Deployment};
pub use election::{
    NewElection, StoredElection, init, polls, set_up, standing, steadily, voters, votes,
    with_photos,
};
pub use electorate::{voter, voter_id};
pub use error::ProducerError;
pub use input_files::{ResultRow, ResultsFile, WRITE_IN, read_roll};
pub use plan::{Ballots, InputFile, Plan};
pub use preferences::choice;
pub use progress::Progress;
pub use register::{VoterSource, register_voters};
pub use replay::Replay;
pub use replay_cast::{Replayed, replay_votes};
pub use script::{NotAVoter, Script};
