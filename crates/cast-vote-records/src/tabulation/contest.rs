//! The contest of a configuration: RCTab's rules in the words of the counting methods.

use ballot::counting::{
    Irv, Method, OvervoteRule, Quota, RankedRules, SeatsMode, Stv, TiebreakRule,
};
use ballot::{Candidate, Contest};

use crate::config::{self, RctabConfig, RctabRules, TiebreakMode, WinnerElectionMode};

/// The id of a configuration's contest: it has only one.
pub const CONTEST_ID: &str = "contest";

/// The contest that a configuration describes.
pub fn contest(config: &RctabConfig) -> Contest {
    let rules = &config.rules;
    let excluded = config.candidates.iter().filter(|one| one.excluded);
    let excluded = excluded.map(|one| one.id.clone()).collect();
    let counted = counted(rules, excluded);
    Contest {
        id: CONTEST_ID.to_owned(),
        title: config.contest_name.clone(),
        method: match rules.winner_election_mode {
            WinnerElectionMode::SingleWinnerMajority | WinnerElectionMode::MultiPassIrv => {
                Method::Irv(Irv(counted))
            }
            _ => Method::Stv(Stv(counted)),
        },
        // A percentage elects as many as have it.
        seats: rules.number_of_winners.max(1),
        choices: None,
        rankings: rules.max_rankings_allowed,
        candidates: (config.candidates.iter())
            .map(|one| Candidate {
                candidate_name: one.name.clone(),
                ..Candidate::of_id(&one.id)
            })
            .collect(),
        districts: Vec::new(),
    }
}

/// The rules of the count. A configuration may have settings that its mode does not use; they are left out.
fn counted(rules: &RctabRules, excluded: Vec<String>) -> RankedRules {
    let mode = rules.winner_election_mode;
    let by_percentage = mode == WinnerElectionMode::BottomsUpUsingPercentageThreshold;
    let percentage = rules.multi_seat_bottoms_up_percentage_threshold.as_deref();
    RankedRules {
        overvote: match rules.overvote_rule {
            config::OvervoteRule::ExhaustImmediately => OvervoteRule::Exhaust,
            config::OvervoteRule::AlwaysSkipToNextRank => OvervoteRule::Skip,
            config::OvervoteRule::ExhaustIfMultipleContinuing => {
                OvervoteRule::ExhaustIfMultipleContinuing
            }
        },
        max_skipped: rules.max_skipped_ranks_allowed,
        exhaust_on_repeated: rules.exhaust_on_duplicate_candidate,
        tiebreak: match rules.tiebreak_mode {
            TiebreakMode::Random => TiebreakRule::Random,
            TiebreakMode::StopCountingAndAsk => TiebreakRule::Stop,
            TiebreakMode::PreviousRoundCountsThenRandom => TiebreakRule::PreviousRoundThenRandom,
            TiebreakMode::PreviousRoundCountsThenAsk => TiebreakRule::PreviousRound,
            TiebreakMode::UseCandidateOrder => TiebreakRule::CandidateOrder,
            TiebreakMode::GeneratePermutation => TiebreakRule::DrawnOrder,
        },
        seed: rules.random_seed,
        decided_ties: Vec::new(),
        batch_elimination: rules.batch_elimination,
        cutoff_elimination: rules.cutoff_elimination && by_percentage,
        minimum_votes: 0,
        continue_until_two: rules.continue_until_two_candidates_remain,
        first_round_threshold: rules.does_first_round_determine_threshold,
        stop_after_round: rules.stop_tabulation_early_after_round,
        excluded,
        mode: match mode {
            WinnerElectionMode::MultiWinnerAllowOnlyOneWinnerPerRound => SeatsMode::OnePerRound,
            WinnerElectionMode::BottomsUp => SeatsMode::BottomsUp,
            WinnerElectionMode::BottomsUpUsingPercentageThreshold => {
                SeatsMode::BottomsUpByPercentage
            }
            WinnerElectionMode::MultiWinnerAllowMultipleWinnersPerRound
            | WinnerElectionMode::SingleWinnerMajority
            | WinnerElectionMode::MultiPassIrv => SeatsMode::SeveralPerRound,
        },
        quota: match rules.hare_quota {
            true => Quota::Hare,
            false => Quota::Droop,
        },
        fractional_threshold: rules.non_integer_winning_threshold,
        decimal_places: u8::try_from(rules.decimal_places_for_vote_arithmetic).unwrap_or(u8::MAX),
        // It passed the configuration's checks as a number from 1 to 100.
        percentage: percentage
            .filter(|_| by_percentage)
            .and_then(|percentage| percentage.trim().parse().ok()),
    }
}
