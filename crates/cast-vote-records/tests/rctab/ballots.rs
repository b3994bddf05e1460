//! Every configuration is read, with all its ballots, and their number is the one that RCTab reports.

use std::collections::HashMap;
use std::path::Path;

use election_cast_vote_records::{ConfigError, ConfigProblem, CvrError, RctabConfig, read_ballots};
use serde_json::Value;
use testing::skipped;

use crate::{configurations, data};

/// Configurations that RCTab itself refuses, and what is told of them.
const REFUSED: [(&str, &str); 4] = [
    ("invalid_params_test", "tiebreakMode"),
    ("invalid_sources_test", "filePath"),
    ("max_ranking_enforcement", "maxRankingsAllowed"),
    ("tabulate_by_precinct_without_precincts", "precinct"),
];

/// The ballots that RCTab reports for a configuration.
fn expected_ballots(config: &Path) -> Option<u64> {
    let stem = config.to_string_lossy().replace("_config.json", "");
    for pass in ["", "_1"] {
        let report = format!("{stem}{pass}_expected_detailed_report.json");
        if let Ok(text) = std::fs::read_to_string(report) {
            let report: Value = serde_json::from_str(&text).unwrap();
            let ballots = report["summary"]["totalNumBallots"].as_str().unwrap();
            return Some(ballots.parse().unwrap());
        }
    }
    None
}

/// The files that are missing, if nothing else is wrong.
fn missing_files(error: &ConfigError) -> Option<Vec<String>> {
    let ConfigError::Invalid { problems, .. } = error else {
        return None;
    };
    problems
        .iter()
        .map(|problem| match problem {
            ConfigProblem::FileNotFound { path, .. } => {
                Some(path.file_name().unwrap().to_string_lossy().into_owned())
            }
            _ => None,
        })
        .collect()
}

#[test]
fn every_configuration_gives_the_ballots_that_rctab_reports() {
    let Some(data) = data() else { return };
    let mut table = String::new();
    let mut wrong = Vec::new();
    let mut row = |name: &str, provider: &str, ballots: &str, distinct: &str, note: &str| {
        table.push_str(&format!(
            "{name:<50} {provider:<12} {ballots:>7} {distinct:>8}  {note}\n"
        ));
    };
    row("configuration", "provider", "ballots", "distinct", "");
    for path in configurations(&data) {
        let directory = path.parent().unwrap().file_name().unwrap();
        let stem = path.file_stem().unwrap().to_string_lossy();
        let name = match &*stem {
            "config" => directory.to_string_lossy().into_owned(),
            stem => stem.trim_end_matches("_config").to_owned(),
        };
        let refused = REFUSED.iter().find(|(refused, _)| *refused == name);
        let config = match RctabConfig::load(&path) {
            Ok(config) => config,
            Err(error) => {
                let text = error.to_string();
                if let Some(missing) = missing_files(&error).filter(|_| refused.is_none()) {
                    skipped(&format!("rctab/{name}: not there: {}", missing.join(", ")));
                    row(&name, "", "", "", "skipped: files are missing");
                } else if refused.is_some_and(|(_, why)| text.contains(why)) {
                    row(&name, "", "", "", &format!("refused as by RCTab: {text}"));
                } else {
                    wrong.push(format!("{name}: {text}"));
                }
                continue;
            }
        };
        let provider = config.sources[0].provider.as_str();
        let mut rankings: HashMap<ballot::Ranking, u64> = HashMap::new();
        let read = read_ballots(&config, |ballot| {
            *rankings.entry(ballot.ranking).or_default() += 1;
            Ok(())
        });
        let expected = expected_ballots(&path);
        match (read, refused) {
            (Ok(ballots), None) => {
                let distinct = rankings.len().to_string();
                let note = match expected {
                    Some(expected) if expected == ballots => "as RCTab reports".to_owned(),
                    None => "no report to compare with".to_owned(),
                    Some(expected) => {
                        wrong.push(format!("{name}: {ballots} ballots, RCTab has {expected}"));
                        format!("RCTab reports {expected}")
                    }
                };
                row(&name, provider, &ballots.to_string(), &distinct, &note);
            }
            (Err(error), Some((_, why))) if error.to_string().contains(why) => {
                row(
                    &name,
                    provider,
                    "",
                    "",
                    &format!("refused as by RCTab: {error}"),
                );
            }
            // The records are too large for the test data.
            (Err(CvrError::NoFiles { path, expected }), None) => {
                skipped(&format!(
                    "rctab/{name}: {} has no {expected}",
                    path.display()
                ));
                row(&name, provider, "", "", "skipped: files are missing");
            }
            (Err(error), _) => wrong.push(format!("{name}: {error}")),
            (Ok(_), Some(_)) => wrong.push(format!("{name}: is not refused")),
        }
    }
    println!("{table}");
    assert!(wrong.is_empty(), "{}\n{table}", wrong.join("\n"));
}

#[test]
fn ballots_can_be_refused() {
    let Some(data) = data() else { return };
    let path = data.join("generic_csv_test/generic_csv_test_config.json");
    let config = RctabConfig::load(&path).unwrap();
    let mut given = 0;
    let read = read_ballots(&config, |_| {
        given += 1;
        Err(CvrError::Refused("full".into()))
    });
    assert!(matches!(read, Err(CvrError::Refused(_))));
    assert_eq!(given, 1);
}
