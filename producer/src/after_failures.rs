//! Going on after a failure that passes: a server is started anew, a partition is moved. What is in
//! the log then says where to go on.

use service::retry::Backoff;
use tokio_util::sync::CancellationToken;

use crate::ProducerError;

/// Repeats `work`, which goes on where the log ends, until it is done, stopped, or fails for good.
/// Returns what its last run produced.
///
/// # Errors
/// The first failure that does not pass.
pub async fn steadily<W>(
    doing: &str,
    stop: &CancellationToken,
    mut work: impl FnMut() -> W,
) -> Result<u64, ProducerError>
where
    W: Future<Output = Result<u64, ProducerError>>,
{
    let mut backoff = Backoff::default();
    loop {
        match work().await {
            Err(error) if error.is_transient() && !stop.is_cancelled() => {
                tracing::warn!("{doing} goes on where the log ends: {error}");
                backoff.pause(stop).await;
            }
            done => return done,
        }
    }
}
