//! Pauses between retries, each twice as long as the one before.
//!
//! Our own, because crates for this bring their own retry loop. Here a stream works for hours before it fails, and then
//! the pauses start again from the shortest.

use std::time::Duration;

use tokio_util::sync::CancellationToken;

/// The first pause.
pub const FIRST_PAUSE: Duration = Duration::from_millis(250);
/// The longest pause: about as long as an operator would wait after a repair.
pub const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// How long to wait before the next retry.
#[derive(Debug, Clone)]
pub struct Backoff {
    next: Duration,
}

impl Default for Backoff {
    fn default() -> Self {
        Backoff { next: FIRST_PAUSE }
    }
}

impl Backoff {
    /// Starts again from the shortest pause: it works again.
    pub fn reset(&mut self) {
        self.next = FIRST_PAUSE;
    }

    /// How long the next pause will be.
    pub fn next_pause(&self) -> Duration {
        self.next
    }

    /// Waits before the next retry; false when stopped meanwhile.
    pub async fn pause(&mut self, stop: &CancellationToken) -> bool {
        let pause = self.next;
        self.next = (pause * 2).min(LONGEST_PAUSE);
        stop.run_until_cancelled(tokio::time::sleep(pause))
            .await
            .is_some()
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::Instant;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn pauses_double_to_the_longest_and_start_again() {
        let stop = CancellationToken::new();
        let mut backoff = Backoff::default();
        let mut paused = Vec::new();
        for _ in 0..7 {
            let began = Instant::now();
            assert!(backoff.pause(&stop).await);
            paused.push(began.elapsed().as_millis());
        }
        assert_eq!(paused, [250, 500, 1000, 2000, 4000, 5000, 5000]);
        backoff.reset();
        assert_eq!(backoff.next_pause(), FIRST_PAUSE);
    }

    #[tokio::test(start_paused = true)]
    async fn a_stop_ends_a_pause_at_once() {
        let stop = CancellationToken::new();
        let mut backoff = Backoff::default();
        let began = Instant::now();
        let (paused, ()) = tokio::join!(backoff.pause(&stop), async { stop.cancel() });
        assert!(!paused);
        assert_eq!(began.elapsed(), Duration::ZERO);
    }
}
