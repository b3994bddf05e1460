//! Adding up what was counted: the counts of batches, each exactly once, and where two tallies differ.
//!
//! This crate does no I/O and knows no platform.

#![deny(missing_docs)]
#![forbid(unsafe_code)]

mod difference;
mod ledger;

pub use difference::{Difference, differences};
pub use ledger::{Applied, Ledger, LedgerError};
