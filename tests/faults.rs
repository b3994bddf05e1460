//! Failures at named points (crates/faults): killed there, or failed there, the election comes out as it
//! would have.

use std::collections::BTreeSet;
use std::process::Command;

use crate::support::{
    DataDir, Process, Run, assert_adds_up, assert_same, number, open_log, read_topic,
    rejected_total, small_demo, without_elapsed,
};
use serde_json::Value;
use wire::topics;

/// Slow enough that a fault comes in the middle.
fn demo() -> Vec<&'static str> {
    [&small_demo("500")[..], &["--rate", "2000"]].concat()
}

/// Every point of an election in one process, and at which of its passings something happens: at one that
/// comes after there is something to lose.
const POINTS: [(&str, u32); 11] = [
    ("log/append", 25),
    ("log/appended", 25),
    ("log/read", 25),
    ("store/copy", 8),
    ("store/copying", 600),
    ("store/commit", 8),
    ("store/committed", 8),
    ("consumer/reject", 4),
    ("consumer/checkpoint", 0),
    ("consumer/delta", 10),
    ("consumer/counted", 10),
];

/// Those where work is begun again after a failure that passes. Chaos (`tests/chaos`) draws from the same.
const BEGUN_AGAIN: [&str; 8] = [
    "store/copy",
    "store/copying",
    "store/commit",
    "store/committed",
    "consumer/reject",
    "consumer/checkpoint",
    "consumer/delta",
    "consumer/counted",
];

fn undisturbed() -> Value {
    let report = without_elapsed(DataDir::new().run(&demo()).succeeds().json());
    assert_adds_up(&report);
    report
}

fn run_with(data: &DataDir, points: &str) -> Run {
    let mut command = data.command(&demo());
    command.env("FAILPOINTS", points);
    Process::spawn(command).wait()
}

/// Asserts that each vote that is rejected is published, at least once.
async fn assert_rejections_published(data: &DataDir, report: &Value, point: &str) {
    let log = open_log(&data.path()).await;
    let mut published = BTreeSet::new();
    for record in read_topic(&log, topics::REJECTED_VOTES).await.concat() {
        let rejected: Value = serde_json::from_slice(&record.value).unwrap();
        published.insert((number(&rejected, "partition"), number(&rejected, "offset")));
    }
    log.close().await.unwrap();
    assert_eq!(published.len() as u64, rejected_total(report), "{point}");
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_at_any_point_it_goes_on_with_the_same_numbers() {
    let expected = undisturbed();
    for (point, passed) in POINTS {
        let data = DataDir::new();
        let killed = run_with(&data, &format!("{point}={passed}*off->return(kill)"));
        assert_eq!(killed.code(), None, "{point} was not come to");
        let report = without_elapsed(data.run(&demo()).succeeds().json());
        assert_same(&expected, &report, point);
        data.run(&["audit"]).succeeds();
        assert_rejections_published(&data, &report, point).await;
    }
}

#[test]
fn what_fails_and_passes_is_begun_again_by_itself() {
    let expected = undisturbed();
    for (point, passed) in POINTS {
        if !BEGUN_AGAIN.contains(&point) {
            continue;
        }
        let data = DataDir::new();
        let run = run_with(&data, &format!("{point}={passed}*off->2*return(passes)"));
        let report = without_elapsed(run.succeeds().json());
        assert_same(&expected, &report, point);
        data.run(&["audit"]).succeeds();
    }
}

#[test]
fn a_log_that_cannot_be_written_or_read_is_named_and_loses_nothing() {
    let expected = undisturbed();
    for point in ["log/append", "log/appended", "log/read"] {
        let data = DataDir::new();
        let problem = "Input/output error (os error 5)";
        run_with(&data, &format!("{point}=25*off->return({problem})"))
            .refused(1, &["the log at ", problem]);
        let report = without_elapsed(data.run(&demo()).succeeds().json());
        assert_same(&expected, &report, point);
        data.run(&["audit"]).succeeds();
    }
}

#[test]
fn a_database_that_fails_for_good_is_named_and_loses_nothing() {
    let expected = undisturbed();
    let data = DataDir::new();
    run_with(
        &data,
        "store/commit=10*off->return(invalid page in block 7)",
    )
    .refused(
        1,
        &["the database failed to commit: invalid page in block 7"],
    );
    let report = without_elapsed(data.run(&demo()).succeeds().json());
    assert_same(&expected, &report, "store/commit");
    data.run(&["audit"]).succeeds();
}

/// What is built for use has no points.
#[test]
fn an_ordinary_build_has_no_points() {
    let tree = |edges: &str| {
        let tree = Command::new(env!("CARGO"))
            .args(["tree", "--offline", "--workspace", "--invert", "fail"])
            .args(["--edges", edges])
            .current_dir(env!("CARGO_MANIFEST_DIR"))
            .output()
            .unwrap();
        assert!(
            tree.status.success(),
            "{}",
            String::from_utf8_lossy(&tree.stderr)
        );
        String::from_utf8(tree.stdout).unwrap()
    };
    assert!(tree("features").contains("failpoints"), "tests have them");
    let built = tree("normal,features");
    assert!(built.contains("election-faults"), "{built}");
    assert!(!built.contains("failpoints"), "{built}");
}
