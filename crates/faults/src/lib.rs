//! Named points at which a test makes the system fail. An ordinary build has none of them.
//!
//! Each stands where a crash or a failure would hurt most: between two steps that belong together. What
//! happens there a test says in the environment variable `FAILPOINTS` of the process that it starts, in
//! the words of the [`fail`] crate: `store/commit=2*off->return(kill)` kills it at the third commit.
//!
//! The points are there only where `fail` has its feature `failpoints`, which nothing but the tests of
//! the workspace's root asks for: cargo leaves their dependencies out of what it builds for use.

#![forbid(unsafe_code)]
#![deny(missing_docs)]

/// What a test says to end the process at once, as `kill -9` does: nothing is flushed or told.
const KILL: &str = "kill";

/// What a test says for a failure that is over at the next try.
const PASSES: &str = "passes";

/// A failure that a test wants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// What goes wrong, as the test says it.
    pub problem: String,
}

impl Fault {
    /// Whether it would be over at the next try.
    pub fn passes(&self) -> bool {
        self.problem == PASSES
    }
}

/// Keeps the points as the environment says, while it lives. Does nothing in an ordinary build.
#[must_use]
pub struct Scenario {
    _points: Option<fail::FailScenario<'static>>,
}

/// Reads from the environment what is to happen at which point.
pub fn set_up() -> Scenario {
    Scenario {
        _points: are_possible().then(fail::FailScenario::setup),
    }
}

/// Whether this build has the points.
pub fn are_possible() -> bool {
    fail::has_failpoints()
}

/// A point. It is passed, unless a test wants a failure.
///
/// # Errors
/// The failure that the test wants.
#[inline]
pub fn at(point: &str) -> Result<(), Fault> {
    match wanted(point) {
        None => Ok(()),
        Some(problem) if problem == KILL => std::process::abort(),
        Some(problem) => Err(Fault { problem }),
    }
}

/// By how many seconds a test sets a clock back; 0 in an ordinary build.
#[inline]
pub fn clock_set_back(clock: &str) -> i64 {
    let seconds = wanted(clock).and_then(|seconds| seconds.parse().ok());
    seconds.unwrap_or_default()
}

#[inline]
#[allow(unused_variables, reason = "an ordinary build has no points")]
fn wanted(point: &str) -> Option<String> {
    fail::fail_point!(point, |given: Option<String>| Some(
        given.unwrap_or_default()
    ));
    None
}
