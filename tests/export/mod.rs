//! `election export`: what it writes holds to the published format, and says what `results` says.

pub mod published;

use std::collections::BTreeMap;
use std::path::PathBuf;

use crate::support::{DataDir, number, rejected_total};
use serde_json::{Value, json};

/// An election in which votes are rejected for every reason.
const DEMO: &[&str] = &[
    "demo",
    "--voters",
    "400",
    "--candidates",
    "4",
    "--invalid",
    "0.2",
    "--duplicates",
    "0.2",
    "--once",
    "--json",
    "--port",
    "0",
];

/// Votes per name and unit; of the units, too, by their names.
type Cells = BTreeMap<(String, String), u64>;

#[track_caller]
fn exported(data: &DataDir, options: &[&str]) -> Value {
    let report = data.run(&[&["export"], options].concat()).succeeds().json();
    assert_eq!(published::problems(&report), [""; 0], "{report:#}");
    report
}

fn list(value: &Value) -> &[Value] {
    value.as_array().unwrap()
}

fn text(internationalized: &Value) -> &str {
    internationalized["Text"][0]["Content"].as_str().unwrap()
}

fn contest(report: &Value) -> &Value {
    &report["Election"][0]["Contest"][0]
}

/// What each candidate got in each unit, by name.
fn cells(report: &Value) -> Cells {
    let by_id = |objects: &Value, name: &str| -> BTreeMap<String, String> {
        let entries = list(objects).iter();
        entries
            .map(|it| (it["@id"].as_str().unwrap().into(), text(&it[name]).into()))
            .collect()
    };
    let candidates = by_id(&report["Election"][0]["Candidate"], "BallotName");
    let units = by_id(&report["GpUnit"], "Name");
    let mut cells = Cells::new();
    for selection in list(&contest(report)["ContestSelection"]) {
        let candidate = &candidates[selection["CandidateIds"][0].as_str().unwrap()];
        for counts in list(&selection["VoteCounts"]) {
            assert_eq!(counts["Type"], "total");
            let unit = &units[counts["GpUnitId"].as_str().unwrap()];
            let cell = (candidate.clone(), unit.clone());
            let other = cells.insert(cell, number(counts, "Count"));
            assert_eq!(other, None, "a cell is there twice");
        }
    }
    cells
}

fn file_beside(data: &DataDir, name: &str) -> PathBuf {
    data.path().with_file_name(name)
}

/// Makes a report wrong.
type Change = fn(&mut Value);

const WHOLE: &str = "The whole electorate";

#[test]
fn the_report_says_what_the_results_say() {
    let data = DataDir::new();
    data.run(DEMO).succeeds();
    let results = data.results();
    let report = exported(&data, &[]);

    let cells = cells(&report);
    let (whole, located): (Cells, Cells) =
        (cells.clone().into_iter()).partition(|((_, unit), _)| unit == WHOLE);
    let in_results = |list_name: &str, unit: &str| -> Cells {
        let items = list(&results[list_name]).iter();
        items
            .map(|cell| {
                let name = cell["candidate_name"].as_str().unwrap().to_owned();
                let unit = cell[unit].as_str().unwrap_or(WHOLE).to_owned();
                ((name, unit), number(cell, "total_votes"))
            })
            .collect()
    };
    assert_eq!(whole, in_results("candidates", "nowhere"));
    let with_votes: Cells = (located.clone().into_iter())
        .filter(|(_, votes)| *votes > 0)
        .collect();
    assert_eq!(with_votes, in_results("candidate_locations", "state"));
    let locations = list(&results["locations"]).len();
    assert_eq!(
        located.len(),
        locations * list(&results["candidates"]).len()
    );

    let election = &report["Election"][0];
    let ballots = list(&election["BallotCounts"]);
    assert_eq!(number(&ballots[0], "BallotsCast"), number(&results, "cast"));
    assert_eq!(
        number(&ballots[0], "BallotsRejected"),
        rejected_total(&results)
    );
    assert_eq!(number(&ballots[0], "BallotsOutstanding"), 0);
    let by_reason: serde_json::Map<_, _> = (ballots[1..].iter())
        .map(|count| {
            let reason = count["OtherType"].as_str().unwrap().to_owned();
            (reason, count["BallotsRejected"].clone())
        })
        .collect();
    assert_eq!(Value::Object(by_reason), results["rejected"]);

    let units = list(&report["GpUnit"]);
    assert_eq!(
        number(&units[0], "VotersParticipated"),
        number(&results, "counted")
    );
    assert_eq!(number(&units[0], "VotersRegistered"), 400);
    assert_eq!(list(&units[0]["ComposingGpUnitIds"]).len(), locations);
    for (unit, location) in units[1..].iter().zip(list(&results["locations"])) {
        assert_eq!(text(&unit["Name"]), location["state"]);
        assert_eq!(unit["VotersParticipated"], location["count"]);
    }
    // Nobody voted: the program did.
    assert_eq!(report["IsTest"], true);
}

#[test]
fn the_csv_is_that_of_the_results_and_agrees_with_the_report() {
    let data = DataDir::new();
    data.run(DEMO).succeeds();
    let csv = data.run(&["export", "--format", "csv"]).succeeds().stdout;
    assert_eq!(csv, data.run(&["results", "--csv"]).succeeds().stdout);

    let mut lines = csv::Reader::from_reader(csv.as_bytes());
    assert_eq!(
        lines.headers().unwrap(),
        ["candidate_name", "state", "total_votes"].as_slice()
    );
    let in_csv: Cells = lines
        .deserialize()
        .map(|line| {
            let (name, state, votes): (String, String, u64) = line.unwrap();
            ((name, state), votes)
        })
        .collect();
    let mut in_report = cells(&exported(&data, &["--format", "cdf"]));
    in_report.retain(|(_, unit), votes| unit != WHOLE && *votes > 0);
    assert_eq!(in_csv, in_report);
}

#[test]
fn the_status_follows_the_count_and_only_people_certify() {
    let status = |report: &Value| {
        let counted = contest(report)["CountStatus"][0]["Status"].clone();
        json!([report["Status"], counted])
    };
    let init = ["producer", "init", "--partitions", "2"];
    let [open, not_yet, closed] = [DataDir::new(), DataDir::new(), DataDir::new()];

    let in_future = [
        "--polls-open",
        "2999-01-01 08:00:00",
        "--polls-close",
        "2999-01-02 00:00:00",
    ];
    not_yet.run(&[&init[..], &in_future].concat()).succeeds();
    let report = exported(&not_yet, &[]);
    assert_eq!(status(&report), json!(["pre-election", "not-processed"]));
    assert_eq!(report["Election"][0]["StartDate"], "2999-01-01");
    assert_eq!(
        report["Election"][0]["EndDate"], "2999-01-01",
        "closed at midnight"
    );
    let refused = ["the polls have not closed"];
    not_yet.run(&["export", "--certified"]).refused(1, &refused);

    open.run(&init).succeeds();
    open.run(&["producer", "voters", "--voters", "50"])
        .succeeds();
    open.run(&["producer", "votes", "--duplicates", "0", "--invalid", "0"])
        .succeeds();
    let report = exported(&open, &[]);
    assert_eq!(status(&report), json!(["unofficial-partial", "in-process"]));
    assert_eq!(
        report["Election"][0]["BallotCounts"][0]["BallotsOutstanding"],
        50
    );
    assert!(report["IsTest"].is_null(), "whoever has cast these votes");
    let refused = ["not every vote is accounted for", "election audit"];
    open.run(&["export", "--certified"]).refused(1, &refused);
    open.run(&["consumer", "--once"]).succeeds();
    let report = exported(&open, &[]);
    // More votes may come, as nobody has said when polls close.
    assert_eq!(status(&report), json!(["unofficial-partial", "in-process"]));
    assert_eq!(
        status(&exported(&open, &["--certified"])),
        json!(["certified", "completed"])
    );

    let past = [
        "--polls-open",
        "2020-11-03 08:00:00",
        "--polls-close",
        "2020-11-03 20:00:00",
    ];
    // Nothing more can come, but what came is not counted yet.
    let uncounted = DataDir::new();
    uncounted.run(&[&init[..], &past].concat()).succeeds();
    for step in [["voters", "--voters"], ["votes", "--rate"]] {
        uncounted
            .run(&[&["producer"], &step[..], &["50"]].concat())
            .succeeds();
    }
    let report = exported(&uncounted, &[]);
    assert_eq!(status(&report), json!(["unofficial-partial", "in-process"]));
    closed.run(&[DEMO, &past].concat()).succeeds();
    let report = exported(&closed, &[]);
    assert_eq!(status(&report), json!(["unofficial-complete", "completed"]));
    assert_eq!(report["Election"][0]["EndDate"], "2020-11-03");
    assert_eq!(
        status(&exported(&closed, &["--certified"])),
        json!(["certified", "completed"])
    );
}

#[test]
fn names_are_told_as_they_are() {
    let data = DataDir::new();
    let results = data.file(
        "results.csv",
        "state,candidate,party,votes\n\
         Île-de-France,\"O'Neil, \"\"Zoë\"\"\",Grün & Co,7\n\
         Île de France,\"O'Neil, \"\"Zoë\"\"\",Grün & Co,5\n\
         Île-de-France,,,2\n",
    );
    let demo = [
        "demo",
        "--results",
        results.to_str().unwrap(),
        "--once",
        "--port",
        "0",
    ];
    data.run(&demo).succeeds();
    let names = [
        "--name",
        "Élection",
        "--issuer",
        "Bürgeramt",
        "--issuer-abbreviation",
        "BA",
    ];
    let report = exported(&data, &names);
    assert_eq!(text(&report["Election"][0]["Name"]), "Élection");
    assert_eq!(report["Issuer"], "Bürgeramt");
    assert_eq!(report["IssuerAbbreviation"], "BA");
    let zoe = "O'Neil, \"Zoë\"";
    let cell = |unit: &str| cells(&report)[&(zoe.to_owned(), unit.to_owned())];
    assert_eq!(
        (cell("Île-de-France"), cell("Île de France"), cell(WHOLE)),
        (7, 5, 12)
    );

    // Write-ins are nobody in particular, and a replay has no roll.
    let write_in: Vec<_> = list(&contest(&report)["ContestSelection"])
        .iter()
        .map(|selection| selection["IsWriteIn"] == true)
        .collect();
    assert_eq!(write_in.iter().filter(|is| **is).count(), 1);
    assert_eq!(list(&report["Person"]).len(), 1);
    assert!(report["GpUnit"][0]["VotersRegistered"].is_null());
}

#[test]
fn each_round_of_a_ranked_contest_is_told_and_then_who_is_elected() {
    let data = DataDir::new();
    let config = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/tests/fixtures/tabulate/council_config.json"
    );
    let demo = ["demo", "--cvr", config, "--once", "--port", "0"];
    data.run(&demo).succeeds();
    let results = data.results();
    let counted = &results["contests"][0];
    let report = exported(&data, &["--certified"]);
    let candidates = list(&report["Election"][0]["Candidate"]);
    assert_eq!(contest(&report)["VoteVariation"], "rcv");
    let mut counts = 0;
    for (candidate, selection) in candidates
        .iter()
        .zip(list(&contest(&report)["ContestSelection"]))
    {
        assert_eq!(selection["CandidateIds"][0], candidate["@id"]);
        let id = &candidate["ExternalIdentifier"][0]["Value"];
        let of_candidate = |list: &Value| {
            let found = list
                .as_array()
                .unwrap()
                .iter()
                .find(|it| it["candidate_id"] == *id);
            found.cloned()
        };
        let (of_rounds, others): (Vec<_>, Vec<_>) =
            (list(&selection["VoteCounts"]).iter()).partition(|counts| counts["Round"].is_number());
        let total = of_candidate(&counted["choices"]).unwrap();
        assert_eq!(others[0]["Count"], total["total"]);
        let exported: Vec<(u64, f64)> = of_rounds
            .iter()
            .map(|counts| (number(counts, "Round"), counts["Count"].as_f64().unwrap()))
            .collect();
        let expected: Vec<(u64, f64)> = (1..)
            .zip(list(&counted["rounds"]))
            .filter_map(|(round, counts)| {
                let votes = of_candidate(&counts["votes"])?;
                Some((round, votes["votes"].as_str().unwrap().parse().unwrap()))
            })
            .collect();
        assert_eq!(exported, expected, "{id}");
        counts += exported.len();
        let is_elected = list(&counted["winners"]).contains(id);
        let status = if is_elected { "winner" } else { "defeated" };
        assert_eq!(candidate["PostElectionStatus"], status, "{id}");
    }
    assert!(counts > candidates.len(), "there are several rounds");

    let unofficial = exported(&data, &[]);
    let told = |candidate: &Value| candidate["PostElectionStatus"].is_string();
    assert!(
        !list(&unofficial["Election"][0]["Candidate"])
            .iter()
            .any(told)
    );
}

#[test]
fn a_file_is_written_whole_or_not_at_all() {
    let data = DataDir::new();
    data.run(DEMO).succeeds();
    let file = data.file("report.json", "what was there before");
    // Another name for the same file: written in place, that would change, too, and be half written for a while.
    let before = file_beside(&data, "before.json");
    std::fs::hard_link(&file, &before).unwrap();
    let name = file.to_str().unwrap();
    let said = data.run(&["export", "--output", name]).succeeds().stdout;
    assert!(said.contains(name), "{said}");
    assert_eq!(std::fs::read(&before).unwrap(), b"what was there before");
    let mut written: Value = serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap();
    let mut printed = exported(&data, &[]);
    for report in [&mut written, &mut printed] {
        report["GeneratedDate"].take();
    }
    assert_eq!(written, printed);

    let missing = file_beside(&data, "missing").join("report.json");
    let directory = file_beside(&data, "directory");
    std::fs::create_dir(&directory).unwrap();
    for output in [&missing, &directory] {
        let output = output.to_str().unwrap();
        let parts = ["cannot write the results", output, "--output"];
        data.run(&["export", "--output", output]).refused(1, &parts);
    }
    let left: Vec<_> = std::fs::read_dir(directory.parent().unwrap())
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .filter(|name| name.to_string_lossy().contains("part"))
        .collect();
    assert!(left.is_empty(), "{left:?}");
}

#[test]
fn what_cannot_be_exported_is_refused() {
    let data = DataDir::new();
    data.run(&["export"])
        .refused(2, &["there is no election in"]);
    let certified = ["export", "--format", "csv", "--certified"];
    data.run(&certified)
        .refused(2, &["CSV has no place", "--format cdf"]);
}

#[test]
fn the_facts_find_what_is_wrong() {
    let data = DataDir::new();
    data.run(DEMO).succeeds();
    let report = exported(&data, &[]);
    let changes: [(&str, Change); 7] = [
        ("Issuer", |report| {
            drop(report.as_object_mut().unwrap().remove("Issuer"))
        }),
        ("Weather", |report| report["Weather"] = json!("fair")),
        ("final", |report| report["Status"] = json!("final")),
        ("2026", |report| {
            report["GeneratedDate"] = json!("2026-11-23 10:00")
        }),
        ("nowhere", |report| {
            report["Election"][0]["ElectionScopeId"] = json!("nowhere");
        }),
        ("ElectionScopeId", |report| {
            let party = report["Party"][0]["@id"].clone();
            report["Election"][0]["ElectionScopeId"] = party;
        }),
        ("two objects", |report| {
            let first = report["GpUnit"][1]["@id"].clone();
            report["GpUnit"][2]["@id"] = first;
        }),
    ];
    for (expected, change) in changes {
        let mut changed = report.clone();
        change(&mut changed);
        let problems = published::problems(&changed);
        assert!(
            problems.iter().any(|problem| problem.contains(expected)),
            "{expected}: {problems:?}"
        );
    }
}
