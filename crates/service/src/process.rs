//! Running a service as a process: logs, runtime, signals, exit code.

use std::process::ExitCode;
use std::time::Duration;

use manifest::ManifestError;
use platform::PlatformError;
use store::StoreError;
use tokio_util::sync::CancellationToken;

use crate::args::LogArgs;
use crate::key::KEY_REMEDY;
use crate::logs::init_logs;
use crate::signals::stop_on_signal;
use crate::{ServiceError, UsageError};

/// The default of `RUST_LOG`. Services log their connections themselves.
const DEFAULT_LEVEL: &str = "info,fluvio=warn,deadpool=error,refinery_core=warn";
/// At the end only a DNS lookup may still be running, which cannot be interrupted.
const SHUTDOWN_LIMIT: Duration = Duration::from_secs(1);

const FAILED: u8 = 1;
const WRONG_USAGE: u8 = 2;

/// Runs a service until it is done, or Ctrl-C or SIGTERM stops it. Exit codes: 0 done or stopped, 1 failed, 2 wrong
/// usage.
pub fn run(
    log: LogArgs,
    service: impl AsyncFnOnce(CancellationToken) -> anyhow::Result<()>,
) -> ExitCode {
    init_logs(log.log, DEFAULT_LEVEL);
    let runtime = match tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
    {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("error: cannot start the async runtime: {error}");
            return ExitCode::from(FAILED);
        }
    };
    let ended = runtime.block_on(async { service(stop_on_signal()).await });
    runtime.shutdown_timeout(SHUTDOWN_LIMIT);
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => failed(&error),
    }
}

/// Prints the error that ends a program, with a remedy if the error lacks one. The exit code is 2 for wrong or missing
/// options and files, otherwise 1.
pub fn failed(error: &anyhow::Error) -> ExitCode {
    eprintln!("error: {}", told(error));
    ExitCode::from(exit_code(error))
}

/// The error's text. A wrong key gets the options that name the right one, which the store does not know.
fn told(error: &anyhow::Error) -> String {
    let is_wrong_key = error
        .chain()
        .any(|cause| matches!(cause.downcast_ref(), Some(StoreError::Key(_))));
    if is_wrong_key {
        format!("{error:#}: {KEY_REMEDY}")
    } else {
        format!("{error:#}")
    }
}

fn exit_code(error: &anyhow::Error) -> u8 {
    let is_usage = error.chain().any(|cause| {
        cause.is::<ManifestError>()
            || cause.is::<UsageError>()
            || matches!(cause.downcast_ref(), Some(PlatformError::NoCluster { .. }))
            || matches!(cause.downcast_ref(), Some(ServiceError::NoDatabase))
            || matches!(
                cause.downcast_ref(),
                Some(StoreError::Url { .. } | StoreError::Key(_))
            )
    });
    if is_usage { WRONG_USAGE } else { FAILED }
}

#[cfg(test)]
mod tests {
    use anyhow::Context;
    use evidence::KeyMismatch;

    use super::*;

    #[test]
    fn what_was_given_wrongly_is_told_from_what_failed() {
        let missing = Err::<(), _>(ServiceError::NoDatabase).context("at the start");
        assert_eq!(exit_code(&missing.unwrap_err()), WRONG_USAGE);
        let failed = PlatformError::Task("it was cut short".into());
        assert_eq!(exit_code(&failed.into()), FAILED);
    }

    #[test]
    fn who_has_no_key_hears_how_to_give_one() {
        let missing = anyhow::Error::from(StoreError::Key(KeyMismatch::Missing));
        let missing = missing.context("votes cannot be accepted");
        assert_eq!(
            told(&missing),
            "votes cannot be accepted: this election has a secret key, and none is given: name its file with \
             `--key-file` or ELECTION_KEY_FILE, or set ELECTION_KEY"
        );
        assert_eq!(exit_code(&missing), WRONG_USAGE);
        let none = anyhow::Error::from(StoreError::NoElection);
        assert_eq!(told(&none), StoreError::NoElection.to_string());
    }
}
