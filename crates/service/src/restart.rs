//! Beginning again after a failure that passes: a server is started anew, a partition is moved.

use std::fmt::Display;
use std::time::Duration;

use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::retry::Backoff;

/// Work that has gone on for this long had no lasting trouble: what fails then is tried again at once.
const STEADY: Duration = Duration::from_secs(10);

/// Work that has gone on for this long works again, and its problem is over.
const WORKS: Duration = Duration::from_secs(1);

/// How often in a row work may have lost its place before the records in between are taken for lost.
/// What is not in the log stays missing.
const LOST_IN_A_ROW: u32 = 3;

/// What work fails with.
pub trait Failure: Display {
    /// Whether the same may succeed later, from where it stands.
    fn is_transient(&self) -> bool;

    /// Whether the next record is not the one that was due.
    fn has_lost_its_place(&self) -> bool;
}

/// Where problems are told while they last.
pub trait Problems {
    /// Notes that something works, or why it does not. Returns whether that is news.
    fn set_problem(&self, doing: &str, problem: Option<String>) -> bool;
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
    let mut lost = 0;
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
            lost = 0;
        }
        lost += u32::from(error.has_lost_its_place());
        if !error.is_transient() || lost > LOST_IN_A_ROW {
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

#[cfg(test)]
mod tests {
    use std::cell::{Cell, RefCell};

    use super::*;

    #[derive(Debug, PartialEq, thiserror::Error)]
    enum Trouble {
        #[error("it passes")]
        Passing,
        #[error("a record is missing")]
        Gap,
        #[error("it lasts")]
        Lasting,
    }

    impl Failure for Trouble {
        fn is_transient(&self) -> bool {
            *self != Trouble::Lasting
        }

        fn has_lost_its_place(&self) -> bool {
            *self == Trouble::Gap
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
    async fn tried(times: u32, trouble: fn() -> Trouble) -> (Result<Option<u32>, Trouble>, Told) {
        let (tries, told) = (Cell::new(0), Told::default());
        let work = async || {
            tries.set(tries.get() + 1);
            if tries.get() > times {
                Ok(tries.get())
            } else {
                Err(trouble())
            }
        };
        let done = until_done("work", &told, &CancellationToken::new(), work).await;
        (done, told)
    }

    #[tokio::test(start_paused = true)]
    async fn what_passes_is_tried_again_and_told_until_it_is_over() {
        let (done, told) = tried(2, || Trouble::Passing).await;
        assert_eq!(done, Ok(Some(3)));
        let passing = Some("it passes".to_owned());
        assert_eq!(told.0.into_inner(), [passing.clone(), passing, None]);
    }

    #[tokio::test(start_paused = true)]
    async fn what_lasts_ends_it_and_so_do_records_that_stay_missing() {
        assert_eq!(tried(1, || Trouble::Lasting).await.0, Err(Trouble::Lasting));
        assert_eq!(tried(LOST_IN_A_ROW, || Trouble::Gap).await.0, Ok(Some(4)));
        let lost = tried(LOST_IN_A_ROW + 1, || Trouble::Gap).await;
        assert_eq!(lost.0, Err(Trouble::Gap));
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
