//! The streaming port: what the election needs of a streaming platform, as a trait, and its adapters.
//!
//! * [`embedded`]: SmartModules over a durable log in the data directory, in process;
//! * [`fluvio`](mod@fluvio): a Fluvio cluster.
//!
//! What a real cluster cannot do, the port does not offer.

#![deny(missing_docs)]
#![forbid(unsafe_code)]

mod checks;
#[cfg(feature = "embedded")]
pub mod embedded;
mod error;
#[cfg(feature = "fluvio")]
pub mod fluvio;
mod outputs;
mod partitioning;
mod port;

pub use ballot::partition_of;
pub use checks::is_topic_name;
pub use error::PlatformError;
pub use port::{
    ModuleCall, NO_TIMESTAMP, NewRecord, Output, OutputBatch, OutputStream, Platform, StreamRequest,
};

/// Runs what blocks (disk, compilation) off the async threads.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, PlatformError> {
    tokio::task::spawn_blocking(work)
        .await
        .map_err(|error| PlatformError::Task(error.to_string()))
}
