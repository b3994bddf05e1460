//! What tests and benchmarks run beside the code under test: a PostgreSQL server, a Fluvio cluster and a
//! service's program on temporary directories, a broker's program, what fuzzing has kept.
//!
//! A dependency of tests and of `bench` only. What does not come as it should is a panic, which fails the
//! test; only servers report errors, since benchmarks start them, too.

#![forbid(unsafe_code)]
#![deny(missing_docs)]

mod broker_program;
mod fuzz_corpus;
#[cfg(feature = "http")]
mod http;
mod network;
mod process;
mod rctab;
mod temporary_cluster;
mod temporary_server;

use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Duration;

pub use broker_program::{EXTERNAL_BROKER_VARIABLE, broker_program};
pub use fuzz_corpus::for_each_kept_input;
#[cfg(feature = "http")]
pub use http::{Answer, get, get_until};
pub use network::{closed_port, forward};
pub use process::{Running, Terminated, VARIABLES, command, help, refused, run};
pub use rctab::{RctabCase, first_difference, rctab_cases, rctab_data};
pub use temporary_cluster::{ClusterPrograms, TemporaryCluster};
pub use temporary_server::TemporaryServer;

/// Generous for a busy machine: how long to wait for what must come.
pub const DEADLINE: Duration = Duration::from_secs(20);
/// The pause between two polls.
pub const PAUSE: Duration = Duration::from_millis(10);

/// A temporary server or cluster that does not start.
#[derive(Debug, thiserror::Error)]
#[error("{server}: {problem}")]
pub struct StartError {
    server: &'static str,
    problem: String,
}

/// The official returns of the presidential election of 2016, as CSV. They are not part of the repository:
/// `None`, and a line that says so, where they are not beside it.
pub fn president_2016() -> Option<PathBuf> {
    let path =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data/us-president-2016.csv");
    if path.exists() {
        return Some(path);
    }
    skipped(&format!("{} is not there", path.display()));
    None
}

/// Says on the screen that a test is skipped. Not by `eprintln!`: the output of a test that passes is not
/// shown.
pub fn skipped(why: &str) {
    writeln!(std::io::stderr().lock(), "SKIPPED: {why}").unwrap();
}
