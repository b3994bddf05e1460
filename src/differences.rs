//! A replay's count beside the file it was made from, cell by cell.

use std::collections::BTreeMap;
use std::path::Path;

use crate::report::Report;

/// The cells in which a replay's count differs from its file.
pub(crate) struct Differences {
    cells: usize,
    list: Vec<String>,
}

impl Differences {
    /// Compares the count with what the file says of (state, candidate).
    pub(crate) fn of(report: &Report, expected: &BTreeMap<(String, String), u64>) -> Differences {
        let mut counted: BTreeMap<(&str, &str), u64> = report
            .candidate_locations
            .iter()
            .map(|cell| {
                (
                    (cell.state.as_str(), cell.candidate_name.as_str()),
                    cell.total_votes,
                )
            })
            .collect();
        let mut list = Vec::new();
        for ((state, candidate), &expected) in expected {
            let found = counted
                .remove(&(state.as_str(), candidate.as_str()))
                .unwrap_or(0);
            if found != expected {
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

    /// Whether there is none.
    pub(crate) fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// What a person is told.
    pub(crate) fn verdict(&self, file: &Path, scale: f64) -> String {
        let Differences { cells, list } = self;
        let file = file.display();
        if list.is_empty() {
            return format!("The count equals {file} at scale {scale} in each of {cells} cells.");
        }
        let mut text = format!(
            "The count DIFFERS from {file} at scale {scale} in {} cells:",
            list.len()
        );
        for line in list {
            text += &format!("\n  {line}");
        }
        text
    }
}
