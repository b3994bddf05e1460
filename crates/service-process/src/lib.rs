//! Processes for tests: the services' programs, and a Fluvio cluster. Any failure is a panic, which fails the test.

#![forbid(unsafe_code)]
#![deny(missing_docs)]

mod http;
mod network;
mod process;
mod temporary_cluster;

use std::time::Duration;

pub use http::{Answer, get, get_until};
pub use network::{closed_port, forward};
pub use process::{Running, Terminated, VARIABLES, command, help, refused, run};
pub use temporary_cluster::TemporaryCluster;

/// How long a test waits for what must come, on a busy machine.
pub const DEADLINE: Duration = Duration::from_secs(20);
/// The time between two polls.
pub const PAUSE: Duration = Duration::from_millis(10);
