//! The election on a real Fluvio cluster and a real PostgreSQL server, as the processes that a user runs.
//!
//! Where the programs of either are missing, the tests say so, and pass.

mod ballots;
mod consumers;
mod deploy;
mod hostile;
pub mod installation;
mod kills;
mod raw_batches;
mod same_numbers;
mod sharing;
