//! Duels: how many ballots prefer each candidate to each other, and the winners by an order derived from them.

use std::collections::BTreeMap;

use serde::Serialize;

use super::{ChoiceTotal, Count, Outcome, Profile};
use crate::ranking::{UNDECLARED_WRITE_INS, UNKNOWN_OVERVOTE};
use crate::{Contest, Selection};

/// Most candidates in a contest decided by duels: the number of duels grows with its square.
pub(super) const MOST_CANDIDATES: usize = 200;

/// Ballots that prefer a candidate to another.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Preference {
    /// The preferred candidate.
    pub candidate_id: String,
    /// The other candidate.
    pub over: String,
    /// The number of ballots.
    pub votes: u64,
}

/// Whether the only winner beats each other candidate by more ballots than are to come: such a candidate is elected by
/// every method of duels.
pub(super) fn is_beaten_by_none(count: &Count, remaining: u64) -> bool {
    let [winner] = &*count.outcome.winners else {
        return false;
    };
    let mut gaps: BTreeMap<&str, i128> = (count.contest.candidates.iter())
        .map(|candidate| (&*candidate.candidate_id, 0))
        .collect();
    gaps.remove(&**winner);
    for preference in &count.outcome.preferences {
        let votes = i128::from(preference.votes);
        if preference.candidate_id == *winner {
            *gaps.entry(&preference.over).or_default() += votes;
        } else if preference.over == *winner {
            *gaps.entry(&preference.candidate_id).or_default() -= votes;
        }
    }
    gaps.into_values().all(|gap| gap > i128::from(remaining))
}

/// How many ballots prefer each candidate to each other one, by their numbers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Duels {
    candidates: usize,
    votes: Vec<u64>,
}

impl Duels {
    /// The duels of rankings. A ranked candidate is preferred to an unranked one; candidates at the same rank are equal.
    /// Skipped ranks and overvotes of unknown candidates are ignored. If a candidate is ranked twice, the first counts.
    pub(super) fn of_rankings(profile: &Profile, contest: &Contest) -> Duels {
        let ids = contest.candidates.iter().map(|it| it.candidate_id.as_str());
        let numbers: BTreeMap<&str, usize> = ids.zip(0..).collect();
        let mut duels = Duels::none(contest);
        let nobody = contest.candidates.len();
        for (selection, ballots) in profile.selections() {
            let Selection::Ranking(ranking) = selection else {
                continue;
            };
            let mut ranks = vec![nobody; nobody];
            for (rank, marks) in ranking.0.iter().enumerate() {
                for mark in marks.iter().filter(|mark| *mark != UNKNOWN_OVERVOTE) {
                    if let Some(&number) = numbers.get(mark.as_str()) {
                        ranks[number] = ranks[number].min(rank);
                    }
                }
            }
            duels.add(ballots, |one, other| ranks[one] < ranks[other]);
        }
        duels
    }

    /// No ballots yet.
    pub(super) fn none(contest: &Contest) -> Duels {
        let candidates = contest.candidates.len();
        Duels {
            candidates,
            votes: vec![0; candidates * candidates],
        }
    }

    /// Adds ballots with these preferences.
    pub(super) fn add(&mut self, ballots: u64, prefer: impl Fn(usize, usize) -> bool) {
        for one in 0..self.candidates {
            for other in 0..self.candidates {
                if prefer(one, other) {
                    self.votes[one * self.candidates + other] += ballots;
                }
            }
        }
    }

    /// Ballots that prefer one to the other.
    pub(super) fn prefer(&self, one: usize, other: usize) -> u64 {
        self.votes[one * self.candidates + other]
    }

    /// Whether more ballots prefer one to the other than the other way round.
    pub(super) fn wins(&self, one: usize, other: usize) -> bool {
        self.prefer(one, other) > self.prefer(other, one)
    }

    /// Every preference that a ballot has.
    pub(super) fn preferences(&self, contest: &Contest) -> Vec<Preference> {
        let id = |number: usize| contest.candidates[number].candidate_id.clone();
        let pairs = (0..self.candidates)
            .flat_map(|one| (0..self.candidates).map(move |other| (one, other)));
        let some = pairs.filter(|&(one, other)| self.prefer(one, other) > 0);
        let told = some.map(|(one, other)| Preference {
            candidate_id: id(one),
            over: id(other),
            votes: self.prefer(one, other),
        });
        told.collect()
    }

    /// The outcome in which every candidate is elected after those that `beats` puts before them. A candidate's total is
    /// the number of duels won.
    pub(super) fn outcome(
        &self,
        profile: &Profile,
        contest: &Contest,
        beats: impl Fn(usize, usize) -> bool,
    ) -> Outcome {
        let all = 0..self.candidates;
        let id = |number: &usize| contest.candidates[*number].candidate_id.clone();
        let is_preferred = |one: usize| all.clone().any(|other| self.prefer(one, other) > 0);
        let (mut winners, mut tied) = (Vec::new(), Vec::new());
        let mut left: Vec<usize> = all.clone().collect();
        if !all.clone().any(is_preferred) {
            left.clear();
        }
        // The placeholder of undeclared write-ins takes part in duels and cannot be elected.
        left.retain(|number| id(number) != UNDECLARED_WRITE_INS);
        let seats = contest.seats as usize;
        while winners.len() < seats && !left.is_empty() {
            let unbeaten = |one: &usize| !left.iter().any(|other| beats(*other, *one));
            let next: Vec<usize> = left.iter().copied().filter(unbeaten).collect();
            if next.is_empty() || winners.len() + next.len() > seats {
                tied = next;
                break;
            }
            left.retain(|number| !next.contains(number));
            winners.extend(next);
        }
        let mut choices: Vec<ChoiceTotal> = all
            .clone()
            .map(|one| ChoiceTotal {
                candidate_id: id(&one),
                total: all.clone().filter(|other| self.wins(one, *other)).count() as u64,
            })
            .collect();
        let winners: Vec<String> = winners.iter().map(id).collect();
        let tied: Vec<String> = tied.iter().map(id).collect();
        choices.sort_by_key(|choice| {
            let elected = winners.iter().position(|it| *it == choice.candidate_id);
            let is_tied = tied.contains(&choice.candidate_id);
            (
                elected.unwrap_or(usize::MAX),
                !is_tied,
                std::cmp::Reverse(choice.total),
            )
        });
        Outcome {
            ballots: profile.ballots(),
            undervotes: profile.ballots_with(&Selection::Undervote),
            overvotes: profile.ballots_with(&Selection::Overvote),
            choices,
            winners,
            tied,
            preferences: self.preferences(contest),
            ..Outcome::default()
        }
    }
}

/// How many ballots rank each candidate first, alone. These figures of the parts of a profile add up.
pub(super) fn first_preferences(profile: &Profile, contest: &Contest) -> Vec<ChoiceTotal> {
    let mut totals: BTreeMap<&str, u64> = BTreeMap::new();
    for (selection, ballots) in profile.selections() {
        if let Selection::Ranking(ranking) = selection
            && let Some(first) = ranking.0.iter().find(|rank| !rank.is_empty())
            && let [candidate] = &**first
        {
            *totals.entry(candidate).or_default() += ballots;
        }
    }
    let candidates = contest.candidates.iter();
    let totals = candidates.map(|candidate| ChoiceTotal {
        candidate_id: candidate.candidate_id.clone(),
        total: totals
            .get(&*candidate.candidate_id)
            .copied()
            .unwrap_or_default(),
    });
    totals.collect()
}

/// Refuses more candidates than duels are counted of.
pub(super) fn demand_few_candidates(method: &str, contest: &Contest) -> Result<(), String> {
    let candidates = contest.candidates.len();
    if candidates <= MOST_CANDIDATES {
        return Ok(());
    }
    Err(format!(
        "{candidates} candidates; {method} takes at most {MOST_CANDIDATES}"
    ))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::ranked::tests::{contest, profile};
    use super::*;

    const CANDIDATES: [&str; 5] = ["a", "b", "c", "d", "e"];

    fn ranking() -> impl Strategy<Value = String> {
        let order = Just(CANDIDATES.to_vec()).prop_shuffle();
        let between = prop::collection::vec(prop::sample::select(vec![">", ">>", "="]), 5);
        (order, between, 0..=5_usize).prop_map(|(order, between, ranked)| {
            let marks = order.iter().zip(between).take(ranked);
            marks
                .map(|(candidate, between)| format!("{candidate}{between}"))
                .collect::<String>()
                .trim_end_matches(['>', '='])
                .to_owned()
        })
    }

    proptest! {
        #[test]
        fn whoever_wins_all_duels_is_elected(
            mut ballots in prop::collection::vec((ranking(), 1..9_u64), 0..20),
            kind in prop::sample::select(vec!["schulze", "ranked-pairs"]),
            seats in 1..=3_u32,
        ) {
            let contest = contest(&format!(r#"{{"kind": "{kind}"}}"#), seats, &CANDIDATES.join(" "));
            let tabulate = |ballots: &[(String, u64)]| {
                let ballots: Vec<_> = ballots.iter().map(|(text, n)| (&**text, *n)).collect();
                let profile = profile(&ballots);
                let duels = Duels::of_rankings(&profile, &contest);
                (contest.method.tabulate(&profile, &contest), duels)
            };
            let (outcome, duels) = tabulate(&ballots);
            let wins_all = |one: &usize| (0..5).all(|other| other == *one || duels.wins(*one, other));
            if let Some(winner) = (0..5).find(wins_all) {
                prop_assert_eq!(&outcome.winners[0], CANDIDATES[winner]);
                prop_assert_eq!(outcome.choices[0].total, 4);
            }
            prop_assert!(outcome.winners.len() <= seats as usize);
            prop_assert!(outcome.tied.len() != 1);
            ballots.reverse();
            prop_assert_eq!(tabulate(&ballots).0, outcome);
        }
    }
}
