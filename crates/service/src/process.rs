//! A service as a process: logs, the runtime, signals, and what it ends with.

use std::process::ExitCode;
use std::time::Duration;

use manifest::ManifestError;
use platform::PlatformError;
use store::StoreError;
use tokio_util::sync::CancellationToken;

use crate::args::LogArgs;
use crate::key::key_remedy;
use crate::logs::init_logs;
use crate::signals::stop_on_signal;
use crate::{ServiceError, UsageError};

/// What is logged when `RUST_LOG` says nothing: a process of its own has no other voice. Of its
/// connections it tells itself.
const DEFAULT_LEVEL: &str = "info,fluvio=warn,deadpool=error,refinery_core=warn";
/// At the end all tasks are done; only a look-up of a host's name may still be under way, which cannot
/// be cut short.
const SHUTDOWN_LIMIT: Duration = Duration::from_secs(1);

const FAILED: u8 = 1;
const WRONG_USAGE: u8 = 2;

/// Runs a service to its end, which Ctrl-C and SIGTERM ask it for. Its exit code: 0 when it is done or
/// was stopped, 1 when it failed, 2 when it cannot run as it was started.
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

/// Tells of the error that ends a program, and how to mend it where the error does not know. The exit code: 2
/// when it is about options and files that were given, or are missing; else 1.
pub fn failed(error: &anyhow::Error) -> ExitCode {
    eprintln!("error: {}", told(error));
    ExitCode::from(exit_code(error))
}

/// An error in words. Which key an election needs, its error says; the options that give one are the programs'.
fn told(error: &anyhow::Error) -> String {
    let mismatch = error.chain().find_map(|cause| match cause.downcast_ref() {
        Some(StoreError::Key(mismatch)) => Some(mismatch),
        _ => None,
    });
    match mismatch {
        Some(mismatch) => format!("{error:#}: {}", key_remedy(mismatch)),
        None => format!("{error:#}"),
    }
}

fn exit_code(error: &anyhow::Error) -> u8 {
    let is_usage = error.chain().any(|cause| {
        cause.is::<ManifestError>()
            || cause.is::<UsageError>()
            || matches!(cause.downcast_ref(), Some(PlatformError::NoCluster { .. }))
            || matches!(
                cause.downcast_ref(),
                Some(StoreError::Url { .. } | StoreError::Key(_))
            )
            || matches!(cause.downcast_ref(), Some(ServiceError::NoDatabase))
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
