//! Beginning again after a failure that passes: a server is started anew, a partition is moved.

use std::collections::BTreeMap;
use std::fmt::Display;
use std::time::Duration;

use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::retry::Backoff;

/// Work that has gone on for this long had no lasting trouble: what fails then is tried again at once.
const STEADY: Duration = Duration::from_secs(10);

/// Work that has gone on for this long works again, and its problem is over.
const WORKS: Duration = Duration::from_secs(1);

/// How often work may have lost its place at the same offset before the records that were due are taken for
/// lost. What is not in the log stays missing.
const LOST_AT_ONE_OFFSET: u32 = 3;

/// What work fails with.
pub trait Failure: Display {
    /// Whether the same may succeed later, from where it stands.
    fn is_transient(&self) -> bool;

    /// The offset that was due, where the next record is another.
    fn lost_at(&self) -> Option<i64>;
}

/// Where problems are told while they last.
pub trait Problems {
    /// Notes that something works, or why it does not. Returns whether that is news.
    fn set_problem(&self, doing: &str, problem: Option<String>) -> bool;

    /// Notes how something went that is done again and again. Returns what it gave; `None` after a transient
    /// failure, which is a problem until it works again.
    ///
    /// # Errors
    /// A failure that is not transient.
    fn note<T, E: Failure>(&self, doing: &str, done: Result<T, E>) -> Result<Option<T>, E> {
        match done {
            Ok(done) => {
                self.set_problem(doing, None);
                Ok(Some(done))
            }
            Err(error) if error.is_transient() => {
                if self.set_problem(doing, Some(error.to_string())) {
                    tracing::warn!("{doing}: {error}");
                }
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }
}

/// Where nobody shows problems: each is only logged.
impl Problems for () {
    fn set_problem(&self, _doing: &str, problem: Option<String>) -> bool {
        problem.is_some()
    }
}

/// Notes in a list of problems, by what is being done, that something works or why it does not. Returns
/// whether that is news.
pub fn note_problem(
    problems: &mut BTreeMap<String, String>,
    doing: &str,
    problem: Option<String>,
) -> bool {
    if problems.get(doing) == problem.as_ref() {
        return false;
    }
    match problem {
        Some(problem) => problems.insert(doing.to_owned(), problem),
        None => problems.remove(doing),
    };
    true
}

/// Does `work`, and does it again after every failure that passes; `None` when it was stopped between
/// two tries. Meanwhile `problems` names what is wrong. Work under way ends by itself when it is stopped.
///
/// # Errors
/// The first failure that does not pass.
pub async fn until_done<T, E, W>(
    what: &str,
    problems: &impl Problems,
    stop: &CancellationToken,
    mut work: impl FnMut() -> W,
) -> Result<Option<T>, E>
where
    E: Failure,
    W: Future<Output = Result<T, E>>,
{
    let mut backoff = Backoff::default();
    let mut lost = Lost::default();
    loop {
        let began = Instant::now();
        let done = {
            let mut work = std::pin::pin!(work());
            tokio::select! {
                done = &mut work => done,
                () = tokio::time::sleep(WORKS) => {
                    problems.set_problem(what, None);
                    work.await
                }
            }
        };
        let error = match done {
            Ok(done) => {
                problems.set_problem(what, None);
                return Ok(Some(done));
            }
            Err(error) => error,
        };
        if began.elapsed() >= STEADY {
            backoff.reset();
        }
        if !error.is_transient() || lost.times(error.lost_at()) > LOST_AT_ONE_OFFSET {
            return Err(error);
        }
        if problems.set_problem(what, Some(error.to_string())) {
            tracing::warn!("{what} begins again: {error}");
        }
        backoff.pause(stop).await;
        if stop.is_cancelled() {
            problems.set_problem(what, None);
            return Ok(None);
        }
    }
}

/// Where work lost its place last, and how often there. However long a try lasts: to come to a gap in a
/// long log takes long, every time.
#[derive(Default)]
struct Lost {
    due: Option<i64>,
    times: u32,
}

impl Lost {
    /// How often work has lost its place at this offset by now.
    fn times(&mut self, due: Option<i64>) -> u32 {
        if due.is_none() {
            return 0;
        }
        if self.due != due {
            *self = Lost { due, times: 0 };
        }
        self.times += 1;
        self.times
    }
}

#[cfg(test)]
mod tests {
    use std::cell::{Cell, RefCell};

    use super::*;

    #[derive(Debug, PartialEq, thiserror::Error)]
    enum Trouble {
        #[error("it passes")]
        Passing,
        #[error("the record at offset {0} is missing")]
        Gap(i64),
        #[error("it lasts")]
        Lasting,
    }

    impl Failure for Trouble {
        fn is_transient(&self) -> bool {
            *self != Trouble::Lasting
        }

        fn lost_at(&self) -> Option<i64> {
            match self {
                Trouble::Gap(due) => Some(*due),
                Trouble::Passing | Trouble::Lasting => None,
            }
        }
    }

    #[derive(Default)]
    struct Told(RefCell<Vec<Option<String>>>);

    impl Problems for Told {
        fn set_problem(&self, _doing: &str, problem: Option<String>) -> bool {
            self.0.borrow_mut().push(problem);
            true
        }
    }

    /// Fails `times`, then succeeds.
    async fn tried(
        times: u32,
        trouble: fn(u32) -> Trouble,
    ) -> (Result<Option<u32>, Trouble>, Told) {
        let (tries, told) = (Cell::new(0), Told::default());
        let work = async || {
            tries.set(tries.get() + 1);
            if tries.get() > times {
                Ok(tries.get())
            } else {
                Err(trouble(tries.get()))
            }
        };
        let done = until_done("work", &told, &CancellationToken::new(), work).await;
        (done, told)
    }

    #[tokio::test(start_paused = true)]
    async fn what_passes_is_tried_again_and_told_until_it_is_over() {
        let (done, told) = tried(2, |_| Trouble::Passing).await;
        assert_eq!(done, Ok(Some(3)));
        let passing = Some("it passes".to_owned());
        assert_eq!(told.0.into_inner(), [passing.clone(), passing, None]);
    }

    #[tokio::test(start_paused = true)]
    async fn what_lasts_ends_it_and_so_do_records_that_stay_missing() {
        assert_eq!(
            tried(1, |_| Trouble::Lasting).await.0,
            Err(Trouble::Lasting)
        );
        let found = tried(LOST_AT_ONE_OFFSET, |_| Trouble::Gap(7)).await;
        assert_eq!(found.0, Ok(Some(4)));
        let lost = tried(LOST_AT_ONE_OFFSET + 1, |_| Trouble::Gap(7)).await;
        assert_eq!(lost.0, Err(Trouble::Gap(7)));
        // Each at another offset: what was missing has come meanwhile.
        let moving = tried(LOST_AT_ONE_OFFSET * 2, |tries| Trouble::Gap(tries.into())).await;
        assert_eq!(moving.0, Ok(Some(LOST_AT_ONE_OFFSET * 2 + 1)));
    }

    #[tokio::test(start_paused = true)]
    async fn a_gap_far_into_a_long_log_ends_it_too() {
        let tries = Cell::new(0);
        let work = async || {
            tries.set(tries.get() + 1);
            tokio::time::sleep(STEADY * 2).await;
            Err::<(), _>(Trouble::Gap(7))
        };
        let (stop, told) = (CancellationToken::new(), Told::default());
        let done = until_done("work", &told, &stop, work);
        let done = tokio::time::timeout(STEADY * 20, done).await;
        assert_eq!(done.unwrap(), Err(Trouble::Gap(7)));
        assert_eq!(tries.get(), LOST_AT_ONE_OFFSET + 1);
    }

    #[tokio::test(start_paused = true)]
    async fn stopped_between_two_tries_it_has_no_problem_left() {
        let (stop, told) = (CancellationToken::new(), Told::default());
        stop.cancel();
        let work = async || Err::<(), _>(Trouble::Passing);
        assert_eq!(until_done("work", &told, &stop, work).await, Ok(None));
        assert_eq!(told.0.into_inner().last(), Some(&None));
    }
}
