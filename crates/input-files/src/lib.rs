//! What people bring to an election as files: a roll of voters, official results. A file is read and
//! checked whole before anything of it is used; what is wrong is told by its line.

#![deny(missing_docs)]
#![forbid(unsafe_code)]

mod error;
#[cfg(any(test, fuzzing))]
pub mod fuzzed;
mod reading;
mod results_file;
mod roll;

pub use error::InputFileError;
pub use results_file::{MAX_VOTES, NO_PARTY, ResultRow, ResultsFile, WRITE_IN};
pub use roll::read_roll;
