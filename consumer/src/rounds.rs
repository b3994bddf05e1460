//! Work that is done again and again while the count moves: publishing and storing.

use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::{ConsumerError, Progress};

/// What is done in a round.
pub(crate) trait Round: Send {
    /// Does it, for what has moved since the last.
    fn round(&mut self) -> impl Future<Output = Result<(), ConsumerError>> + Send;
}

/// A round whenever the progress has moved, at most one an interval; one more at the end.
pub(crate) async fn in_rounds(
    mut work: impl Round,
    progress: Progress,
    interval: Duration,
    stop: CancellationToken,
) -> Result<(), ConsumerError> {
    let mut moved = progress.watch();
    loop {
        moved.mark_unchanged();
        work.round().await?;
        if stop.is_cancelled() {
            return Ok(());
        }
        tokio::select! {
            () = stop.cancelled() => {}
            _ = moved.changed() => {
                // Changes within the interval are dealt with together.
                stop.run_until_cancelled(tokio::time::sleep(interval)).await;
            }
        }
    }
}
