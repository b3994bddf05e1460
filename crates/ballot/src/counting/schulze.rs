//! Schulze's method: of two candidates, the one with the stronger chain of duels to the other is placed first. A
//! candidate that wins all duels is elected.

use serde::{Deserialize, Serialize};

use super::pairwise::{Duels, demand_few_candidates, is_beaten_by_none};
use super::ranked::ranking_marks;
use super::{Count, CountingMethod, Outcome, Profile, demand_no_choices};
use crate::{Contest, Marks};

/// A ranking; the strongest chains of duels decide.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Schulze {}

impl CountingMethod for Schulze {
    fn marks(&self, contest: &Contest) -> Marks {
        ranking_marks(contest)
    }

    fn check(&self, contest: &Contest) -> Result<(), String> {
        demand_few_candidates("schulze", contest)?;
        demand_no_choices("schulze", contest)
    }

    fn tabulate(&self, profile: &Profile, contest: &Contest) -> Outcome {
        let duels = Duels::of_rankings(profile, contest);
        let strengths = strongest_chains(&duels, contest.candidates.len());
        duels.outcome(profile, contest, |one, other| {
            strengths[one][other] > strengths[other][one]
        })
    }

    fn is_settled(&self, count: &Count, remaining: u64) -> bool {
        is_beaten_by_none(count, remaining)
    }
}

/// The strength of the strongest chain of won duels from each candidate to each other one: that of its weakest duel,
/// which is the number of ballots that won it.
fn strongest_chains(duels: &Duels, candidates: usize) -> Vec<Vec<u64>> {
    let direct = |one, other| match duels.wins(one, other) {
        true => duels.prefer(one, other),
        false => 0,
    };
    let mut strengths: Vec<Vec<u64>> = (0..candidates)
        .map(|one| (0..candidates).map(|other| direct(one, other)).collect())
        .collect();
    for over in 0..candidates {
        for one in (0..candidates).filter(|one| *one != over) {
            for other in 0..candidates {
                let chain = strengths[one][over].min(strengths[over][other]);
                strengths[one][other] = strengths[one][other].max(chain);
            }
        }
    }
    strengths
}

#[cfg(test)]
mod tests {
    use super::super::ranked::tests::{contest, profile};

    #[test]
    fn the_example_of_the_method_comes_out() {
        // Schulze's own: 45 voters, order e a c b d.
        let ballots = [
            ("a>c>b>e>d", 5),
            ("a>d>e>c>b", 5),
            ("b>e>d>a>c", 8),
            ("c>a>b>e>d", 3),
            ("c>a>e>b>d", 7),
            ("c>b>a>d>e", 2),
            ("d>c>e>b>a", 7),
            ("e>b>a>d>c", 8),
        ];
        for (seats, winners) in [
            (1, &["e"][..]),
            (2, &["e", "a"]),
            (4, &["e", "a", "c", "b"]),
        ] {
            let contest = contest(r#"{"kind": "schulze"}"#, seats, "a b c d e");
            let outcome = contest.method.tabulate(&profile(&ballots), &contest);
            assert_eq!(outcome.winners, winners);
        }
    }

    #[test]
    fn who_wins_all_duels_is_elected_and_equals_are_tied() {
        let contest = contest(r#"{"kind": "schulze"}"#, 1, "a b c UWI");
        contest.check().unwrap();
        let tabulate = |ballots: &[_]| contest.method.tabulate(&profile(ballots), &contest);
        let outcome = tabulate(&[("b>a", 3), ("b>c", 3), ("c>b", 4), ("UWI", 1)]);
        assert_eq!(outcome.winners, ["b"]);
        let preference = outcome
            .preferences
            .iter()
            .find(|it| it.candidate_id == "b" && it.over == "c");
        assert_eq!(preference.unwrap().votes, 6);
        assert_eq!(tabulate(&[("a=b>c", 3), ("overvote", 2)]).tied, ["a", "b"]);
        assert_eq!(tabulate(&[("UWI>b", 3)]).winners, ["b"]);
        assert!(tabulate(&[("", 3)]).winners.is_empty());
    }
}
