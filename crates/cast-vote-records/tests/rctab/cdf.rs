//! RCTab's expected files in the common data format are taken apart and written again.

use std::collections::HashMap;
use std::path::Path;

use election_cast_vote_records::cdf::{Allocation, CdfWriter};
use election_cast_vote_records::report::Decimal;
use election_cast_vote_records::{RctabConfig, read_ballots, write_rctab_csv};
use serde_json::Value;

use crate::{configurations, data};

/// RCTab's ids of selections to ids of candidates. RCTab makes them of what the records say, even if that is an alias.
fn candidates_of_selections(config: &RctabConfig) -> HashMap<String, String> {
    let plain = |name: &str| {
        let signs = |c: char| !(c.is_ascii_alphanumeric() || "_-.".contains(c));
        format!("cs-{}", name.replace(signs, "_").to_lowercase())
    };
    let mut ids = HashMap::from([("cs-overvote".to_owned(), "overvote".to_owned())]);
    for candidate in &config.candidates {
        for name in candidate.aliases.iter().chain([&candidate.name]) {
            ids.insert(plain(name), candidate.id.clone());
        }
    }
    ids
}

/// The snapshots of a ballot: kind, and of each candidate's each rank whether it counts, with how much. What stands for
/// the candidates is left out, as it differs for aliases.
fn snapshots(cvr: &Value, ids: &HashMap<String, String>) -> Vec<Vec<String>> {
    let selection = |selection: &Value| -> Vec<String> {
        let id = &ids[selection["ContestSelectionId"].as_str().unwrap()];
        let positions = selection["SelectionPosition"].as_array().unwrap();
        positions
            .iter()
            .map(|position| format!("{id} {position}"))
            .collect()
    };
    cvr["CVRSnapshot"]
        .as_array()
        .unwrap()
        .iter()
        .map(|snapshot| {
            let contest = &snapshot["CVRContest"][0];
            let mut lines: Vec<String> = contest["CVRContestSelection"]
                .as_array()
                .unwrap()
                .iter()
                .flat_map(selection)
                .collect();
            // By rank they are in order; at a rank they are by names, which differ for aliases.
            lines.sort();
            lines.push(snapshot["@id"].to_string());
            lines.push(snapshot["Type"].to_string());
            lines
        })
        .collect()
}

/// Whom a ballot counts for in each round, by RCTab.
fn allocations(cvr: &Value, ids: &HashMap<String, String>) -> Vec<Vec<Allocation>> {
    let snapshots = cvr["CVRSnapshot"].as_array().unwrap();
    let of_round = |snapshot: &Value| -> Vec<Allocation> {
        let mut allocations = Vec::new();
        let selections = &snapshot["CVRContest"][0]["CVRContestSelection"];
        for selection in selections.as_array().unwrap() {
            for position in selection["SelectionPosition"].as_array().unwrap() {
                if position["IsAllocable"] == "yes" {
                    let whole = position["NumberVotes"].as_u64().unwrap();
                    let fraction = position["FractionalVotes"].as_str().unwrap_or_default();
                    let votes: Decimal = format!("{whole}{fraction}").parse().unwrap();
                    allocations.push(Allocation {
                        candidate: ids[selection["ContestSelectionId"].as_str().unwrap()].clone(),
                        votes,
                    });
                }
            }
        }
        allocations
    };
    snapshots[1..].iter().map(of_round).collect()
}

/// The names of precincts by the ids of their units.
fn precincts(report: &Value) -> HashMap<&str, &str> {
    let units = report["GpUnit"].as_array().unwrap();
    units
        .iter()
        .map(|unit| {
            (
                unit["@id"].as_str().unwrap(),
                unit["Name"].as_str().unwrap(),
            )
        })
        .collect()
}

fn compare(path: &Path, expected: &Value) {
    let config = RctabConfig::load(path).unwrap();
    let ids = candidates_of_selections(&config);
    let cvrs = expected["CVR"].as_array().unwrap();
    let mut writer = CdfWriter::start(Vec::new(), &config, "2026-11-28T01:00:00Z").unwrap();
    let mut cvr = cvrs.iter();
    read_ballots(&config, |ballot| {
        let rounds = allocations(cvr.next().unwrap(), &ids);
        writer.ballot(&ballot, &rounds).unwrap();
        Ok(())
    })
    .unwrap();
    let written: Value = serde_json::from_slice(&writer.finish().unwrap()).unwrap();
    for field in ["Version", "@type", "ReportGeneratingDeviceIds"] {
        assert_eq!(written[field], expected[field], "{}", path.display());
    }
    assert_eq!(
        written["Election"],
        expected["Election"],
        "{}",
        path.display()
    );
    let ours = written["CVR"].as_array().unwrap();
    assert_eq!(ours.len(), cvrs.len());
    let (our_precincts, precincts) = (precincts(&written), precincts(expected));
    assert_eq!(our_precincts.len(), precincts.len());
    for (ours, theirs) in ours.iter().zip(cvrs) {
        for field in [
            "BallotPrePrintedId",
            "CurrentSnapshotId",
            "ElectionId",
            "@type",
        ] {
            assert_eq!(ours[field], theirs[field], "{}", path.display());
        }
        assert_eq!(
            snapshots(ours, &ids),
            snapshots(theirs, &ids),
            "{}",
            path.display()
        );
        let unit = |cvr: &Value| cvr["BallotStyleUnitId"].as_str().map(str::to_owned);
        assert_eq!(
            unit(ours).map(|unit| our_precincts[unit.as_str()]),
            unit(theirs).map(|unit| precincts[unit.as_str()]),
        );
    }
}

#[test]
fn every_expected_file_in_the_common_data_format_is_written_as_rctab_writes_it() {
    let Some(data) = data() else { return };
    let mut compared = 0;
    for path in configurations(&data) {
        let stem = path.to_string_lossy().replace("_config.json", "");
        if let Ok(text) = std::fs::read_to_string(format!("{stem}_expected_cdf_cvr.json")) {
            compare(&path, &serde_json::from_str(&text).unwrap());
            compared += 1;
        }
    }
    println!("{compared} files in the common data format");
    assert!(compared >= 15, "{compared}");
}

/// The columns of a CSV by their titles; one of them had another title in an earlier RCTab.
fn columns(csv: &[u8]) -> HashMap<String, Vec<String>> {
    let mut reader = csv::Reader::from_reader(csv);
    let titles = reader.headers().unwrap().clone();
    let mut columns: Vec<Vec<String>> = vec![Vec::new(); titles.len()];
    for row in reader.records() {
        for (column, cell) in columns.iter_mut().zip(&row.unwrap()) {
            // The candidates of an overvote, whose order a ranking does not keep.
            let mut lines: Vec<&str> = cell.lines().collect();
            lines.sort_unstable();
            column.push(lines.join("\n"));
        }
    }
    let titles = titles
        .iter()
        .map(|title| title.replace("Record Id", "Vendor Id"));
    titles.zip(columns).collect()
}

#[test]
fn every_expected_list_of_ballots_is_written_as_rctab_writes_it() {
    let Some(data) = data() else { return };
    let mut compared = 0;
    for path in configurations(&data) {
        let stem = path.to_string_lossy().replace("_config.json", "");
        for suffix in ["_expected.csv", "_expected_rctab_cvr.csv"] {
            let Ok(expected) = std::fs::read_to_string(format!("{stem}{suffix}")) else {
                continue;
            };
            let mut written = Vec::new();
            write_rctab_csv(&RctabConfig::load(&path).unwrap(), &mut written).unwrap();
            let (written, expected) = (columns(&written), columns(expected.as_bytes()));
            for (title, cells) in expected {
                assert_eq!(written[&title], cells, "{stem}{suffix}, {title}");
            }
            compared += 1;
        }
    }
    println!("{compared} lists of ballots");
    assert!(compared >= 4, "{compared}");
}
