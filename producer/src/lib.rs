//! The producer: makes an election and puts it on the streaming platform.
//!
//! Candidates and voters are invented from a seed, read from a roll, or follow from official
//! results; votes are cast as a script says, duplicates and invalid ones included. All of it is a
//! function of seed and options, so that a run which was killed is continued exactly: the end of the
//! log says how much of the sequence is there.

#![deny(missing_docs)]
#![forbid(unsafe_code)]

pub mod args;
mod candidates;
mod cast;
mod clock;
mod demographics;
mod electorate;
mod error;
mod input_file;
mod log_position;
mod pacing;
mod permutation;
mod preferences;
mod progress;
mod pump;
mod regions;
mod register;
mod replay;
mod replay_cast;
mod results_file;
mod roll;
mod script;
mod seeds;
mod topics;
mod vote_tail;

pub use candidates::candidates;
pub use cast::{CastPlan, cast_votes};
pub use demographics::{MAX_AGE, MIN_AGE};
pub use electorate::{voter, voter_id};
pub use error::ProducerError;
pub use preferences::{Preferences, choice};
pub use progress::Progress;
pub use regions::{REGIONS, Region, Town, total_population_thousands};
pub use register::{VoterSource, register_voters};
pub use replay::{Replay, ReplayBallot};
pub use replay_cast::replay_votes;
pub use results_file::{MAX_VOTES, NO_PARTY, ResultRow, ResultsFile, WRITE_IN};
pub use roll::read_roll;
pub use script::{NotAVoter, Script};
pub use topics::create_topics;
pub(crate) use vote_tail::VoteTail;
