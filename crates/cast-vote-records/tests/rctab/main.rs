//! RCTab's test data: its configurations and records are read, and its reports are written again. The data is not part of
//! the repository: it is expected beside it.

mod ballots;
mod cdf;
mod first_round;
mod reports;

use std::path::{Path, PathBuf};

use testing::skipped;

/// The directory of the data, if it is there.
fn data() -> Option<PathBuf> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data/rctab");
    if path.exists() {
        return Some(path);
    }
    skipped(&format!("{} is not there", path.display()));
    None
}

/// All configurations in it.
fn configurations(data: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for directory in std::fs::read_dir(data).unwrap() {
        let directory = directory.unwrap().path();
        if !directory.is_dir() {
            continue;
        }
        for file in std::fs::read_dir(directory).unwrap() {
            let path = file.unwrap().path();
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            if name.ends_with("config.json") {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}
