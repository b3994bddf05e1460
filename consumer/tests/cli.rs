//! The thin binary `consumer`: without a cluster it does nothing, and says what does.

use std::process::{Command, Output};

fn consumer(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_consumer"))
        .args(args)
        .output()
        .unwrap()
}

#[test]
fn without_a_cluster_it_names_the_command_that_needs_none() {
    let output = consumer(&[]);
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{stderr}");
    for part in ["error: ", "cluster", "election consumer", "election demo"] {
        assert!(stderr.contains(part), "`{part}` is not in: {stderr}");
    }
    assert_eq!(output.stdout, b"");
}

#[test]
fn its_help_says_what_it_is_for() {
    let help = consumer(&["--help"]);
    assert_eq!(help.status.code(), Some(0));
    let help = String::from_utf8(help.stdout).unwrap();
    assert!(help.contains("Counts votes"), "{help}");
    assert_eq!(consumer(&["--unknown"]).status.code(), Some(2));
}
