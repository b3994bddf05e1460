//! The `consumer` program as a process: what it says, and how it ends.

use std::time::Duration;

use testing::{Running, Terminated, closed_port, command, get_until, help, refused};

const CONSUMER: &str = env!("CARGO_BIN_EXE_consumer");
const DATABASE: &str = "postgresql://postgres@127.0.0.1/postgres";

/// How long ending takes at most.
const PROMPT: Duration = Duration::from_secs(2);

#[test]
fn its_help_names_every_option_and_where_its_value_may_come_from() {
    let help = help(CONSUMER, &[]);
    for part in [
        "Counts votes",
        "--name",
        "--once",
        "--manifest",
        "--cluster",
        "--database-url",
        "--log",
        "--health",
        "ELECTION_CONSUMER_NAME",
        "ELECTION_MANIFEST",
        "ELECTION_CLUSTER",
        "DATABASE_URL",
        "ELECTION_LOG",
        "ELECTION_HEALTH",
        "election consumer",
        "Exit codes",
    ] {
        assert!(help.contains(part), "{part} is not in:\n{help}");
    }
}

#[test]
fn what_is_given_wrongly_is_told_with_exit_code_2() {
    let told = refused(CONSUMER, &["--unknown"]);
    assert!(told.contains("--unknown"), "{told}");

    let told = refused(CONSUMER, &["--cluster", "http://host:9003"]);
    assert!(told.contains("--cluster"), "{told}");

    let told = refused(CONSUMER, &["--health", "9100"]);
    assert!(told.contains("--health"), "{told}");

    let told = refused(CONSUMER, &["--cluster", "127.0.0.1:1"]);
    assert!(told.contains("--database-url"), "{told}");
    assert!(told.contains("DATABASE_URL"), "{told}");

    let absent = ["--database-url", DATABASE, "--manifest", "absent.toml"];
    let told = refused(CONSUMER, &absent);
    assert!(told.contains("absent.toml"), "{told}");

    // No cluster is named, and there is no profile.
    let told = refused(CONSUMER, &["--database-url", DATABASE]);
    assert!(told.contains("--cluster"), "{told}");

    let url = "postgresql://ada:s3cret@/";
    let told = refused(
        CONSUMER,
        &["--cluster", "127.0.0.1:1", "--database-url", url],
    );
    assert!(told.contains("database URL"), "{told}");
    assert!(!told.contains("s3cret"), "{told}");
}

#[test]
fn a_manifest_is_wrong_at_a_line() {
    let directory = tempfile::tempdir().unwrap();
    let manifest = directory.path().join("fluvio.toml");
    std::fs::write(manifest, "[cluster]\nport = 1\n").unwrap();
    let output = command(CONSUMER, directory.path()).output().unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{stderr}");
    assert!(stderr.contains("fluvio.toml:2:1: "), "{stderr}");
}

#[test]
fn it_waits_for_cluster_and_database_says_so_and_ends_when_told_to() {
    let (health, cluster, database) = (closed_port(), closed_port(), closed_port());
    let url = format!("postgresql://ada:s3cret@{database}/votes");
    let running = Running::start(
        CONSUMER,
        &[
            "--cluster",
            &cluster.to_string(),
            "--database-url",
            &url,
            "--health",
            &health.to_string(),
        ],
    );
    let waiting = [running.line("waiting for"), running.line("waiting for")].join("\n");
    let healthz = get_until(health, "/healthz", |answer| {
        answer.status == 503
            && answer.body.contains(&cluster.to_string())
            && answer.body.contains(&database.to_string())
    });
    for told in [&waiting, &healthz] {
        for part in [&cluster.to_string(), &database.to_string()] {
            assert!(told.contains(part), "{part} is not in:\n{told}");
        }
        for part in ["Fluvio", "Postgres", "cannot be reached"] {
            assert!(told.contains(part), "{part} is not in:\n{told}");
        }
        assert!(!told.contains("s3cret"), "{told}");
    }
    get_until(health, "/metrics", |answer| {
        answer.status == 200 && answer.body.contains("election_consumer_problems")
    });

    let Terminated { code, took, said } = running.terminate();
    assert_eq!(code, Some(0), "{said}");
    assert!(took < PROMPT, "{took:?}");
    assert!(!said.contains("error"), "{said}");
}

#[test]
fn logs_can_be_json() {
    let cluster = closed_port().to_string();
    let database = format!("postgresql://postgres@{}/postgres", closed_port());
    let args = ["--cluster", &cluster, "--database-url", &database];
    let running = Running::start(CONSUMER, &[&args[..], &["--log", "json"]].concat());
    let line = running.line("waiting for");
    let line: serde_json::Value = serde_json::from_str(&line).unwrap();
    assert_eq!(line["level"], "WARN");
    assert!(line["message"].is_string());
    assert_eq!(running.terminate().code, Some(0));
}
