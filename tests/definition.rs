//! An election with a definition: several contests, precincts and groups, from one file.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use ballot::{CellPath, Tally};
use serde_json::Value;
use wire::{ChangedTotals, topics};

use crate::export::published;
use crate::support::{
    DataDir, Run, assert_same, number, open_log, read_topic, rejected_total, small_demo, sum,
    without_elapsed,
};

/// Three contests, one of them of a district, five precincts, two groups.
pub const CITY_FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/city.toml");
const CITY: &str = include_str!("fixtures/city.toml");

/// The precincts that vote in the contest `fund`.
const WEST: [&str; 3] = ["p1", "p2", "p3"];
/// Most points that `fund` takes for a candidate, and how many stand there.
const FUND_HIGHEST: u64 = 5;
const FUND_CANDIDATES: u64 = 3;
/// Most marks of a ballot in the contest `council`.
const COUNCIL_CHOICES: u64 = 3;

const DEMO: &[&str] = &small_demo("1500");

fn demo(data: &DataDir, definition: &Path) -> Run {
    let definition = definition.to_str().unwrap();
    data.run(&[DEMO, &["--definition", definition]].concat())
}

fn list(value: &Value) -> &[Value] {
    value.as_array().unwrap()
}

/// What of a list names this in a field.
fn named<'a>(items: &'a Value, field: &str, name: &str) -> Vec<&'a Value> {
    let items = list(items).iter();
    items.filter(|item| item[field] == name).collect()
}

fn total(items: &[&Value]) -> u64 {
    items.iter().map(|item| number(item, "total_votes")).sum()
}

/// Asserts what every report of [`CITY`] promises: each vote is accounted for, in each contest too.
#[track_caller]
pub fn assert_city_adds_up(report: &Value) {
    let counted = number(report, "counted");
    assert_eq!(report["accounted"], true, "{report}");
    assert_eq!(counted + rejected_total(report), number(report, "cast"));
    assert_eq!(counted, number(report, "rows_in_postgres"));
    assert_eq!(counted, sum(&report["locations"], "count"));
    let in_west: u64 = list(&report["locations"])
        .iter()
        .filter(|precinct| WEST.contains(&precinct["state"].as_str().unwrap()))
        .map(|precinct| number(precinct, "count"))
        .sum();

    let ids: Vec<_> = list(&report["contests"])
        .iter()
        .map(|it| &it["id"])
        .collect();
    assert_eq!(ids, ["mayor", "council", "fund"]);
    for contest in list(&report["contests"]) {
        let id = contest["id"].as_str().unwrap();
        let [ballots, undervotes, overvotes] =
            ["ballots", "undervotes", "overvotes"].map(|key| number(contest, key));
        let marked = ballots - undervotes - overvotes;
        let totals = sum(&contest["choices"], "total");
        match id {
            "mayor" => assert_eq!((ballots, totals), (counted, marked)),
            "council" => {
                assert_eq!(ballots, counted);
                assert!(
                    (marked..=marked * COUNCIL_CHOICES).contains(&totals),
                    "{contest}"
                );
            }
            _ => {
                assert_eq!((ballots, overvotes), (in_west, 0));
                let most = marked * FUND_HIGHEST * FUND_CANDIDATES;
                assert!((marked..=most).contains(&totals), "{contest}");
            }
        }
        // The same figures, by candidate and by precinct.
        let candidates = named(&report["candidates"], "contest_id", id);
        assert_eq!(candidates.len(), list(&contest["choices"]).len());
        for (candidate, choice) in candidates.iter().zip(list(&contest["choices"])) {
            assert_eq!(candidate["candidate_id"], choice["candidate_id"]);
            assert_eq!(candidate["total_votes"], choice["total"]);
            let name = candidate["candidate_name"].as_str().unwrap();
            let cells = named(&report["candidate_locations"], "candidate_name", name);
            assert_eq!(total(&cells), number(candidate, "total_votes"), "{name}");
        }
        let cells = named(&report["candidate_locations"], "contest_id", id);
        assert_eq!(total(&cells), totals, "{id}");
    }
}

#[test]
fn every_contest_adds_up_and_all_that_count_agree() {
    let data = DataDir::new();
    let report = demo(&data, CITY_FILE.as_ref()).succeeds().json();
    assert_city_adds_up(&report);
    assert_eq!(number(&report, "counted"), 1_500);
    let precincts: Vec<_> = list(&report["locations"])
        .iter()
        .map(|it| &it["state"])
        .collect();
    assert_eq!(precincts, ["p1", "p2", "p3", "p4", "p5"]);
    for (contest, (method, seats)) in
        list(&report["contests"])
            .iter()
            .zip([("plurality", 1), ("vote-for", 3), ("score", 1)])
    {
        assert_eq!(contest["method"], method);
        assert_eq!(list(&contest["winners"]).len(), seats, "{contest}");
        assert!(number(contest, "undervotes") > 0, "{contest}");
        assert_eq!(
            number(contest, "overvotes") > 0,
            method != "score",
            "{contest}"
        );
        let totals: Vec<u64> = list(&contest["choices"])
            .iter()
            .map(|choice| number(choice, "total"))
            .collect();
        assert!(totals.is_sorted_by(|a, b| a >= b), "most first: {totals:?}");
    }

    let demo = without_elapsed(report);
    assert_same(&demo, &data.results(), "results");
    let recount = data.run(&["recount", "--json"]).succeeds().json();
    assert_same(&demo, &recount, "recount");
    let audit = data.run(&["audit", "--json"]).succeeds().json();
    assert_eq!(number(&audit, "records"), number(&demo, "cast"));
    assert_eq!(number(&audit, "counted"), number(&demo, "counted"));
    assert_eq!(number(&audit, "differences"), 0);

    let csv = data.run(&["results", "--csv"]).succeeds().stdout;
    let header = "contest_id,candidate_name,state,total_votes\n";
    assert!(csv.starts_with(header), "{csv}");
    let cells = list(&demo["candidate_locations"]).iter().map(|cell| {
        let text = |key: &str| cell[key].as_str().unwrap();
        let votes = number(cell, "total_votes");
        format!(
            "{},{},{},{votes}\n",
            text("contest_id"),
            text("candidate_name"),
            text("state")
        )
    });
    assert_eq!(csv, format!("{header}{}", cells.collect::<String>()));

    // The table has each contest, and each candidate.
    let table = data.run(&["results"]).succeeds().stdout;
    for (items, key) in [("contests", "title"), ("candidates", "candidate_name")] {
        for item in list(&demo[items]) {
            let name = item[key].as_str().unwrap();
            assert!(table.contains(name), "`{name}` is not in: {table}");
        }
    }
}

#[test]
fn the_export_has_every_contest() {
    let data = DataDir::new();
    let results = without_elapsed(demo(&data, CITY_FILE.as_ref()).succeeds().json());
    let report = data.run(&["export"]).succeeds().json();
    assert_eq!(published::problems(&report), [""; 0], "{report:#}");
    let contests = list(&report["Election"][0]["Contest"]);
    let text = |value: &Value| value["Text"][0]["Content"].as_str().unwrap().to_owned();
    let candidates: BTreeMap<&str, String> = list(&report["Election"][0]["Candidate"])
        .iter()
        .map(|it| (it["@id"].as_str().unwrap(), text(&it["BallotName"])))
        .collect();
    let units: BTreeMap<&str, String> = list(&report["GpUnit"])
        .iter()
        .map(|it| (it["@id"].as_str().unwrap(), text(&it["Name"])))
        .collect();
    assert_eq!(contests.len(), 3);
    for (contest, (title, variation, allowed, elected)) in contests.iter().zip([
        ("Mayor", "plurality", 1, 1),
        ("City council", "n-of-m", COUNCIL_CHOICES, 3),
        ("Neighbourhood fund", "range", FUND_HIGHEST, 1),
    ]) {
        assert_eq!(contest["Name"], title);
        assert_eq!(contest["VoteVariation"], variation);
        assert_eq!(contest["VotesAllowed"], allowed);
        assert_eq!(contest["NumberElected"], elected);
        for selection in list(&contest["ContestSelection"]) {
            let name = &candidates[selection["CandidateIds"][0].as_str().unwrap()];
            let cells = named(&results["candidate_locations"], "candidate_name", name);
            let in_results: BTreeMap<&str, u64> = cells
                .iter()
                .map(|cell| (cell["state"].as_str().unwrap(), number(cell, "total_votes")))
                .collect();
            let [whole, precincts @ ..] = list(&selection["VoteCounts"]) else {
                panic!("no counts: {selection}");
            };
            assert_eq!(number(whole, "Count"), total(&cells), "{name}");
            let exported: BTreeMap<&str, u64> = precincts
                .iter()
                .map(|at| {
                    (
                        &*units[at["GpUnitId"].as_str().unwrap()],
                        number(at, "Count"),
                    )
                })
                .filter(|(_, votes)| *votes > 0)
                .collect();
            assert_eq!(exported, in_results, "{name}");
        }
    }
}

#[test]
fn another_definition_is_another_election() {
    let data = DataDir::new();
    let first = without_elapsed(demo(&data, CITY_FILE.as_ref()).succeeds().json());
    let elsewhere = data.file("the-same.toml", CITY);
    let again = without_elapsed(demo(&data, &elsewhere).succeeds().json());
    assert_same(&first, &again, "the same definition in another file");

    let other = data.file("other.toml", CITY.replace("seats = 3", "seats = 2"));
    let refusals = ["another election", "definition", "--fresh"];
    demo(&data, &other).refused(2, &refusals);
    data.run(DEMO).refused(2, &refusals);
    assert_same(&first, &data.results(), "after the refusals");

    let tutorial = DataDir::new();
    tutorial.run(DEMO).succeeds();
    demo(&tutorial, CITY_FILE.as_ref()).refused(2, &refusals);
    let both = ["demo", "--definition", CITY_FILE, "--candidates", "4"];
    tutorial
        .run(&both)
        .refused(2, &["--candidates", "--definition"]);
}

#[test]
fn a_definition_that_cannot_be_used_is_refused_with_its_place() {
    let data = DataDir::new();
    let line_of = |text: &str| CITY.lines().position(|line| line.contains(text)).unwrap() + 1;
    for (from, to, problem) in [
        ("kind = \"plurality\"", "kind = \"lottery\"", "lottery"),
        ("seats = 3", "seats = -3", "-3"),
        ("seats = 3", "seat = 3", "seat"),
        ("title = \"Mayor\"", "title = \"Mayor", "string"),
    ] {
        let broken = CITY.replacen(from, to, 1);
        assert_ne!(broken, CITY);
        let file = data.file("broken.toml", broken);
        let place = format!("broken.toml:{}:", line_of(from));
        demo(&data, &file).refused(2, &[&place, problem]);
    }
    // What contradicts itself is named.
    for (from, to, place, problem) in [
        ("id = \"c2\"", "id = \"c1\"", "candidate `c1`", "twice"),
        (
            "[\"west\"]",
            "[\"east\"]",
            "contest `fund`",
            "no district `east`",
        ),
        (
            "\"/address/city\"",
            "\"address\"",
            "group `city`",
            "JSON pointer",
        ),
    ] {
        let file = data.file("broken.toml", CITY.replacen(from, to, 1));
        demo(&data, &file).refused(2, &["broken.toml: ", place, problem]);
    }
    let missing = data.path().with_file_name("missing.toml");
    demo(&data, &missing).refused(2, &["missing.toml"]);
    assert!(!data.path().exists(), "nothing is made");
}

/// The newest figures that were published on the topic `totals`.
async fn published_totals(data: &DataDir) -> Tally {
    let log = open_log(&data.path()).await;
    let mut cells: BTreeMap<CellPath, u64> = BTreeMap::new();
    let mut elections = BTreeSet::new();
    for record in read_topic(&log, topics::TOTALS).await.into_iter().flatten() {
        let changed: ChangedTotals = serde_json::from_slice(&record.value).unwrap();
        elections.insert(changed.election);
        for (path, votes) in changed.totals.cells() {
            let before = cells.insert(path, votes);
            assert!(before.is_none_or(|before| before < votes), "totals grow");
        }
    }
    assert_eq!(elections.len(), 1);
    Tally::from_cells(cells)
}

#[tokio::test]
async fn a_group_is_one_line_of_the_definition() {
    let data = DataDir::new();
    let line = "  { name = \"town\", path = \"/address/state\" },\n]";
    let file = data.file("towns.toml", CITY.replacen("\n]", &format!("\n{line}"), 1));
    let report = demo(&data, &file).succeeds().json();
    assert_city_adds_up(&report);
    let counted = number(&report, "counted");
    let totals = published_totals(&data).await;
    assert_eq!(totals.demand_balanced(), Ok(()));
    let groups: Vec<&String> = totals.turnout.keys().collect();
    assert_eq!(groups, ["age", "city", "precinct", "town"]);
    for group in groups {
        assert_eq!(
            totals.turnout_by(group).values().sum::<u64>(),
            counted,
            "{group}"
        );
        let by_mayor = totals.selections_by("mayor", group).values();
        assert_eq!(
            by_mayor.flat_map(BTreeMap::values).sum::<u64>(),
            counted,
            "{group}"
        );
    }
    let ages: BTreeSet<&str> = totals
        .turnout_by("age")
        .keys()
        .map(String::as_str)
        .collect();
    assert!(
        ages.is_subset(&["18-24", "25-34", "35-44", "45-54", "55-64", "65+"].into()),
        "{ages:?}"
    );

    // The same voters live in the same places, whatever they vote on.
    let tutorial = DataDir::new();
    let tutorial = tutorial.run(DEMO).succeeds().json();
    let locations: BTreeMap<String, u64> = list(&tutorial["locations"])
        .iter()
        .map(|at| {
            (
                at["state"].as_str().unwrap().to_owned(),
                number(at, "count"),
            )
        })
        .collect();
    assert_eq!(*totals.turnout_by("town"), locations);

    // The report says what was published.
    for precinct in list(&report["locations"]) {
        let votes = totals.turnout_by("precinct")[precinct["state"].as_str().unwrap()];
        assert_eq!(votes, number(precinct, "count"));
    }
    assert_eq!(
        totals.rejected.values().sum::<u64>(),
        rejected_total(&report)
    );
}

#[test]
fn where_nobody_has_voted_nobody_is_elected() {
    let empty = DataDir::new();
    let nobody = "demo --voters 1 --abstain 1 --once --json --port 0 --definition";
    let mut nobody: Vec<_> = nobody.split(' ').collect();
    nobody.push(CITY_FILE);
    let report = empty.run(&nobody).succeeds().json();
    for contest in list(&report["contests"]) {
        assert!(list(&contest["winners"]).is_empty(), "{contest}");
    }
}

#[test]
fn a_long_ballot_is_counted() {
    // Longer than the longest text that Fluvio passes to a SmartModule.
    let contests = (1..=10).map(|contest| {
        let candidates = (1..=60).map(|at| {
            format!(r#"{{"id": "c{contest}-{at}", "name": "Candidate {at} of contest {contest}"}}"#)
        });
        format!(
            r#"{{"id": "contest-{contest}", "title": "Contest {contest}", "method": {{"kind": "plurality"}},
                "candidates": [{}]}}"#,
            candidates.collect::<Vec<_>>().join(",")
        )
    });
    let definition = format!(
        r#"{{"election": {{"id": "long", "title": "A long ballot"}},
            "group": [{{"name": "age", "path": "/registered_age", "bands": [18, 65]}}], "contest": [{}]}}"#,
        contests.collect::<Vec<_>>().join(",")
    );
    assert!(definition.len() > usize::from(u16::MAX) / 2);
    let data = DataDir::new();
    let file = data.file("election.json", definition);
    let report = demo(&data, &file).succeeds().json();
    assert_eq!(number(&report, "counted"), 1_500);
    assert_eq!(report["accounted"], true);
    assert_eq!(list(&report["contests"]).len(), 10);
    for contest in list(&report["contests"]) {
        assert_eq!(number(contest, "ballots"), 1_500);
        assert_eq!(list(&contest["choices"]).len(), 60);
    }
}
