//! The ballots of a ranked count: the candidate each counts for, its remaining value, and its next candidate.

use std::collections::BTreeMap;
use std::ops::Range;

use foldhash::fast::FixedState;
use hashbrown::HashMap;

use super::rounds::{Cause, Destination, Inactive};
use super::rules::{OvervoteRule, RankedRules};
use super::votes::Votes;
use crate::ranking::UNKNOWN_OVERVOTE;
use crate::{Candidate, Ranking};

/// The ballots by the candidate they count for. Ballots with the same ranking transfer together.
#[derive(Debug, Clone)]
pub(super) struct Ballots {
    rankings: Rankings,
    piles: Vec<Pile>,
    /// The piles not yet counted for a candidate.
    uncounted: Vec<usize>,
    /// By candidate.
    holdings: Vec<Holding>,
    inactive: Inactive,
    final_surplus: Votes,
    /// The number of distinct marks: the candidates, then overvotes of unknown candidates, then ranked ids that are not
    /// candidates.
    marks: usize,
}

/// Rankings, by the numbers of the marks.
#[derive(Debug, Clone, Default)]
struct Rankings {
    ranks: Vec<Rank>,
    marks: Vec<usize>,
    /// The mark of an overvote of unknown candidates.
    unknown_overvote: usize,
}

/// A rank with a mark.
#[derive(Debug, Clone)]
struct Rank {
    /// Its number, from 1 on.
    rank: u32,
    /// In the marks.
    marks: Range<usize>,
}

/// Rankings that are looked up together.
const RANKINGS_AT_ONCE: usize = 64;

/// Asks memory for the texts of rankings: a mark is three pointers away, and waiting for one after the other costs more
/// than all the rest of counting.
fn read_ahead(rankings: &[(&Ranking, u64)]) {
    let ranks = || rankings.iter().flat_map(|(ranking, _)| &ranking.0);
    let lists = ranks().fold(0, |read, marks| read ^ marks.len());
    let texts = ranks().flatten().fold(0, |read, id| read ^ id.len());
    let bytes = ranks().flatten().filter_map(|id| id.as_bytes().first());
    let bytes = bytes.fold(0, |read, byte| read ^ byte);
    // Only the reads matter, not their results.
    std::hint::black_box((lists, texts, bytes));
}

/// Ballots with one ranking.
#[derive(Debug, Clone)]
struct Pile {
    /// In the ranks.
    ranks: Range<usize>,
    ballots: u64,
    /// The remaining value of each ballot.
    value: Votes,
}

/// A candidate's ballots.
#[derive(Debug, Clone, Default)]
struct Holding {
    /// The numbers of the piles that count for the candidate.
    piles: Vec<usize>,
    /// Their votes.
    votes: Votes,
    /// The votes that an elected candidate keeps.
    kept: Votes,
}

/// The votes of a round.
#[derive(Debug, Clone)]
pub(super) struct Tally {
    /// By candidate, without the eliminated.
    pub(super) votes: Vec<Option<Votes>>,
    pub(super) inactive: Inactive,
    pub(super) final_surplus: Votes,
    /// Votes that count for continuing candidates, or would if a seat were left.
    pub(super) active: Votes,
    /// Votes kept by candidates elected earlier; they are in the votes, too.
    pub(super) kept: Votes,
    /// Votes transferred before this round.
    pub(super) transfers: BTreeMap<(usize, Destination<usize>), Votes>,
}

impl Tally {
    /// Lets a candidate elected earlier keep these votes.
    pub(super) fn keep(&mut self, winner: usize, votes: Votes) {
        let had = self.votes[winner].replace(votes).unwrap_or_default();
        self.kept += votes - had;
    }

    /// Candidates that have votes or could, and their votes.
    pub(super) fn candidates(&self) -> impl Iterator<Item = (usize, Votes)> {
        let candidates = self.votes.iter().enumerate();
        candidates.filter_map(|(candidate, votes)| Some((candidate, (*votes)?)))
    }

    /// The candidate's votes.
    pub(super) fn of(&self, candidate: usize) -> Votes {
        self.votes
            .get(candidate)
            .copied()
            .flatten()
            .unwrap_or_default()
    }
}

impl Ballots {
    /// Ballots with these rankings, of which as many ranks count as `most`.
    pub(super) fn of<'r>(
        candidates: &'r [Candidate],
        profile: impl IntoIterator<Item = (&'r Ranking, u64)>,
        most: usize,
    ) -> Ballots {
        let ids = candidates.iter().map(|candidate| &*candidate.candidate_id);
        let mut numbers: HashMap<&str, usize, FixedState> = ids.zip(0..).collect();
        let unknown_overvote = candidates.len();
        numbers.insert(UNKNOWN_OVERVOTE, unknown_overvote);
        let mut marks = unknown_overvote + 1;
        let mut rankings = Rankings {
            unknown_overvote,
            ..Rankings::default()
        };
        let mut piles = Vec::new();
        let mut profile = profile.into_iter();
        let mut together = Vec::with_capacity(RANKINGS_AT_ONCE);
        loop {
            together.clear();
            together.extend(profile.by_ref().take(RANKINGS_AT_ONCE));
            if together.is_empty() {
                break;
            }
            read_ahead(&together);
            for &(ranking, ballots) in &together {
                let from = rankings.ranks.len();
                for (rank, marked) in (1..).zip(ranking.0.iter().take(most)) {
                    if marked.is_empty() {
                        continue;
                    }
                    let first = rankings.marks.len();
                    rankings.marks.extend(marked.iter().map(|id| {
                        *numbers.entry(id).or_insert_with(|| {
                            marks += 1;
                            marks - 1
                        })
                    }));
                    rankings.ranks.push(Rank {
                        rank,
                        marks: first..rankings.marks.len(),
                    });
                }
                piles.push(Pile {
                    ranks: from..rankings.ranks.len(),
                    ballots,
                    value: Votes::ONE,
                });
            }
        }
        Ballots {
            uncounted: (0..piles.len()).collect(),
            holdings: vec![Holding::default(); candidates.len()],
            inactive: Inactive::default(),
            final_surplus: Votes::ZERO,
            rankings,
            piles,
            marks,
        }
    }

    /// Counts every ballot for the candidate it is with, or for the next one if that one does not continue.
    /// `continuing` is by candidate. It costs as much as there are ballots that move.
    pub(super) fn count(
        &mut self,
        rules: &RankedRules,
        continuing: &[bool],
        all_seats_filled: bool,
    ) -> Tally {
        let mut moving = vec![(None, std::mem::take(&mut self.uncounted))];
        for (candidate, holding) in self.holdings.iter_mut().enumerate() {
            if !continuing[candidate] && !holding.piles.is_empty() {
                moving.push((Some(candidate), std::mem::take(&mut holding.piles)));
                holding.votes = Votes::ZERO;
            }
        }
        let mut transfers = BTreeMap::new();
        let mut seen = Seen::of(self.marks);
        for (from, piles) in moving {
            for number in piles {
                let pile = &self.piles[number];
                let votes = pile.value * pile.ballots;
                let ranks = pile.ranks.clone();
                let to =
                    (self.rankings).next(ranks, rules, continuing, all_seats_filled, &mut seen);
                match to {
                    Destination::Candidate(candidate) => {
                        self.holdings[candidate].piles.push(number);
                        self.holdings[candidate].votes += votes;
                    }
                    Destination::Inactive(cause) => self.inactive.add(cause, votes),
                    Destination::FinalSurplus | Destination::ResidualSurplus => {
                        self.final_surplus += votes;
                    }
                }
                // A candidate who is elected with just the threshold has nothing to transfer.
                if let Some(from) = from
                    && votes.is_positive()
                {
                    *transfers.entry((from, to)).or_default() += votes;
                }
            }
        }
        let held = self.holdings.iter().map(|holding| holding.votes);
        Tally {
            votes: (continuing.iter().zip(held.clone()))
                .map(|(continues, votes)| continues.then_some(votes))
                .collect(),
            inactive: self.inactive,
            final_surplus: self.final_surplus,
            active: held.sum::<Votes>() + self.final_surplus,
            kept: Votes::ZERO,
            transfers,
        }
    }

    /// Lets an elected candidate keep its votes but for this fraction of each. It is rounded down, so that what is
    /// transferred is never more than the surplus.
    pub(super) fn elect(&mut self, winner: usize, surplus_fraction: Votes, decimal_places: u8) {
        let holding = &mut self.holdings[winner];
        for number in &holding.piles {
            let pile = &mut self.piles[*number];
            let transferred = pile.value.times(surplus_fraction, decimal_places);
            holding.kept += (pile.value - transferred) * pile.ballots;
            pile.value = transferred;
        }
    }

    /// What an elected candidate keeps.
    pub(super) fn kept_by(&self, winner: usize) -> Votes {
        self.holdings[winner].kept
    }
}

/// Marks that were seen on a ballot.
struct Seen {
    on_ballot: Vec<u64>,
    ballot: u64,
}

impl Seen {
    fn of(marks: usize) -> Seen {
        Seen {
            on_ballot: vec![0; marks],
            ballot: 0,
        }
    }

    fn next_ballot(&mut self) {
        self.ballot += 1;
    }

    /// Whether it was seen on this ballot before.
    fn again(&mut self, mark: usize) -> bool {
        std::mem::replace(&mut self.on_ballot[mark], self.ballot) == self.ballot
    }
}

impl Rankings {
    /// Where a ballot with these ranks goes. It is read from the first rank each time, since the cause that makes it
    /// inactive may precede the continuing candidates.
    fn next(
        &self,
        ranks: Range<usize>,
        rules: &RankedRules,
        continuing: &[bool],
        all_seats_filled: bool,
        seen: &mut Seen,
    ) -> Destination<usize> {
        if ranks.is_empty() {
            return Destination::Inactive(Cause::Undervotes);
        }
        if all_seats_filled {
            return Destination::FinalSurplus;
        }
        let continues = |mark: usize| continuing.get(mark).is_some_and(|it| *it);
        seen.next_ballot();
        let mut last_rank = 0;
        for rank in &self.ranks[ranks] {
            let skipped = rank.rank - last_rank - 1;
            if rules.max_skipped.is_some_and(|most| skipped > most) {
                return Destination::Inactive(Cause::SkippedRankings);
            }
            last_rank = rank.rank;
            let marks = &self.marks[rank.marks.clone()];
            if rules.exhaust_on_repeated && marks.iter().any(|mark| seen.again(*mark)) {
                return Destination::Inactive(Cause::RepeatedRankings);
            }
            if marks.len() > 1 || marks.contains(&self.unknown_overvote) {
                match rules.overvote {
                    OvervoteRule::Skip => continue,
                    OvervoteRule::ExhaustIfMultipleContinuing
                        if !marks.contains(&self.unknown_overvote)
                            && marks.iter().filter(|mark| continues(**mark)).count() <= 1 => {}
                    OvervoteRule::Exhaust | OvervoteRule::ExhaustIfMultipleContinuing => {
                        return Destination::Inactive(Cause::Overvotes);
                    }
                }
            }
            if let Some(candidate) = marks.iter().find(|mark| continues(**mark)) {
                return Destination::Candidate(*candidate);
            }
        }
        Destination::Inactive(Cause::ExhaustedChoices)
    }
}
