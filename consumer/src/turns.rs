//! Whose turn it is to persist.
//!
//! Where one machine does everything, a database takes all the processor time that it is given work for, and
//! counting a vote takes a fraction of what storing it does. So while votes are being counted, no more
//! partitions are persisted at once than half of the processors can serve; and where votes wait to be counted,
//! a turn is followed by a rest as long as the turn, which makes it a quarter. What is left behind is made up
//! for when there is nothing more to count: the log keeps it.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::pin::pin;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread::available_parallelism;
use std::time::Duration;

use store::Store;
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::{Instant, sleep_until, timeout};

use crate::{PartitionProgress, Progress};

/// When nothing was counted for so long, counting has nothing to do. Under load a partition's batches of
/// votes are a few milliseconds apart.
const COUNTING_PAUSE: Duration = Duration::from_millis(20);

/// Votes that waited longer from being produced to being counted tell of processors that are not enough. Where
/// they are, it is 2 to 5 ms; docs/performance.md.
const COUNTING_BEHIND_MS: u64 = 20;

/// Turns to persist votes.
pub(crate) struct Turns {
    /// `None` where the database is on another machine, and takes nothing from the count.
    at_once: Option<Semaphore>,
    /// For each permit that nobody holds, when its rest ends.
    rested: Mutex<BinaryHeap<Reverse<Instant>>>,
    progress: Progress,
    /// How much was counted when somebody looked, and since when it is no more than that.
    counted: Mutex<(u64, Instant)>,
}

/// A turn, which ends when it is dropped.
pub(crate) struct Turn<'a> {
    turns: &'a Turns,
    rested: Instant,
    began: Option<Instant>,
    _permit: SemaphorePermit<'a>,
}

impl Turns {
    pub(crate) fn new(store: &Store, progress: Progress) -> Turns {
        let processors = available_parallelism().map_or(1, usize::from);
        let at_once = store.is_on_this_machine().then(|| (processors / 2).max(1));
        Turns::of(at_once, progress)
    }

    fn of(at_once: Option<usize>, progress: Progress) -> Turns {
        let now = Instant::now();
        Turns {
            at_once: at_once.map(Semaphore::new),
            rested: Mutex::new(vec![Reverse(now); at_once.unwrap_or(0)].into()),
            progress,
            counted: Mutex::new((0, now)),
        }
    }

    /// Waits for a turn; or until nothing is counted any more, and everybody may persist.
    pub(crate) async fn next(&self) -> Option<Turn<'_>> {
        let mut turn = pin!(self.turn(self.at_once.as_ref()?));
        while !self.counting_pauses() {
            if let Ok(turn) = timeout(COUNTING_PAUSE, &mut turn).await {
                return turn;
            }
        }
        None
    }

    async fn turn<'a>(&'a self, at_once: &'a Semaphore) -> Option<Turn<'a>> {
        // Never closed, so that there is a permit, and what is put back with each.
        let permit = at_once.acquire().await.ok()?;
        let Reverse(rested) = self.lock_rested().pop()?;
        let mut turn = Turn {
            turns: self,
            rested,
            began: None,
            _permit: permit,
        };
        sleep_until(rested).await;
        turn.began = Some(Instant::now());
        Some(turn)
    }

    fn lock_rested(&self) -> MutexGuard<'_, BinaryHeap<Reverse<Instant>>> {
        self.rested.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn counting_pauses(&self) -> bool {
        let counted = self.progress.now().sum(|partition| partition.counted);
        let mut before = self.counted.lock().unwrap_or_else(PoisonError::into_inner);
        if before.0 != counted {
            *before = (counted, Instant::now());
        }
        before.1.elapsed() >= COUNTING_PAUSE
    }

    fn counting_is_behind(&self) -> bool {
        let waited = |partition: &PartitionProgress| partition.cast_to_counted_ms;
        let partitions = &self.progress.now().partitions;
        partitions.iter().filter_map(waited).max() >= Some(COUNTING_BEHIND_MS)
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        let mut rested = self.rested;
        if let Some(began) = self.began
            && self.turns.counting_is_behind()
        {
            rested = Instant::now() + began.elapsed();
        }
        self.turns.lock_rested().push(Reverse(rested));
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::*;

    fn turns(at_once: Option<usize>) -> Turns {
        Turns::of(at_once, Progress::new(2))
    }

    /// One vote more is counted, which waited so long.
    fn count(turns: &Turns, waited_ms: u64) {
        turns.progress.update(1, |partition| {
            partition.counted += 1;
            partition.cast_to_counted_ms = Some(waited_ms);
        });
    }

    #[tokio::test(start_paused = true)]
    async fn while_votes_are_counted_one_waits_for_the_other() {
        let turns = turns(Some(1));
        let first = turns.next().await;
        assert!(first.is_some());
        let mut second = pin!(turns.next());
        for _ in 0..5 {
            count(&turns, 1);
            let waiting = timeout(COUNTING_PAUSE / 2, &mut second).await;
            assert!(waiting.is_err(), "a second turn beside the first");
        }
        drop(first);
        assert!(second.await.is_some());
    }

    /// How long the second turn is waited for, after one that took ten pauses.
    async fn rest_after_a_turn(turns: &Turns, waited_ms: u64) -> Duration {
        let turn = turns.next().await.unwrap();
        for _ in 0..10 {
            count(turns, waited_ms);
            tokio::time::advance(COUNTING_PAUSE).await;
        }
        count(turns, waited_ms);
        drop(turn);
        let ended = Instant::now();
        let mut next = pin!(turns.next());
        while timeout(COUNTING_PAUSE / 2, &mut next).await.is_err() {
            count(turns, waited_ms);
        }
        ended.elapsed()
    }

    #[tokio::test(start_paused = true)]
    async fn where_votes_wait_to_be_counted_a_turn_is_followed_by_a_rest_as_long() {
        let rest = rest_after_a_turn(&turns(Some(1)), COUNTING_BEHIND_MS).await;
        assert!(rest >= COUNTING_PAUSE * 10, "{rest:?}");
        assert!(rest < COUNTING_PAUSE * 11, "{rest:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn where_counting_keeps_up_nobody_rests() {
        let rest = rest_after_a_turn(&turns(Some(1)), COUNTING_BEHIND_MS - 1).await;
        assert_eq!(rest, Duration::ZERO);
    }

    #[tokio::test(start_paused = true)]
    async fn of_two_turns_one_does_not_wait_for_the_rest_of_the_other() {
        let turns = turns(Some(2));
        let (first, second) = (turns.next().await, turns.next().await);
        tokio::time::advance(COUNTING_PAUSE / 2).await;
        count(&turns, 1);
        drop(second);
        count(&turns, COUNTING_BEHIND_MS);
        drop(first);
        assert!(turns.next().now_or_never().flatten().is_some());
    }

    #[tokio::test(start_paused = true)]
    async fn a_rest_ends_when_nothing_is_counted() {
        let turns = turns(Some(1));
        let turn = turns.next().await;
        assert!(turn.is_some());
        tokio::time::advance(COUNTING_PAUSE * 100).await;
        count(&turns, COUNTING_BEHIND_MS);
        drop(turn);
        let ended = Instant::now();
        assert!(turns.next().await.is_none());
        assert!(ended.elapsed() <= COUNTING_PAUSE * 2);
        // A caller that gave up has put it back.
        count(&turns, 1);
        assert!(turns.next().now_or_never().is_none());
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
