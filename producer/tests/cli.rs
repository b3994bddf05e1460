//! The thin binary `producer`: without a cluster it does nothing, and says what does.

use std::process::{Command, Output};

fn producer(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_producer"))
        .args(args)
        .output()
        .unwrap()
}

#[test]
fn without_a_cluster_it_names_the_command_that_needs_none() {
    for (args, command) in [
        (&["init", "--seed", "7"][..], "election producer init"),
        (&["voters", "--voters", "5"], "election producer voters"),
        (&["votes"], "election producer votes"),
    ] {
        let output = producer(args);
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{stderr}");
        for part in ["error: ", "cluster", command, "election demo"] {
            assert!(stderr.contains(part), "`{part}` is not in: {stderr}");
        }
        assert_eq!(output.stdout, b"", "{command}");
    }
}

#[test]
fn wrong_options_are_explained() {
    for (args, part) in [
        (&[][..], "Usage"),
        (&["count"], "'count'"),
        (&["init", "--candidates", "0"], "--candidates"),
        (&["init", "--polls-open", "noon"], "2024-07-04 07:00:00"),
        (&["votes", "--invalid", "1.5"], "a share from 0 to 1"),
    ] {
        let output = producer(args);
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{args:?}: {stderr}");
        assert!(stderr.contains(part), "`{part}` is not in: {stderr}");
    }
    let help = producer(&["--help"]);
    assert_eq!(help.status.code(), Some(0));
    let help = String::from_utf8(help.stdout).unwrap();
    for step in ["init", "voters", "votes"] {
        assert!(help.contains(step), "`{step}` is not in: {help}");
    }
}
