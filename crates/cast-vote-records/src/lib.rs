//! Cast vote records, as voting systems export them: ballots with rankings, read one at a time.
//!
//! [`RctabConfig`] reads the configurations of RCTab, the tabulator that election offices use: which contest, which
//! candidates, which files, which rules. [`read_ballots`] reads the files that it names. [`report::Report`] writes
//! what RCTab writes of a tabulation, and [`cdf::CdfWriter`] the records themselves in NIST's common data format (SP
//! 1500-103). Between the two is [`tabulation`]: it gives the ballots to the counting methods of `ballot`, and turns
//! their rounds into reports. [`RecordedBallots`] makes the ballots an election, to be cast as votes.

#![deny(missing_docs)]
#![forbid(unsafe_code)]

mod cast_ballot;
pub mod cdf;
mod config;
mod election;
mod error;
mod rctab_csv;
mod readers;
pub mod report;
pub mod tabulation;

pub use cast_ballot::CastBallot;
pub use config::{
    ConfigError, ConfigProblem, CvrSource, OvervoteRule, Provider, RCTAB_VERSION, RctabCandidate,
    RctabConfig, RctabRules, TiebreakMode, UNDECLARED_WRITE_INS_NAME, WinnerElectionMode,
};
pub use election::{RecordedBallot, RecordedBallots};
pub use error::{CvrError, RecordProblem, UnknownCandidate};
pub use rctab_csv::write_rctab_csv;
pub use readers::{read_ballots, read_source};
