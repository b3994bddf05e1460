//! A contest's outcome: what each candidate got, and who is elected.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use serde::Serialize;

use super::{Preference, Profile, Round, Stopped};
use crate::{Contest, Selection};

/// The result of a contest's selections.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Outcome {
    /// Ballots that have the contest.
    pub ballots: u64,
    /// Ballots without a mark in it.
    pub undervotes: u64,
    /// Ballots with more marks than it allows; they count for nobody.
    pub overvotes: u64,
    /// What each candidate got, most first.
    pub choices: Vec<ChoiceTotal>,
    /// Who is elected, most first. Fewer than the seats while nobody has a vote, or where a tie decides.
    pub winners: Vec<String>,
    /// Candidates who share the last seats: more of them than seats are left.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tied: Vec<String>,
    /// The rounds of a ranked count.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub rounds: Vec<Round>,
    /// Why a ranked count stopped before its end, if it did.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stopped: Option<Stopped>,
    /// How many ballots prefer each candidate to each other one, where that decides.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub preferences: Vec<Preference>,
}

/// What a candidate got.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ChoiceTotal {
    /// The candidate.
    pub candidate_id: String,
    /// Votes or points.
    pub total: u64,
}

impl Outcome {
    /// The outcome where each mark is a vote, and most votes win.
    pub(super) fn most_marks(profile: &Profile, contest: &Contest) -> Outcome {
        let mut totals: BTreeMap<&str, u64> = BTreeMap::new();
        for (selection, votes) in profile.selections() {
            let Selection::Candidates(ids) = selection else {
                continue;
            };
            for id in ids {
                *totals.entry(id).or_default() += votes;
            }
        }
        Outcome::most_points(profile, contest, &totals)
    }

    /// The outcome of these totals, of which the highest win. Candidates that the contest does not list (an
    /// election without a list takes any) stand behind those it does.
    pub(super) fn most_points(
        profile: &Profile,
        contest: &Contest,
        totals: &BTreeMap<&str, u64>,
    ) -> Outcome {
        let listed: Vec<&str> = contest
            .candidates
            .iter()
            .map(|candidate| candidate.candidate_id.as_str())
            .collect();
        let unlisted = totals.keys().copied().filter(|id| !listed.contains(id));
        let mut choices: Vec<ChoiceTotal> = listed
            .iter()
            .copied()
            .chain(unlisted)
            .map(|id| ChoiceTotal {
                candidate_id: id.to_owned(),
                total: totals.get(id).copied().unwrap_or(0),
            })
            .collect();
        // Stable: equal totals stay in the order of the ballot.
        choices.sort_by_key(|choice| Reverse(choice.total));
        let (winners, tied) = elected(&choices, contest.seats as usize);
        Outcome {
            ballots: profile.ballots(),
            undervotes: profile.ballots_with(&Selection::Undervote),
            overvotes: profile.ballots_with(&Selection::Overvote),
            choices,
            winners,
            tied,
            ..Outcome::default()
        }
    }
}

/// Who has a seat, and who shares the last ones; `choices` by total, most first.
fn elected(choices: &[ChoiceTotal], seats: usize) -> (Vec<String>, Vec<String>) {
    let ids = |choices: &mut dyn Iterator<Item = &ChoiceTotal>| {
        choices.map(|choice| choice.candidate_id.clone()).collect()
    };
    let with_votes = choices.iter().take_while(|choice| choice.total > 0).count();
    let choices = &choices[..with_votes];
    let Some(first_out) = choices.get(seats) else {
        return (ids(&mut choices.iter()), Vec::new());
    };
    let cut = first_out.total;
    if choices[seats - 1].total > cut {
        return (ids(&mut choices[..seats].iter()), Vec::new());
    }
    let above = choices.iter().filter(|choice| choice.total > cut);
    let at_cut = choices.iter().filter(|choice| choice.total == cut);
    (ids(&mut above.into_iter()), ids(&mut at_cut.into_iter()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::definition::tests::city;
    use crate::{Contest, Marks, Ranking};

    fn outcome(contest: &str, ballots: &[(&str, u64)]) -> Outcome {
        let city = city();
        let contest = city.contest(contest).unwrap();
        let selection = |text| Selection::from_text(contest.marks(), text).unwrap();
        let profile = ballots
            .iter()
            .map(|&(text, ballots)| (selection(text), ballots));
        contest.method.tabulate(&profile.collect(), contest)
    }

    fn totals(outcome: &Outcome) -> Vec<(&str, u64)> {
        let choices = outcome.choices.iter();
        choices
            .map(|choice| (&*choice.candidate_id, choice.total))
            .collect()
    }

    #[test]
    fn most_votes_win_a_seat() {
        let mayor = outcome(
            "mayor",
            &[("a", 3), ("b", 5), ("undervote", 2), ("overvote", 1)],
        );
        assert_eq!(
            (mayor.ballots, mayor.undervotes, mayor.overvotes),
            (11, 2, 1)
        );
        assert_eq!(totals(&mayor), [("b", 5), ("a", 3)]);
        assert_eq!(mayor.winners, ["b"]);
    }

    #[test]
    fn each_mark_is_a_vote_and_each_seat_has_a_winner() {
        let council = outcome("council", &[("c", 2), ("c+d", 4), ("d+e", 1)]);
        assert_eq!(totals(&council), [("c", 6), ("d", 5), ("e", 1)]);
        assert_eq!(council.winners, ["c", "d"]);
    }

    #[test]
    fn points_add_up() {
        let budget = outcome(
            "budget",
            &[("park=5,pool=3", 2), ("pool=4", 2), ("undervote", 9)],
        );
        assert_eq!(totals(&budget), [("pool", 14), ("park", 10)]);
        assert_eq!(budget.winners, ["pool"]);
    }

    #[test]
    fn a_tie_for_the_last_seat_is_told_and_not_broken() {
        let council = outcome("council", &[("c", 5), ("d", 2), ("e", 2)]);
        assert_eq!(
            (council.winners, council.tied),
            (vec!["c".into()], vec!["d".into(), "e".into()])
        );
        let nobody = outcome("council", &[("undervote", 3)]);
        assert!(nobody.winners.is_empty() && nobody.tied.is_empty());
        let one = outcome("council", &[("e", 1)]);
        assert_eq!(one.winners, ["e"]);
    }

    fn selections(contest: &Contest) -> impl Strategy<Value = Selection> + use<> {
        let ids: Vec<String> = contest
            .candidates
            .iter()
            .map(|candidate| candidate.candidate_id.clone())
            .collect();
        let some = prop::sample::subsequence(ids, 1..=2);
        let marks = contest.marks();
        let marked = (some, 1..=5_u32).prop_map(move |(ids, points)| match marks {
            Marks::Candidates { most: 1 } => Selection::Candidates(vec![ids[0].clone()]),
            Marks::Candidates { .. } => Selection::Candidates(ids),
            Marks::Scores { .. } => {
                Selection::Scores(ids.into_iter().map(|id| (id, points)).collect())
            }
            Marks::Ranking { .. } => {
                Selection::of_ranking(Ranking(ids.into_iter().map(|id| vec![id]).collect()))
            }
        });
        prop_oneof![
            Just(Selection::Undervote),
            Just(Selection::Overvote),
            marked
        ]
    }

    proptest! {
        #[test]
        fn an_outcome_does_not_depend_on_the_order_of_the_ballots(
            (contest, mut ballots) in prop::sample::select(city().contests).prop_flat_map(|contest| {
                let ballots = prop::collection::vec((selections(&contest), 1..9_u64), 0..30);
                (Just(contest), ballots)
            }),
        ) {
            let tabulate = |ballots: &[(Selection, u64)]| {
                let profile = ballots.iter().cloned().collect();
                contest.method.tabulate(&profile, &contest)
            };
            let outcome = tabulate(&ballots);
            ballots.reverse();
            prop_assert_eq!(&tabulate(&ballots), &outcome);
            prop_assert_eq!(outcome.ballots, ballots.iter().map(|(_, n)| n).sum::<u64>());
            prop_assert!(outcome.winners.len() <= contest.seats as usize);
            prop_assert!(outcome.tied.len() != 1);
            for (selection, _) in ballots {
                let text = selection.to_string();
                prop_assert_eq!(Selection::from_text(contest.marks(), &text), Some(selection));
            }
        }
    }
}
