//! What the tasks of a consumer share, and what all of them check about the log.

use std::sync::Arc;

use ballot::Rules;
use platform::Platform;
use service::whole_log::demand_end;
use store::{Lease, Store};
use tokio::sync::Mutex;
use wire::Disclosure;

use crate::ledgers::Ledgers;
use crate::{ConsumerConfig, ConsumerError, Progress};

/// What all tasks of a consumer share.
pub(crate) struct Context {
    pub(crate) platform: Arc<dyn Platform>,
    pub(crate) store: Store,
    pub(crate) rules: Rules,
    /// When the election was set up, in microseconds since 1970, which distinguishes it from others.
    pub(crate) election_set_up_at: i64,
    pub(crate) disclosure: Disclosure,
    pub(crate) config: ConsumerConfig,
    pub(crate) ledgers: Ledgers,
    pub(crate) progress: Progress,
    /// Held while tallies are stored: an older tally must not overwrite a newer one.
    pub(crate) storing: Mutex<()>,
}

/// A partition that this consumer owns, and its lease; a consumer that shares with no other needs none.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ours {
    pub(crate) partition: u32,
    pub(crate) lease: Option<Lease>,
}

/// Checks that the database is not ahead of the log it was filled from.
pub(crate) async fn check_log(
    context: &Context,
    topic: &'static str,
    partition: u32,
    stored: i64,
) -> Result<(), ConsumerError> {
    Ok(demand_end(&*context.platform, topic, partition, stored).await?)
}
