//! Readers for files that people bring to an election: a roll of voters, official results. A file is read and
//! checked whole before anything of it is used; errors name their lines.

#![deny(missing_docs)]
#![forbid(unsafe_code)]

mod csv_file;
mod error;
#[cfg(any(test, fuzzing))]
pub mod fuzzed;
mod results_file;
mod roll;

pub use error::{InputFileError, Problems};
pub use results_file::{MAX_VOTES, NO_PARTY, ResultRow, ResultsFile, WRITE_IN};
pub use roll::read_roll;
