//! The demo's steps one by one: `election producer init|voters|votes`, `election consumer --once`.

use std::collections::BTreeMap;

use crate::support::{
    DataDir, assert_adds_up, assert_same, number, open_log, read_topic, sum, without_elapsed,
};
use serde_json::{Value, json};

const INIT: &[&str] = &[
    "producer",
    "init",
    "--seed",
    "11",
    "--candidates",
    "4",
    "--partitions",
    "3",
];
const VOTES: &[&str] = &[
    "producer",
    "votes",
    "--duplicates",
    "0.1",
    "--invalid",
    "0.1",
];
const CONSUME: &[&str] = &["consumer", "--once"];

/// `demo` with the options of [`INIT`] and [`VOTES`], and these.
fn demo<'a>(voters: &[&'a str]) -> Vec<&'a str> {
    [
        &["demo"],
        &INIT[2..],
        &VOTES[2..],
        voters,
        &["--once", "--json", "--port", "0"],
    ]
    .concat()
}

#[test]
fn the_steps_give_the_same_numbers_as_the_demo() {
    let [steps, all_at_once] = [DataDir::new(), DataDir::new()];
    let made = steps.run(INIT).succeeds().stdout;
    assert!(made.contains("4 candidates stand"), "{made}");
    let voters = ["producer", "voters", "--voters", "500"];
    let registered = steps.run(&voters).succeeds().stdout;
    assert!(registered.contains("500 voters registered"), "{registered}");
    steps.run(VOTES).succeeds();

    let before = steps.results();
    assert_eq!(
        before["accounted"], false,
        "nothing is counted before the consumer"
    );
    assert_eq!(number(&before, "counted"), 0);
    let cast = number(&before, "cast");
    assert!(cast > 500, "{cast}");

    steps.run(CONSUME).succeeds();
    let results = steps.results();
    assert_adds_up(&results);
    let demo = all_at_once.run(&demo(&["--voters", "500"])).succeeds();
    assert_same(
        &results,
        &without_elapsed(demo.json()),
        "the steps against the demo",
    );
    steps.run(&["audit"]).succeeds();

    for step in [INIT, &voters, VOTES, CONSUME] {
        steps.run(step).succeeds();
    }
    assert_same(&results, &steps.results(), "every step taken again");
}

#[test]
fn a_step_before_its_time_says_which_one_comes_first() {
    let data = DataDir::new();
    for step in [&["producer", "voters"][..], VOTES] {
        data.run(step)
            .refused(2, &["no election is set up", "election producer init"]);
    }
    data.run(INIT).succeeds();
    data.run(VOTES)
        .refused(1, &["`voters` is empty", "election producer voters"]);
    data.run(&["producer", "init", "--seed", "12"])
        .refused(2, &["another election", "--fresh"]);
    data.run(CONSUME).succeeds();
    assert_eq!(number(&data.results(), "cast"), 0);
}

/// Voters of three locations; one of them is not said.
const ROLL: &[(&str, &str, &str)] = &[
    ("00112233-4455-6677-8899-aabbccddeeff", "Fife", "44"),
    ("v-1", "Fife", "18"),
    ("v \"2\", jr.", "Ynys Môn", ""),
    ("選民-3", "Ynys Môn", "99"),
    ("v-4", "", "30"),
];

fn csv_roll() -> String {
    let mut roll = String::from("state,VOTER_ID,registered_age,shoe size\n");
    for (id, state, age) in ROLL {
        roll += &format!("{state},\"{}\",{age},5\n", id.replace('"', "\"\""));
    }
    roll
}

fn jsonl_roll() -> String {
    ROLL.iter()
        .map(|(id, state, age)| {
            let mut voter = json!({ "voter_id": id, "address": { "state": state } });
            if let Ok(age) = age.parse::<u8>() {
                voter["registered_age"] = age.into();
            }
            format!("{voter}\n")
        })
        .collect()
}

/// Runs the steps with a roll.
fn hold_with_roll(data: &DataDir, name: &str, contents: &str) -> Value {
    let file = data.file(name, contents);
    data.run(&INIT[..4]).succeeds();
    let registered = data
        .run(&[
            "producer",
            "voters",
            "--voters-file",
            file.to_str().unwrap(),
        ])
        .succeeds()
        .stdout;
    assert!(registered.contains("5 voters registered"), "{registered}");
    data.run(&["producer", "votes", "--duplicates", "1", "--invalid", "1"])
        .succeeds();
    data.run(CONSUME).succeeds();
    let results = data.results();
    data.run(&["audit"]).succeeds();
    results
}

#[test]
fn everybody_on_a_real_roll_votes_once_whatever_its_format() {
    let [of_csv, of_json] = [DataDir::new(), DataDir::new()];
    let results = hold_with_roll(&of_csv, "roll.csv", &csv_roll());
    assert_adds_up(&results);
    assert_eq!(number(&results, "voters"), 5);
    assert_eq!(number(&results, "counted"), 5);
    assert_eq!(
        number(&results, "cast"),
        15,
        "a vote, a second and an invalid one each"
    );
    let by_location: BTreeMap<&str, u64> = results["locations"]
        .as_array()
        .unwrap()
        .iter()
        .map(|location| {
            (
                location["state"].as_str().unwrap(),
                number(location, "count"),
            )
        })
        .collect();
    let expected = [("Fife", 2), ("Ynys Môn", 2), ("unknown", 1)];
    assert_eq!(by_location, expected.into());
    let again = hold_with_roll(&of_json, "roll.jsonl", &jsonl_roll());
    assert_same(&results, &again, "the same roll as JSON lines");
}

#[test]
fn the_demo_takes_a_roll_too() {
    let data = DataDir::new();
    let file = data.file("roll.ndjson", jsonl_roll());
    let options = demo(&["--voters-file", file.to_str().unwrap()]);
    let report = data.run(&options).succeeds().json();
    assert_adds_up(&report);
    assert_eq!(sum(&report["candidates"], "total_votes"), 5);
    let again = data.run(&options).succeeds().json();
    assert_same(
        &without_elapsed(report),
        &without_elapsed(again),
        "run again",
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn of_a_wrong_roll_nobody_is_registered() {
    let data = DataDir::new();
    data.run(INIT).succeeds();
    let good = csv_roll();
    let wrong: [(&str, Vec<u8>, &[&str]); 8] = [
        (
            "age.csv",
            good.replace(",18,", ",young,").into(),
            &["line 3", "registered_age `young`"],
        ),
        (
            "twice.csv",
            good.replace("v-4", "v-1").into(),
            &["line 6", "`v-1` is already on line 3"],
        ),
        (
            "short.csv",
            good.replace("Fife,\"v-1\",18,5", "Fife,\"v-1\"").into(),
            &["line 3", "2 columns, where the header has 4"],
        ),
        (
            "nameless.csv",
            good.replace("VOTER_ID", "id").into(),
            &["line 1", "no column `voter_id`"],
        ),
        (
            "encoding.csv",
            [good.as_bytes(), b"Fife,\xff,1,5\n"].concat(),
            &["line 7", "not UTF-8"],
        ),
        (
            "broken.jsonl",
            format!("{}{{\"voter_id\":\n", jsonl_roll()).into(),
            &["line 6", "not a voter"],
        ),
        ("empty.jsonl", Vec::new(), &["no voter"]),
        ("roll.txt", good.clone().into(), &[".csv", ".jsonl"]),
    ];
    for (name, contents, parts) in wrong {
        let file = data.file(name, contents);
        let file = file.to_str().unwrap();
        let run = data.run(&["producer", "voters", "--voters-file", file]);
        let run = run.refused(2, parts);
        assert!(run.stderr.contains(file), "{}", run.stderr);
        // The demo refuses it before it makes anything.
        let untouched = DataDir::new();
        untouched
            .run(&demo(&["--voters-file", file]))
            .refused(2, parts);
        assert!(!untouched.path().exists());
    }
    let absent = ["producer", "voters", "--voters-file", "absent.csv"];
    data.run(&absent).refused(2, &["absent.csv"]);

    let log = open_log(&data.path()).await;
    let voters = read_topic(&log, "voters").await;
    log.close().await.unwrap();
    assert_eq!(voters, vec![vec![]; 3]);
}
