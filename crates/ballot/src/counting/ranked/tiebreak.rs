//! Ties: which of the tied is elected or eliminated.

use std::collections::BTreeMap;

use super::ballots::Tally;
use super::java_random::{JavaRandom, hash_set_order};
use super::rounds::{Stopped, Tie, TieBroken};
use super::rules::{RankedRules, TiebreakRule};
use crate::Candidate;
use crate::ranking::UNDECLARED_WRITE_INS;

/// Breaks the ties of a pass.
pub(super) struct Tiebreak<'a> {
    rules: &'a RankedRules,
    candidates: &'a [Candidate],
    pass: u32,
    random: JavaRandom,
    /// The candidates in the order that decides, where one does.
    order: Vec<usize>,
}

impl<'a> Tiebreak<'a> {
    pub(super) fn of(rules: &'a RankedRules, candidates: &'a [Candidate], pass: u32) -> Self {
        let mut random = JavaRandom::new(rules.seed.unwrap_or_default());
        let mut order: Vec<usize> = (0..candidates.len())
            .filter(|number| candidates[*number].candidate_id != UNDECLARED_WRITE_INS)
            .collect();
        if rules.tiebreak == TiebreakRule::DrawnOrder {
            sort_by_name(&mut order, candidates);
            random.shuffle(&mut order);
        }
        Tiebreak {
            rules,
            candidates,
            pass,
            random,
            order,
        }
    }

    /// Which of the tied is elected, or eliminated. `earlier` are the tallies of the rounds before.
    pub(super) fn among(
        &mut self,
        mut tied: Vec<usize>,
        to_be_elected: bool,
        round: u32,
        earlier: &[&Tally],
    ) -> Result<(usize, Tie), Stopped> {
        // Draws are among the names in order, so that everybody can repeat them.
        sort_by_name(&mut tied, self.candidates);
        let among = self.ids(&tied);
        let (candidate, broken_by) = match self.rules.tiebreak {
            TiebreakRule::Stop => self.decided(&tied, to_be_elected, round)?,
            TiebreakRule::Random => self.drawn(&tied),
            TiebreakRule::PreviousRound | TiebreakRule::PreviousRoundThenRandom => {
                self.by_earlier_rounds(tied, to_be_elected, round, earlier)?
            }
            TiebreakRule::CandidateOrder => (
                self.by_order(&tied, to_be_elected),
                TieBroken::CandidateOrder,
            ),
            TiebreakRule::DrawnOrder => {
                (self.by_order(&tied, to_be_elected), TieBroken::DrawnOrder)
            }
        };
        Ok((candidate, Tie { among, broken_by }))
    }

    fn ids(&self, numbers: &[usize]) -> Vec<String> {
        let ids = numbers
            .iter()
            .map(|number| self.candidates[*number].candidate_id.clone());
        ids.collect()
    }

    fn drawn(&mut self, tied: &[usize]) -> (usize, TieBroken) {
        (tied[self.random.place(tied.len())], TieBroken::Random)
    }

    fn by_order(&self, tied: &[usize], to_be_elected: bool) -> usize {
        let mut order = self.order.iter().filter(|number| tied.contains(number));
        let decides = match to_be_elected {
            true => order.next(),
            false => order.next_back(),
        };
        decides.copied().unwrap_or(tied[0])
    }

    fn by_earlier_rounds(
        &mut self,
        mut tied: Vec<usize>,
        to_be_elected: bool,
        round: u32,
        earlier: &[&Tally],
    ) -> Result<(usize, TieBroken), Stopped> {
        for (number, tally) in (1..round).rev().zip(earlier.iter().rev()) {
            let names = self.candidates;
            let mut by_votes = BTreeMap::<_, Vec<usize>>::new();
            // RCTab keeps them in a set, whose order tells what is drawn if every round is tied.
            for candidate in hash_set_order(tied, |number| &names[*number].candidate_name) {
                by_votes
                    .entry(tally.of(candidate))
                    .or_default()
                    .push(candidate);
            }
            let decides = match to_be_elected {
                true => by_votes.pop_last(),
                false => by_votes.pop_first(),
            };
            tied = decides
                .map(|(_, candidates)| candidates)
                .unwrap_or_default();
            if let [candidate] = *tied {
                return Ok((candidate, TieBroken::EarlierRound(number)));
            }
        }
        match self.rules.tiebreak {
            TiebreakRule::PreviousRoundThenRandom => Ok(self.drawn(&tied)),
            _ => self.decided(&tied, to_be_elected, round),
        }
    }

    /// What people have decided, if they have.
    fn decided(
        &self,
        tied: &[usize],
        to_be_elected: bool,
        round: u32,
    ) -> Result<(usize, TieBroken), Stopped> {
        let is_decided = |number: &usize| {
            let id = &self.candidates[*number].candidate_id;
            let mut decisions = self.rules.decided_ties.iter();
            decisions.any(|tie| tie.pass == self.pass && tie.round == round && tie.candidate == *id)
        };
        let decided = tied.iter().copied().find(is_decided);
        let Some(candidate) = decided else {
            return Err(Stopped::Tie {
                pass: self.pass,
                round,
                among: self.ids(tied),
                to_be_elected,
            });
        };
        Ok((candidate, TieBroken::Decided))
    }
}

/// Sorts candidates by name, as Java compares text: by its UTF-16 units.
fn sort_by_name(numbers: &mut [usize], candidates: &[Candidate]) {
    numbers.sort_by(|left, right| {
        let name = |number: &usize| candidates[*number].candidate_name.encode_utf16();
        name(left).cmp(name(right))
    });
}
