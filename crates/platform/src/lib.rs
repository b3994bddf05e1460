//! The streaming port: the few things the election asks of a streaming platform, as a trait, and
//! the adapters that do them.
//!
//! * [`embedded`]: SmartModules over a durable log in the data directory, in process;
//! * [`fluvio`](mod@fluvio): a Fluvio cluster.
//!
//! What a real cluster cannot do, the port does not offer.

#![deny(missing_docs)]
#![forbid(unsafe_code)]

#[cfg(feature = "embedded")]
pub mod embedded;
mod error;
#[cfg(feature = "fluvio")]
pub mod fluvio;
mod partitioning;
mod port;
mod topic_name;

pub use error::PlatformError;
pub use partitioning::partition_of;
pub use port::{
    ModuleCall, NO_TIMESTAMP, NewRecord, Output, OutputBatch, OutputStream, Platform, StreamRequest,
};
pub use topic_name::is_topic_name;
