//! Brings a configuration of an older RCTab to the form of the version that this crate follows.

use super::problem::ConfigProblem;
use super::raw::{RawConfig, is_blank};
use super::rules::{TiebreakMode, WinnerElectionMode, of_text};

/// The version of RCTab that this crate follows.
pub const RCTAB_VERSION: &str = "2.0.1";
/// The version of RCTab's own test data, which always is in the newest form.
const TEST_VERSION: &str = "TEST";

/// Migrates what is older; refuses what is newer.
pub(super) fn migrate(config: &mut RawConfig) -> Result<(), ConfigProblem> {
    let version = config.tabulator_version.clone();
    match version.as_deref() {
        Some(TEST_VERSION | RCTAB_VERSION) => return Ok(()),
        Some(version) if !version.trim().is_empty() => {
            let known = parts(RCTAB_VERSION);
            if parts(version) > known {
                return Err(ConfigProblem::VersionNewer {
                    version: version.to_owned(),
                });
            }
        }
        _ => {}
    }
    migrate_winner_election_mode(config);
    migrate_tiebreak_mode(config);
    migrate_labels(config);
    config.tabulator_version = Some(RCTAB_VERSION.to_owned());
    Ok(())
}

/// The numbers of a version. A part that is not a number counts as 0, as with the library that RCTab compares by.
fn parts(version: &str) -> [u64; 3] {
    let mut numbers = [0; 3];
    for (number, part) in numbers.iter_mut().zip(version.trim().split(['.', '-'])) {
        *number = part.parse().unwrap_or(0);
    }
    numbers
}

fn migrate_winner_election_mode(config: &mut RawConfig) {
    let rules = &mut config.rules;
    let old = rules.winner_election_mode.as_deref();
    if of_text(&WinnerElectionMode::TEXTS, old).is_some() {
        return;
    }
    let winners: Option<u32> = rules
        .number_of_winners
        .as_deref()
        .and_then(|text| text.parse().ok());
    let new = match old {
        Some("standard") if winners > Some(1) => "multiWinnerAllowMultipleWinnersPerRound",
        Some("standard") => "singleWinnerMajority",
        Some("singleSeatContinueUntilTwoCandidatesRemain") => {
            rules.continue_until_two_candidates_remain = true;
            "singleWinnerMajority"
        }
        Some("multiSeatAllowOnlyOneWinnerPerRound") => "multiWinnerAllowOnlyOneWinnerPerRound",
        Some("multiSeatBottomsUp")
            if winners == Some(0)
                || !is_blank(&rules.multi_seat_bottoms_up_percentage_threshold) =>
        {
            "bottomsUpUsingPercentageThreshold"
        }
        Some("multiSeatBottomsUp") => "bottomsUp",
        Some("multiSeatSequentialWinnerTakesAll") => "multiPassIrv",
        // Unknown in every version: the checks say so.
        _ => return,
    };
    rules.winner_election_mode = Some(new.to_owned());
}

fn migrate_tiebreak_mode(config: &mut RawConfig) {
    let rules = &mut config.rules;
    let old = rules.tiebreak_mode.as_deref();
    if of_text(&TiebreakMode::TEXTS, old).is_some() {
        return;
    }
    let new = match old {
        Some("interactive") => "stopCountingAndAsk",
        Some("previousRoundCountsThenInteractive") => "previousRoundCountsThenAsk",
        Some("usePermutationInConfig") => "useCandidateOrder",
        _ => return,
    };
    rules.tiebreak_mode = Some(new.to_owned());
}

/// Labels stood among the rules once, for all sources.
fn migrate_labels(config: &mut RawConfig) {
    let rules = &config.rules;
    for source in &mut config.cvr_file_sources {
        if !is_blank(&rules.overvote_label) {
            source.overvote_label = rules.overvote_label.clone();
        }
        if !is_blank(&rules.undervote_label) {
            source.skipped_rank_label = rules.undervote_label.clone();
        }
        if !is_blank(&rules.undeclared_write_in_label) {
            source.undeclared_write_in_label = rules.undeclared_write_in_label.clone();
        }
        source.treat_blank_as_undeclared_write_in |= rules.treat_blank_as_undeclared_write_in;
        if source.skipped_rank_label.is_none() {
            source.skipped_rank_label = source.undervote_label.clone();
        }
    }
}
