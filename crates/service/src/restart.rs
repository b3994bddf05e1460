//! Retrying work after a transient failure: a server restarts, a partition moves.

use std::collections::BTreeMap;
use std::fmt::Display;
use std::time::Duration;

use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::retry::Backoff;

/// Work that ran for so long before it failed is retried after the shortest pause.
const STEADY: Duration = Duration::from_secs(10);

/// Work that has run for so long works again, so its problem is over.
const WORKS: Duration = Duration::from_secs(1);

/// How often work may find the record at the same offset missing before that is an error: what is not in the log does
/// not come back.
const LOST_AT_ONE_OFFSET: u32 = 3;

/// An error of work that may be retried.
pub trait Failure: Display {
    /// Whether a retry may succeed.
    fn is_transient(&self) -> bool;

    /// The offset of the expected record, if another one came.
    fn lost_at(&self) -> Option<i64>;
}

/// Where problems are reported while they last.
pub trait Problems {
    /// Sets or clears the problem of what is being done. Returns whether that is a change.
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

/// Sets or clears the problem of what is being done in a list. Returns whether that is a change.
pub fn note_problem(
    problems: &mut BTreeMap<String, String>,
    doing: &str,
    problem: Option<String>,
) -> bool {
    let before = match problem.clone() {
        Some(problem) => problems.insert(doing.to_owned(), problem),
        None => problems.remove(doing),
    };
    before != problem
}

/// Does `work`, and retries it after transient failures; `None` when stopped between two tries. Meanwhile `problems`
/// has what is wrong. Running work must end by itself when stopped.
///
/// # Errors
/// The first failure that is not transient.
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
    let (mut lost_at, mut times_lost) = (None, 0);
    loop {
        let began = Instant::now();
        let mut work = std::pin::pin!(work());
        let done = tokio::select! {
            done = &mut work => done,
            () = tokio::time::sleep(WORKS) => {
                problems.set_problem(what, None);
                work.await
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
        // However long a try takes: it takes long every time to reach a gap in a long log.
        if let Some(due) = error.lost_at() {
            let again = lost_at.replace(due) == Some(due);
            times_lost = if again { times_lost + 1 } else { 1 };
        }
        if !error.is_transient() || times_lost > LOST_AT_ONE_OFFSET {
            return Err(error);
        }
        if problems.set_problem(what, Some(error.to_string())) {
            tracing::warn!("{what}: retrying after an error: {error}");
        }
        if !backoff.pause(stop).await {
            problems.set_problem(what, None);
            return Ok(None);
        }
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
