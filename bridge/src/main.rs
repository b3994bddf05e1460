//! `bridge`: carries topics between Fluvio and Kafka, as a process of its own.

use std::process::ExitCode;

fn main() -> ExitCode {
    eprintln!("error: not wired yet");
    ExitCode::FAILURE
}
