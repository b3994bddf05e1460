//! What the tasks of a consumer share, and what they all demand of the log.

use std::sync::Arc;

use ballot::Rules;
use platform::Platform;
use service::whole_log::demand_end;
use store::{Lease, Store};
use tokio::sync::Mutex;
use wire::Disclosure;

use crate::ledgers::Ledgers;
use crate::turns::Turns;
use crate::{ConsumerConfig, ConsumerError, Progress};

/// What all tasks of a consumer share.
pub(crate) struct Context {
    pub(crate) platform: Arc<dyn Platform>,
    pub(crate) store: Store,
    pub(crate) rules: Rules,
    /// When the election was set up, in microseconds since 1970: tells it from others.
    pub(crate) election_set_up_at: i64,
    pub(crate) disclosure: Disclosure,
    pub(crate) config: ConsumerConfig,
    pub(crate) ledgers: Ledgers,
    pub(crate) progress: Progress,
    /// Held while tallies are stored: of two that store the same, the older must not come last.
    pub(crate) storing: Mutex<()>,
    pub(crate) turns: Turns,
}

/// A partition and by what right it is ours; without a lease all are, for nobody else is there.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ours {
    pub(crate) partition: u32,
    pub(crate) lease: Option<Lease>,
}

/// The database can never be ahead of the log it was filled from.
pub(crate) async fn demand_log(
    context: &Context,
    topic: &'static str,
    partition: u32,
    stored: i64,
) -> Result<(), ConsumerError> {
    Ok(demand_end(&*context.platform, topic, partition, stored).await?)
}
