//! What every service has as a process of its own: where cluster and database are, waiting for them and
//! demanding that they belong together, the secret key, signals, logs, health and metrics. And where others find the
//! dashboard.

#![deny(missing_docs)]
#![forbid(unsafe_code)]

pub mod args;
mod connection;
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
