//! Where the figures come from: the aggregate topics and Postgres, as any other service could read
//! them. A source that fails is named on the board, and retried.

mod database;
mod log_ends;
mod topic;

use std::fmt::Display;

use service::retry::Backoff;
use tokio_util::sync::CancellationToken;

pub(crate) use database::watch_database;
pub(crate) use log_ends::watch_log_ends;
pub(crate) use topic::watch_topic;

use crate::shared::Shared;

/// The state of a source: its name, and the pause before the next retry.
struct Source {
    name: String,
    shared: Shared,
    backoff: Backoff,
}

impl Source {
    fn new(name: impl Into<String>, shared: &Shared) -> Self {
        Source {
            name: name.into(),
            shared: shared.clone(),
            backoff: Backoff::default(),
        }
    }

    fn works(&mut self) {
        self.backoff.reset();
        self.shared.set_problem(&self.name, None);
    }

    /// Notes that it fails, and waits until the next retry.
    async fn failed(&mut self, problem: impl Display, stop: &CancellationToken) {
        let (source, pause) = (&self.name, self.backoff.next_pause());
        tracing::warn!(source, retry_in = ?pause, "{problem}");
        self.shared.set_problem(source, Some(problem.to_string()));
        self.backoff.pause(stop).await;
    }
}
