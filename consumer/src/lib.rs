//! The consumer: counts the votes through the `vote-tally` SmartModule, publishes the aggregates,
//! and persists voters, votes and rejected votes to Postgres.
//!
//! Two independent ways lead from `votes` to numbers: `tally` adds up the SmartModule's deltas,
//! `persist_votes` turns records into rows under the database's unique key. Both must give the same
//! count.

#![deny(missing_docs)]
#![forbid(unsafe_code)]

mod batches;
mod checkpoints;
mod config;
mod context;
mod counting_first;
mod deltas;
mod error;
mod leases;
mod ledgers;
mod other_consumers;
mod owned_partitions;
mod partition;
mod persist_voters;
mod persist_votes;
mod pipeline;
mod progress;
mod publish;
mod rounds;
mod rows;
mod run;
mod tally;
mod wait_until_done;

pub use batches::hash_record;
pub use config::{ConsumerConfig, Sharing};
pub use deltas::{Deltas, TimedDelta, tally_request};
pub use error::ConsumerError;
pub use persist_voters::read_voters;
pub use progress::{PartitionProgress, Progress, Snapshot};
pub use rows::{KEPT_BYTES, named_voter, rejected_row, vote_row};
pub use run::run;
pub use wait_until_done::wait_until_done;
pub use wire::Election;
