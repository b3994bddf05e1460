//! `election demo --cvr`: the ballots of cast vote records become votes, and the count equals the records, in every
//! cell and every round.

use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::support::{DataDir, Run, assert_same, number, sum, without_elapsed};

const FIXTURES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/tabulate");
/// The records that the fixtures' configurations name.
const RECORDS: &str = "council.csv";
const BALLOTS: u64 = 12;

/// A configuration of the fixtures and its records, to be changed by a test.
fn copied(data: &DataDir, config: &str) -> PathBuf {
    let read = |name: &str| std::fs::read(Path::new(FIXTURES).join(name)).unwrap();
    data.file(RECORDS, read(RECORDS));
    data.file(config, read(config))
}

fn demo(data: &DataDir, config: &Path, args: &[&str]) -> Run {
    let config = config.to_str().unwrap();
    let fixed = ["demo", "--cvr", config, "--once", "--port", "0"];
    data.run(&[&fixed, args].concat())
}

/// Reports have the decisions of a round in an order of their own.
fn sorted(names: impl Iterator<Item = String>) -> Vec<String> {
    let mut names: Vec<String> = names.collect();
    names.sort_unstable();
    names
}

/// The rounds of a demo's contest as RCTab's reports have them: votes by name, who is elected and eliminated.
pub fn rounds_of_demo(report: &Value) -> Vec<Value> {
    let name = |id: &Value| -> String {
        let candidates = report["candidates"].as_array().unwrap();
        let of_id = |candidate: &&Value| candidate["candidate_id"] == *id;
        let candidate = candidates.iter().find(of_id).unwrap();
        candidate["candidate_name"].as_str().unwrap().to_owned()
    };
    let rounds = report["contests"][0]["rounds"].as_array().unwrap();
    let told = rounds.iter().map(|round| {
        let votes = round["votes"].as_array().unwrap().iter();
        let tally: serde_json::Map<String, Value> = votes
            .map(|it| (name(&it["candidate_id"]), it["votes"].clone()))
            .collect();
        let decided = |decisions: &str| -> Vec<String> {
            let decisions = round[decisions].as_array().into_iter().flatten();
            sorted(decisions.map(|it| name(&it["candidate_id"])))
        };
        serde_json::json!({
            "tally": tally,
            "threshold": round["threshold"],
            "elected": decided("elected"),
            "eliminated": decided("eliminated"),
        })
    });
    told.collect()
}

/// The same of the reports of `election tabulate --native`, of one pass after the other.
fn rounds_of_reports(data: &DataDir, config: &Path, reports: &[&str]) -> Vec<Value> {
    let output = data.path().with_file_name("reports");
    let (config, output_arg) = (config.to_str().unwrap(), output.to_str().unwrap());
    let tabulate = ["tabulate", config, "--native", "--output", output_arg];
    data.run_without_data(&tabulate).succeeds();
    let mut told = Vec::new();
    for report in reports {
        let report = std::fs::read(output.join(report)).unwrap();
        let report: Value = serde_json::from_slice(&report).unwrap();
        for round in report["results"].as_array().unwrap() {
            let decided = |what: &str| -> Vec<String> {
                let decisions = round["tallyResults"].as_array().into_iter().flatten();
                let decided = decisions.filter_map(|decision| decision[what].as_str());
                sorted(decided.map(str::to_owned))
            };
            told.push(serde_json::json!({
                "tally": round["tally"],
                "threshold": round["threshold"],
                "elected": decided("elected"),
                "eliminated": decided("eliminated"),
            }));
        }
    }
    told
}

#[test]
fn the_rounds_are_those_of_a_count_without_the_stream() {
    for (config, reports, winners) in [
        (
            "council_config.json",
            &["council_detailed_report.json"][..],
            2,
        ),
        (
            "seats_config.json",
            &[
                "seats_1_detailed_report.json",
                "seats_2_detailed_report.json",
            ],
            2,
        ),
    ] {
        let data = DataDir::new();
        let config = copied(&data, config);
        let run = demo(&data, &config, &["--json"]).succeeds();
        let report = run.json();
        assert_eq!(report["accounted"], true, "{report}");
        for figure in ["voters", "cast", "counted", "rows_in_postgres"] {
            assert_eq!(number(&report, figure), BALLOTS, "{figure}");
        }
        assert_eq!(sum(&report["locations"], "count"), BALLOTS);
        let rounds = rounds_of_demo(&report);
        assert_eq!(rounds, rounds_of_reports(&data, &config, reports));
        let contest = &report["contests"][0];
        let elected = contest["winners"].as_array().unwrap().len();
        assert_eq!(elected, winners, "{contest}");
        let in_rounds = format!("and in each of {} rounds", rounds.len());
        assert!(run.stderr.contains(&in_rounds), "{}", run.stderr);
        data.run(&["audit"]).succeeds();

        let table = data.run(&["results"]).succeeds().stdout;
        let elected = format!("Elected in {} rounds: Ann, ", rounds.len());
        assert!(table.contains(&elected), "{table}");
    }
}

#[test]
fn a_stopped_replay_goes_on_with_the_same_records_only() {
    let data = DataDir::new();
    let config = copied(&data, "council_config.json");
    let arg = config.to_str().unwrap();
    let rate = ["demo", "--cvr", arg, "--port", "0", "--rate", "1"];
    let mut slow = data.start(&rate);
    slow.wait_for_stderr("Dashboard: ");
    slow.kill();

    let text = String::from_utf8(std::fs::read(&config).unwrap()).unwrap();
    let records = std::fs::read_to_string(config.with_file_name(RECORDS)).unwrap();
    let other = records.replace("1,p1,b1,1,2,3,", "1,p1,b1,2,1,3,");
    assert_ne!(other, records);
    data.file("other.csv", other);
    let other = data.file("other_config.json", text.replace(RECORDS, "other.csv"));
    demo(&data, &other, &["--json"]).refused(2, &["another election", "--fresh"]);
    let rules = text.replace(
        "\"maxSkippedRanksAllowed\": \"1\"",
        "\"maxSkippedRanksAllowed\": \"0\"",
    );
    let rules = data.file("rules_config.json", rules);
    demo(&data, &rules, &["--json"]).refused(2, &["another election", "--fresh"]);

    data.file("copy.csv", records);
    let copy = data.file("copy_config.json", text.replace(RECORDS, "copy.csv"));
    let finished = demo(&data, &copy, &["--json"]).succeeds().json();
    assert_eq!(number(&finished, "counted"), BALLOTS);
    let again = demo(&data, &config, &["--json"]).succeeds().json();
    assert_same(
        &without_elapsed(finished),
        &without_elapsed(again),
        "from a copy of the records",
    );
}

#[test]
fn a_tie_that_is_left_to_people_is_told() {
    let data = DataDir::new();
    let config = copied(&data, "lots_config.json");
    let told = demo(&data, &config, &[]).succeeds().stdout;
    for part in [
        "Nobody is elected in ",
        "The count stopped in round ",
        "leave the tie to people",
    ] {
        assert!(told.contains(part), "`{part}` is not in: {told}");
    }
}

#[test]
fn what_cannot_be_replayed_is_refused_before_anything_is_made() {
    let data = DataDir::new();
    let config = copied(&data, "council_config.json");
    data.file(RECORDS, "Ballot,Precinct,Batch,Ann,Nobody\n1,p1,b1,1,2\n");
    for (config, parts) in [
        (config.clone(), &["Nobody", "council.csv"][..]),
        (config.with_file_name("missing.json"), &["missing.json"]),
        (config.with_file_name(RECORDS), &["council.csv"]),
    ] {
        demo(&data, &config, &["--json"]).refused(2, parts);
        assert!(!data.path().exists(), "nothing is made");
    }
    let arg = config.to_str().unwrap();
    for option in [
        &["--results", arg][..],
        &["--voters", "5"],
        &["--invalid", "0.1"],
    ] {
        let run = data.run(&[&["demo", "--cvr", arg], option].concat());
        run.ends_with(2);
    }
}
