//! Letting counting go first: while votes wait to be counted, persisting pauses.
//!
//! Storing a vote takes several times the processor time of counting it. If one machine does everything, the
//! database would take that time from the count. Rows may lag: the log keeps the votes until they are stored.

use std::time::Duration;

use tokio::time::{Instant, sleep};

use crate::Progress;
use crate::progress::Snapshot;

/// If votes take longer than this from produced to counted, the processors cannot keep up. Otherwise they take
/// 2 to 5 ms (docs/performance.md).
const COUNTING_BEHIND_MS: u64 = 20;

/// When nothing has been counted for so long, no votes are left to count. Under load a partition's batches of
/// votes are a few milliseconds apart.
const COUNTING_PAUSE: Duration = Duration::from_millis(50);

/// How long the pause is, in transactions: so each partition is persisted during a quarter of the time.
const TRANSACTIONS_PER_PAUSE: u32 = 3;

/// Pauses after a transaction that took so long, for as long as votes wait to be counted.
pub(crate) async fn let_counting_go_first(progress: &Progress, took: Duration) {
    let progress = progress.watch();
    let until = Instant::now() + took * TRANSACTIONS_PER_PAUSE;
    while Instant::now() < until && is_behind(&progress.borrow()) {
        let counted = counted(&progress.borrow());
        sleep(COUNTING_PAUSE).await;
        if counted == self::counted(&progress.borrow()) {
            return;
        }
    }
}

fn is_behind(snapshot: &Snapshot) -> bool {
    let partitions = snapshot.partitions.iter();
    let waited = partitions.filter_map(|partition| partition.cast_to_counted_ms);
    waited.max() >= Some(COUNTING_BEHIND_MS)
}

fn counted(snapshot: &Snapshot) -> u64 {
    snapshot.sum(|partition| partition.counted)
}

#[cfg(test)]
mod tests {
    use std::pin::pin;

    use tokio::time::timeout;

    use super::*;

    const TRANSACTION: Duration = Duration::from_millis(200);

    /// How long persisting pauses, while votes are counted for `counting` that waited so long.
    async fn paused(waited_ms: u64, counting: Duration) -> Duration {
        let progress = Progress::new(2);
        let began = Instant::now();
        let mut pause = pin!(let_counting_go_first(&progress, TRANSACTION));
        loop {
            if began.elapsed() < counting {
                progress.update(1, |partition| {
                    partition.counted += 1;
                    partition.cast_to_counted_ms = Some(waited_ms);
                });
            }
            if timeout(COUNTING_PAUSE / 2, &mut pause).await.is_ok() {
                return began.elapsed();
            }
        }
    }

    #[tokio::test(start_paused = true)]
    async fn while_votes_wait_to_be_counted_persisting_pauses_three_quarters_of_the_time() {
        let paused = paused(COUNTING_BEHIND_MS, TRANSACTION * 10).await;
        assert!(paused >= TRANSACTION * 3, "{paused:?}");
        assert!(paused <= TRANSACTION * 3 + COUNTING_PAUSE, "{paused:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn while_counting_keeps_up_persisting_goes_on() {
        let paused = paused(COUNTING_BEHIND_MS - 1, TRANSACTION * 10).await;
        assert_eq!(paused, Duration::ZERO);
    }

    #[tokio::test(start_paused = true)]
    async fn a_pause_ends_when_nothing_more_is_counted() {
        let paused = paused(COUNTING_BEHIND_MS, TRANSACTION).await;
        assert!(paused <= TRANSACTION + COUNTING_PAUSE * 2, "{paused:?}");
    }
}
