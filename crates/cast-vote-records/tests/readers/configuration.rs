//! Configurations: those of older versions, and what is told of those that make no sense.

use election_cast_vote_records::{OvervoteRule, TiebreakMode, WinnerElectionMode};
use serde_json::{Value, json};

use crate::Export;

fn export() -> Export {
    Export::new(json!({
        "provider": "genericCsv",
        "filePath": "table.csv",
        "firstVoteColumnIndex": 2,
        "firstVoteRowIndex": "2",
    }))
    .file("table.csv", "id,Ann\n1,1\n")
}

/// What is told when a rule has this value.
fn with_rule(rule: &str, value: Value) -> Result<(), String> {
    let mut export = export();
    export.config["rules"][rule] = value;
    export.load().map(drop)
}

#[test]
fn a_configuration_is_read() {
    let config = export().load().unwrap();
    assert_eq!(config.contest_name, "Mayor");
    assert_eq!(config.name_of("c2"), Some("Ben"));
    assert_eq!(config.candidates[1].aliases, ["2"]);
    assert!(config.candidates[2].excluded);
    assert!(!config.has_undeclared_write_ins());
    assert_eq!(config.rules.tiebreak_mode, TiebreakMode::UseCandidateOrder);
    assert_eq!(config.rules.overvote_rule, OvervoteRule::ExhaustImmediately);
    assert_eq!(config.rules.max_skipped_ranks_allowed, None);
    assert_eq!(config.rules.max_rankings_allowed, Some(3));
    assert_eq!(config.sources[0].first_vote_column, 2);
}

#[test]
fn older_versions_are_migrated() {
    let mut export = export();
    let rules = &mut export.config["rules"];
    rules["tiebreakMode"] = json!("previousRoundCountsThenInteractive");
    rules["winnerElectionMode"] = json!("standard");
    rules["numberOfWinners"] = json!(2);
    rules["undervoteLabel"] = json!("skipped");
    rules["undeclaredWriteInLabel"] = json!("UWI");
    export.config["tabulatorVersion"] = json!("1.2.0");
    let config = export.load().unwrap();
    assert_eq!(
        config.rules.tiebreak_mode,
        TiebreakMode::PreviousRoundCountsThenAsk
    );
    assert_eq!(
        config.rules.winner_election_mode,
        WinnerElectionMode::MultiWinnerAllowMultipleWinnersPerRound
    );
    assert_eq!(
        config.sources[0].skipped_rank_label.as_deref(),
        Some("skipped")
    );
    assert!(config.has_undeclared_write_ins());
    let rules = &mut export.config["rules"];
    rules["winnerElectionMode"] = json!("singleSeatContinueUntilTwoCandidatesRemain");
    rules["numberOfWinners"] = json!(1);
    let config = export.load().unwrap();
    assert!(config.rules.continue_until_two_candidates_remain);
    export.config["tabulatorVersion"] = json!("2.1.0");
    assert!(export.load().unwrap_err().contains("2.1.0 is newer"));
    export.config["tabulatorVersion"] = json!("TEST");
    assert!(export.load().unwrap_err().contains("winnerElectionMode is"));
}

#[test]
fn contradictions_are_told() {
    let told = |rule, value, what: &str| {
        let error = with_rule(rule, value).unwrap_err();
        assert!(error.contains(what), "no \"{what}\" in: {error}");
    };
    told("tiebreakMode", json!("coin"), "\"coin\": it may be random");
    told("tiebreakMode", json!("random"), "randomSeed is missing");
    told("randomSeed", json!("140737488355328"), "randomSeed is");
    told("numberOfWinners", json!("0"), "numberOfWinners is 0");
    told("hareQuota", json!(true), "hareQuota is only for");
    told(
        "maxRankingsAllowed",
        json!("0"),
        "maxRankingsAllowed is \"0\"",
    );
    told(
        "maxRankingsAllowed",
        json!("many"),
        "\"max\", or an integer",
    );
    told("decimalPlacesForVoteArithmetic", json!(21), "from 1 to 20");
    told(
        "stopTabulationEarlyAfterRound",
        json!("0"),
        "stopTabulationEarlyAfterRound",
    );
    assert!(with_rule("maxRankingsAllowed", json!("max")).is_ok());
    assert!(with_rule("batchElimination", json!("True")).is_ok());
    assert!(with_rule("batchElimination", json!("perhaps")).is_err());
}

#[test]
fn sources_are_held_to_their_provider() {
    let with = |field: &str, value: Value| {
        let mut export = export();
        export.config["cvrFileSources"][0][field] = value;
        export.load().unwrap_err()
    };
    let told =
        |error: String, what: &str| assert!(error.contains(what), "no \"{what}\" in: {error}");
    told(with("provider", json!("abacus")), "provider is \"abacus\"");
    told(with("provider", json!("hart")), "contestId is missing");
    told(
        with("provider", json!("hart")),
        "firstVoteColumnIndex is not for records of Hart",
    );
    told(
        with("contestId", json!("3")),
        "contestId is not for records of CSV",
    );
    told(
        with("filePath", json!("gone.csv")),
        "gone.csv does not exist",
    );
    told(
        with("firstVoteRowIndex", json!("x")),
        "firstVoteRowIndex is \"x\"",
    );
    told(
        with("overvoteDelimiter", json!("a, b")),
        "overvoteDelimiter",
    );
    told(with("overvoteLabel", json!("Exhausted")), "a reserved name");
    told(
        with("skippedRankLabel", json!("Ann")),
        "is a candidate's name or alias and skippedRankLabel",
    );
    let mut twice = export();
    twice.config["candidates"][1]["name"] = json!("A.");
    told(twice.load().unwrap_err(), "\"A.\" is a name or alias twice");
    let mut none = export();
    none.config["candidates"] = json!([]);
    told(none.load().unwrap_err(), "candidates is empty");
}
