//! A contest's selections, summed up: what every counting method starts from.

use std::collections::BTreeMap;

use crate::Selection;

/// How often each selection was made in a contest.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Profile(BTreeMap<Selection, u64>);

impl Profile {
    /// Adds ballots with this selection.
    pub fn add(&mut self, selection: Selection, ballots: u64) {
        *self.0.entry(selection).or_default() += ballots;
    }

    /// Each selection, and how many ballots have it.
    pub fn selections(&self) -> impl Iterator<Item = (&Selection, u64)> {
        self.0
            .iter()
            .map(|(selection, &ballots)| (selection, ballots))
    }

    /// Ballots with this selection.
    pub fn ballots_with(&self, selection: &Selection) -> u64 {
        self.0.get(selection).copied().unwrap_or(0)
    }

    /// All ballots.
    pub fn ballots(&self) -> u64 {
        self.0.values().sum()
    }
}

impl FromIterator<(Selection, u64)> for Profile {
    fn from_iter<I: IntoIterator<Item = (Selection, u64)>>(selections: I) -> Self {
        let mut profile = Profile::default();
        for (selection, ballots) in selections {
            profile.add(selection, ballots);
        }
        profile
    }
}
