//! What a contest's selections mean: totals and winners, as a pure function of their sum.
//!
//! Each counting method is a file of this folder. A new one implements [`CountingMethod`] in a file of its
//! own and gets its line in [`Method`], in `ask!` and in [`Method::name`].

mod approval;
mod borda;
mod outcome;
mod pairwise;
mod plurality;
mod profile;
mod ranked;
mod ranked_pairs;
mod schulze;
mod score;
mod star;
mod vote_for;

use serde::{Deserialize, Serialize};

pub use approval::Approval;
pub use borda::Borda;
pub use outcome::{ChoiceTotal, Outcome};
pub use pairwise::Preference;
pub use plurality::Plurality;
pub use profile::Profile;
pub use ranked::{
    CandidateVotes, Cause, DecidedTie, Decision, Destination, Inactive, Irv, MOST_BALLOTS,
    MOST_DECIMAL_PLACES, OvervoteRule, Quota, RankedCount, RankedRules, Round, Rounds, SeatsMode,
    Stopped, Stv, Tie, TieBroken, TiebreakRule, Transfer, Votes,
};
pub use ranked_pairs::RankedPairs;
pub use schulze::Schulze;
pub use score::Score;
pub use star::Star;
pub use vote_for::VoteFor;

use crate::{Contest, Marks};

/// Asks a method. Not by `dyn CountingMethod`: a SmartModule counts and never tabulates, and a table of all
/// methods' functions would put tabulation into it.
macro_rules! ask {
    ($asked:expr, $method:ident => $answer:expr) => {
        match $asked {
            Method::Plurality($method) => $answer,
            Method::VoteFor($method) => $answer,
            Method::Approval($method) => $answer,
            Method::Score($method) => $answer,
            Method::Irv($method) => $answer,
            Method::Stv($method) => $answer,
            Method::Schulze($method) => $answer,
            Method::RankedPairs($method) => $answer,
            Method::Borda($method) => $answer,
            Method::Star($method) => $answer,
        }
    };
}

/// How a contest's answers are counted.
pub trait CountingMethod {
    /// What a voter may mark in the contest.
    fn marks(&self, contest: &Contest) -> Marks;

    /// Checks that the contest's settings make sense under this method.
    ///
    /// # Errors
    /// What is wrong, and what is expected.
    fn check(&self, contest: &Contest) -> Result<(), String>;

    /// Who won, and with how much.
    fn tabulate(&self, profile: &Profile, contest: &Contest) -> Outcome;

    /// Whether the winners stay the same whatever is marked on so many more ballots. It holds for every ballot that
    /// could come, and is no projection. A method that cannot tell says no.
    fn is_settled(&self, _count: &Count, _remaining: u64) -> bool {
        false
    }
}

/// A contest that is counted so far.
#[derive(Debug, Clone, Copy)]
pub struct Count<'a> {
    /// The contest.
    pub contest: &'a Contest,
    /// Its ballots.
    pub profile: &'a Profile,
    /// What they mean.
    pub outcome: &'a Outcome,
}

impl Count<'_> {
    /// Whether no more than `remaining` further ballots can change who is elected: the contest is mathematically
    /// decided.
    pub fn is_decided(&self, remaining: u64) -> bool {
        let Count {
            contest, outcome, ..
        } = self;
        let is_complete = outcome.winners.len() == contest.seats as usize
            && outcome.tied.is_empty()
            && outcome.stopped.is_none();
        is_complete
            && (remaining == 0
                || ask!(&contest.method, method => method.is_settled(self, remaining)))
    }

    /// Whether each winner is so far ahead of every other candidate that `remaining` ballots cannot close the gap, each of
    /// which brings two candidates at most `step` closer to each other.
    fn leads_by_more_than(&self, remaining: u64, step: u64) -> bool {
        let is_winner = |id: &String| self.outcome.winners.contains(id);
        let (mut lowest, mut highest) = (u64::MAX, None);
        for choice in &self.outcome.choices {
            match is_winner(&choice.candidate_id) {
                true => lowest = lowest.min(choice.total),
                false => highest = highest.max(Some(choice.total)),
            }
        }
        highest.is_none_or(|highest| {
            let gap = lowest.saturating_sub(highest);
            gap > remaining.saturating_mul(step)
        })
    }
}

/// The counting methods, as a definition names them: `{ kind = "plurality" }`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Method {
    /// One mark; most votes win.
    Plurality(Plurality),
    /// Up to N marks; most votes win.
    VoteFor(VoteFor),
    /// Any number of marks; most votes win.
    Approval(Approval),
    /// Points for each candidate; most points win.
    Score(Score),
    /// A ranking; the last candidate is eliminated until one has a majority.
    Irv(Irv),
    /// A ranking; a candidate that reaches the threshold is elected, and the surplus is transferred.
    Stv(Stv),
    /// A ranking; the strongest chains of duels decide.
    Schulze(Schulze),
    /// A ranking; the clearest duels decide.
    RankedPairs(RankedPairs),
    /// A ranking; ranks give points, and most points win.
    Borda(Borda),
    /// Points for each candidate; a runoff between the two with most points.
    Star(Star),
}

impl Method {
    /// What a voter may mark in the contest.
    pub fn marks(&self, contest: &Contest) -> Marks {
        ask!(self, method => method.marks(contest))
    }

    /// Checks that the contest's settings make sense under this method.
    ///
    /// # Errors
    /// What is wrong, and what is expected.
    pub fn check(&self, contest: &Contest) -> Result<(), String> {
        ask!(self, method => method.check(contest))
    }

    /// Who won, and with how much.
    pub fn tabulate(&self, profile: &Profile, contest: &Contest) -> Outcome {
        ask!(self, method => method.tabulate(profile, contest))
    }

    /// The name in definitions and results.
    pub fn name(&self) -> &'static str {
        match self {
            Method::Plurality(_) => "plurality",
            Method::VoteFor(_) => "vote-for",
            Method::Approval(_) => "approval",
            Method::Score(_) => "score",
            Method::Irv(_) => "irv",
            Method::Stv(_) => "stv",
            Method::Schulze(_) => "schulze",
            Method::RankedPairs(_) => "ranked-pairs",
            Method::Borda(_) => "borda",
            Method::Star(_) => "star",
        }
    }

    /// Each candidate's total from a part of the ballots, e.g. one place's. For rankings counted in rounds or by duels it
    /// is the first preferences, since everything else depends on all ballots. The totals of parts add up.
    pub(crate) fn totals(&self, profile: &Profile, contest: &Contest) -> Vec<ChoiceTotal> {
        match self {
            Method::Irv(irv) => irv.count(contest).first_round(profile),
            Method::Stv(stv) => stv.count(contest).first_round(profile),
            Method::Schulze(_) | Method::RankedPairs(_) => {
                pairwise::first_preferences(profile, contest)
            }
            _ => self.tabulate(profile, contest).choices,
        }
    }

    /// The count in rounds of a contest, where this method is one.
    pub fn ranked<'a>(&'a self, contest: &'a Contest) -> Option<RankedCount<'a>> {
        match self {
            Method::Irv(irv) => Some(irv.count(contest)),
            Method::Stv(stv) => Some(stv.count(contest)),
            _ => None,
        }
    }
}

/// What candidates' totals are under the method of this name, as a heading.
pub fn unit(method: &str) -> &'static str {
    match method {
        "score" | "star" | "borda" => "Points",
        "schulze" | "ranked-pairs" => "Duels won",
        _ => "Votes",
    }
}

/// Refuses `choices` where the method leaves no choice.
fn demand_no_choices(method: &str, contest: &Contest) -> Result<(), String> {
    match contest.choices {
        None => Ok(()),
        Some(_) => Err(format!("`choices` does not go with {method}; remove it")),
    }
}
