//! `election tabulate`: small elections of our own, and every configuration of RCTab's test data.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use testing::{RctabCase, first_difference, rctab_cases, rctab_data};

use crate::support::{Process, Run, election, skipped};

const FIXTURES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/tabulate");
/// How a count that stopped, or records that cannot be read, end; and a configuration that cannot be used.
const FAILED: i32 = 1;
const WRONG_USAGE: i32 = 2;
/// What is told of a directory of records without records.
const NO_FILES: &str = ": check filePath and provider";

fn tabulate(config: &Path, args: &[&str]) -> Run {
    let config = config.to_str().unwrap();
    Process::spawn(election(&[&["tabulate", config], args].concat())).wait()
}

fn fixture(name: &str) -> PathBuf {
    Path::new(FIXTURES).join(name)
}

/// Every file below a directory, by its path there.
fn files(directory: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    for entry in std::fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        let name = PathBuf::from(path.file_name().unwrap());
        if path.is_dir() {
            let below = files(&path).into_iter();
            found.extend(below.map(|(file, bytes)| (name.join(file), bytes)));
        } else {
            found.insert(name, std::fs::read(&path).unwrap());
        }
    }
    found
}

/// The reports of a configuration, and what is said at the terminal; through the stream and without it they must be the
/// same.
fn reports(config: &Path, args: &[&str]) -> (BTreeMap<PathBuf, Vec<u8>>, String) {
    let [streamed, native] = [&[][..], &["--native"][..]].map(|way| {
        let directory = tempfile::tempdir().unwrap();
        // It does not exist yet.
        let output = directory.path().join("reports");
        let output_args = ["--output", output.to_str().unwrap()];
        let run = tabulate(config, &[args, way, &output_args].concat()).succeeds();
        let said = run.stdout.replace(output.to_str().unwrap(), "DIR");
        (files(&output), said)
    });
    assert_eq!(streamed, native);
    streamed
}

#[test]
fn seats_are_filled_by_transfers_and_reported_by_precinct_and_batch() {
    let (reports, said) = reports(&fixture("council_config.json"), &[]);
    let names: Vec<String> = reports
        .keys()
        .map(|path| path.to_string_lossy().into_owned())
        .collect();
    let mut expected: Vec<String> = [
        "detailed_report.csv",
        "detailed_report.json",
        "summary_report.csv",
    ]
    .iter()
    .map(|report| format!("council_{report}"))
    .collect();
    for (kind, key, ids) in [
        ("Precinct", "precinct", ["p1", "p2", "p_2_3"]),
        ("Batch", "batch", ["b1", "b2", "b3"]),
    ] {
        for (id, form) in ids.iter().flat_map(|id| [(id, "csv"), (id, "json")]) {
            expected.push(format!(
                "Tabulate by {kind}/council_{id}_{key}_detailed_report.{form}"
            ));
        }
    }
    expected.sort();
    let mut names = names;
    names.sort();
    assert_eq!(names, expected);
    let report: serde_json::Value =
        serde_json::from_slice(&reports[Path::new("council_detailed_report.json")]).unwrap();
    assert_eq!(report["summary"]["totalNumBallots"], "12");
    assert_eq!(report["summary"]["undervotes"], 1);
    assert!(
        said.starts_with("Town council, Council, Harbour, 2026-11-03\n"),
        "{said}"
    );
    assert!(said.contains("Elected: Ann, in round "), "{said}");
    assert!(said.contains("15 reports are in DIR."), "{said}");
}

#[test]
fn seats_one_after_the_other_have_reports_of_their_own() {
    let (reports, said) = reports(&fixture("seats_config.json"), &[]);
    for seat in ["1", "2"] {
        let report = format!("seats_{seat}_detailed_report.json");
        assert!(reports.contains_key(Path::new(&report)), "{report}");
        assert!(said.contains(&format!("Seat {seat}\n")), "{said}");
    }
    assert_eq!(said.matches("Elected: ").count(), 2, "{said}");
}

#[test]
fn people_decide_the_tie_that_is_left_to_them() {
    let config = fixture("lots_config.json");
    let undecided = tabulate(&config, &["--native"]).ends_with(FAILED);
    let told = undecided.stderr;
    assert!(
        told.contains("are tied") && told.contains("--decide '"),
        "{told}"
    );
    let decide = told.split_once("--decide '").unwrap().1;
    let round = decide.split_once('=').unwrap().0;
    let decision = format!("{round}=Ben");
    let (_, said) = reports(&config, &["--decide", &decision]);
    assert!(said.contains("as it was decided"), "{said}");
    let nobody = tabulate(&config, &["--decide", "1=Nobody"]).ends_with(WRONG_USAGE);
    assert!(
        nobody.stderr.contains("the candidates are Ann, Ben, Cleo"),
        "{}",
        nobody.stderr
    );
}

#[test]
fn everything_that_is_wrong_with_a_configuration_is_told() {
    let directory = tempfile::tempdir().unwrap();
    let config = directory.path().join("wrong_config.json");
    let text = std::fs::read_to_string(fixture("council_config.json")).unwrap();
    let text = text
        .replace("useCandidateOrder", "byLot")
        .replace("exhaustImmediately", "");
    std::fs::write(&config, text).unwrap();
    let told = tabulate(&config, &[]).ends_with(WRONG_USAGE).stderr;
    for problem in ["tiebreakMode", "overvoteRule", "council.csv"] {
        assert!(told.contains(problem), "{told}");
    }
    let missing = tabulate(&directory.path().join("missing.json"), &[]);
    let told = missing.ends_with(WRONG_USAGE).stderr;
    assert!(told.contains("missing.json"), "{told}");
}

/// What became of a configuration.
enum Verdict {
    Equal,
    /// There is nothing to compare.
    NoReports,
    ErrorAsExpected(String),
    Different(String),
    Skipped(String),
}

/// RCTab refuses its output directory, which `tabulate` does not write to: it is of another system.
fn is_of_windows(directory: &str) -> bool {
    directory.get(1..3) == Some(":/")
}

fn result(case: &RctabCase, ballots: &mut String, rounds: &mut String) -> Verdict {
    if case.expects_something && !case.missing.is_empty() {
        let missing = format!("missing: {}", case.missing.join(", "));
        skipped(&format!("rctab/{}: {missing}", case.name));
        return Verdict::Skipped(missing);
    }
    let [directory, copies] = [(); 2].map(|()| tempfile::tempdir().unwrap());
    let config = case.config_with_copies(copies.path());
    let args = ["tabulate", config.to_str().unwrap(), "--output"];
    // A million ballots take their time, unoptimised on a busy machine.
    let run = election(&args).arg(directory.path()).output().unwrap();
    if !run.status.success() {
        let told = String::from_utf8_lossy(&run.stderr)
            .trim()
            .replace('\n', " ");
        // A directory is there, and its large files are not.
        if case.expects_something && told.contains(NO_FILES) {
            skipped(&format!("rctab/{}: {told}", case.name));
            return Verdict::Skipped(told);
        }
        let refused =
            matches!(run.status.code(), Some(FAILED | WRONG_USAGE)) && told.starts_with("error:");
        return match case.expects_something || !refused {
            true => Verdict::Different(told),
            false => Verdict::ErrorAsExpected(told),
        };
    }
    let written = files(directory.path());
    let whole = written
        .iter()
        .filter(|(path, _)| path.extension().is_some_and(|it| it == "json"));
    let whole = whole.filter(|(path, _)| path.components().count() == 1);
    let mut counts: Vec<String> = Vec::new();
    for (_, report) in whole {
        let report: serde_json::Value = serde_json::from_slice(report).unwrap();
        *ballots = report["summary"]["totalNumBallots"]
            .as_str()
            .unwrap()
            .to_owned();
        counts.push(report["results"].as_array().unwrap().len().to_string());
    }
    *rounds = counts.join("+");
    let differences = case
        .reports
        .iter()
        .filter_map(|(expected, path)| match written.get(path) {
            Some(written) => first_difference(expected, written),
            None => Some(format!("{} is not written", path.display())),
        });
    match differences.into_iter().next() {
        Some(difference) => Verdict::Different(difference),
        None if !case.reports.is_empty() => Verdict::Equal,
        None if case.expects_something || is_of_windows(&case.output_directory) => {
            Verdict::NoReports
        }
        None => Verdict::Different("an error was expected".to_owned()),
    }
}

#[test]
fn every_configuration_of_rctab_comes_out_equal() {
    let Some(data) = rctab_data() else { return };
    let mut table = format!(
        "{:<50} {:>9} {:>8}  result\n",
        "configuration", "ballots", "rounds"
    );
    let mut counts: BTreeMap<&str, u32> = BTreeMap::new();
    let mut different = Vec::new();
    for case in rctab_cases(&data) {
        let (mut ballots, mut rounds) = (String::new(), String::new());
        let (word, detail) = match result(&case, &mut ballots, &mut rounds) {
            Verdict::Equal => ("equal", String::new()),
            Verdict::NoReports => ("no report expected", String::new()),
            Verdict::ErrorAsExpected(told) => ("error as expected", told),
            Verdict::Skipped(why) => ("skipped", why),
            Verdict::Different(difference) => {
                different.push(format!("{}: {difference}", case.name));
                ("different", difference)
            }
        };
        *counts.entry(word).or_default() += 1;
        let detail: String = detail.chars().take(120).collect();
        let row = format!(
            "{:<50} {ballots:>9} {rounds:>8}  {word} {detail}",
            case.name
        );
        table.push_str(row.trim_end());
        table.push('\n');
    }
    println!("{table}\n{counts:?}");
    assert!(different.is_empty(), "{}", different.join("\n"));
    assert!(counts["equal"] > 60, "{counts:?}");
}
