//! Postgres for the election: numbered migrations, exactly-once ingest of votes and voters, checkpoints and
//! tallies in one transaction, and the queries of the audit; and two servers, one that needs no installation
//! and one that leaves nothing behind.
//!
//! * [`Store`]: all queries, over a pool of connections.
//! * [`EmbeddedPostgres`]: PostgreSQL 17 in WASM, in this process (feature `embedded`).
//!
//! How votes are stored: [`Store::begin_votes`] opens a transaction, checks that the batch begins at the
//! partition's checkpoint, chains the batch's hash, and inserts the votes. The database's unique key finds the
//! duplicates, which go to [`PendingVotes::reject`]. [`PendingVotes::commit`] moves the checkpoint in the same
//! transaction. If the process ends in between, nothing is left behind.
//!
//! Several consumers share the partitions by [`Lease`]s: each renews itself and takes its share of free
//! partitions with [`Store::renew_leases`]. Every write names the lease, and is refused with
//! [`StoreError::LeaseLost`] once the partition belongs to another consumer. A single process that owns its
//! database needs no leases.

#![deny(missing_docs)]
#![forbid(unsafe_code)]

mod audit;
mod bridge;
mod chain;
mod checkpoint;
mod clear;
mod columns;
mod connection;
mod dead_letters;
mod election;
#[cfg(feature = "embedded")]
mod embedded;
mod error;
mod leases;
mod pool;
mod seals;
mod tallies;
#[cfg(unix)]
mod transaction;
mod voters;
mod votes;
mod wal;

pub use audit::{PersistedVotes, RowCounts, StrayRow};
pub use bridge::{BridgeLock, Inbound, InboundPosition};
pub use chain::{ChainEnd, ChainHashes, ChainRow};
pub use checkpoint::PERSIST;
pub use election::ElectionRow;
#[cfg(feature = "embedded")]
pub use embedded::EmbeddedPostgres;
pub use error::StoreError;
pub use leases::{Lease, LeaseRound};
pub use pool::Store;
pub use tallies::{PartitionTally, Stored};
#[cfg(unix)]
pub use voters::{IngestVoters, RejectedVoterRow, differing_columns, stored_voter};
pub use votes::{IngestVotes, PendingVotes, RejectedRow, VoteRow};
