//! The rules of a tabulation, by RCTab's names.

/// What decides between candidates that are tied.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TiebreakMode {
    /// A draw, from the random seed, for each tie.
    Random,
    /// The operator is asked.
    StopCountingAndAsk,
    /// The last round in which their counts differed; if there is none, a draw.
    PreviousRoundCountsThenRandom,
    /// The last round in which their counts differed; if there is none, the operator is asked.
    PreviousRoundCountsThenAsk,
    /// The order of the candidates in the configuration.
    UseCandidateOrder,
    /// An order of the candidates that is drawn once, from the random seed.
    GeneratePermutation,
}

impl TiebreakMode {
    pub(super) const TEXTS: [(&'static str, Self); 6] = [
        ("random", Self::Random),
        ("stopCountingAndAsk", Self::StopCountingAndAsk),
        (
            "previousRoundCountsThenRandom",
            Self::PreviousRoundCountsThenRandom,
        ),
        (
            "previousRoundCountsThenAsk",
            Self::PreviousRoundCountsThenAsk,
        ),
        ("useCandidateOrder", Self::UseCandidateOrder),
        ("generatePermutation", Self::GeneratePermutation),
    ];

    /// Whether it draws, and so needs a seed.
    pub fn needs_random_seed(self) -> bool {
        matches!(
            self,
            Self::Random | Self::PreviousRoundCountsThenRandom | Self::GeneratePermutation
        )
    }
}

/// What an overvote does to a ballot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OvervoteRule {
    /// The ballot counts for the next rank.
    AlwaysSkipToNextRank,
    /// The ballot becomes inactive.
    ExhaustImmediately,
    /// The ballot becomes inactive if several of the candidates are continuing; if one is, it counts for that one.
    ExhaustIfMultipleContinuing,
}

impl OvervoteRule {
    pub(super) const TEXTS: [(&'static str, Self); 3] = [
        ("alwaysSkipToNextRank", Self::AlwaysSkipToNextRank),
        ("exhaustImmediately", Self::ExhaustImmediately),
        (
            "exhaustIfMultipleContinuing",
            Self::ExhaustIfMultipleContinuing,
        ),
    ];
}

/// How winners are found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WinnerElectionMode {
    /// Instant runoff: one winner, by a majority.
    SingleWinnerMajority,
    /// Single transferable vote; of several candidates over the threshold only the first is elected in a round.
    MultiWinnerAllowOnlyOneWinnerPerRound,
    /// Single transferable vote; all candidates over the threshold are elected in a round.
    MultiWinnerAllowMultipleWinnersPerRound,
    /// The last are eliminated until as many remain as there are seats.
    BottomsUp,
    /// The last are eliminated until all who remain have a given share.
    BottomsUpUsingPercentageThreshold,
    /// Instant runoff for each seat, without the winners of the seats before.
    MultiPassIrv,
}

impl WinnerElectionMode {
    pub(super) const TEXTS: [(&'static str, Self); 6] = [
        ("singleWinnerMajority", Self::SingleWinnerMajority),
        (
            "multiWinnerAllowOnlyOneWinnerPerRound",
            Self::MultiWinnerAllowOnlyOneWinnerPerRound,
        ),
        (
            "multiWinnerAllowMultipleWinnersPerRound",
            Self::MultiWinnerAllowMultipleWinnersPerRound,
        ),
        ("bottomsUp", Self::BottomsUp),
        (
            "bottomsUpUsingPercentageThreshold",
            Self::BottomsUpUsingPercentageThreshold,
        ),
        ("multiPassIrv", Self::MultiPassIrv),
    ];
}

/// The value that a text of the configuration stands for.
pub(super) fn of_text<T: Copy>(texts: &[(&'static str, T)], text: Option<&str>) -> Option<T> {
    texts
        .iter()
        .find(|(known, _)| Some(*known) == text)
        .map(|(_, value)| *value)
}

/// The texts that a field may have, for an error.
pub(super) fn texts<T>(texts: &[(&'static str, T)]) -> String {
    let all: Vec<&str> = texts.iter().map(|(text, _)| *text).collect();
    all.join(", ")
}

/// The rules of a tabulation: RCTab's `rules`, in its words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RctabRules {
    /// What decides between tied candidates.
    pub tiebreak_mode: TiebreakMode,
    /// What an overvote does.
    pub overvote_rule: OvervoteRule,
    /// How winners are found.
    pub winner_election_mode: WinnerElectionMode,
    /// The seed of draws. There is one wherever the tiebreak mode needs one.
    pub random_seed: Option<i64>,
    /// The seats. 0 if all over a percentage threshold are elected.
    pub number_of_winners: u32,
    /// The percentage threshold, a decimal number from 1 to 100, as written: its digits give the precision.
    pub multi_seat_bottoms_up_percentage_threshold: Option<String>,
    /// Decimal places that fractions of votes are cut to, 1 to 20.
    pub decimal_places_for_vote_arithmetic: u32,
    /// Skipped ranks in a row, at which a ballot still counts. `None`: any number.
    pub max_skipped_ranks_allowed: Option<u32>,
    /// Ranks on the ballot. `None`: as many as there are.
    pub max_rankings_allowed: Option<u32>,
    /// The threshold keeps its fraction.
    pub non_integer_winning_threshold: bool,
    /// The threshold of the first round holds in all.
    pub does_first_round_determine_threshold: bool,
    /// The threshold is the votes over the seats, not over the seats and one more.
    pub hare_quota: bool,
    /// Candidates who cannot win any more are eliminated together.
    pub batch_elimination: bool,
    /// In the bottoms-up mode with a percentage: all under the threshold are eliminated together.
    pub cutoff_elimination: bool,
    /// Rounds go on after a winner is found, until two candidates remain.
    pub continue_until_two_candidates_remain: bool,
    /// The last round to be counted.
    pub stop_tabulation_early_after_round: Option<u32>,
    /// A candidate ranked a second time makes the ballot inactive.
    pub exhaust_on_duplicate_candidate: bool,
    /// What the operator says about the rules.
    pub rules_description: String,
}

impl RctabRules {
    /// Whether a ballot may have a mark at this rank, counted from 1.
    pub fn is_ranking_allowed(&self, rank: u32) -> bool {
        rank >= 1 && self.max_rankings_allowed.is_none_or(|max| rank <= max)
    }

    /// Whether votes over the threshold go on to other candidates.
    pub fn uses_surpluses(&self) -> bool {
        self.number_of_winners > 1 && self.winner_election_mode != WinnerElectionMode::BottomsUp
    }
}
