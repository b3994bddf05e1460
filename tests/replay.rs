//! `election demo --results`: official results become ballots, and the count equals the file.

use std::collections::BTreeMap;
use std::path::Path;

use crate::support::{DataDir, assert_adds_up, assert_same, number, without_elapsed};
use serde_json::Value;

/// The columns of the MIT Election Lab's files.
const HEADER: &str = "year,state,state_po,state_fips,state_cen,state_ic,office,candidate,\
    party_detailed,writein,candidatevotes,totalvotes,percentvotes,version,notes,party_simplified";

/// State, candidate, party, votes. Somebody with two parties in one state, votes without a
/// candidate (on two rows of one state), rows without votes, an odd number of votes, quotes.
const ROWS: &[(&str, &str, &str, u64)] = &[
    ("OHIO", "ADAMS, ANN", "DEMOCRAT", 501),
    ("OHIO", "ADAMS, ANN", "WORKING FAMILIES", 77),
    ("OHIO", "BELL, BO \"BOB\"", "REPUBLICAN", 400),
    ("OHIO", "", "OTHER", 13),
    ("OHIO", "", "", 9),
    ("UTAH", "ADAMS, ANN", "DEMOCRAT", 120),
    ("UTAH", "BELL, BO \"BOB\"", "REPUBLICAN", 301),
    ("UTAH", "CRUZ, CAM", "GREEN", 0),
    ("ÅLAND & ISLES", "CRUZ, CAM", "GREEN", 1),
    ("ÅLAND & ISLES", "ADAMS, ANN", "DEMOCRAT", 8),
];

const WRITE_IN: &str = "Write-in / other";

fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('"', "\"\""))
}

fn file_of_rows() -> String {
    let mut file = format!("{HEADER}\n");
    for (state, candidate, party, votes) in ROWS {
        file += &format!(
            "2016,{},XX,1,63,41,US PRESIDENT,{},{party},FALSE,{votes},9999,0.1,20210113,NA,{party}\n",
            quoted(state),
            quoted(candidate),
        );
    }
    file
}

type Cells = BTreeMap<(String, String), u64>;

/// Votes by state and candidate, as the count has them.
fn counted_cells(report: &Value) -> Cells {
    let mut cells = Cells::new();
    for cell in report["candidate_locations"].as_array().unwrap() {
        let text = |key: &str| cell[key].as_str().unwrap().to_owned();
        let votes = number(cell, "total_votes");
        let before = cells.insert((text("state"), text("candidate_name")), votes);
        assert_eq!(before, None, "each cell stands once");
    }
    cells
}

fn expected_cells<'a>(rows: impl Iterator<Item = (&'a str, &'a str, u64)>) -> Cells {
    let mut cells = Cells::new();
    for (state, candidate, ballots) in rows.filter(|(.., ballots)| *ballots > 0) {
        let candidate = if candidate.is_empty() {
            WRITE_IN
        } else {
            candidate
        };
        *cells
            .entry((state.to_owned(), candidate.to_owned()))
            .or_default() += ballots;
    }
    cells
}

fn replay<'a>(file: &'a Path, scale: &'a str) -> [&'a str; 9] {
    [
        "demo",
        "--results",
        file.to_str().unwrap(),
        "--scale",
        scale,
        "--once",
        "--json",
        "--port",
        "0",
    ]
}

#[test]
fn the_count_equals_the_file_in_every_cell_at_every_scale() {
    for (scale, denominator) in [("1", 1), ("0.5", 2)] {
        let data = DataDir::new();
        let file = data.file("results.csv", file_of_rows());
        let run = data.run(&replay(&file, scale)).succeeds();
        let report = run.json();
        assert_adds_up(&report);
        let rows = ROWS
            .iter()
            .map(|&(state, candidate, _, votes)| (state, candidate, votes / denominator));
        let expected = expected_cells(rows);
        assert_eq!(counted_cells(&report), expected, "at scale {scale}");
        let ballots: u64 = expected.values().sum();
        for figure in ["voters", "cast", "counted"] {
            assert_eq!(number(&report, figure), ballots, "{figure}");
        }
        let verdict = format!("in each of {} cells", expected.len());
        assert!(run.stderr.contains(&verdict), "{}", run.stderr);

        let names: Vec<_> = report["candidates"]
            .as_array()
            .unwrap()
            .iter()
            .map(|candidate| {
                let text = |key: &str| candidate[key].as_str().unwrap().to_owned();
                (text("candidate_name"), text("party_affiliation"))
            })
            .collect();
        let listed = [
            ("BELL, BO \"BOB\"", "REPUBLICAN"),
            ("ADAMS, ANN", "DEMOCRAT"),
            (WRITE_IN, "OTHER"),
            ("CRUZ, CAM", "GREEN"),
        ];
        for (name, party) in listed {
            assert!(names.contains(&(name.into(), party.into())), "{names:?}");
        }
        assert_eq!(names.len(), listed.len());

        let again = data.run(&replay(&file, scale)).succeeds().json();
        assert_same(
            &without_elapsed(report),
            &without_elapsed(again),
            "replayed again",
        );
        data.run(&["audit"]).succeeds();
    }
}

#[test]
fn the_same_file_elsewhere_is_the_same_election_and_another_scale_is_not() {
    let data = DataDir::new();
    let file = data.file("results.csv", file_of_rows());
    let first = data.run(&replay(&file, "0.5")).succeeds().json();
    let copy = data.file("copy.csv", file_of_rows());
    let again = data.run(&replay(&copy, "0.5")).succeeds().json();
    assert_same(
        &without_elapsed(first),
        &without_elapsed(again),
        "from a copy of the file",
    );
    data.run(&replay(&file, "0.25")).refused(2, &["--fresh"]);
    let other = data.file("other.csv", file_of_rows().replace(",501,", ",502,"));
    data.run(&replay(&other, "0.5")).refused(2, &["--fresh"]);
}

#[test]
fn a_wrong_file_is_refused_by_line_and_reason_before_anything_is_made() {
    let good = file_of_rows();
    for (contents, parts) in [
        (
            good.replace(",77,", ",7x7,"),
            &["line 3", "candidatevotes", "`7x7`"][..],
        ),
        (
            good.replace(",400,", ",-400,"),
            &["line 4", "`-400`", "not a number of votes"],
        ),
        (
            good.replace(",13,9999", ",13"),
            &["line 5", "15 columns, where the header has 16"],
        ),
        (
            good.replace("\"UTAH\"", "\"\""),
            &["line 7", "line 8", "line 9", "column `state`"],
        ),
        (
            good.replace(",candidatevotes,", ",ballots,"),
            &["line 1", "no column `candidatevotes`"],
        ),
        (format!("{HEADER}\n"), &["no row of results"]),
        (String::new(), &["empty"]),
    ] {
        let data = DataDir::new();
        let file = data.file("wrong.csv", contents);
        let run = data.run(&replay(&file, "1")).refused(2, parts);
        assert!(
            run.stderr.contains(file.to_str().unwrap()),
            "{}",
            run.stderr
        );
        assert_eq!(run.stdout, "");
        assert!(!data.path().exists(), "nothing is made");
    }
    let data = DataDir::new();
    let absent = data.path().with_file_name("absent.csv");
    data.run(&replay(&absent, "1")).refused(2, &["absent.csv"]);
    let file = data.file("results.csv", good);
    for scale in ["0", "1.5", "NaN", "0.001"] {
        data.run(&replay(&file, scale)).refused(2, &["scale"]);
    }
    assert!(!data.path().exists(), "nothing is made");
}

#[test]
fn the_election_of_2016_at_a_thousandth_equals_the_official_results() {
    let Some(file) = testing::president_2016() else {
        return;
    };
    let mut csv = csv::Reader::from_path(&file).unwrap();
    let columns = csv.headers().unwrap().clone();
    let column = |name: &str| columns.iter().position(|column| column == name).unwrap();
    let (state, candidate, votes) = (
        column("state"),
        column("candidate"),
        column("candidatevotes"),
    );
    let records: Vec<csv::StringRecord> = csv.records().map(Result::unwrap).collect();
    let rows = records.iter().map(|record| {
        let votes: u64 = record[votes].parse().unwrap();
        (&record[state], &record[candidate], votes / 1000)
    });
    let expected = expected_cells(rows);

    let data = DataDir::new();
    let report = data.run(&replay(&file, "0.001")).succeeds().json();
    assert_adds_up(&report);
    assert_eq!(counted_cells(&report), expected);
    assert_eq!(
        number(&report, "counted"),
        expected.values().sum::<u64>(),
        "votes"
    );
    assert_eq!(report["locations"].as_array().unwrap().len(), 51);
    data.run(&["audit"]).succeeds();
}
