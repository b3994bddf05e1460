//! The bridge: carries topics between Fluvio and Kafka (Redpanda), so that Kafka clients keep
//! the topic names and shapes they know.
//!
//! * Out, Fluvio to Kafka: a task for each partition. Each record carries a [`mark`](MARK_HEADER) that
//!   says where it comes from, so the topic on Kafka itself says where to continue.
//! * In, Kafka to Fluvio: a task for each topic. What is about to be written is stored in Postgres
//!   first, so that after a crash the bridge knows what to look for in the log.
//!
//! So neither direction depends on a consumer group, or on the bridge having stopped cleanly.

#![deny(missing_docs)]
#![forbid(unsafe_code)]

pub mod args;
mod chain;
mod config;
mod context;
mod dead_letters;
mod error;
mod inbound;
mod inbound_records;
mod kafka;
mod link;
mod mark;
mod outbound;
mod pipeline;
mod progress;
mod run;
mod unacknowledged;
mod wait_until_done;

pub use config::BridgeConfig;
pub use error::BridgeError;
pub use kafka::wait::wait_for_broker;
pub use link::{Direction, KafkaCompression, Link};
pub use mark::MARK_HEADER;
pub use progress::{Place, Position, Progress, Snapshot};
pub use run::run;
pub use wait_until_done::wait_until_done;
