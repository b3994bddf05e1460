//! Where a broker is that speaks Kafka: `tansu`, which tests start, or one that runs already.

use std::path::{Path, PathBuf};

use crate::skipped;

/// Names a broker that runs already: `HOST:PORT`.
pub const EXTERNAL_BROKER_VARIABLE: &str = "KAFKA_BOOTSTRAP";
/// Names the program, before `PATH`.
const PROGRAM_VARIABLE: &str = "TANSU_BIN";
/// Where `.ci/run` puts it.
const INSTALLED: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../target/tansu/tansu");

/// The program `tansu`. `None`, and a line that says so, where it is not installed.
pub fn broker_program() -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found = std::env::var_os(PROGRAM_VARIABLE)
        .map(PathBuf::from)
        .into_iter()
        .chain(std::env::split_paths(&path).map(|directory| directory.join("tansu")))
        .chain([Path::new(INSTALLED).into()])
        .find(|program| program.is_file());
    if found.is_none() {
        skipped(
            "no broker: neither KAFKA_BOOTSTRAP nor TANSU_BIN is set, and `tansu` is neither on PATH nor in \
             target/tansu, where .ci/run puts it",
        );
    }
    found
}
