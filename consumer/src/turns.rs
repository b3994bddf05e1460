//! Whose turn it is to persist.
//!
//! Where one machine does everything, a database takes all the processor time that it is given work for, and
//! counting a vote takes a fraction of what storing it does. So while votes are being counted, no more
//! partitions are persisted at once than half of the processors can serve. What is left behind is made up for
//! when there is nothing more to count: the log keeps it.

use std::pin::pin;
use std::sync::{Mutex, PoisonError};
use std::thread::available_parallelism;
use std::time::Duration;

use store::Store;
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::{Instant, timeout};

use crate::Progress;

/// When nothing was counted for so long, counting has nothing to do. Under load a partition's batches of
/// votes are a few milliseconds apart.
const COUNTING_PAUSE: Duration = Duration::from_millis(20);

/// Turns to persist votes.
pub(crate) struct Turns {
    /// `None` where the database is on another machine, and takes nothing from the count.
    at_once: Option<Semaphore>,
    progress: Progress,
    /// How much was counted when somebody looked, and since when it is no more than that.
    counted: Mutex<(u64, Instant)>,
}

impl Turns {
    pub(crate) fn new(store: &Store, progress: Progress) -> Turns {
        let processors = available_parallelism().map_or(1, usize::from);
        let at_once = store.is_on_this_machine().then(|| (processors / 2).max(1));
        Turns::of(at_once, progress)
    }

    fn of(at_once: Option<usize>, progress: Progress) -> Turns {
        Turns {
            at_once: at_once.map(Semaphore::new),
            progress,
            counted: Mutex::new((0, Instant::now())),
        }
    }

    /// Waits for a turn, which ends when what is returned is dropped; or until nothing is counted any more,
    /// and everybody may persist.
    pub(crate) async fn next(&self) -> Option<SemaphorePermit<'_>> {
        let at_once = self.at_once.as_ref()?;
        let mut turn = pin!(at_once.acquire());
        while !self.counting_pauses() {
            if let Ok(turn) = timeout(COUNTING_PAUSE, &mut turn).await {
                // Never closed, so that it is a turn.
                return turn.ok();
            }
        }
        None
    }

    fn counting_pauses(&self) -> bool {
        let counted = self.progress.now().sum(|partition| partition.counted);
        let mut before = self.counted.lock().unwrap_or_else(PoisonError::into_inner);
        if before.0 != counted {
            *before = (counted, Instant::now());
        }
        before.1.elapsed() >= COUNTING_PAUSE
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::*;

    fn turns(at_once: Option<usize>) -> Turns {
        Turns::of(at_once, Progress::new(2))
    }

    #[tokio::test(start_paused = true)]
    async fn while_votes_are_counted_one_waits_for_the_other() {
        let turns = turns(Some(1));
        let first = turns.next().await;
        assert!(first.is_some());
        let mut second = pin!(turns.next());
        for counted in 1..=5 {
            turns
                .progress
                .update(1, |partition| partition.counted = counted);
            let waiting = timeout(COUNTING_PAUSE / 2, &mut second).await;
            assert!(waiting.is_err(), "a second turn beside the first");
        }
        drop(first);
        assert!(second.await.is_some());
    }

    #[tokio::test(start_paused = true)]
    async fn when_nothing_is_counted_all_persist() {
        let turns = turns(Some(1));
        let _first = turns.next().await;
        assert!(turns.next().await.is_none());
    }

    #[test]
    fn a_database_elsewhere_takes_nothing_from_the_count() {
        let turns = turns(None);
        assert!(turns.next().now_or_never().unwrap().is_none());
    }
}
