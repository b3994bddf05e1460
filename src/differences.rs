//! Compares the count of a replay with its file, cell by cell.

use std::collections::BTreeMap;
use std::path::Path;

use crate::report::Report;

/// The cells in which a replay's count differs from its file.
pub(crate) struct Differences {
    cells: usize,
    list: Vec<String>,
}

impl Differences {
    /// Compares the count with the file's votes by (state, candidate).
    pub(crate) fn of(report: &Report, expected: &BTreeMap<(String, String), u64>) -> Differences {
        let mut counted = BTreeMap::new();
        for cell in &report.candidate_locations {
            let key = (cell.state.clone(), cell.candidate_name.clone());
            counted.insert(key, cell.total_votes);
        }
        let mut list = Vec::new();
        for (cell, &expected) in expected {
            let found = counted.remove(cell).unwrap_or(0);
            if found != expected {
                let (state, candidate) = cell;
                list.push(format!(
                    "{candidate} in {state}: {expected} in the file, {found} counted"
                ));
            }
        }
        for ((state, candidate), found) in counted {
            list.push(format!(
                "{candidate} in {state}: not in the file, {found} counted"
            ));
        }
        Differences {
            cells: expected.len(),
            list,
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// The result in words.
    pub(crate) fn verdict(&self, file: &Path, scale: f64) -> String {
        let Differences { cells, list } = self;
        let file = file.display();
        if list.is_empty() {
            return format!("The count equals {file} at scale {scale} in each of {cells} cells.");
        }
        format!(
            "The count DIFFERS from {file} at scale {scale} in {} cells:\n  {}",
            list.len(),
            list.join("\n  ")
        )
    }
}
