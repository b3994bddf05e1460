//! The `dashboard` program as a process: what it says, and how it ends.

mod support;

use std::process::Output;
use std::time::Duration;

use support::{Running, closed_port, dashboard, get, get_until};

/// How long ending takes at most.
const PROMPT: Duration = Duration::from_secs(2);

fn run(args: &[&str]) -> Output {
    let directory = tempfile::tempdir().unwrap();
    dashboard(&directory).args(args).output().unwrap()
}

/// What it says when it ends by itself, for wrong usage.
#[track_caller]
fn refused(args: &[&str]) -> String {
    let output = run(args);
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{stderr}");
    assert!(output.stdout.is_empty(), "{:?}", output.stdout);
    stderr
}

#[test]
fn help_names_every_option_and_where_its_value_may_come_from() {
    let output = run(&["--help"]);
    assert!(output.status.success());
    let help = String::from_utf8(output.stdout).unwrap();
    for part in [
        "--port",
        "--bind",
        "--manifest",
        "--cluster",
        "--database-url",
        "--log",
        "ELECTION_CLUSTER",
        "ELECTION_MANIFEST",
        "ELECTION_LOG",
        "DATABASE_URL",
        "Exit codes",
        "Examples",
    ] {
        assert!(help.contains(part), "{part} is not in:\n{help}");
    }
    assert!(help.lines().all(|line| line.len() <= 105), "{help}");
}

#[test]
fn what_is_given_wrongly_is_told_with_exit_code_2() {
    let database = "postgresql://postgres@127.0.0.1/postgres";
    let told = refused(&["--cluster", "http://host:9003"]);
    assert!(told.contains("--cluster"), "{told}");

    let told = refused(&["--cluster", "127.0.0.1:1", "--port", "0"]);
    assert!(told.contains("--database-url"), "{told}");

    let told = refused(&["--database-url", database, "--manifest", "absent.toml"]);
    assert!(told.contains("absent.toml"), "{told}");

    // No cluster is named, and there is no profile.
    let told = refused(&["--database-url", database, "--port", "0"]);
    assert!(told.contains("--cluster"), "{told}");

    let url = "postgresql://ada:s3cret@/";
    let cluster = ["--cluster", "127.0.0.1:1", "--port", "0"];
    let told = refused(&[&cluster[..], &["--database-url", url]].concat());
    assert!(told.contains("database URL"), "{told}");
    assert!(!told.contains("s3cret"), "{told}");
}

#[test]
fn a_manifest_is_wrong_at_a_line() {
    let directory = tempfile::tempdir().unwrap();
    let manifest = directory.path().join("fluvio.toml");
    std::fs::write(manifest, "[cluster]\nport = 1\n").unwrap();
    let output = dashboard(&directory).output().unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{stderr}");
    assert!(stderr.contains("fluvio.toml:2:1: "), "{stderr}");
}

#[test]
fn it_is_up_while_it_waits_says_what_for_and_ends_when_told_to() {
    let cluster = closed_port().to_string();
    let database = closed_port().to_string();
    let url = format!("postgresql://ada:s3cret@{database}/votes");
    let args = ["--port", "0", "--cluster", &cluster, "--database-url", &url];
    let running = Running::start(&args);
    let serving = running.line("http://");
    let (_, address) = serving.split_once("http://").unwrap();
    let waiting = [running.line("waiting for"), running.line("waiting for")].join("\n");
    for part in [&cluster, &database, "Fluvio", "Postgres"] {
        assert!(waiting.contains(part), "{part} is not in:\n{waiting}");
    }
    assert!(!waiting.contains("s3cret"), "{waiting}");

    let (status, _) = get(address, "/healthz");
    assert!(status.contains("200"), "{status}");
    // What `/readyz` shows is published a moment later.
    let told = get_until(address, "/readyz", |status, told| {
        assert!(status.contains("503"), "{status}");
        told.contains(&cluster) && told.contains(&database)
    });
    assert!(!told.contains("s3cret"), "{told}");
    let (status, _) = get(address, "/");
    assert!(status.contains("200"), "{status}");

    let (code, took) = running.terminate();
    assert_eq!(code, Some(0));
    assert!(took < PROMPT, "{took:?}");
}

#[test]
fn logs_can_be_json() {
    let cluster = closed_port().to_string();
    let database = format!("postgresql://postgres@{}/postgres", closed_port());
    let running = Running::start(&[
        "--port",
        "0",
        "--cluster",
        &cluster,
        "--database-url",
        &database,
        "--log",
        "json",
    ]);
    let line = running.line("waiting for");
    let line: serde_json::Value = serde_json::from_str(&line).unwrap();
    assert_eq!(line["level"], "WARN");
    assert!(line["message"].is_string());
    assert_eq!(running.terminate().0, Some(0));
}
