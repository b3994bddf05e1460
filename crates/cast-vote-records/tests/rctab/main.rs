//! RCTab's test data: its configurations and records are read, and its reports are written again. The data is not part of
//! the repository: it is expected beside it.

mod ballots;
mod cdf;
mod first_round;
mod reports;
mod tabulation;

use std::path::{Path, PathBuf};

use testing::{rctab_cases, rctab_data as data};

/// All configurations in it.
fn configurations(data: &Path) -> Vec<PathBuf> {
    let cases = rctab_cases(data).into_iter();
    cases.map(|case| case.config).collect()
}
