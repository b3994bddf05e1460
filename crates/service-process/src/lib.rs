//! A service's program as a process, for the services' tests: starting it, reading what it says, asking it
//! over HTTP, ending it. Whatever does not come as it should is a panic, which fails the test.

#![forbid(unsafe_code)]
#![deny(missing_docs)]

mod http;
mod network;
mod process;

use std::time::Duration;

pub use http::{Answer, get, get_until};
pub use network::{closed_port, forward};
pub use process::{Running, Terminated, VARIABLES, command, help, refused, run};

/// Generous for a busy machine: how long to wait for what must come.
pub const DEADLINE: Duration = Duration::from_secs(20);
/// The pause between two looks.
pub const PAUSE: Duration = Duration::from_millis(10);
