//! The rounds of a pass: thresholds, elections, eliminations. Every step follows RCTab, so that each round equals
//! RCTab's.

use std::collections::BTreeMap;

use super::ballots::{Ballots, Tally};
use super::rounds::{Destination, Stopped, Tie};
use super::rules::{Quota, RankedRules, SeatsMode};
use super::standing::Standing;
use super::tiebreak::Tiebreak;
use super::votes::Votes;

/// The terms of a pass.
#[derive(Debug, Clone, Copy)]
pub(super) struct Terms<'a> {
    pub(super) rules: &'a RankedRules,
    /// Seats of this pass; 0 where a percentage decides.
    pub(super) seats: usize,
    /// The candidate who stands for undeclared write-ins.
    pub(super) write_ins: Option<usize>,
    /// The pass, from 1 on.
    pub(super) pass: u32,
}

impl Terms<'_> {
    /// Whether surpluses are transferred.
    pub(super) fn transfers_surpluses(&self) -> bool {
        self.seats > 1 && self.rules.mode != SeatsMode::BottomsUp
    }

    fn is_by_percentage(&self) -> bool {
        self.rules.mode == SeatsMode::BottomsUpByPercentage
    }
}

/// A round, by the candidates' numbers.
#[derive(Debug, Clone)]
pub(super) struct PassRound {
    pub(super) tally: Tally,
    pub(super) threshold: Votes,
    pub(super) residual_surplus: Votes,
    pub(super) elected: Vec<Decided>,
    pub(super) eliminated: Vec<Decided>,
}

/// Somebody is elected or eliminated.
#[derive(Debug, Clone)]
pub(super) struct Decided {
    pub(super) candidate: usize,
    pub(super) tie: Option<Tie>,
    pub(super) surplus_fraction: Option<Votes>,
}

impl Decided {
    fn without_tie(candidate: usize) -> Decided {
        Decided {
            candidate,
            tie: None,
            surplus_fraction: None,
        }
    }
}

/// Candidates by what they have, fewest votes first.
type ByVotes = BTreeMap<Votes, Vec<usize>>;

/// A pass: the rounds until its seats are filled.
pub(super) struct Pass<'a> {
    terms: Terms<'a>,
    ballots: Ballots,
    standing: Standing,
    tiebreak: Tiebreak<'a>,
    rounds: Vec<PassRound>,
}

impl<'a> Pass<'a> {
    pub(super) fn new(
        terms: Terms<'a>,
        ballots: Ballots,
        standing: Standing,
        tiebreak: Tiebreak<'a>,
    ) -> Pass<'a> {
        Pass {
            terms,
            ballots,
            standing,
            tiebreak,
            rounds: Vec::new(),
        }
    }

    /// The rounds, who is elected, and what stopped the count.
    pub(super) fn run(mut self) -> (Vec<PassRound>, Vec<usize>, Option<Stopped>) {
        let mut stopped = None;
        while stopped.is_none() && self.goes_on() {
            self.count_round();
            stopped = self.decide().err();
            if self.terms.seats > 1 {
                settle(&self.ballots, &mut self.rounds, true);
            }
        }
        (self.rounds, self.standing.elected, stopped)
    }

    fn goes_on(&self) -> bool {
        let Some(last) = self.rounds.last() else {
            return true;
        };
        let Terms { rules, seats, .. } = self.terms;
        let (elected, eliminated) = (self.standing.elected.len(), self.standing.eliminated);
        if rules
            .stop_after_round
            .is_some_and(|round| self.rounds.len() >= round as usize)
        {
            return false;
        }
        // A round that changes nothing would only be repeated.
        if last.elected.is_empty() && last.eliminated.is_empty() {
            return false;
        }
        // No candidate is left for the remaining seats.
        let is_elected = !last.elected.is_empty() && elected < seats;
        if is_elected && !self.standing.anybody_continues_but(self.terms.write_ins) {
            return false;
        }
        if rules.continue_until_two {
            // And one more round, to show the last transfers.
            return eliminated + elected + 1 < self.standing.candidates
                || !last.eliminated.is_empty();
        }
        if self.terms.is_by_percentage() {
            return elected == 0;
        }
        // One round more shows the transfer of the last surpluses.
        elected < seats || self.terms.transfers_surpluses() && !last.elected.is_empty()
    }

    fn count_round(&mut self) {
        let Terms { rules, seats, .. } = self.terms;
        let all_seats_filled =
            self.terms.transfers_surpluses() && self.standing.elected.len() == seats;
        let tally = self
            .ballots
            .count(rules, &self.standing.continuing(), all_seats_filled);
        let last = self.rounds.last();
        let threshold = match last {
            Some(last) if !self.has_new_threshold() => last.threshold,
            _ => self.threshold_of(&tally),
        };
        let residual_surplus = last.map_or(Votes::ZERO, |last| last.residual_surplus);
        self.rounds.push(PassRound {
            tally,
            threshold,
            residual_surplus,
            elected: Vec::new(),
            eliminated: Vec::new(),
        });
    }

    /// Whether the votes of this later round set a new threshold.
    fn has_new_threshold(&self) -> bool {
        let Terms { rules, seats, .. } = self.terms;
        let is_kept = rules.first_round_threshold
            || rules.continue_until_two && !self.standing.elected.is_empty();
        seats <= 1 && !is_kept
    }

    fn threshold_of(&self, tally: &Tally) -> Votes {
        let Terms { rules, seats, .. } = self.terms;
        let active = tally.active;
        if let Some(percentage) = rules.percentage.filter(|_| self.terms.is_by_percentage()) {
            return percentage.percent_of(active);
        }
        let decimal_places = match rules.fractional_threshold {
            true => rules.decimal_places,
            false => 0,
        };
        let next = Votes::smallest(decimal_places);
        let seats = seats as u64;
        match rules.quota {
            // The least number that more than `seats` candidates cannot have.
            Quota::Droop => active.divided_by(Votes::whole(seats + 1), decimal_places) + next,
            Quota::Hare => {
                let share = active.divided_by(Votes::whole(seats), decimal_places);
                let rounded_up = if share * seats < active {
                    share + next
                } else {
                    share
                };
                // Nobody is elected without a vote.
                rounded_up.max(next)
            }
        }
    }

    /// Elects, or else eliminates, in the round that was counted.
    fn decide(&mut self) -> Result<(), Stopped> {
        let Terms { rules, seats, .. } = self.terms;
        let Some(round) = self.rounds.last() else {
            return Ok(());
        };
        let mut by_votes = ByVotes::new();
        for (candidate, votes) in round.tally.candidates() {
            by_votes.entry(votes).or_default().push(candidate);
        }
        let mut elected = self.winners(&by_votes)?;
        let mut eliminated = Vec::new();
        let unfilled = self.standing.elected.len() < seats;
        let until_two =
            rules.continue_until_two && self.standing.eliminated + 2 < self.standing.candidates;
        if !elected.is_empty() {
            for winner in &mut elected {
                self.standing.elect(winner.candidate);
                if self.terms.transfers_surpluses() {
                    winner.surplus_fraction = Some(self.transfer_surplus(winner.candidate));
                }
            }
        } else if unfilled || until_two || self.terms.is_by_percentage() {
            eliminated = self.losers(&by_votes)?;
            for loser in &eliminated {
                self.standing.eliminate(loser.candidate);
            }
        }
        if let Some(round) = self.rounds.last_mut() {
            (round.elected, round.eliminated) = (elected, eliminated);
        }
        Ok(())
    }

    /// Passes on what an elected candidate has above the threshold: this fraction of each vote.
    fn transfer_surplus(&mut self, winner: usize) -> Votes {
        let decimal_places = self.terms.rules.decimal_places;
        let Some(round) = self.rounds.last() else {
            return Votes::ZERO;
        };
        let votes = round.tally.of(winner);
        let surplus = votes - round.threshold;
        let fraction = surplus.divided_by(votes, decimal_places);
        self.ballots.elect(winner, fraction, decimal_places);
        fraction
    }

    /// Who is elected in this round, most votes first.
    fn winners(&mut self, by_votes: &ByVotes) -> Result<Vec<Decided>, Stopped> {
        let Terms { rules, seats, .. } = self.terms;
        let Some(round) = self.rounds.last() else {
            return Ok(Vec::new());
        };
        let write_ins = self.terms.write_ins;
        if write_ins.is_some_and(|write_ins| round.tally.of(write_ins).is_positive()) {
            // Undeclared write-ins cannot win, and nobody wins while they hold votes.
            return Ok(Vec::new());
        }
        let can_win = |candidate: &usize| Some(*candidate) != write_ins;
        let by_most = by_votes.iter().rev();
        let at_least = |least: Votes| {
            let winners = by_most
                .clone()
                .take_while(move |(votes, _)| **votes >= least);
            winners.flat_map(|(_, candidates)| candidates.iter().copied())
        };
        let continuing: usize = by_votes.values().map(Vec::len).sum();
        if self.terms.is_by_percentage() {
            let all = by_votes.keys().all(|votes| *votes > round.threshold);
            let winners = at_least(Votes::ZERO).filter(|winner| all && can_win(winner));
            return Ok(winners.map(Decided::without_tie).collect());
        }
        let unfilled = seats.saturating_sub(self.standing.elected.len());
        let most = by_votes.last_key_value();
        let with_most: Vec<usize> = most
            .map_or(&[][..], |(_, candidates)| candidates)
            .iter()
            .copied()
            .filter(can_win)
            .collect();
        let winners: Vec<usize> = if unfilled == 0 {
            Vec::new()
        } else if continuing <= unfilled {
            at_least(Votes::ZERO).filter(can_win).collect()
        } else if rules.first_round_threshold && continuing == seats + 1 {
            // Nobody else can reach the threshold of the first round any more.
            with_most.clone()
        } else if rules.mode == SeatsMode::BottomsUp {
            Vec::new()
        } else {
            at_least(round.threshold).filter(can_win).collect()
        };
        let one_of_several = winners.len() > 1
            && (rules.mode == SeatsMode::OnePerRound || rules.first_round_threshold);
        // Of the last two, one is elected, and not eliminated to leave the other alone in a round.
        let one_of_two = seats == 1 && winners.is_empty() && continuing == 2 && unfilled == 1;
        if !one_of_several && !one_of_two {
            return Ok(winners.into_iter().map(Decided::without_tie).collect());
        }
        match *with_most {
            [] => Ok(Vec::new()),
            [winner] => Ok(vec![Decided::without_tie(winner)]),
            _ => Ok(vec![self.break_tie(with_most, true)?]),
        }
    }

    /// Who is eliminated in this round, fewest votes first.
    fn losers(&mut self, by_votes: &ByVotes) -> Result<Vec<Decided>, Stopped> {
        let Terms { rules, pass, .. } = self.terms;
        let round_number = self.round_number();
        let Some(round) = self.rounds.last() else {
            return Ok(Vec::new());
        };
        if let Some(write_ins) = self.terms.write_ins
            && round.tally.of(write_ins).is_positive()
        {
            return Ok(vec![Decided::without_tie(write_ins)]);
        }
        let below = |least: Votes| {
            let losers = by_votes
                .range(..least)
                .flat_map(|(_, candidates)| candidates);
            losers
                .copied()
                .map(Decided::without_tie)
                .collect::<Vec<_>>()
        };
        let mut losers = Vec::new();
        if rules.cutoff_elimination {
            losers = below(round.threshold);
        }
        if losers.is_empty() && round_number == 1 {
            losers = below(Votes::whole(rules.minimum_votes));
        }
        if losers.is_empty() && rules.batch_elimination {
            losers = self
                .batch(by_votes)
                .into_iter()
                .map(Decided::without_tie)
                .collect();
        }
        if !losers.is_empty() {
            return Ok(losers);
        }
        match by_votes
            .first_key_value()
            .map(|(_, candidates)| &**candidates)
        {
            None => Err(Stopped::NobodyLeft {
                pass,
                round: round_number,
            }),
            Some([loser]) => Ok(vec![Decided::without_tie(*loser)]),
            Some(tied) => {
                let unfilled = self.terms.seats.saturating_sub(self.standing.elected.len());
                let others = by_votes.values().map(Vec::len).sum::<usize>() - 1;
                if let Some(write_ins) = self.terms.write_ins
                    && tied.contains(&write_ins)
                    && others <= unfilled
                {
                    // A candidate takes the seat that write-ins cannot take.
                    return Ok(vec![Decided::without_tie(write_ins)]);
                }
                Ok(vec![self.break_tie(tied.to_vec(), false)?])
            }
        }
    }

    /// The candidates that together cannot overtake the next one; empty unless there are several.
    fn batch(&self, by_votes: &ByVotes) -> Vec<usize> {
        let mut sum = Votes::ZERO;
        let mut seen = Vec::new();
        let (mut batch, mut smaller_batch) = (0, 0);
        for (votes, candidates) in by_votes {
            if sum < *votes && seen.len() > batch {
                smaller_batch = batch;
                batch = seen.len();
            }
            sum += *votes * candidates.len() as u64;
            seen.extend_from_slice(candidates);
        }
        // Two are to remain, and not the winner alone.
        if self.terms.rules.continue_until_two
            && batch + self.standing.eliminated + 1 == self.standing.candidates
        {
            batch = smaller_batch;
        }
        seen.truncate(batch);
        if seen.len() > 1 { seen } else { Vec::new() }
    }

    fn break_tie(&mut self, tied: Vec<usize>, to_be_elected: bool) -> Result<Decided, Stopped> {
        let earlier = self
            .rounds
            .split_last()
            .map_or(&[][..], |(_, earlier)| earlier);
        let tallies: Vec<&Tally> = earlier.iter().map(|round| &round.tally).collect();
        let round = self.round_number();
        let (candidate, tie) = self.tiebreak.among(tied, to_be_elected, round, &tallies)?;
        Ok(Decided {
            candidate,
            tie: Some(tie),
            surplus_fraction: None,
        })
    }

    fn round_number(&self) -> u32 {
        u32::try_from(self.rounds.len()).unwrap_or(u32::MAX)
    }
}

/// Adds to the last round the votes kept by candidates elected earlier. Kept votes above the threshold were lost to
/// rounding; `with_residual` they are deducted, which is impossible for a part of the ballots.
pub(super) fn settle(ballots: &Ballots, rounds: &mut [PassRound], with_residual: bool) {
    let Some((last, earlier)) = rounds.split_last_mut() else {
        return;
    };
    let newest = earlier.len();
    for (number, round) in (1..).zip(earlier.iter()) {
        for winner in round.elected.iter().map(|decided| decided.candidate) {
            if number < newest {
                last.tally
                    .keep(winner, earlier[newest - 1].tally.of(winner));
                continue;
            }
            let votes = ballots.kept_by(winner);
            last.tally.keep(winner, votes);
            if with_residual && votes > last.threshold {
                let residual = votes - last.threshold;
                last.residual_surplus += residual;
                let lost = (winner, Destination::ResidualSurplus);
                last.tally.transfers.insert(lost, residual);
                last.tally.keep(winner, last.threshold);
            }
        }
    }
}
