//! What all services share: options, the secret key, waiting for cluster and database, checking that they belong
//! together, retries, signals, logs, health and metrics; and the dashboard's public address.

#![deny(missing_docs)]
#![forbid(unsafe_code)]

pub mod args;
pub mod connections;
pub mod endpoint;
mod error;
pub mod health;
pub mod http;
pub mod key;
pub mod logs;
pub mod pipeline;
pub mod process;
pub mod public_url;
pub mod records;
pub mod restart;
pub mod retry;
pub mod signals;
pub mod wait;
pub mod whole_log;

pub use error::{ServiceError, UsageError};
