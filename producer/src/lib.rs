//! The producer: makes an election and puts it on the streaming platform.
//!
//! Candidates and voters are invented from a seed, read from a roll, or follow from official
//! results; votes are cast as a script says, duplicates and invalid ones included. All of it is a
//! function of seed and options, so that a run which was killed is continued exactly: the end of the
//! log says how much of the sequence is there.

#![deny(missing_docs)]
#![forbid(unsafe_code)]

mod after_failures;
pub mod args;
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
mod script;
mod seeds;

pub use after_failures::steadily;
pub use candidates::candidates;
pub use cast::{CastPlan, cast_votes};
pub use credentials_file::write_credentials;
pub use demographics::{MAX_AGE, MIN_AGE};
pub use deployment::{Change, Deployment};
pub use election::{
    NewElection, StoredElection, init, polls, set_up, standing, voters, votes, with_photos,
};
pub use electorate::{voter, voter_id};
pub use error::ProducerError;
pub use input_files::{ResultRow, ResultsFile, WRITE_IN, read_roll};
pub use plan::{Ballots, InputFile, Plan};
pub use preferences::{Preferences, choice};
pub use progress::Progress;
pub use regions::{REGIONS, Region, Town, total_population_thousands};
pub use register::{VoterSource, register_voters};
pub use replay::{Replay, ReplayBallot};
pub use replay_cast::replay_votes;
pub use script::{NotAVoter, Script};
