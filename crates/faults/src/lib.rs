//! Named points at which a test makes the system fail. An ordinary build has none of them.
//!
//! They are where a crash or a failure would hurt most: between two steps that belong together. A test sets what happens
//! there in the environment variable `FAILPOINTS` of the process that it starts, in the syntax of the [`fail`] crate:
//! `store/commit=2*off->return(kill)` kills it at the third commit.
//!
//! The points exist only if `fail` has its feature `failpoints`, which only the tests of the workspace's root enable:
//! cargo leaves their dependencies out of ordinary builds.

#![forbid(unsafe_code)]
#![deny(missing_docs)]

/// Ends the process at once, like `kill -9`: nothing is flushed.
const KILL: &str = "kill";

/// A transient failure.
const PASSES: &str = "passes";

/// A failure that a test wants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// What goes wrong, in the test's words.
    pub problem: String,
}

impl Fault {
    /// Whether a retry would succeed.
    pub fn passes(&self) -> bool {
        self.problem == PASSES
    }
}

/// Sets the points as the environment says, until the result is dropped. Does nothing in an ordinary build.
#[must_use]
pub fn set_up() -> Option<fail::FailScenario<'static>> {
    fail::has_failpoints().then(fail::FailScenario::setup)
}

/// A point, which is passed unless a test wants a failure.
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
