//! The `dashboard` program as a process: what it says, and how it ends.

use std::time::Duration;

use testing::{Running, closed_port, command, get, get_until, help, refused};

const DASHBOARD: &str = env!("CARGO_BIN_EXE_dashboard");

/// How long ending takes at most.
const PROMPT: Duration = Duration::from_secs(2);

#[test]
fn help_names_every_option_and_where_its_value_may_come_from() {
    let help = help(DASHBOARD, &[]);
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
}

#[test]
fn what_is_given_wrongly_is_told_with_exit_code_2() {
    let database = "postgresql://postgres@127.0.0.1/postgres";
    let told = refused(DASHBOARD, &["--cluster", "http://host:9003"]);
    assert!(told.contains("--cluster"), "{told}");

    let told = refused(DASHBOARD, &["--cluster", "127.0.0.1:1", "--port", "0"]);
    assert!(told.contains("--database-url"), "{told}");

    let told = refused(
        DASHBOARD,
        &["--database-url", database, "--manifest", "absent.toml"],
    );
    assert!(told.contains("absent.toml"), "{told}");

    // No cluster is named, and there is no profile.
    let told = refused(DASHBOARD, &["--database-url", database, "--port", "0"]);
    assert!(told.contains("--cluster"), "{told}");

    let url = "postgresql://ada:s3cret@/";
    let cluster = ["--cluster", "127.0.0.1:1", "--port", "0"];
    let told = refused(
        DASHBOARD,
        &[&cluster[..], &["--database-url", url]].concat(),
    );
    assert!(told.contains("database URL"), "{told}");
    assert!(!told.contains("s3cret"), "{told}");
}

#[test]
fn a_manifest_is_wrong_at_a_line() {
    let directory = tempfile::tempdir().unwrap();
    let manifest = directory.path().join("fluvio.toml");
    std::fs::write(manifest, "[cluster]\nport = 1\n").unwrap();
    let output = command(DASHBOARD, directory.path()).output().unwrap();
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
    let running = Running::start(DASHBOARD, &args);
    let serving = running.line("http://");
    let (_, address) = serving.split_once("http://").unwrap();
    let waiting = [running.line("waiting for"), running.line("waiting for")].join("\n");
    for part in [&cluster, &database, "Fluvio", "Postgres"] {
        assert!(waiting.contains(part), "{part} is not in:\n{waiting}");
    }
    assert!(!waiting.contains("s3cret"), "{waiting}");

    assert_eq!(get(address, "/healthz").unwrap().status, 200);
    // What `/readyz` shows is published a moment later.
    let told = get_until(address, "/readyz", |answer| {
        assert_eq!(answer.status, 503);
        answer.body.contains(&cluster) && answer.body.contains(&database)
    });
    assert!(!told.contains("s3cret"), "{told}");
    assert_eq!(get(address, "/").unwrap().status, 200);

    let ended = running.terminate();
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert!(ended.took < PROMPT, "{ended:?}");
}

#[test]
fn logs_can_be_json() {
    let cluster = closed_port().to_string();
    let database = format!("postgresql://postgres@{}/postgres", closed_port());
    let running = Running::start(
        DASHBOARD,
        &[
            "--port",
            "0",
            "--cluster",
            &cluster,
            "--database-url",
            &database,
            "--log",
            "json",
        ],
    );
    let line = running.line("waiting for");
    let line: serde_json::Value = serde_json::from_str(&line).unwrap();
    assert_eq!(line["level"], "WARN");
    assert!(line["message"].is_string());
    assert_eq!(running.terminate().code, Some(0));
}
