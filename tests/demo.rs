//! `election demo`, and what shows its outcome: results, audit, recount, doctor.

use std::collections::BTreeSet;

use crate::support::{
    DataDir, PUBLIC_URL_VARIABLE, Process, Run, assert_adds_up, assert_same, keys, number,
    rejected_total, sum, without_elapsed,
};
use ballot::Reason;
use serde_json::Value;

const VOTERS: u64 = 3_000;

/// Options with which every reason to reject a vote occurs.
const DEMO: &[&str] = &[
    "demo",
    "--voters",
    "3000",
    "--invalid",
    "0.2",
    "--duplicates",
    "0.2",
    "--once",
    "--json",
    "--port",
    "0",
];

/// A small election, for what does not depend on its size.
const SMALL: &[&str] = &["demo", "--voters", "300", "--once", "--json", "--port", "0"];

fn with<'a>(options: &[&'a str], more: &[&'a str]) -> Vec<&'a str> {
    [options, more].concat()
}

#[test]
fn every_vote_of_the_demo_is_accounted_for() {
    let data = DataDir::new();
    let report = data.run(DEMO).succeeds().json();
    assert_adds_up(&report);
    assert_eq!(number(&report, "voters"), VOTERS);
    assert_eq!(number(&report, "counted"), VOTERS);
    // Credentials are not asked for, and our client writes into no wrong partition.
    let absent = [Reason::BadCredential, Reason::WrongPartition];
    let occurring = |reason: &Reason| !absent.contains(reason);
    for reason in Reason::ALL.into_iter().filter(occurring) {
        let votes = &report["rejected"][reason.as_str()];
        assert!(votes.as_u64().is_some_and(|votes| votes > 0), "{reason}");
    }
    assert_eq!(
        report["rejected"].as_object().unwrap().len(),
        Reason::ALL.len() - absent.len()
    );
    assert!(report["elapsed_s"].as_f64().unwrap() > 0.0);
}

#[test]
fn a_first_run_in_which_all_is_well_warns_of_nothing() {
    let with_ballots: &[&str] = &["--require-credentials", "--accept-votes", "--port", "0"];
    for more in [&[][..], with_ballots] {
        let data = DataDir::new();
        let args = with(&["demo", "--voters", "300", "--once"], more);
        let said = data.run(&args).succeeds().stderr;
        let is_warning = |line: &&str| line.contains("WARN") || line.contains("ERROR");
        let warnings: Vec<_> = said.lines().filter(is_warning).collect();
        assert!(warnings.is_empty(), "{args:?}: {warnings:#?}");
    }
}

#[test]
fn photos_are_where_the_dashboard_is_unless_somebody_says_otherwise() {
    let data = DataDir::new();
    let run = |more: &[&str]| {
        let demo = ["demo", "--voters", "20", "--once", "--json"];
        let mut command = data.command(&with(&demo, more));
        command.env_remove(PUBLIC_URL_VARIABLE);
        Process::spawn(command).wait().succeeds()
    };
    #[track_caller]
    fn assert_photos_at(url: &str, run: &Run) {
        for candidate in run.json()["candidates"].as_array().unwrap() {
            let id = candidate["candidate_id"].as_str().unwrap();
            let photo = format!("{url}/portraits/{id}.svg");
            assert_eq!(candidate["photo_url"], photo);
        }
    }
    assert_photos_at("http://127.0.0.1:8080", &run(&[]));
    // The same election, and its dashboard is found elsewhere from now on.
    let elsewhere = ["--public-url", "https://e.example/city/"];
    assert_photos_at("https://e.example/city", &run(&elsewhere));
    let with_dashboard = run(&["--port", "0"]);
    let mut lines = with_dashboard.stderr.lines();
    let url = lines.find_map(|line| line.strip_prefix("Dashboard: "));
    assert_photos_at(url.unwrap(), &with_dashboard);
    let refused = ["demo", "--public-url", "e.example"];
    data.run(&refused).refused(2, &["https://election.example"]);
}

#[test]
fn the_object_has_the_promised_keys_and_no_others() {
    let data = DataDir::new();
    let report = data.run(SMALL).succeeds().json();
    let promised = [
        "accounted",
        "candidate_locations",
        "candidates",
        "cast",
        "contests",
        "counted",
        "elapsed_s",
        "locations",
        "rejected",
        "rows_in_postgres",
        "voters",
    ];
    assert_eq!(
        keys(report.as_object().unwrap()),
        BTreeSet::from(promised),
        "the report"
    );
    for (list, promised) in [
        (
            "candidates",
            &[
                "candidate_id",
                "candidate_name",
                "party_affiliation",
                "photo_url",
                "total_votes",
            ][..],
        ),
        ("locations", &["count", "state"]),
        (
            "candidate_locations",
            &["candidate_name", "state", "total_votes"],
        ),
        (
            "contests",
            &[
                "ballots",
                "choices",
                "id",
                "method",
                "overvotes",
                "title",
                "undervotes",
                "winners",
            ],
        ),
    ] {
        let items = report[list].as_array().unwrap();
        assert!(!items.is_empty(), "{list}");
        for item in items {
            let found = keys(item.as_object().unwrap());
            assert_eq!(found, promised.iter().copied().collect(), "{list}");
        }
    }
    let choices = report["contests"][0]["choices"].as_array().unwrap();
    for choice in choices {
        let found = keys(choice.as_object().unwrap());
        assert_eq!(found, BTreeSet::from(["candidate_id", "total"]));
    }
    let totals: Vec<u64> = report["candidates"]
        .as_array()
        .unwrap()
        .iter()
        .map(|candidate| number(candidate, "total_votes"))
        .collect();
    assert_eq!(totals.len(), 3);
    assert!(totals.is_sorted_by(|a, b| a >= b), "most first: {totals:?}");
}

#[test]
fn a_tie_is_told_and_nobody_has_won() {
    let data = DataDir::new();
    let results = data.file(
        "results.csv",
        "state,candidate,party,votes\nFife,Ada,P,7\nKent,Bo,Q,7\nKent,Cy,Q,3\n",
    );
    let replay = ["demo", "--results", results.to_str().unwrap()];
    let report = data.run(&with(&replay, &["--once", "--json", "--port", "0"]));
    let report = report.succeeds().json();
    let contest = &report["contests"][0];
    assert_eq!(contest["winners"], serde_json::json!([]));
    let tied: Vec<&Value> = contest["tied"].as_array().unwrap().iter().collect();
    let first_two: Vec<&Value> = report["candidates"].as_array().unwrap()[..2]
        .iter()
        .map(|candidate| &candidate["candidate_id"])
        .collect();
    assert_eq!(tied, first_two);
}

#[test]
fn the_same_seed_gives_the_same_numbers_and_another_seed_gives_others() {
    let [one, other, third] = [DataDir::new(), DataDir::new(), DataDir::new()];
    let first = without_elapsed(one.run(SMALL).succeeds().json());
    let again = without_elapsed(other.run(SMALL).succeeds().json());
    assert_same(&first, &again, "the same seed");
    let seeded = with(SMALL, &["--seed", "43"]);
    let another = without_elapsed(third.run(&seeded).succeeds().json());
    assert_ne!(first["candidates"], another["candidates"]);
    assert_ne!(first["locations"], another["locations"]);
}

#[test]
fn running_it_again_changes_nothing_and_other_options_are_refused_until_fresh() {
    let data = DataDir::new();
    let first = without_elapsed(data.run(SMALL).succeeds().json());
    let again = without_elapsed(data.run(SMALL).succeeds().json());
    assert_same(&first, &again, "run again");

    for other in [
        ["--seed", "7"],
        ["--candidates", "4"],
        ["--partitions", "3"],
        ["--duplicates", "0.5"],
        ["--invalid", "0.5"],
    ] {
        data.run(&with(SMALL, &other))
            .refused(2, &["another election", "--fresh", "--data-dir"]);
    }
    let more_voters: Vec<&str> = SMALL
        .iter()
        .map(|&arg| if arg == "300" { "400" } else { arg })
        .collect();
    data.run(&more_voters).refused(2, &["--fresh"]);
    assert_same(&first, &data.results(), "after the refusals");

    let fresh = data.run(&with(&more_voters, &["--fresh", "--seed", "7"]));
    let fresh = without_elapsed(fresh.succeeds().json());
    assert_adds_up(&fresh);
    assert_eq!(number(&fresh, "counted"), 400);
    assert_ne!(first["candidates"], fresh["candidates"]);
    assert_same(
        &fresh,
        &data.results(),
        "the fresh election is the only one",
    );
    data.run(&["audit"]).succeeds();
}

#[test]
fn results_audit_recount_and_doctor_agree_with_the_demo() {
    let data = DataDir::new();
    let demo = without_elapsed(data.run(DEMO).succeeds().json());
    assert_same(&demo, &data.results(), "results");
    let recount = data.run(&["recount", "--json"]).succeeds().json();
    assert_same(&demo, &recount, "recount");

    let run = data.run(&["results", "--csv"]).succeeds();
    let mut csv = csv::Reader::from_reader(run.stdout.as_bytes());
    assert_eq!(
        csv.headers().unwrap(),
        vec!["candidate_name", "state", "total_votes"]
    );
    let cells: Vec<Value> = csv
        .records()
        .map(|record| {
            let record = record.unwrap();
            serde_json::json!({
                "candidate_name": record[0],
                "state": record[1],
                "total_votes": record[2].parse::<u64>().unwrap(),
            })
        })
        .collect();
    assert_eq!(Value::from(cells), demo["candidate_locations"]);

    let audit = data.run(&["audit", "--json"]).succeeds().json();
    assert_eq!(number(&audit, "records"), number(&demo, "cast"));
    assert_eq!(number(&audit, "counted"), number(&demo, "counted"));
    assert_eq!(number(&audit, "rejected"), rejected_total(&demo));
    assert_eq!(number(&audit, "differences"), 0);
    let words = data.run(&["audit"]).succeeds().stdout;
    assert!(words.contains("agree on every one"), "{words}");

    let doctor = data.run(&["doctor"]).succeeds().stdout;
    let cast = format!("{} votes in 2 partitions", demo["cast"]);
    for part in ["wasmtime", "vote-tally", &cast] {
        assert!(doctor.contains(part), "`{part}` is not in: {doctor}");
    }
}

#[test]
fn the_table_names_every_candidate_and_says_that_every_vote_is_accounted_for() {
    let data = DataDir::new();
    let table: Vec<&str> = SMALL
        .iter()
        .copied()
        .filter(|&arg| arg != "--json")
        .collect();
    let shown = [
        data.run(&table).succeeds().stdout,
        data.run(&["results"]).succeeds().stdout,
        data.run(&["recount"]).succeeds().stdout,
    ];
    let report = data.results();
    for stdout in &shown {
        for candidate in report["candidates"].as_array().unwrap() {
            for field in ["candidate_name", "party_affiliation"] {
                let text = candidate[field].as_str().unwrap();
                assert!(stdout.contains(text), "`{text}` is not in: {stdout}");
            }
        }
        assert!(stdout.contains("Every vote accounted for"), "{stdout}");
        assert!(stdout.contains("300 counted"), "{stdout}");
    }
}

#[test]
fn each_voter_votes_once_whatever_the_number_of_candidates_and_partitions() {
    let data = DataDir::new();
    let options = with(SMALL, &["--candidates", "7", "--partitions", "5"]);
    let report = data.run(&options).succeeds().json();
    assert_adds_up(&report);
    assert_eq!(report["candidates"].as_array().unwrap().len(), 7);
    assert_eq!(sum(&report["candidates"], "total_votes"), 300);
    data.run(&["audit"]).succeeds();
}

#[test]
fn an_election_has_one_process_at_a_time_and_ends_in_order_on_sigterm() {
    let data = DataDir::new();
    let stays: Vec<&str> = SMALL
        .iter()
        .copied()
        .filter(|&arg| arg != "--once")
        .collect();
    let mut first = data.start(&stays);
    first.wait_for_stderr("stays up");
    let directory = data.path();
    for second in [
        &["results"][..],
        &["audit"],
        &["consumer", "--once"],
        &["demo", "--once", "--fresh", "--port", "0"],
    ] {
        data.run(second).refused(
            1,
            &[
                "in use by another `election` process",
                &directory.display().to_string(),
            ],
        );
    }
    first.terminate();
    let report = without_elapsed(first.wait().succeeds().json());
    assert_same(&report, &data.results(), "after it has ended");
}

#[test]
fn what_is_not_there_is_said_with_the_way_out() {
    let data = DataDir::new();
    for command in [
        &["results"][..],
        &["audit"],
        &["recount"],
        &["consumer", "--once"],
    ] {
        data.run(command)
            .refused(2, &["no election", "election demo"]);
    }
    let doctor = data.run(&["doctor"]).succeeds().stdout;
    assert!(doctor.contains("is not there yet"), "{doctor}");
    assert!(!data.path().exists(), "asking makes nothing");
}
