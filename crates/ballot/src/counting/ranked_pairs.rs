//! Ranked pairs, Tideman's method: duels are locked in, the clearest first, unless they contradict earlier ones. A
//! candidate that wins all duels is elected.

use std::cmp::Reverse;

use serde::{Deserialize, Serialize};

use super::pairwise::{Duels, MOST_CANDIDATES, demand_few_candidates, is_beaten_by_none};
use super::ranked::ranking_marks;
use super::{Count, CountingMethod, Outcome, Profile, demand_no_choices};
use crate::{Contest, Marks};

/// A ranking; the clearest duels decide. Equally clear duels are taken in the order of the ballot.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RankedPairs {}

impl CountingMethod for RankedPairs {
    fn marks(&self, contest: &Contest) -> Marks {
        ranking_marks(contest)
    }

    fn check(&self, contest: &Contest) -> Result<(), String> {
        demand_few_candidates("ranked-pairs", contest)?;
        demand_no_choices("ranked-pairs", contest)
    }

    fn tabulate(&self, profile: &Profile, contest: &Contest) -> Outcome {
        let duels = Duels::of_rankings(profile, contest);
        let locked = locked_in(&duels, contest.candidates.len());
        duels.outcome(profile, contest, |one, other| locked[one].has(other))
    }

    fn is_settled(&self, count: &Count, remaining: u64) -> bool {
        is_beaten_by_none(count, remaining)
    }
}

/// A set of candidates.
#[derive(Debug, Clone, Copy, Default)]
struct Numbers([u64; MOST_CANDIDATES.div_ceil(64)]);

impl Numbers {
    fn has(&self, number: usize) -> bool {
        self.0
            .get(number / 64)
            .is_some_and(|word| word >> (number % 64) & 1 == 1)
    }

    fn add(&mut self, number: usize) {
        if let Some(word) = self.0.get_mut(number / 64) {
            *word |= 1 << (number % 64);
        }
    }

    fn add_all(&mut self, others: &Numbers) {
        for (word, other) in self.0.iter_mut().zip(others.0) {
            *word |= other;
        }
    }
}

/// For each candidate, the candidates placed after it.
fn locked_in(duels: &Duels, candidates: usize) -> Vec<Numbers> {
    let pairs = (0..candidates).flat_map(|one| (0..candidates).map(move |other| (one, other)));
    let mut won: Vec<(usize, usize)> = pairs
        .filter(|&(one, other)| duels.wins(one, other))
        .collect();
    // Stable: equals stay in the order of the ballot. The clearest have most ballots for, then fewest against.
    won.sort_by_key(|&(one, other)| (Reverse(duels.prefer(one, other)), duels.prefer(other, one)));
    let mut before = vec![Numbers::default(); candidates];
    for (one, other) in won {
        if before[other].has(one) || before[one].has(other) {
            continue;
        }
        let mut reached = before[other];
        reached.add(other);
        for (from, before) in before.iter_mut().enumerate() {
            if from == one || before.has(one) {
                before.add_all(&reached);
            }
        }
    }
    before
}

#[cfg(test)]
mod tests {
    use super::super::ranked::tests::{contest, profile};

    #[test]
    fn the_weakest_duel_of_a_circle_is_dropped() {
        // a beats b 7:4, b beats c 8:3, c beats a 6:5, the weakest.
        let ballots = [("a>b>c", 5), ("b>c>a", 3), ("c>a>b", 2), ("b=c>a", 1)];
        let contest = contest(r#"{"kind": "ranked-pairs"}"#, 2, "a b c");
        contest.check().unwrap();
        let outcome = contest.method.tabulate(&profile(&ballots), &contest);
        assert_eq!(outcome.winners, ["a", "b"]);
    }

    #[test]
    fn the_capital_of_tennessee_is_nashville() {
        let ballots = [
            ("memphis>nashville>chattanooga>knoxville", 42),
            ("nashville>chattanooga>knoxville>memphis", 26),
            ("chattanooga>knoxville>nashville>memphis", 15),
            ("knoxville>chattanooga>nashville>memphis", 17),
        ];
        let cities = "memphis nashville chattanooga knoxville";
        for kind in ["ranked-pairs", "schulze"] {
            let contest = contest(&format!(r#"{{"kind": "{kind}"}}"#), 4, cities);
            let outcome = contest.method.tabulate(&profile(&ballots), &contest);
            assert_eq!(
                outcome.winners,
                ["nashville", "chattanooga", "knoxville", "memphis"]
            );
        }
    }
}
