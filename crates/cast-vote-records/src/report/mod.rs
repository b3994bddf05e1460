//! RCTab's reports of a tabulation: what they say ([`Report`]), and how they are written.

mod csv;
mod decimal;
mod json;
mod order;

use std::collections::BTreeMap;

pub use self::csv::Detail;
pub use decimal::{Decimal, DecimalError};

use crate::config::{RCTAB_VERSION, RctabConfig, RctabRules, WinnerElectionMode};

/// Where votes go that no further candidate is ranked for, among the transfers of a report.
pub const EXHAUSTED: &str = "exhausted";
/// Where fractions of votes go that rounding leaves over, among the transfers of a report.
pub const RESIDUAL_SURPLUS: &str = "residual surplus";

/// A part of the contest's ballots that a report is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SliceKind {
    /// The ballots of a precinct.
    Precinct,
    /// The ballots of a batch.
    Batch,
}

impl SliceKind {
    /// Whether the configuration asks for reports of these.
    pub fn is_asked_for(self, config: &RctabConfig) -> bool {
        match self {
            Self::Precinct => config.tabulate_by_precinct,
            Self::Batch => config.tabulate_by_batch,
        }
    }

    pub(crate) fn title(self) -> &'static str {
        match self {
            Self::Precinct => "Precinct",
            Self::Batch => "Batch",
        }
    }

    pub(crate) fn key(self) -> &'static str {
        match self {
            Self::Precinct => "precinct",
            Self::Batch => "batch",
        }
    }
}

/// What was decided on a candidate in a round, and where their votes went.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Decision {
    /// The candidate's name.
    pub candidate: String,
    /// A tie was broken for it.
    pub by_tiebreak: bool,
    /// The votes that each candidate got of them, by name; beside these [`EXHAUSTED`] and [`RESIDUAL_SURPLUS`].
    pub transfers: BTreeMap<String, Decimal>,
}

/// Inactive ballots of a round, by cause, and the residual surplus.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Inactive {
    /// By an overvote.
    pub overvotes: Decimal,
    /// By too many skipped ranks.
    pub skipped_rankings: Decimal,
    /// Because no ranked candidate continues.
    pub exhausted_choices: Decimal,
    /// By a candidate ranked twice.
    pub repeated_rankings: Decimal,
    /// Without any mark.
    pub did_not_rank_any_candidates: Decimal,
}

impl Inactive {
    /// All of them.
    pub fn total(&self) -> Decimal {
        self.overvotes
            + self.skipped_rankings
            + self.exhausted_choices
            + self.repeated_rankings
            + self.did_not_rank_any_candidates
    }
}

/// A round.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RoundReport {
    /// The votes of each candidate who is in the round, by name.
    pub tally: BTreeMap<String, Decimal>,
    /// The votes that elect.
    pub threshold: Decimal,
    /// Who is elected.
    pub elected: Vec<Decision>,
    /// Who is eliminated.
    pub eliminated: Vec<Decision>,
    /// Votes that count for somebody, those that stay with the elected included; and the surplus of the last round.
    pub active_ballots: Decimal,
    /// Inactive ballots.
    pub inactive: Inactive,
    /// Surplus that goes nowhere, since all seats are filled.
    pub final_round_surplus: Decimal,
    /// Fractions of votes that rounding has left over, up to here.
    pub residual_surplus: Decimal,
}

/// A tabulation, as RCTab reports it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// What made it.
    pub generated_by: String,
    /// The contest's name.
    pub contest: String,
    /// Where the contest is held.
    pub jurisdiction: Option<String>,
    /// What it fills.
    pub office: Option<String>,
    /// The day of the election.
    pub date: Option<String>,
    /// The part that it is about; `None` for the whole contest.
    pub slice: Option<(SliceKind, String)>,
    /// The rules.
    pub rules: RctabRules,
    /// The candidates, the excluded ones and the undeclared write-ins included.
    pub candidates: usize,
    /// The excluded ones of these; in later passes of a multi-pass contest, those elected before, too.
    pub excluded_candidates: usize,
    /// The names of the candidates of the first round, in the order of the CSV's rows. See
    /// [`Report::candidate_order`].
    pub candidate_order: Vec<String>,
    /// All ballots of the contest, those without any mark included.
    pub total_ballots: Decimal,
    /// The rounds, from the first on.
    pub rounds: Vec<RoundReport>,
}

impl Report {
    /// The report of a whole contest with these rounds.
    pub fn new(config: &RctabConfig, rounds: Vec<RoundReport>) -> Self {
        let first = rounds.first().cloned().unwrap_or_default();
        Self {
            generated_by: format!(
                "election {}, in the format of RCTab {RCTAB_VERSION}",
                env!("CARGO_PKG_VERSION")
            ),
            contest: config.contest_name.clone(),
            jurisdiction: config.contest_jurisdiction.clone(),
            office: config.contest_office.clone(),
            date: config.contest_date.clone(),
            slice: None,
            rules: config.rules.clone(),
            candidates: config.candidates.len(),
            excluded_candidates: config.candidates.iter().filter(|one| one.excluded).count(),
            candidate_order: Self::candidate_order(config, &first),
            total_ballots: first.active_ballots + first.inactive.total(),
            rounds,
        }
    }

    /// The order of a CSV's rows: by the votes of the first round, undeclared write-ins last. RCTab leaves the order of
    /// candidates with equally many to Java's hash table; so does this.
    pub fn candidate_order(config: &RctabConfig, first: &RoundReport) -> Vec<String> {
        order::candidate_order(config, first)
    }

    /// The round whose ballots are the whole for the percentages of a round; both counted from 0.
    fn round_of_percentages(&self, round: usize) -> usize {
        let by_round = matches!(
            self.rules.winner_election_mode,
            WinnerElectionMode::SingleWinnerMajority
                | WinnerElectionMode::BottomsUpUsingPercentageThreshold
        );
        if by_round && !self.rules.does_first_round_determine_threshold {
            round
        } else {
            0
        }
    }

    /// The ballots without any mark.
    fn undervotes(&self) -> Decimal {
        self.rounds.first().map_or(Decimal::ZERO, |round| {
            round.inactive.did_not_rank_any_candidates
        })
    }

    fn final_threshold(&self) -> Decimal {
        self.rounds
            .last()
            .map_or(Decimal::ZERO, |round| round.threshold)
    }
}

/// Decisions in the order of the candidates' names.
fn by_name(decisions: &[Decision]) -> Vec<&Decision> {
    let mut sorted: Vec<&Decision> = decisions.iter().collect();
    sorted.sort_by(|one, other| one.candidate.cmp(&other.candidate));
    sorted
}
