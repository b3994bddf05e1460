//! `fluvio.toml`, the one manifest of an election on a Fluvio cluster: the cluster, topics,
//! SmartModules, chains of them, Kafka names, the polls.
//!
//! Errors name their line and column, and what would be right. Errors of meaning are all reported at once, of those
//! of form (an unknown key, a wrong type) the first.

#![deny(missing_docs)]
#![forbid(unsafe_code)]

mod check;
mod definition;
mod error;
mod file;
#[cfg(any(test, fuzzing))]
pub mod fuzzed;
mod manifest;
mod values;

pub use definition::read_definition;
pub use error::{ManifestError, Problem};
pub use manifest::{KafkaTopic, Manifest, SmartModule, Topic};
pub use values::{Direction, KafkaCompression};
