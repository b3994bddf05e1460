//! The record that says why a vote does not count.

use ballot::Reason;
use serde::{Deserialize, Serialize};

/// The record of the `rejected-votes` topic.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RejectedVote {
    /// Partition of `votes` that the record stands in.
    pub partition: u32,
    /// Its offset there.
    pub offset: i64,
    /// Why it does not count.
    pub reason: Reason,
    /// The voter it names, empty where it names none.
    pub voter_id: String,
    /// The original value, invalid UTF-8 replaced; cut at the consumer's named limit.
    pub value: String,
    /// Length of the original value in bytes.
    pub value_bytes: usize,
}
