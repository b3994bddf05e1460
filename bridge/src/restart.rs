//! Beginning again after a failure that passes: a server is started anew, a partition is moved.

use std::time::Duration;

use service::retry::Backoff;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::{BridgeError, Progress};

/// Work that has gone on for this long had no lasting trouble: what fails then is tried again at once.
const STEADY: Duration = Duration::from_secs(10);

/// Work that has gone on for this long works again, and its problem is over.
const WORKS: Duration = Duration::from_secs(1);

/// How often in a row a stream may miss records before they are taken for lost.
const GAPS_IN_A_ROW: u32 = 3;

/// Does `work`, and does it again after every failure that passes; `None` when it was stopped between
/// two tries. Meanwhile the progress names the problem. Work under way ends by itself when it is stopped.
///
/// # Errors
/// The first failure that does not pass.
pub(crate) async fn until_done<T, W>(
    what: &str,
    progress: &Progress,
    stop: &CancellationToken,
    mut work: impl FnMut() -> W,
) -> Result<Option<T>, BridgeError>
where
    W: Future<Output = Result<T, BridgeError>>,
{
    let mut backoff = Backoff::default();
    let mut gaps = 0;
    loop {
        let began = Instant::now();
        let done = {
            let mut work = std::pin::pin!(work());
            tokio::select! {
                done = &mut work => done,
                () = tokio::time::sleep(WORKS) => {
                    progress.set_problem(what, None);
                    work.await
                }
            }
        };
        let error = match done {
            Ok(done) => {
                progress.set_problem(what, None);
                return Ok(Some(done));
            }
            Err(error) => error,
        };
        if began.elapsed() >= STEADY {
            backoff.reset();
            gaps = 0;
        }
        gaps += u32::from(error.is_gap());
        if !error.is_transient() || gaps > GAPS_IN_A_ROW {
            return Err(error);
        }
        if progress.set_problem(what, Some(error.to_string())) {
            tracing::warn!("{what} begins again: {error}");
        }
        backoff.pause(stop).await;
        if stop.is_cancelled() {
            progress.set_problem(what, None);
            return Ok(None);
        }
    }
}
