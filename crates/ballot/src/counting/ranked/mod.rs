//! Ranked counts: instant-runoff and the single transferable vote, with the rules that elections differ by.
//!
//! A count is a pure function of the profile and the rules. Its rounds are equal to those of RCTab, the tabulator that
//! many jurisdictions use, in each vote, transfer, threshold and decision, and it draws as RCTab does where a tie is
//! broken by a seed. It differs where RCTab fails: the placeholder of undeclared write-ins never wins, even without
//! votes against it, and the Hare quota of no votes is one vote.

mod ballots;
mod java_random;
mod rounds;
mod rules;
mod standing;
mod tabulator;
mod tiebreak;
mod votes;

#[cfg(test)]
pub(super) mod tests;

use std::cmp::Reverse;
use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

pub use rounds::{
    CandidateVotes, Cause, Decision, Destination, Inactive, Round, Rounds, Stopped, Tie, TieBroken,
    Transfer,
};
pub use rules::{DecidedTie, OvervoteRule, Quota, RankedRules, SeatsMode, TiebreakRule};
pub use votes::{MOST_BALLOTS, MOST_DECIMAL_PLACES, Votes};

use self::ballots::Ballots;
use self::standing::Standing;
use self::tabulator::{Decided, Pass, PassRound, Terms, settle};
use self::tiebreak::Tiebreak;
use super::{ChoiceTotal, Count, CountingMethod, Outcome, Profile};
use crate::ranking::{UNDECLARED_WRITE_INS, UNKNOWN_OVERVOTE};
use crate::{Contest, Marks, Ranking, Selection};

/// Instant runoff: the candidate with fewest votes is eliminated until one has a majority. Several seats are filled in
/// turn, each without the candidates already elected.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Irv(pub RankedRules);

/// The single transferable vote: a candidate that reaches the threshold is elected, and the surplus is transferred.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Stv(pub RankedRules);

impl CountingMethod for Irv {
    fn marks(&self, contest: &Contest) -> Marks {
        ranking_marks(contest)
    }

    fn check(&self, contest: &Contest) -> Result<(), String> {
        super::demand_no_choices("irv", contest)?;
        self.0.check_irv(contest)
    }

    fn tabulate(&self, profile: &Profile, contest: &Contest) -> Outcome {
        self.count(contest).outcome(profile)
    }

    fn is_settled(&self, count: &Count, remaining: u64) -> bool {
        self.count(count.contest)
            .is_settled(count.profile, remaining)
    }
}

impl CountingMethod for Stv {
    fn marks(&self, contest: &Contest) -> Marks {
        ranking_marks(contest)
    }

    fn check(&self, contest: &Contest) -> Result<(), String> {
        super::demand_no_choices("stv", contest)?;
        self.0.check_stv(contest)
    }

    fn tabulate(&self, profile: &Profile, contest: &Contest) -> Outcome {
        self.count(contest).outcome(profile)
    }
}

impl Irv {
    /// The contest's count.
    pub fn count<'a>(&'a self, contest: &'a Contest) -> RankedCount<'a> {
        let seats = contest.seats as usize;
        RankedCount {
            contest,
            rules: &self.0,
            passes: seats.max(1),
            seats: 1,
        }
    }
}

impl Stv {
    /// The contest's count.
    pub fn count<'a>(&'a self, contest: &'a Contest) -> RankedCount<'a> {
        RankedCount {
            contest,
            rules: &self.0,
            passes: 1,
            seats: match self.0.mode {
                // The percentage limits how many are elected.
                SeatsMode::BottomsUpByPercentage => 0,
                _ => contest.seats as usize,
            },
        }
    }
}

pub(super) fn ranking_marks(contest: &Contest) -> Marks {
    let candidates = u32::try_from(contest.candidates.len()).unwrap_or(u32::MAX);
    Marks::Ranking {
        most: contest.rankings.unwrap_or(candidates),
    }
}

/// A ranked count of a contest.
#[derive(Debug, Clone, Copy)]
pub struct RankedCount<'a> {
    contest: &'a Contest,
    rules: &'a RankedRules,
    passes: usize,
    /// Seats of each pass.
    seats: usize,
}

impl RankedCount<'_> {
    /// The rounds of all ballots.
    pub fn rounds(&self, profile: &Profile) -> Rounds {
        if profile.ballots() > MOST_BALLOTS {
            let ballots = profile.ballots();
            return Rounds {
                stopped: Some(Stopped::TooManyBallots { ballots }),
                ..Rounds::default()
            };
        }
        let uncounted = self.ballots(profile);
        let mut rounds = Rounds::default();
        let mut elected_before = Vec::new();
        for pass in 1..=self.passes {
            let terms = self.terms(pass);
            let standing = self.standing(&elected_before);
            if pass > 1 && !standing.anybody_continues_but(terms.write_ins) {
                // More seats than candidates.
                break;
            }
            let tiebreak = Tiebreak::of(self.rules, &self.contest.candidates, terms.pass);
            let pass = Pass::new(terms, uncounted.clone(), standing, tiebreak);
            let (pass_rounds, elected, stopped) = pass.run();
            rounds.rounds.extend(self.told(terms.pass, &pass_rounds));
            let winners = elected.iter().map(|winner| self.id(*winner));
            rounds.winners.extend(winners);
            rounds.stopped = stopped;
            // Nothing can follow a pass that elects nobody.
            if rounds.stopped.is_some() || elected.is_empty() {
                break;
            }
            elected_before.extend(elected);
        }
        rounds
    }

    /// The rounds of a part of the ballots, e.g. a precinct's. All ballots decide who is elected and eliminated, and which
    /// surplus is transferred.
    pub fn rounds_of_part(&self, part: &Profile, whole: &Rounds) -> Rounds {
        let uncounted = self.ballots(part);
        let number = |id: &str| {
            let mut candidates = self.contest.candidates.iter();
            candidates.position(|candidate| candidate.candidate_id == id)
        };
        let decided = |decisions: &[Decision]| -> Vec<Decided> {
            let decisions = decisions.iter().filter_map(|decision| {
                Some(Decided {
                    candidate: number(&decision.candidate_id)?,
                    tie: decision.tie.clone(),
                    surplus_fraction: decision.surplus_fraction,
                })
            });
            decisions.collect()
        };
        let mut rounds = Rounds {
            winners: whole.winners.clone(),
            stopped: whole.stopped.clone(),
            rounds: Vec::new(),
        };
        let mut elected_before = Vec::new();
        for whole_rounds in whole.rounds.chunk_by(|left, right| left.pass == right.pass) {
            let pass = whole_rounds.first().map_or(1, |round| round.pass);
            let terms = self.terms(pass as usize);
            let mut standing = self.standing(&elected_before);
            let mut ballots = uncounted.clone();
            let mut part_rounds: Vec<PassRound> = Vec::new();
            for round in whole_rounds {
                let filled = terms.transfers_surpluses() && standing.elected.len() == terms.seats;
                let tally = ballots.count(self.rules, &standing.continuing(), filled);
                let (elected, eliminated) = (decided(&round.elected), decided(&round.eliminated));
                for winner in &elected {
                    standing.elect(winner.candidate);
                    if let Some(fraction) = winner.surplus_fraction {
                        ballots.elect(winner.candidate, fraction, self.rules.decimal_places);
                    }
                }
                for loser in &eliminated {
                    standing.eliminate(loser.candidate);
                }
                part_rounds.push(PassRound {
                    tally,
                    threshold: round.threshold,
                    residual_surplus: Votes::ZERO,
                    elected,
                    eliminated,
                });
                if terms.seats > 1 {
                    settle(&ballots, &mut part_rounds, false);
                }
            }
            rounds.rounds.extend(self.told(pass, &part_rounds));
            elected_before.extend(standing.elected);
        }
        rounds
    }

    /// What each candidate has in the first round. These figures of the parts of a profile add up.
    pub(crate) fn first_round(&self, profile: &Profile) -> Vec<ChoiceTotal> {
        let continuing = self.standing(&[]).continuing();
        let tally = self.ballots(profile).count(self.rules, &continuing, false);
        let candidates = self.contest.candidates.iter().enumerate();
        let totals = candidates.map(|(number, candidate)| ChoiceTotal {
            candidate_id: candidate.candidate_id.clone(),
            total: tally.of(number).floor(),
        });
        totals.collect()
    }

    /// Whether the last candidate to continue stays the same with so many more ballots, of one seat.
    ///
    /// Candidates who all together, with every ballot that is to come, have fewer votes than any other are eliminated
    /// before that other, in whatever order: votes leave such a set only for those outside it. So they can be taken out at
    /// once, and the rest be counted again (the bound of Cary, "Estimating the margin of victory for instant-runoff
    /// voting", 2011).
    fn is_settled(&self, profile: &Profile, remaining: u64) -> bool {
        // These rules eliminate by more than who has fewest votes, end the count early, or (the overvotes) let the order of
        // eliminations decide where a ballot goes.
        let rules = self.rules;
        if self.passes > 1
            || rules.minimum_votes > 0
            || rules.stop_after_round.is_some()
            || rules.overvote == OvervoteRule::ExhaustIfMultipleContinuing
        {
            return false;
        }
        let mut ballots = self.ballots(profile);
        let mut continuing = self.standing(&[]).continuing();
        if let Some(write_ins) = self.terms(1).write_ins {
            continuing[write_ins] = false;
        }
        loop {
            let tally = ballots.count(self.rules, &continuing, false);
            let mut standing: Vec<(u64, usize)> = (continuing.iter().enumerate())
                .filter(|(_, continues)| **continues)
                .map(|(number, _)| (tally.of(number).floor(), number))
                .collect();
            if standing.len() < 2 {
                return standing.len() == 1;
            }
            standing.sort_unstable();
            let mut together = remaining;
            let weakest = standing.windows(2).position(|pair| {
                together = together.saturating_add(pair[0].0);
                together < pair[1].0
            });
            let Some(weakest) = weakest else {
                return false;
            };
            for (_, number) in &standing[..=weakest] {
                continuing[*number] = false;
            }
        }
    }

    fn outcome(&self, profile: &Profile) -> Outcome {
        let ranks_somebody = |selection: &Selection| matches!(selection, Selection::Ranking(_));
        let rounds = match profile.selections().any(|(it, _)| ranks_somebody(it)) {
            true => self.rounds(profile),
            // Before the first vote, no draw may elect anyone.
            false => Rounds::default(),
        };
        Outcome {
            ballots: profile.ballots(),
            undervotes: profile.ballots_with(&Selection::Undervote),
            overvotes: profile.ballots_with(&Selection::Overvote),
            choices: self.choices(&rounds),
            tied: match &rounds.stopped {
                Some(Stopped::Tie { among, .. }) => among.clone(),
                _ => Vec::new(),
            },
            winners: rounds.winners,
            rounds: rounds.rounds,
            stopped: rounds.stopped,
            preferences: Vec::new(),
        }
    }

    /// The candidates' votes at the end, or when an earlier pass elected them: the elected first, then the others by how
    /// long they continued.
    fn choices(&self, rounds: &Rounds) -> Vec<ChoiceTotal> {
        let last_pass = rounds.rounds.last().map_or(0, |round| round.pass);
        let last_round = rounds.rounds.len();
        // Where each candidate was last, and with how much.
        let mut last: BTreeMap<&str, (usize, Votes)> = BTreeMap::new();
        for (place, round) in (1..).zip(&rounds.rounds) {
            let votes = round.votes.iter();
            last.extend(votes.map(|it| (&*it.candidate_id, (place, it.votes))));
        }
        let elected: BTreeMap<&str, usize> =
            rounds.winners.iter().map(|id| &**id).zip(0..).collect();
        let mut choices: Vec<_> = (self.contest.candidates.iter())
            .map(|candidate| {
                let id = &*candidate.candidate_id;
                let (stayed, votes) = last.get(id).copied().unwrap_or_default();
                let elected = elected.get(id).copied();
                let was_elected_in_an_earlier_pass =
                    elected.is_some() && last_pass > 1 && stayed < last_round;
                let total = match stayed == last_round || was_elected_in_an_earlier_pass {
                    true => votes.floor(),
                    false => 0,
                };
                let place = (elected.unwrap_or(usize::MAX), Reverse((stayed, votes)));
                let candidate_id = id.to_owned();
                (
                    place,
                    ChoiceTotal {
                        candidate_id,
                        total,
                    },
                )
            })
            .collect();
        // Stable: equals stay in the order of the ballot.
        choices.sort_by_key(|(place, _)| *place);
        choices.into_iter().map(|(_, choice)| choice).collect()
    }

    fn ballots(&self, profile: &Profile) -> Ballots {
        let nobody = Ranking::default();
        let overvote = Ranking(vec![vec![UNKNOWN_OVERVOTE.to_owned()]]);
        let rankings = profile.selections().map(|(selection, ballots)| {
            let ranking = match selection {
                Selection::Ranking(ranking) => ranking,
                Selection::Undervote => &nobody,
                // Marks of another kind do not belong to this contest.
                Selection::Overvote | Selection::Candidates(_) | Selection::Scores(_) => &overvote,
            };
            (ranking, ballots)
        });
        let most = self.contest.rankings.unwrap_or(u32::MAX) as usize;
        Ballots::of(&self.contest.candidates, rankings, most)
    }

    fn terms(&self, pass: usize) -> Terms<'_> {
        let mut candidates = self.contest.candidates.iter();
        Terms {
            rules: self.rules,
            seats: self.seats,
            write_ins: candidates.position(|it| it.candidate_id == UNDECLARED_WRITE_INS),
            pass: u32::try_from(pass).unwrap_or(u32::MAX),
        }
    }

    fn standing(&self, elected_before: &[usize]) -> Standing {
        let candidates = &self.contest.candidates;
        let excluded = |number: usize| {
            elected_before.contains(&number)
                || self
                    .rules
                    .excluded
                    .contains(&candidates[number].candidate_id)
        };
        Standing::of(candidates.len(), excluded, self.rules.continue_until_two)
    }

    fn id(&self, candidate: usize) -> String {
        self.contest.candidates[candidate].candidate_id.clone()
    }

    /// The rounds of a pass, by the candidates' ids. What a decision moves is counted in the round after it.
    fn told(&self, pass: u32, rounds: &[PassRound]) -> Vec<Round> {
        let told = (1..).zip(rounds).map(|(number, round)| {
            let next = rounds.get(number as usize).map(|next| &next.tally);
            let decisions = |decided: &[Decided]| {
                let decisions = decided.iter().map(|decided| Decision {
                    candidate_id: self.id(decided.candidate),
                    tie: decided.tie.clone(),
                    surplus_fraction: decided.surplus_fraction,
                    transfers: self.transfers(decided.candidate, next),
                });
                decisions.collect()
            };
            let votes = round
                .tally
                .candidates()
                .map(|(candidate, votes)| CandidateVotes {
                    candidate_id: self.id(candidate),
                    votes,
                });
            Round {
                pass,
                round: number,
                threshold: round.threshold,
                votes: votes.collect(),
                active: round.tally.active + round.tally.kept,
                inactive: round.tally.inactive,
                final_surplus: round.tally.final_surplus,
                residual_surplus: round.residual_surplus,
                elected: decisions(&round.elected),
                eliminated: decisions(&round.eliminated),
            }
        });
        told.collect()
    }

    fn transfers(&self, from: usize, next: Option<&ballots::Tally>) -> Vec<Transfer> {
        let transfers = next.into_iter().flat_map(|tally| &tally.transfers);
        let of_candidate = transfers.filter(|((candidate, _), _)| *candidate == from);
        let told = of_candidate.map(|((_, to), votes)| Transfer {
            to: match to {
                Destination::Candidate(candidate) => Destination::Candidate(self.id(*candidate)),
                Destination::Inactive(cause) => Destination::Inactive(*cause),
                Destination::FinalSurplus => Destination::FinalSurplus,
                Destination::ResidualSurplus => Destination::ResidualSurplus,
            },
            votes: *votes,
        });
        told.collect()
    }
}
