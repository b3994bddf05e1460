//! Counts: what a delta carries, what is stored, what a recount arrives at. One shape for all.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::counting::{Outcome, Profile};
use crate::{Contest, ElectionDefinition, Reason};

/// Votes by the text of a [`Selection`].
pub type BySelection = BTreeMap<String, u64>;

/// Votes counted and rejected. What nobody voted for is not kept, so equal counts are equal values.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Tally {
    /// group -> value -> votes counted.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub turnout: BTreeMap<String, BTreeMap<String, u64>>,
    /// contest -> group -> value -> selection -> votes counted.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub contests: BTreeMap<String, ContestTally>,
    /// reason -> votes rejected.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub rejected: BTreeMap<Reason, u64>,
}

/// A contest's selections: group -> value -> selection -> votes counted.
pub type ContestTally = BTreeMap<String, BTreeMap<String, BySelection>>;

/// One figure of a tally, by its path: the form that is stored.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum CellPath {
    /// Votes counted of a group's value.
    Turnout {
        /// The group.
        group: String,
        /// Its value.
        value: String,
    },
    /// Votes counted of a group's value for a selection in a contest.
    Contest {
        /// The contest.
        contest: String,
        /// The group.
        group: String,
        /// Its value.
        value: String,
        /// The selection's text.
        selection: String,
    },
    /// Votes rejected.
    Rejected {
        /// Why.
        reason: Reason,
    },
}

/// A figure that does not add up.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{whole} votes counted, but {sum} by {group}{}", in_contest(contest))]
pub struct Unbalanced {
    /// The contest; `None` for the turnout.
    pub contest: Option<String>,
    /// The group whose values do not add up.
    pub group: String,
    /// What they add up to.
    pub sum: u64,
    /// What they should add up to.
    pub whole: u64,
}

fn in_contest(contest: &Option<String>) -> String {
    contest
        .as_ref()
        .map(|contest| format!(" in the contest `{contest}`"))
        .unwrap_or_default()
}

impl Tally {
    /// Votes that count: those of any one group.
    pub fn counted(&self) -> u64 {
        let first = self.turnout.values().next();
        first.map_or(0, |values| values.values().sum())
    }

    /// Votes that do not.
    pub fn rejected_total(&self) -> u64 {
        self.rejected.values().sum()
    }

    /// Everything cast: counted and rejected.
    pub fn cast(&self) -> u64 {
        self.counted() + self.rejected_total()
    }

    /// Votes counted of each value of a group.
    pub fn turnout_by(&self, group: &str) -> &BTreeMap<String, u64> {
        const NONE: &BTreeMap<String, u64> = &BTreeMap::new();
        self.turnout.get(group).unwrap_or(NONE)
    }

    /// A contest's selections for each value of a group.
    pub fn selections_by(&self, contest: &str, group: &str) -> &BTreeMap<String, BySelection> {
        const NONE: &BTreeMap<String, BySelection> = &BTreeMap::new();
        let contest = self.contests.get(contest);
        contest.and_then(|groups| groups.get(group)).unwrap_or(NONE)
    }

    /// Demands that the groups agree: each has as many votes as any other, in every contest too.
    ///
    /// # Errors
    /// The first group that does not.
    pub fn demand_balanced(&self) -> Result<(), Unbalanced> {
        let whole = self.counted();
        // A group that is missing in one place stands in another, and has no votes where it is missing.
        let contests = self.contests.values();
        let groups: BTreeSet<&String> = contests
            .flat_map(BTreeMap::keys)
            .chain(self.turnout.keys())
            .collect();
        for &group in &groups {
            demand_sum(None, group, self.turnout_by(group).values().sum(), whole)?;
        }
        for (contest, counts) in &self.contests {
            let sum = |values: &BTreeMap<String, BySelection>| -> u64 {
                values.values().flat_map(BTreeMap::values).sum()
            };
            let of_contest = counts.values().next().map_or(0, sum);
            for &group in &groups {
                // A contest of a district has fewer ballots than there are votes, and none has more.
                let whole = of_contest.min(whole);
                demand_sum(
                    Some(contest),
                    group,
                    counts.get(group).map_or(0, sum),
                    whole,
                )?;
            }
        }
        Ok(())
    }

    /// Demands that nothing which the definition counts is left out: every group has all votes, and so has every
    /// contest that is put to everybody.
    ///
    /// # Errors
    /// The first group or contest with too few.
    pub fn demand_complete(&self, definition: &ElectionDefinition) -> Result<(), Unbalanced> {
        let whole = self.counted();
        for name in definition.group_names() {
            demand_sum(None, name, self.turnout_by(name).values().sum(), whole)?;
            let everybodys = definition.contests.iter();
            for contest in everybodys.filter(|contest| contest.districts.is_empty()) {
                let selections = self.selections_by(&contest.id, name).values();
                let sum = selections.flat_map(BTreeMap::values).sum();
                demand_sum(Some(&contest.id), name, sum, whole)?;
            }
        }
        Ok(())
    }

    /// Adds another tally to this one.
    pub fn add(&mut self, other: &Tally) {
        add_nested(&mut self.turnout, &other.turnout, add_counts);
        add_nested(&mut self.contests, &other.contests, |groups, more| {
            add_nested(groups, more, |values, more| {
                add_nested(values, more, add_counts);
            });
        });
        add_counts(&mut self.rejected, &other.rejected);
    }

    /// Adds votes of a group's value to the turnout.
    pub fn add_turnout(&mut self, group: &str, value: &str, votes: u64) {
        let values = self.turnout.entry(group.to_owned()).or_default();
        *values.entry(value.to_owned()).or_default() += votes;
    }

    /// Adds votes of a group's value for a selection in a contest.
    pub fn add_selection(
        &mut self,
        contest: &str,
        (group, value): (&str, &str),
        selection: &str,
        votes: u64,
    ) {
        let groups = self.contests.entry(contest.to_owned()).or_default();
        let values = groups.entry(group.to_owned()).or_default();
        let selections = values.entry(value.to_owned()).or_default();
        *selections.entry(selection.to_owned()).or_default() += votes;
    }

    /// A contest's selections, over all values of its first group.
    pub fn profile(&self, contest: &Contest) -> Profile {
        let groups = self.contests.get(&contest.id);
        let first = groups.and_then(|groups| groups.values().next());
        first.into_iter().flat_map(BTreeMap::values).flatten().fold(
            Profile::default(),
            |mut profile, (text, votes)| {
                profile.add(contest.selection(text), *votes);
                profile
            },
        )
    }

    /// The outcome of a contest.
    pub fn outcome(&self, contest: &Contest) -> Outcome {
        contest.method.tabulate(&self.profile(contest), contest)
    }

    /// The outcome of every contest, in the order of the definition.
    pub fn outcomes<'d>(&self, definition: &'d ElectionDefinition) -> Vec<(&'d Contest, Outcome)> {
        let contests = definition.contests.iter();
        contests
            .map(|contest| (contest, self.outcome(contest)))
            .collect()
    }

    /// What each candidate of a contest got from the votes with these selections; of rankings, as a rule, who is first.
    pub fn totals_of(contest: &Contest, selections: &BySelection) -> BTreeMap<String, u64> {
        let profile: Profile = selections
            .iter()
            .map(|(text, &votes)| (contest.selection(text), votes))
            .collect();
        let choices = contest.method.totals(&profile, contest).into_iter();
        choices
            .map(|choice| (choice.candidate_id, choice.total))
            .collect()
    }

    /// Every figure by its path.
    pub fn cells(&self) -> BTreeMap<CellPath, u64> {
        let mut cells = BTreeMap::new();
        for (group, values) in &self.turnout {
            for (value, &votes) in values {
                let (group, value) = (group.clone(), value.clone());
                cells.insert(CellPath::Turnout { group, value }, votes);
            }
        }
        for (contest, groups) in &self.contests {
            for (group, values) in groups {
                for (value, selections) in values {
                    for (selection, &votes) in selections {
                        let path = CellPath::Contest {
                            contest: contest.clone(),
                            group: group.clone(),
                            value: value.clone(),
                            selection: selection.clone(),
                        };
                        cells.insert(path, votes);
                    }
                }
            }
        }
        for (&reason, &votes) in &self.rejected {
            cells.insert(CellPath::Rejected { reason }, votes);
        }
        cells
    }

    /// The tally that these figures make up.
    pub fn from_cells(cells: impl IntoIterator<Item = (CellPath, u64)>) -> Tally {
        let mut tally = Tally::default();
        for (path, votes) in cells {
            match path {
                CellPath::Turnout { group, value } => {
                    tally.turnout.entry(group).or_default().insert(value, votes);
                }
                CellPath::Contest {
                    contest,
                    group,
                    value,
                    selection,
                } => {
                    let groups = tally.contests.entry(contest).or_default();
                    let values = groups.entry(group).or_default();
                    values.entry(value).or_default().insert(selection, votes);
                }
                CellPath::Rejected { reason } => {
                    tally.rejected.insert(reason, votes);
                }
            }
        }
        tally
    }
}

fn demand_sum(
    contest: Option<&String>,
    group: &str,
    sum: u64,
    whole: u64,
) -> Result<(), Unbalanced> {
    if sum == whole {
        return Ok(());
    }
    Err(Unbalanced {
        contest: contest.cloned(),
        group: group.to_owned(),
        sum,
        whole,
    })
}

fn add_nested<K: Ord + Clone, V: Clone>(
    known: &mut BTreeMap<K, V>,
    more: &BTreeMap<K, V>,
    add: impl Fn(&mut V, &V),
) {
    for (key, value) in more {
        // Not `entry`: the key is copied only when it is new.
        match known.get_mut(key) {
            Some(known) => add(known, value),
            None => {
                known.insert(key.clone(), value.clone());
            }
        }
    }
}

fn add_counts<K: Ord + Clone>(known: &mut BTreeMap<K, u64>, more: &BTreeMap<K, u64>) {
    add_nested(known, more, |votes, more| *votes += more);
}

impl CellPath {
    /// Bytes of its names.
    pub fn text_bytes(&self) -> usize {
        match self {
            CellPath::Turnout { group, value } => group.len() + value.len(),
            CellPath::Contest {
                contest,
                group,
                value,
                selection,
            } => contest.len() + group.len() + value.len() + selection.len(),
            CellPath::Rejected { reason } => reason.as_str().len(),
        }
    }
}

impl fmt::Display for CellPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            CellPath::Turnout { group, value } => write!(f, "turnout of {group} {value}"),
            CellPath::Contest {
                contest,
                group,
                value,
                selection,
            } => write!(f, "{contest}: {selection} in {group} {value}"),
            CellPath::Rejected { reason } => write!(f, "rejected {reason}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Candidate, TUTORIAL_CONTEST};

    fn sample() -> Tally {
        let mut tally = Tally::default();
        let fife: BySelection = [("c1".into(), 2), ("c2".into(), 1)].into();
        let ayr: BySelection = [("c1".into(), 1)].into();
        let turnout = [("Fife".into(), 3), ("Ayr".into(), 1)].into();
        tally.turnout.insert("location".into(), turnout);
        let by_location = [("Fife".into(), fife), ("Ayr".into(), ayr)].into();
        let groups = [("location".into(), by_location)].into();
        tally.contests.insert(TUTORIAL_CONTEST.into(), groups);
        tally.rejected = [(Reason::Duplicate, 1)].into();
        tally
    }

    #[test]
    fn figures_add_up() {
        let mut tally = sample();
        assert_eq!((tally.counted(), tally.rejected_total()), (4, 1));
        tally.add(&sample());
        assert_eq!(
            (tally.cast(), tally.turnout_by("location")["Fife"]),
            (10, 6)
        );
        let definition = ElectionDefinition::tutorial(vec![Candidate::of_id("c1")]);
        let outcome = tally.outcome(&definition.contests[0]);
        assert_eq!(
            (outcome.ballots, outcome.winners),
            (8, vec!["c1".to_owned()])
        );
        let totals: Vec<_> = outcome.choices.iter().map(|choice| choice.total).collect();
        assert_eq!(totals, [6, 2]);
    }

    #[test]
    fn cells_are_the_whole_tally() {
        assert_eq!(Tally::from_cells(sample().cells()), sample());
        let json = serde_json::to_string(&sample()).unwrap();
        assert_eq!(serde_json::from_str::<Tally>(&json).unwrap(), sample());
    }

    #[test]
    fn groups_that_do_not_add_up_are_named() {
        assert_eq!(sample().demand_balanced(), Ok(()));
        let mut short = sample();
        short
            .turnout
            .insert("ward".into(), [("north".into(), 3)].into());
        let error = short.demand_balanced().unwrap_err().to_string();
        assert_eq!(error, "4 votes counted, but 3 by ward");
        let mut more = sample();
        let groups = more.contests.get_mut(TUTORIAL_CONTEST).unwrap();
        let fife = groups.get_mut("location").unwrap().get_mut("Fife").unwrap();
        fife.insert("c2".into(), 5);
        let error = more.demand_balanced().unwrap_err().to_string();
        assert_eq!(
            error,
            "4 votes counted, but 8 by location in the contest `candidate`"
        );
        let mut missing = sample();
        missing.add_turnout("gender", "female", 4);
        let error = missing.demand_balanced().unwrap_err().to_string();
        assert_eq!(
            error,
            "4 votes counted, but 0 by gender in the contest `candidate`"
        );
        // Nothing in this tally says that there is a group which it leaves out; the definition does.
        let definition = ElectionDefinition::tutorial(Vec::new());
        let error = sample().demand_complete(&definition).unwrap_err();
        assert_eq!(error.to_string(), "4 votes counted, but 0 by gender");
        assert_eq!(Tally::default().demand_complete(&definition), Ok(()));
        let mut missing = sample();
        missing.add_selection(TUTORIAL_CONTEST, ("gender", "female"), "c1", 4);
        let error = missing.demand_balanced().unwrap_err().to_string();
        assert_eq!(error, "4 votes counted, but 0 by gender");
    }
}
