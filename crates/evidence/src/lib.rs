//! What others can check an election by: the log's chain, the seals over the votes that count, the receipts of
//! voters, and the secret key that what must not be forged is made with.
//!
//! This crate does no I/O and knows no platform.

#![deny(missing_docs)]
#![forbid(unsafe_code)]

mod digest;
mod keys;
mod log_chain;
mod merkle;
mod receipt;
mod safeguards;

pub use digest::{Digest, DigestError};
pub use keys::{BlindingKey, ElectionKey, PseudonymKey};
pub use log_chain::{BatchHasher, ChainedTopic, HashedBatch, first_head, next_head};
pub use merkle::{InclusionProof, MerkleTree};
pub use receipt::{Receipt, ReceiptError, Reveal, Seal, moment_text, vote_leaf};
pub use safeguards::{KeyMismatch, Safeguards};
