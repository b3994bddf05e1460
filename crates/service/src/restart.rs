//! Beginning again after a failure that passes: a server is started anew, a partition is moved.

use std::time::Duration;

use service::retry::Backoff;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::{ConsumerError, Progress};

/// Work that has gone on for this long had no lasting trouble: what fails then is tried again at once.
const STEADY: Duration = Duration::from_secs(10);

/// Work that has gone on for this long works again, and its problem is over.
const WORKS: Duration = Duration::from_secs(1);

/// How often in a row a task may have lost its place before the records in between are taken for lost.
/// What is not in the log stays missing.
const LOST_IN_A_ROW: u32 = 3;

/// Does `work` on a partition, and does it again after every failure that passes; `None` when it was
/// stopped between two tries. Meanwhile the progress names the problem. Work under way ends by itself
/// when it is stopped.
///
/// # Errors
/// The first failure that does not pass.
pub(crate) async fn until_done<T, W>(
    doing: &'static str,
    partition: u32,
    progress: &Progress,
    stop: &CancellationToken,
    mut work: impl FnMut() -> W,
) -> Result<Option<T>, ConsumerError>
where
    W: Future<Output = Result<T, ConsumerError>>,
{
    let what = format!("{doing} partition {partition}");
    let mut backoff = Backoff::default();
    let mut lost = 0;
    loop {
        let began = Instant::now();
        let done = {
            let mut work = std::pin::pin!(work());
            tokio::select! {
                done = &mut work => done,
                () = tokio::time::sleep(WORKS) => {
                    progress.set_problem(&what, None);
                    work.await
                }
            }
        };
        let error = match done {
            Ok(done) => {
                progress.set_problem(&what, None);
                return Ok(Some(done));
            }
            Err(error) => error,
        };
        if began.elapsed() >= STEADY {
            backoff.reset();
            lost = 0;
        }
        lost += u32::from(error.has_lost_its_place());
        if !error.is_transient() || lost > LOST_IN_A_ROW {
            return Err(error);
        }
        if progress.set_problem(&what, Some(error.to_string())) {
            tracing::warn!(partition, "{doing} begins again: {error}");
        }
        backoff.pause(stop).await;
        if stop.is_cancelled() {
            progress.set_problem(&what, None);
            return Ok(None);
        }
    }
}
