//! What the tasks of a consumer share.

use std::sync::Arc;

use ballot::{Partition, Rules};
use platform::Platform;
use store::{Lease, Store};
use tokio::sync::Mutex;
use wire::Disclosure;

use crate::ledgers::Ledgers;
use crate::{ConsumerConfig, Progress};

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

impl Context {
    /// A partition of `votes`, of how many.
    pub(crate) fn partition(&self, number: u32) -> Partition {
        let of = self.ledgers.partitions().end;
        Partition { number, of }
    }
}

/// A partition that this consumer owns, and its lease; a consumer that shares with no other needs none.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ours {
    pub(crate) partition: u32,
    pub(crate) lease: Option<Lease>,
}
