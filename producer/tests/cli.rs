//! The `producer` program as a process: what it says, and how it ends.

use std::time::Duration;

use testing::{Running, Terminated, closed_port, command, get_until, help, refused};

const PRODUCER: &str = env!("CARGO_BIN_EXE_producer");
const DATABASE: &str = "postgresql://postgres@127.0.0.1/postgres";

/// How long ending takes at most.
const PROMPT: Duration = Duration::from_secs(2);

/// The steps, each with the options of its own.
const STEPS: [(&str, &[&str]); 3] = [
    (
        "init",
        &[
            "--candidates",
            "--seed",
            "--partitions",
            "--polls-open",
            "--polls-close",
        ],
    ),
    ("voters", &["--voters", "--voters-file"]),
    ("votes", &["--rate", "--duplicates", "--invalid"]),
];

#[test]
fn its_help_names_the_steps_and_their_options() {
    let general = help(PRODUCER, &[]);
    for part in ["Examples", "Exit codes", "election producer init"] {
        assert!(general.contains(part), "{part} is not in:\n{general}");
    }
    for (step, options) in STEPS {
        assert!(general.contains(step), "{step} is not in:\n{general}");
        let help = help(PRODUCER, &[step]);
        let shared = [
            "--manifest",
            "--cluster",
            "--database-url",
            "--log",
            "--health",
            "ELECTION_MANIFEST",
            "ELECTION_CLUSTER",
            "DATABASE_URL",
            "ELECTION_LOG",
            "ELECTION_HEALTH",
        ];
        for part in options.iter().chain(&shared) {
            assert!(help.contains(part), "{part} is not in:\n{help}");
        }
    }
}

#[test]
fn what_is_given_wrongly_is_told_with_exit_code_2() {
    for (args, part) in [
        (&["count"][..], "'count'"),
        (&["init", "--candidates", "0"], "--candidates"),
        (&["init", "--polls-open", "noon"], "2024-07-04 07:00:00"),
        (&["voters", "--voters", "many"], "--voters"),
        (&["votes", "--invalid", "1.5"], "a share from 0 to 1"),
        (&["votes", "--cluster", "http://host:9003"], "--cluster"),
        (&["votes", "--health", "9100"], "--health"),
    ] {
        let told = refused(PRODUCER, args);
        assert!(told.contains(part), "`{part}` is not in: {told}");
    }

    for (step, _) in STEPS {
        let told = refused(PRODUCER, &[step, "--cluster", "127.0.0.1:1"]);
        assert!(told.contains("--database-url"), "{step}: {told}");
        assert!(told.contains("DATABASE_URL"), "{step}: {told}");

        let told = refused(PRODUCER, &[step, "--manifest", "absent.toml"]);
        assert!(told.contains("absent.toml"), "{step}: {told}");

        // No cluster is named, and there is no profile.
        let told = refused(PRODUCER, &[step, "--database-url", DATABASE]);
        assert!(told.contains("--cluster"), "{step}: {told}");
    }
}

#[test]
fn without_a_step_it_says_which_there_are() {
    let output = testing::run(PRODUCER, &[]);
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{stderr}");
    assert!(stderr.contains("Usage"), "{stderr}");
    for (step, _) in STEPS {
        assert!(stderr.contains(step), "{step} is not in: {stderr}");
    }
}

#[test]
fn a_manifest_is_wrong_at_a_line() {
    let directory = tempfile::tempdir().unwrap();
    let manifest = directory.path().join("fluvio.toml");
    std::fs::write(manifest, "[[topic]]\nname = \"votes\"\nparts = 3\n").unwrap();
    let output = command(PRODUCER, directory.path())
        .arg("init")
        .output()
        .unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{stderr}");
    assert!(stderr.contains("fluvio.toml:3:1: "), "{stderr}");
}

#[test]
fn it_waits_for_cluster_and_database_says_so_and_what_is_stopped_is_not_done() {
    for (step, _) in STEPS {
        let (health, cluster, database) = (closed_port(), closed_port(), closed_port());
        let url = format!("postgresql://ada:s3cret@{database}/votes");
        let running = Running::start(
            PRODUCER,
            &[
                step,
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
            for part in [
                &*cluster.to_string(),
                &database.to_string(),
                "Fluvio",
                "Postgres",
                "cannot be reached",
            ] {
                assert!(told.contains(part), "{part} is not in:\n{told}");
            }
            assert!(!told.contains("s3cret"), "{told}");
        }

        let Terminated { code, took, said } = running.terminate();
        assert_eq!(code, Some(1), "{step}: {said}");
        assert!(took < PROMPT, "{step}: {took:?}");
        let stopped = "error: stopped before it was done";
        assert!(said.contains(stopped), "{step}: {said}");
    }
}
