//! The rules of a ranked count, as a definition has them. They are those of RCTab, each under the field's name.

use serde::{Deserialize, Serialize};

use super::votes::{MOST_DECIMAL_PLACES, Votes};
use crate::Contest;

/// Decimal places of transferred votes, where a definition does not say.
const DECIMAL_PLACES: u8 = 4;

/// Seeds that Java's generator and RCTab accept: 48 bits with sign.
const SEEDS: std::ops::RangeInclusive<i64> = -(1 << 47)..=(1 << 47) - 1;

/// The rules of a ranked count. All are optional.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RankedRules {
    /// What becomes of a ballot when its next rank is an overvote.
    #[serde(skip_serializing_if = "is_default")]
    pub overvote: OvervoteRule,
    /// How many ranks in a row may be skipped before a ballot becomes inactive; any number if not given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_skipped: Option<u32>,
    /// Whether a ballot becomes inactive where it ranks a candidate again; else the repetition is skipped.
    #[serde(skip_serializing_if = "is_default")]
    pub exhaust_on_repeated: bool,
    /// How ties are broken.
    #[serde(skip_serializing_if = "is_default")]
    pub tiebreak: TiebreakRule,
    /// What draws come from; needed where ties are broken by them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seed: Option<i64>,
    /// Ties that people have decided.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub decided_ties: Vec<DecidedTie>,
    /// Whether candidates that cannot win even together are eliminated together.
    #[serde(skip_serializing_if = "is_default")]
    pub batch_elimination: bool,
    /// Whether all candidates below the threshold are eliminated together.
    #[serde(skip_serializing_if = "is_default")]
    pub cutoff_elimination: bool,
    /// Candidates with fewer votes in the first round are eliminated in it.
    #[serde(skip_serializing_if = "is_default")]
    pub minimum_votes: u64,
    /// Whether to continue after a win until two candidates remain.
    #[serde(skip_serializing_if = "is_default")]
    pub continue_until_two: bool,
    /// Whether the first round's active ballots set the threshold; otherwise, for one seat, each round's do.
    #[serde(skip_serializing_if = "is_default")]
    pub first_round_threshold: bool,
    /// The last round, even without a winner.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stop_after_round: Option<u32>,
    /// Candidates that do not take part in the count, although ballots rank them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub excluded: Vec<String>,
    /// How several seats are filled (`stv`).
    #[serde(skip_serializing_if = "is_default")]
    pub mode: SeatsMode,
    /// Which share of the votes the threshold is (`stv`).
    #[serde(skip_serializing_if = "is_default")]
    pub quota: Quota,
    /// Whether the threshold is not rounded to whole votes (`stv`).
    #[serde(skip_serializing_if = "is_default")]
    pub fractional_threshold: bool,
    /// Decimal places of thresholds and transferred votes, 1 to 20 (`stv`).
    pub decimal_places: u8,
    /// The percentage of the votes that every elected candidate must have (mode `bottoms-up-by-percentage`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub percentage: Option<Votes>,
}

impl Default for RankedRules {
    fn default() -> Self {
        RankedRules {
            overvote: OvervoteRule::default(),
            max_skipped: None,
            exhaust_on_repeated: false,
            tiebreak: TiebreakRule::default(),
            seed: None,
            decided_ties: Vec::new(),
            batch_elimination: false,
            cutoff_elimination: false,
            minimum_votes: 0,
            continue_until_two: false,
            first_round_threshold: false,
            stop_after_round: None,
            excluded: Vec::new(),
            mode: SeatsMode::default(),
            quota: Quota::default(),
            fractional_threshold: false,
            decimal_places: DECIMAL_PLACES,
            percentage: None,
        }
    }
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

/// What becomes of a ballot when its next rank is an overvote.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OvervoteRule {
    /// It becomes inactive.
    #[default]
    Exhaust,
    /// The rank is skipped.
    Skip,
    /// It becomes inactive if several of the candidates at the rank continue; if one does, it counts for that one; if
    /// none does, the rank is skipped.
    ExhaustIfMultipleContinuing,
}

/// How ties are broken. The seeded ones draw as RCTab does, with Java's generator, among the tied by name.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TiebreakRule {
    /// The count stops and names the tie. People decide (`decided_ties`).
    #[default]
    Stop,
    /// By a draw.
    Random,
    /// By the votes in the last round in which the tied differ; if there is none, the count stops.
    PreviousRound,
    /// By the votes in the last round in which the tied differ; if there is none, by a draw.
    PreviousRoundThenRandom,
    /// By the order of the candidates on the ballot: the first is elected, the last is eliminated.
    CandidateOrder,
    /// As by the order on the ballot, by an order that is drawn before the count.
    DrawnOrder,
}

impl TiebreakRule {
    /// Whether it draws, and so needs a seed.
    pub fn needs_seed(self) -> bool {
        match self {
            TiebreakRule::Random
            | TiebreakRule::PreviousRoundThenRandom
            | TiebreakRule::DrawnOrder => true,
            TiebreakRule::Stop | TiebreakRule::PreviousRound | TiebreakRule::CandidateOrder => {
                false
            }
        }
    }
}

/// A tie that people have decided, e.g. by drawn lots.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DecidedTie {
    /// The pass, of a count in several.
    #[serde(default = "first_pass")]
    pub pass: u32,
    /// The round of the pass.
    pub round: u32,
    /// The tied candidate that is elected or eliminated.
    pub candidate: String,
}

fn first_pass() -> u32 {
    1
}

/// How several seats are filled.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SeatsMode {
    /// Every candidate that reaches the threshold is elected; surpluses are transferred.
    #[default]
    SeveralPerRound,
    /// Of the candidates that reach the threshold, only the one with most votes is elected in a round; surpluses are
    /// transferred.
    OnePerRound,
    /// Candidates are eliminated until as many remain as there are seats.
    BottomsUp,
    /// Candidates are eliminated until all remaining ones have more than a percentage of the votes. The seats do not
    /// limit how many are elected.
    BottomsUpByPercentage,
}

/// Which share of the votes the threshold is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Quota {
    /// More than votes / (seats + 1).
    #[default]
    Droop,
    /// Votes / seats, or more.
    Hare,
}

impl RankedRules {
    /// Checks what holds for every ranked count.
    pub(super) fn check(&self, contest: &Contest) -> Result<(), String> {
        if self.tiebreak.needs_seed() && self.seed.is_none() {
            return Err("ties are broken by a draw, which needs a `seed`; publish it before the votes are known".into());
        }
        if let Some(seed) = self.seed
            && !SEEDS.contains(&seed)
        {
            return Err(format!(
                "`seed` is a number from {} to {}",
                SEEDS.start(),
                SEEDS.end()
            ));
        }
        if !(1..=MOST_DECIMAL_PLACES).contains(&self.decimal_places) {
            return Err(format!(
                "`decimal_places` is a number from 1 to {MOST_DECIMAL_PLACES}"
            ));
        }
        if self.stop_after_round == Some(0) {
            return Err("`stop_after_round` is 1 or more".into());
        }
        let stands = |id: &str| contest.candidates.iter().any(|it| it.candidate_id == id);
        let decided = self.decided_ties.iter().map(|tie| &tie.candidate);
        for id in self.excluded.iter().chain(decided) {
            if !stands(id) {
                return Err(format!(
                    "`{id}` of `excluded` or `decided_ties` is no candidate of the contest"
                ));
            }
        }
        let excluded = |id: &String| self.excluded.contains(id);
        if contest
            .candidates
            .iter()
            .all(|it| excluded(&it.candidate_id))
        {
            return Err("`excluded` leaves nobody to be elected".into());
        }
        Ok(())
    }

    /// Checks that nothing is set that only goes with `stv`.
    pub(super) fn check_irv(&self, contest: &Contest) -> Result<(), String> {
        let set = [
            ("mode", !is_default(&self.mode)),
            ("quota", !is_default(&self.quota)),
            ("fractional_threshold", self.fractional_threshold),
            ("percentage", self.percentage.is_some()),
            (
                "first_round_threshold",
                self.first_round_threshold && contest.seats > 1,
            ),
        ];
        refuse_set("irv", &set)?;
        self.check(contest)
    }

    /// Checks that nothing is set that does not go with `stv`.
    pub(super) fn check_stv(&self, contest: &Contest) -> Result<(), String> {
        let by_percentage = self.mode == SeatsMode::BottomsUpByPercentage;
        let surpluses = matches!(
            self.mode,
            SeatsMode::SeveralPerRound | SeatsMode::OnePerRound
        );
        let set = [
            ("continue_until_two", self.continue_until_two),
            ("batch_elimination", self.batch_elimination),
            (
                "first_round_threshold",
                self.first_round_threshold && !by_percentage,
            ),
            ("percentage", self.percentage.is_some() && !by_percentage),
            ("quota", !is_default(&self.quota) && !surpluses),
            (
                "fractional_threshold",
                self.fractional_threshold && !surpluses,
            ),
        ];
        refuse_set("this mode of stv", &set)?;
        if self.fractional_threshold && self.quota == Quota::Hare {
            return Err(
                "`fractional_threshold` does not go with the Hare quota; remove one of them".into(),
            );
        }
        if by_percentage {
            let Some(percentage) = self.percentage else {
                return Err("mode `bottoms-up-by-percentage` needs a `percentage`".into());
            };
            if percentage < Votes::ONE || percentage > Votes::whole(100) {
                return Err("`percentage` is a number from 1 to 100".into());
            }
        }
        self.check(contest)
    }
}

fn refuse_set(method: &str, set: &[(&str, bool)]) -> Result<(), String> {
    match set.iter().find(|(_, is_set)| *is_set) {
        Some((name, _)) => Err(format!("`{name}` does not go with {method}; remove it")),
        None => Ok(()),
    }
}
