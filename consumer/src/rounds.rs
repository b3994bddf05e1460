//! Work that is done again and again while the count moves: publishing and storing.

use std::ops::RangeInclusive;
use std::time::Duration;

use service::restart::{Failure, Problems};
use service::retry::Backoff;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::{ConsumerError, Progress};

/// Rounds take at most about this part of the time: where two on end take longer, they come less often.
/// One alone is a hiccup.
const PART_OF_TIME: u32 = 20;

/// How long the last round is tried again, when what it needs does not answer.
const LAST_ROUND_LIMIT: Duration = Duration::from_secs(10);

/// What is done in a round.
pub(crate) trait Round: Send {
    /// Does it, for what has moved since the last.
    fn round(&mut self) -> impl Future<Output = Result<(), ConsumerError>> + Send;
}

/// A round whenever the progress has moved, at most one an interval, which is longer while rounds take
/// long; one more at the end. A round that fails in passing is tried again; meanwhile the progress names
/// the problem.
///
/// # Errors
/// The first failure that does not pass, or that of the last round.
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
        if let Err(error) = work.round().await {
            if !error.is_transient() {
                return Err(error);
            }
            if progress.set_problem(doing, Some(error.to_string())) {
                tracing::warn!("{doing}: {error}");
            }
            backoff.pause(&stop).await;
            continue;
        }
        let took = began.elapsed();
        let lasting = took.min(std::mem::replace(&mut took_before, took));
        let interval = (lasting * PART_OF_TIME).clamp(*interval.start(), *interval.end());
        backoff.reset();
        progress.set_problem(doing, None);
        tokio::select! {
            () = stop.cancelled() => {}
            _ = moved.changed() => {
                // Changes within the interval are dealt with together.
                stop.run_until_cancelled(tokio::time::sleep(interval)).await;
            }
        }
    }
    let give_up_at = Instant::now() + LAST_ROUND_LIMIT;
    loop {
        match work.round().await {
            Err(error) if error.is_transient() && Instant::now() < give_up_at => {
                tracing::warn!("{doing}, before the end: {error}");
                tokio::time::sleep(backoff.next_pause()).await;
            }
            done => return done,
        }
    }
}
