//! Postgres for the election: numbered migrations, exactly-once ingest of votes and voters,
//! checkpoints and tallies in one transaction, the queries of the audit; and two servers that need
//! no installation or leave no trace.
//!
//! * [`Store`]: everything that is asked of the database, over a pool of connections.
//! * [`EmbeddedPostgres`]: PostgreSQL 17 in WASM, in this process (feature `embedded`).
//!
//! A vote's way: [`Store::begin_votes`] opens a transaction, checks that the batch begins where the
//! partition's checkpoint stands, and inserts the votes; the database's unique key says which are
//! duplicates; these go to [`PendingVotes::reject`]; [`PendingVotes::commit`] moves the checkpoint in
//! the same transaction, in which the batch's hash is chained to those before it, too. Whatever ends in
//! between leaves nothing behind.
//!
//! Several consumers share the partitions by [`Lease`]s: each says that it lives, and takes its share
//! of what is free, with [`Store::renew_leases`]; what it writes names the lease, and is refused with
//! [`StoreError::LeaseLost`] once the partition is another's. A single process that owns its database
//! needs none.

#![deny(missing_docs)]
#![forbid(unsafe_code)]

mod audit;
mod bridge;
mod chain;
mod checkpoint;
mod clear;
mod columns;
mod election;
#[cfg(feature = "embedded")]
mod embedded;
mod error;
mod leases;
mod pool;
mod roll;
mod seals;
mod tallies;
#[cfg(unix)]
mod transaction;
mod voters;
mod votes;
mod wal;

pub use audit::{PersistedVotes, RowCounts};
pub use bridge::{BridgeLock, Inbound, InboundPosition};
pub use chain::{ChainEnd, ChainHashes, ChainRow};
pub use checkpoint::PERSIST;
pub use election::Election;
#[cfg(feature = "embedded")]
pub use embedded::EmbeddedPostgres;
pub use error::StoreError;
pub use leases::{Lease, LeaseRound};
pub use pool::Store;
pub use tallies::{PartitionTally, Stored};
#[cfg(unix)]
pub use voters::{IngestVoters, RejectedVoterRow, stored_voter};
pub use votes::{IngestVotes, PendingVotes, RejectedRow, VoteRow};
