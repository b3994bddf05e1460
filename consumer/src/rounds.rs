//! Work that is repeated while the count moves: publishing and storing.

use std::ops::RangeInclusive;
use std::time::Duration;

use service::restart::{Failure, Problems};
use service::retry::Backoff;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::{ConsumerError, Progress};

/// Rounds take at most about this part of the time: if two in a row take longer, they come less often. A
/// single slow one does not matter.
const PART_OF_TIME: u32 = 20;

/// How long to retry the last round.
const LAST_ROUND_LIMIT: Duration = Duration::from_secs(10);

/// Work that is done in rounds.
pub(crate) trait Round: Send {
    /// Does it, for what has moved since the last.
    fn round(&mut self) -> impl Future<Output = Result<(), ConsumerError>> + Send;
}

/// Does a round whenever the progress has moved, at most one per interval, which is longer while rounds take
/// long; and one more at the end. A round with a transient failure is retried; meanwhile the progress names
/// the problem.
///
/// # Errors
/// The first failure that is not transient, or that of the last round.
pub(crate) async fn in_rounds(
    doing: &'static str,
    mut work: impl Round,
    progress: Progress,
    interval: RangeInclusive<Duration>,
    stop: CancellationToken,
) -> Result<(), ConsumerError> {
    let mut moved = progress.watch();
    let mut backoff = Backoff::default();
    let mut took_before = Duration::ZERO;
    while !stop.is_cancelled() {
        moved.mark_unchanged();
        let began = Instant::now();
        let done = work.round().await;
        if progress.note(doing, done)?.is_none() {
            backoff.pause(&stop).await;
            continue;
        }
        let took = began.elapsed();
        let lasting = took.min(std::mem::replace(&mut took_before, took));
        let interval = (lasting * PART_OF_TIME).clamp(*interval.start(), *interval.end());
        backoff.reset();
        tokio::select! {
            () = stop.cancelled() => {}
            _ = moved.changed() => {
                // Changes within the interval share a round.
                stop.run_until_cancelled(tokio::time::sleep(interval)).await;
            }
        }
    }
    let give_up_at = Instant::now() + LAST_ROUND_LIMIT;
    loop {
        match work.round().await {
            Err(error) if error.is_transient() && Instant::now() < give_up_at => {
                tracing::warn!("{doing}, for the last time: {error}");
                tokio::time::sleep(backoff.next_pause()).await;
            }
            done => return done,
        }
    }
}
