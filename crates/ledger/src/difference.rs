//! Where two tallies differ, figure by figure.

use std::collections::BTreeSet;
use std::fmt;

use ballot::{CellPath, Tally};

/// The figures in which two tallies differ.
pub fn differences(left: &Tally, right: &Tally) -> Vec<Difference> {
    let (left, right) = (left.cells(), right.cells());
    let paths: BTreeSet<&CellPath> = left.keys().chain(right.keys()).collect();
    let difference = |path: &CellPath| Difference {
        path: path.clone(),
        left: left.get(path).copied().unwrap_or(0),
        right: right.get(path).copied().unwrap_or(0),
    };
    paths
        .into_iter()
        .map(difference)
        .filter(|difference| difference.left != difference.right)
        .collect()
}

/// A figure in which two tallies differ.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// What it counts.
    pub path: CellPath,
    /// The figure of the first tally.
    pub left: u64,
    /// The figure of the second.
    pub right: u64,
}

impl Difference {
    /// The first differences in words, and how many more there are.
    pub fn first_few(differences: &[Difference]) -> String {
        const SHOWN: usize = 3;
        let mut text = differences
            .iter()
            .take(SHOWN)
            .map(ToString::to_string)
            .collect::<Vec<_>>()
            .join("; ");
        if differences.len() > SHOWN {
            text += &format!("; and {} more", differences.len() - SHOWN);
        }
        text
    }
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {} against {}", self.path, self.left, self.right)
    }
}

#[cfg(test)]
mod tests {
    use ballot::Reason;

    use super::*;

    #[test]
    fn differences_name_the_figure() {
        let turnout = |value: &str| CellPath::Turnout {
            group: "location".into(),
            value: value.into(),
        };
        let votes = CellPath::Contest {
            contest: "mayor".into(),
            group: "location".into(),
            value: "Fife".into(),
            selection: "c1".into(),
        };
        let duplicates = CellPath::Rejected {
            reason: Reason::Duplicate,
        };
        let left = Tally::from_cells([
            (turnout("Fife"), 2),
            (votes.clone(), 2),
            (duplicates.clone(), 1),
        ]);
        let right = Tally::from_cells([(turnout("Fife"), 2), (turnout("Ayr"), 1), (votes, 1)]);
        let found: Vec<String> = differences(&left, &right)
            .iter()
            .map(ToString::to_string)
            .collect();
        assert_eq!(
            found,
            [
                "turnout of location Ayr: 0 against 1",
                "mayor: c1 in location Fife: 2 against 1",
                "rejected duplicate: 1 against 0"
            ]
        );
        assert!(differences(&left, &left).is_empty());
    }
}
