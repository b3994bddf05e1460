//! Borda's count: a rank gives points, and those with most points win.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::ranked::ranking_marks;
use super::{Count, CountingMethod, Outcome, Profile, demand_no_choices};
use crate::ranking::UNKNOWN_OVERVOTE;
use crate::{Contest, Marks, Selection};

/// A ranking; most points win. The first of N candidates gets N - 1 points, the next one less; an unranked candidate
/// gets none.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Borda {
    /// Whether N is the number of candidates ranked on the ballot at hand, so that a short ranking gives fewer points.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub modified: bool,
}

impl CountingMethod for Borda {
    fn marks(&self, contest: &Contest) -> Marks {
        ranking_marks(contest)
    }

    fn check(&self, contest: &Contest) -> Result<(), String> {
        demand_no_choices("borda", contest)
    }

    fn tabulate(&self, profile: &Profile, contest: &Contest) -> Outcome {
        let mut points: BTreeMap<&str, u64> = BTreeMap::new();
        for (selection, ballots) in profile.selections() {
            let Selection::Ranking(ranking) = selection else {
                continue;
            };
            // An overvoted rank gives nobody points, a skipped one takes none, and a repetition is skipped.
            let mut seen = BTreeSet::new();
            let marks = ranking.0.iter().filter(|rank| !rank.is_empty());
            let ranked: Vec<Option<&str>> = marks
                .map(|rank| match &**rank {
                    [only] if only != UNKNOWN_OVERVOTE => Some(only.as_str()),
                    _ => None,
                })
                .filter(|candidate| candidate.is_none_or(|candidate| seen.insert(candidate)))
                .collect();
            let most = match self.modified {
                true => ranked.len(),
                false => contest.candidates.len(),
            };
            for (rank, candidate) in (1..).zip(&ranked) {
                if let Some(candidate) = candidate {
                    *points.entry(candidate).or_default() +=
                        most.saturating_sub(rank) as u64 * ballots;
                }
            }
        }
        Outcome::most_points(profile, contest, &points)
    }

    fn is_settled(&self, count: &Count, remaining: u64) -> bool {
        let most = count.contest.candidates.len().saturating_sub(1);
        count.leads_by_more_than(remaining, most as u64)
    }
}

#[cfg(test)]
mod tests {
    use super::super::ranked::tests::{contest, profile};

    fn totals(rules: &str, ballots: &[(&str, u64)]) -> Vec<(String, u64)> {
        let contest = contest(rules, 1, "a b c");
        contest.check().unwrap();
        let outcome = contest.method.tabulate(&profile(ballots), &contest);
        let choices = outcome.choices.into_iter();
        choices.map(|it| (it.candidate_id, it.total)).collect()
    }

    #[test]
    fn ranks_give_points() {
        let of = |points: [(&str, u64); 3]| points.map(|(id, total)| (id.to_owned(), total));
        let ballots = [("a>b>c", 3), ("b>c", 2), ("c", 1)];
        assert_eq!(
            totals(r#"{"kind": "borda"}"#, &ballots),
            of([("b", 7), ("a", 6), ("c", 4)])
        );
        let modified = r#"{"kind": "borda", "modified": true}"#;
        assert_eq!(
            totals(modified, &ballots),
            of([("a", 6), ("b", 5), ("c", 0)])
        );
        let odd = [("a=b>c", 1), (">b>b>a", 1), ("overvote>a", 1)];
        assert_eq!(
            totals(r#"{"kind": "borda"}"#, &odd),
            of([("a", 2), ("b", 2), ("c", 1)])
        );
    }
}
