//! `fluvio.toml`, the one manifest of an election on a Fluvio cluster: the cluster, topics,
//! SmartModules, chains of them, Kafka names, the polls.
//!
//! What is wrong is told with its line and column and with what would be right: all that is wrong in
//! meaning at once, or the first thing that is wrong in form (an unknown key, a wrong type).

#![deny(missing_docs)]
#![forbid(unsafe_code)]

mod check;
mod cluster_config;
mod definition;
mod error;
mod file;
#[cfg(any(test, fuzzing))]
pub mod fuzzed;
mod kafka;
mod manifest;
mod values;

pub use definition::read_definition;
pub use error::{ManifestError, Problem};
pub use manifest::{Chain, Cluster, KafkaTopic, Manifest, SmartModule, Step, Topic};
pub use values::{Direction, KafkaCompression};
