//! Where the figures come from: the aggregate topics and Postgres, as any other service could read
//! them. A source that fails says so on the board, and is tried again.

mod database;
mod log_ends;
mod topic;

use std::fmt::Display;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

pub(crate) use database::watch_database;
pub(crate) use log_ends::watch_log_ends;
pub(crate) use topic::watch_topic;

use crate::shared::Shared;

/// First and longest pause between two tries of a source that fails.
const RETRY_PAUSES: (Duration, Duration) = (Duration::from_millis(250), Duration::from_secs(5));

/// A source of figures: whether it works, and how long until it is tried again.
struct Source {
    name: String,
    shared: Shared,
    works: bool,
    pause: Duration,
}

impl Source {
    fn new(name: impl Into<String>, shared: &Shared) -> Self {
        Source {
            name: name.into(),
            shared: shared.clone(),
            works: false,
            pause: RETRY_PAUSES.0,
        }
    }

    /// Notes that it works.
    fn works(&mut self) {
        if !self.works {
            self.works = true;
            self.pause = RETRY_PAUSES.0;
            self.shared
                .update(|board| board.set_problem(&self.name, None));
        }
    }

    /// Notes that it fails, and waits until it should be tried again.
    async fn failed(&mut self, problem: impl Display, stop: &CancellationToken) {
        self.works = false;
        let Source { name, pause, .. } = self;
        tracing::warn!(source = name, retry_in = ?pause, "{problem}");
        let problem = format!("{name}: {problem}");
        self.shared
            .update(|board| board.set_problem(name, Some(problem)));
        stop.run_until_cancelled(tokio::time::sleep(*pause)).await;
        *pause = (*pause * 2).min(RETRY_PAUSES.1);
    }
}
