//! Where two tallies differ, figure by figure.

use std::collections::BTreeMap;
use std::fmt;

use ballot::{CellKind, Tally};

/// The figures in which two tallies differ.
pub fn differences(left: &Tally, right: &Tally) -> Vec<Difference> {
    let by_path = |tally: &Tally| -> BTreeMap<(CellKind, String, String), u64> {
        tally
            .cells()
            .into_iter()
            .map(|cell| ((cell.kind, cell.group, cell.location), cell.total))
            .collect()
    };
    let (left, right) = (by_path(left), by_path(right));
    let mut paths: Vec<_> = left.keys().chain(right.keys()).collect();
    paths.sort_unstable();
    paths.dedup();
    paths
        .into_iter()
        .filter_map(|path| {
            let (left, right) = (
                left.get(path).copied().unwrap_or(0),
                right.get(path).copied().unwrap_or(0),
            );
            let (kind, group, location) = path.clone();
            (left != right).then_some(Difference {
                kind,
                group,
                location,
                left,
                right,
            })
        })
        .collect()
}

/// A figure in which two tallies differ.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// What it counts.
    pub kind: CellKind,
    /// candidate_id, gender, age band or reason.
    pub group: String,
    /// The location, for candidates; else empty.
    pub location: String,
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
        write!(f, "{} {}", self.kind.as_str(), self.group)?;
        if !self.location.is_empty() {
            write!(f, " in {}", self.location)?;
        }
        write!(f, ": {} against {}", self.left, self.right)
    }
}

#[cfg(test)]
mod tests {
    use ballot::{AgeBand, Reason};

    use super::*;

    fn sample() -> Tally {
        let mut tally = Tally::default();
        tally.candidates.insert(
            "c1".into(),
            [("Cornwall".into(), 3), ("Fife".into(), 2)].into(),
        );
        tally
            .candidates
            .insert("c2".into(), [("Fife".into(), 4)].into());
        tally.genders = [("female".into(), 5), ("male".into(), 4)].into();
        tally.age_bands = [(AgeBand::From18, 9)].into();
        tally.rejected = [(Reason::Duplicate, 1)].into();
        tally
    }

    #[test]
    fn differences_name_the_figure() {
        let mut other = sample();
        other
            .candidates
            .get_mut("c1")
            .unwrap()
            .insert("Fife".into(), 1);
        other.rejected.clear();
        let found: Vec<String> = differences(&sample(), &other)
            .iter()
            .map(ToString::to_string)
            .collect();
        assert_eq!(
            found,
            [
                "candidate c1 in Fife: 2 against 1",
                "rejected duplicate: 1 against 0"
            ]
        );
        assert!(differences(&sample(), &sample()).is_empty());
    }
}
