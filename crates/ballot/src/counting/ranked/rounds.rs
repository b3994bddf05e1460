//! The result of a ranked count, round by round.

use serde::Serialize;

use super::votes::Votes;

/// The rounds of a ranked count.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Rounds {
    /// The rounds, in order, of all passes.
    pub rounds: Vec<Round>,
    /// Who is elected, in the order of election.
    pub winners: Vec<String>,
    /// Why the count stopped before all seats were filled, if it did.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stopped: Option<Stopped>,
}

/// A round: the candidates' votes, and the decisions that follow.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Round {
    /// The pass, from 1 on: of IRV for several seats there is one for each seat.
    pub pass: u32,
    /// The round of the pass, from 1 on.
    pub round: u32,
    /// Votes needed to be elected.
    pub threshold: Votes,
    /// The votes of continuing and elected candidates, in the order of the ballot.
    pub votes: Vec<CandidateVotes>,
    /// Active votes: those that count for a candidate, or would if a seat were left.
    pub active: Votes,
    /// Inactive ballots.
    pub inactive: Inactive,
    /// Surpluses of the candidates that took the last seats. They are not transferred.
    pub final_surplus: Votes,
    /// Votes lost to rounding in all transfers so far.
    pub residual_surplus: Votes,
    /// Who is elected in this round, most votes first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub elected: Vec<Decision>,
    /// Who is eliminated in this round, fewest votes first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub eliminated: Vec<Decision>,
}

/// What a candidate has in a round.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CandidateVotes {
    /// The candidate.
    pub candidate_id: String,
    /// The votes.
    pub votes: Votes,
}

/// Inactive ballots, or what remains of their value, by cause.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Inactive {
    /// No candidate is ranked.
    pub undervotes: Votes,
    /// No ranked candidate continues.
    pub exhausted_choices: Votes,
    /// The next rank is an overvote.
    pub overvotes: Votes,
    /// More ranks in a row are skipped than the rules allow.
    pub skipped_rankings: Votes,
    /// A candidate is ranked twice.
    pub repeated_rankings: Votes,
}

impl Inactive {
    /// All of them.
    pub fn total(&self) -> Votes {
        Cause::ALL.into_iter().map(|cause| self.of(cause)).sum()
    }

    /// Those with this cause.
    pub fn of(&self, cause: Cause) -> Votes {
        match cause {
            Cause::Undervotes => self.undervotes,
            Cause::ExhaustedChoices => self.exhausted_choices,
            Cause::Overvotes => self.overvotes,
            Cause::SkippedRankings => self.skipped_rankings,
            Cause::RepeatedRankings => self.repeated_rankings,
        }
    }

    pub(super) fn add(&mut self, cause: Cause, votes: Votes) {
        *match cause {
            Cause::Undervotes => &mut self.undervotes,
            Cause::ExhaustedChoices => &mut self.exhausted_choices,
            Cause::Overvotes => &mut self.overvotes,
            Cause::SkippedRankings => &mut self.skipped_rankings,
            Cause::RepeatedRankings => &mut self.repeated_rankings,
        } += votes;
    }
}

/// Why a ballot is inactive: the fields of [`Inactive`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Cause {
    /// No candidate is ranked.
    Undervotes,
    /// No ranked candidate continues.
    ExhaustedChoices,
    /// An overvote.
    Overvotes,
    /// Too many skipped ranks.
    SkippedRankings,
    /// A candidate ranked twice.
    RepeatedRankings,
}

impl Cause {
    /// Every cause, in the order of [`Inactive`].
    pub const ALL: [Cause; 5] = [
        Cause::Undervotes,
        Cause::ExhaustedChoices,
        Cause::Overvotes,
        Cause::SkippedRankings,
        Cause::RepeatedRankings,
    ];
}

/// A candidate is elected or eliminated.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Decision {
    /// The candidate.
    pub candidate_id: String,
    /// The tie that was broken, if there was one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tie: Option<Tie>,
    /// The share of each vote that is transferred, where surpluses are.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub surplus_fraction: Option<Votes>,
    /// Where the votes go that the candidate does not keep.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub transfers: Vec<Transfer>,
}

/// Votes transferred from a candidate.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Transfer {
    /// Where they go.
    pub to: Destination<String>,
    /// How many.
    pub votes: Votes,
}

/// Where votes go: `{"candidate": "c1"}`, `{"inactive": "overvotes"}`, `"final_surplus"`, `"residual_surplus"`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Destination<C> {
    /// To a candidate.
    Candidate(C),
    /// The ballots become inactive.
    Inactive(Cause),
    /// Not transferred, since all seats are filled.
    FinalSurplus,
    /// Lost to rounding.
    ResidualSurplus,
}

/// A tie, and what broke it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Tie {
    /// The tied candidates.
    pub among: Vec<String>,
    /// What broke it.
    pub broken_by: TieBroken,
}

/// What broke a tie.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum TieBroken {
    /// The votes in this earlier round.
    EarlierRound(u32),
    /// A draw from the seed.
    Random,
    /// The order of the candidates on the ballot.
    CandidateOrder,
    /// The order that was drawn from the seed before the count.
    DrawnOrder,
    /// A decision given with the rules, e.g. by lot.
    Decided,
}

/// Why a count stopped before all seats were filled.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, thiserror::Error)]
#[serde(rename_all = "snake_case")]
pub enum Stopped {
    /// A tie that the rules leave to people.
    #[error(
        "pass {pass}, round {round}: {} are tied, and the rules leave the tie to be decided: add the one to be {} to \
         `decided_ties`",
        among.join(", "),
        if *to_be_elected { "elected" } else { "eliminated" }
    )]
    Tie {
        /// The pass.
        pass: u32,
        /// The round of the pass.
        round: u32,
        /// The tied candidates.
        among: Vec<String>,
        /// Whether one of them is to be elected; else one is to be eliminated.
        to_be_elected: bool,
    },
    /// The rules have eliminated every candidate.
    #[error(
        "pass {pass}, round {round}: nobody is left to be elected; the rules have eliminated everybody"
    )]
    NobodyLeft {
        /// The pass.
        pass: u32,
        /// The round of the pass.
        round: u32,
    },
    /// More ballots than sums are sure to be exact for.
    #[error(
        "{ballots} ballots; a contest is tabulated with at most {}",
        super::votes::MOST_BALLOTS
    )]
    TooManyBallots {
        /// How many there are.
        ballots: u64,
    },
}
