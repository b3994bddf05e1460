//! STAR, score then automatic runoff: of the two candidates with most points, the one that more ballots score higher
//! wins. Several seats are filled in turn, each without the candidates already elected.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::pairwise::{Duels, demand_few_candidates};
use super::score::demand_highest;
use super::{CountingMethod, Outcome, Profile, demand_no_choices};
use crate::{Contest, Marks, Selection};

/// Points for each candidate; a runoff between the two with most points.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Star {
    /// Most points for a candidate.
    #[serde(default = "five_stars")]
    pub highest: u32,
}

fn five_stars() -> u32 {
    5
}

impl CountingMethod for Star {
    fn marks(&self, _contest: &Contest) -> Marks {
        Marks::Scores {
            highest: self.highest,
        }
    }

    fn check(&self, contest: &Contest) -> Result<(), String> {
        demand_highest(self.highest)?;
        demand_few_candidates("star", contest)?;
        demand_no_choices("star", contest)
    }

    fn tabulate(&self, profile: &Profile, contest: &Contest) -> Outcome {
        let ids = contest.candidates.iter().map(|it| it.candidate_id.as_str());
        let numbers: BTreeMap<&str, usize> = ids.zip(0..).collect();
        let mut scores = Scores {
            points: vec![0; numbers.len()],
            highest: vec![0; numbers.len()],
            duels: Duels::none(contest),
        };
        for (selection, ballots) in profile.selections() {
            let Selection::Scores(given) = selection else {
                continue;
            };
            let mut points = vec![0; numbers.len()];
            for (id, given) in given {
                let Some(&number) = numbers.get(id.as_str()) else {
                    continue;
                };
                points[number] = *given;
                scores.points[number] += u64::from(*given) * ballots;
                scores.highest[number] += if *given == self.highest { ballots } else { 0 };
            }
            scores
                .duels
                .add(ballots, |one, other| points[one] > points[other]);
        }
        let points = numbers
            .iter()
            .map(|(id, number)| (*id, scores.points[*number]));
        let mut outcome = Outcome::most_points(profile, contest, &points.collect());
        let (winners, tied) = scores.elected(contest.seats as usize);
        let named = |numbers: &[usize]| -> Vec<String> {
            let ids = numbers
                .iter()
                .map(|number| &contest.candidates[*number].candidate_id);
            ids.cloned().collect()
        };
        (outcome.winners, outcome.tied) = (named(&winners), named(&tied));
        outcome.preferences = scores.duels.preferences(contest);
        outcome
    }
}

/// What the candidates have, by their numbers.
struct Scores {
    points: Vec<u64>,
    /// Ballots that give the most points there are.
    highest: Vec<u64>,
    duels: Duels,
}

impl Scores {
    /// Who is elected, in order, and who is tied for the next seat.
    fn elected(&self, seats: usize) -> (Vec<usize>, Vec<usize>) {
        let mut left: Vec<usize> = (0..self.points.len())
            .filter(|it| self.points[*it] > 0)
            .collect();
        let mut winners = Vec::new();
        while winners.len() < seats && !left.is_empty() {
            let finalists = match self.finalists(&left) {
                Ok(finalists) => finalists,
                Err(tied) => return (winners, tied),
            };
            let winner = match *finalists {
                [one, other] => match self.runoff(one, other) {
                    Some(winner) => winner,
                    None => return (winners, finalists),
                },
                _ => finalists[0],
            };
            left.retain(|number| *number != winner);
            winners.push(winner);
        }
        (winners, Vec::new())
    }

    /// The two finalists: those with most points. Ties are broken by duels among the tied, then by the number of ballots
    /// that give the highest score.
    fn finalists(&self, left: &[usize]) -> Result<Vec<usize>, Vec<usize>> {
        let key = |number: usize| {
            let equals = left
                .iter()
                .filter(|it| self.points[**it] == self.points[number]);
            let duels = equals.filter(|it| self.duels.wins(number, **it)).count();
            Reverse((self.points[number], duels, self.highest[number]))
        };
        let mut order: Vec<usize> = left.to_vec();
        order.sort_by_key(|number| key(*number));
        match &*order {
            [_, second, third, ..] if key(*second) == key(*third) => {
                let cut = key(*second);
                Err(order.iter().copied().filter(|it| key(*it) == cut).collect())
            }
            _ => {
                order.truncate(2);
                Ok(order)
            }
        }
    }

    /// The winner of the runoff. Ties are broken by points, then by the number of ballots that give the highest score.
    fn runoff(&self, one: usize, other: usize) -> Option<usize> {
        let key = |number, against| {
            (
                self.duels.prefer(number, against),
                self.points[number],
                self.highest[number],
            )
        };
        match key(one, other).cmp(&key(other, one)) {
            std::cmp::Ordering::Greater => Some(one),
            std::cmp::Ordering::Less => Some(other),
            std::cmp::Ordering::Equal => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::ranked::tests::contest;
    use super::*;

    fn tabulate(seats: u32, ballots: &[(&str, u64)]) -> Outcome {
        let contest = contest(r#"{"kind": "star"}"#, seats, "a b c");
        contest.check().unwrap();
        let selection = |text| Selection::from_text(contest.marks(), text).unwrap();
        let profile = ballots
            .iter()
            .map(|&(text, n)| (selection(text), n))
            .collect();
        contest.method.tabulate(&profile, &contest)
    }

    #[test]
    fn more_ballots_decide_between_the_two_with_most_points() {
        // a has 20 points and b 18, but six of ten prefer b.
        let ballots = [("a=5", 4), ("b=3", 6)];
        let outcome = tabulate(1, &ballots);
        assert_eq!(outcome.choices[0].candidate_id, "a");
        assert_eq!(
            (outcome.winners, outcome.tied),
            (vec!["b".to_owned()], vec![])
        );
        assert_eq!(tabulate(2, &ballots).winners, ["b", "a"]);
        assert_eq!(tabulate(1, &[("c=2", 1)]).winners, ["c"]);
        assert!(tabulate(1, &[]).winners.is_empty());
    }

    #[test]
    fn equals_are_told_apart_or_told() {
        // Five for each; a and b are preferred to each other once.
        assert_eq!(tabulate(1, &[("a=5", 1), ("b=5", 1)]).tied, ["a", "b"]);
        assert_eq!(tabulate(1, &[("a=5", 1), ("b=4", 1)]).winners, ["a"]);
        // b and c have equally many points and duels, and b has five once.
        let outcome = tabulate(2, &[("a=5", 3), ("b=5,c=3", 1), ("b=2,c=4", 1)]);
        assert_eq!(outcome.winners, ["a", "b"]);
        let three = tabulate(1, &[("a=5,b=2,c=2", 1)]);
        assert_eq!(
            (three.winners, three.tied),
            (vec![], vec!["b".to_owned(), "c".to_owned()])
        );
    }
}
