//! The checks of a configuration's rules.

use super::super::problem::ConfigProblem;
use super::super::raw::{RawRules, is_blank};
use super::super::rules::{
    OvervoteRule, RctabRules, TiebreakMode, WinnerElectionMode, of_text, texts,
};
use super::number;

const PLACE: &str = "rules";
const MOST: i64 = i32::MAX as i64;
/// Seeds that RCTab's generator takes: 48 bits.
const RANDOM_SEEDS: (i64, i64) = (-140_737_488_355_328, 140_737_488_355_327);
const DECIMAL_PLACES: (i64, i64) = (1, 20);
const PERCENTAGES: (i64, i64) = (1, 100);

/// Checks the rules and gives them their types; `None` if one cannot be given its type.
pub(super) fn rules(raw: &RawRules, problems: &mut Vec<ConfigProblem>) -> Option<RctabRules> {
    let tiebreak_mode = choice(
        "tiebreakMode",
        &TiebreakMode::TEXTS,
        &raw.tiebreak_mode,
        problems,
    );
    if tiebreak_mode.is_some_and(TiebreakMode::needs_random_seed) && is_blank(&raw.random_seed) {
        problems.push(ConfigProblem::Missing {
            place: PLACE.to_owned(),
            field: "randomSeed",
        });
    }
    let random_seed = number(
        PLACE,
        "randomSeed",
        &raw.random_seed,
        RANDOM_SEEDS,
        false,
        problems,
    );
    let overvote_rule = choice(
        "overvoteRule",
        &OvervoteRule::TEXTS,
        &raw.overvote_rule,
        problems,
    );
    let mode = choice(
        "winnerElectionMode",
        &WinnerElectionMode::TEXTS,
        &raw.winner_election_mode,
        problems,
    );
    let max_rankings_allowed = or_word(
        "maxRankingsAllowed",
        "max",
        1,
        &raw.max_rankings_allowed,
        problems,
    );
    let max_skipped_ranks_allowed = or_word(
        "maxSkippedRanksAllowed",
        "unlimited",
        0,
        &raw.max_skipped_ranks_allowed,
        problems,
    );
    let winners = number(
        PLACE,
        "numberOfWinners",
        &raw.number_of_winners,
        (0, MOST),
        true,
        problems,
    );
    let decimal_places = number(
        PLACE,
        "decimalPlacesForVoteArithmetic",
        &raw.decimal_places_for_vote_arithmetic,
        DECIMAL_PLACES,
        true,
        problems,
    );
    let last_round = number(
        PLACE,
        "stopTabulationEarlyAfterRound",
        &raw.stop_tabulation_early_after_round,
        (1, MOST),
        false,
        problems,
    );
    if let (Some(mode), Some(winners)) = (mode, winners) {
        winners_and_mode(raw, mode, winners, problems);
    }
    if let Some(mode) = mode {
        thresholds(raw, mode, problems);
    }
    Some(RctabRules {
        tiebreak_mode: tiebreak_mode?,
        overvote_rule: overvote_rule?,
        winner_election_mode: mode?,
        random_seed,
        number_of_winners: u32::try_from(winners?).ok()?,
        multi_seat_bottoms_up_percentage_threshold: raw
            .multi_seat_bottoms_up_percentage_threshold
            .clone()
            .filter(|text| !text.trim().is_empty()),
        decimal_places_for_vote_arithmetic: u32::try_from(decimal_places?).ok()?,
        max_skipped_ranks_allowed: max_skipped_ranks_allowed?,
        max_rankings_allowed: max_rankings_allowed?,
        non_integer_winning_threshold: raw.non_integer_winning_threshold,
        does_first_round_determine_threshold: raw.does_first_round_determine_threshold,
        hare_quota: raw.hare_quota,
        batch_elimination: raw.batch_elimination,
        cutoff_elimination: raw.cutoff_elimination,
        continue_until_two_candidates_remain: raw.continue_until_two_candidates_remain,
        stop_tabulation_early_after_round: match last_round {
            Some(round) => Some(u32::try_from(round).ok()?),
            None => None,
        },
        exhaust_on_duplicate_candidate: raw.exhaust_on_duplicate_candidate,
        rules_description: raw.rules_description.clone().unwrap_or_default(),
    })
}

fn choice<T: Copy>(
    field: &'static str,
    allowed: &[(&'static str, T)],
    value: &Option<String>,
    problems: &mut Vec<ConfigProblem>,
) -> Option<T> {
    let found = of_text(allowed, value.as_deref());
    if found.is_none() {
        problems.push(ConfigProblem::NotAllowed {
            place: PLACE.to_owned(),
            field,
            value: value.clone().unwrap_or_default(),
            allowed: texts(allowed),
        });
    }
    found
}

/// A number, or the word for no limit, which gives `Some(None)`.
fn or_word(
    field: &'static str,
    word: &'static str,
    low: u32,
    value: &Option<String>,
    problems: &mut Vec<ConfigProblem>,
) -> Option<Option<u32>> {
    let text = value.as_deref().unwrap_or_default();
    if text.eq_ignore_ascii_case(word) {
        return Some(None);
    }
    match text.parse::<u32>() {
        Ok(number) if number >= low && i64::from(number) <= MOST => Some(Some(number)),
        _ => {
            problems.push(ConfigProblem::NotAllowed {
                place: PLACE.to_owned(),
                field,
                value: text.to_owned(),
                allowed: format!("\"{word}\", or an integer from {low} to {MOST}"),
            });
            None
        }
    }
}

/// Which rules go with the number of winners.
fn winners_and_mode(
    raw: &RawRules,
    mode: WinnerElectionMode,
    winners: i64,
    problems: &mut Vec<ConfigProblem>,
) {
    let mut contradiction = |what| problems.push(ConfigProblem::Contradiction { what });
    let by_percentage = mode == WinnerElectionMode::BottomsUpUsingPercentageThreshold;
    if winners == 0 {
        if !by_percentage {
            contradiction(
                "numberOfWinners is 0, which only winnerElectionMode bottomsUpUsingPercentageThreshold can have: give the seats",
            );
        }
        let text = raw
            .multi_seat_bottoms_up_percentage_threshold
            .as_deref()
            .unwrap_or_default();
        if !is_percentage(text) {
            problems.push(ConfigProblem::OutOfRange {
                place: PLACE.to_owned(),
                field: "multiSeatBottomsUpPercentageThreshold",
                value: text.to_owned(),
                kind: "a decimal number",
                low: PERCENTAGES.0,
                high: PERCENTAGES.1,
            });
        }
        return;
    }
    if by_percentage {
        contradiction(
            "numberOfWinners must be 0 with winnerElectionMode bottomsUpUsingPercentageThreshold",
        );
    }
    if winners == 1 {
        if mode != WinnerElectionMode::SingleWinnerMajority {
            contradiction("numberOfWinners is 1: winnerElectionMode must be singleWinnerMajority");
        }
        return;
    }
    if mode != WinnerElectionMode::MultiPassIrv {
        if raw.continue_until_two_candidates_remain {
            contradiction(
                "continueUntilTwoCandidatesRemain with several winners is only for winnerElectionMode multiPassIrv",
            );
        }
        if raw.batch_elimination {
            contradiction(
                "batchElimination with several winners is only for winnerElectionMode multiPassIrv",
            );
        }
    }
    if raw.does_first_round_determine_threshold {
        contradiction("doesFirstRoundDetermineThreshold is only for a single winner");
    }
}

/// A decimal number from 1 to 100, in digits and at most one point.
fn is_percentage(text: &str) -> bool {
    let plain = text.chars().all(|c| c.is_ascii_digit() || c == '.');
    plain
        && text
            .parse()
            .is_ok_and(|number: f64| (1.0..=100.0).contains(&number))
}

/// Which rules on the threshold go with the mode.
fn thresholds(raw: &RawRules, mode: WinnerElectionMode, problems: &mut Vec<ConfigProblem>) {
    let mut contradiction = |what| problems.push(ConfigProblem::Contradiction { what });
    if mode == WinnerElectionMode::BottomsUpUsingPercentageThreshold && raw.batch_elimination {
        contradiction(
            "batchElimination and winnerElectionMode bottomsUpUsingPercentageThreshold exclude each other",
        );
    }
    let transferable = matches!(
        mode,
        WinnerElectionMode::MultiWinnerAllowOnlyOneWinnerPerRound
            | WinnerElectionMode::MultiWinnerAllowMultipleWinnersPerRound
    );
    if !transferable && raw.non_integer_winning_threshold {
        contradiction(
            "nonIntegerWinningThreshold is only for the winnerElectionModes that begin with multiWinner",
        );
    }
    if !transferable && raw.hare_quota {
        contradiction("hareQuota is only for the winnerElectionModes that begin with multiWinner");
    }
    if raw.non_integer_winning_threshold && raw.hare_quota {
        contradiction("nonIntegerWinningThreshold and hareQuota exclude each other");
    }
}
