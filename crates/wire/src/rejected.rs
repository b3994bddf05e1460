//! The record that says why a vote does not count.

use ballot::Reason;
use serde::{Deserialize, Serialize};

fn one() -> u32 {
    1
}

fn is_one(records: &u32) -> bool {
    *records == 1
}

/// The record of the `rejected-votes` topic.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RejectedVote {
    /// Partition of `votes` that the record stands in.
    pub partition: u32,
    /// Its offset there.
    pub offset: i64,
    /// How many records it stands for, from that offset on: more than one where a batch in the log cannot be read.
    #[serde(default = "one", skip_serializing_if = "is_one")]
    pub records: u32,
    /// Why it does not count.
    pub reason: Reason,
    /// The voter it names, empty where it names none.
    pub voter_id: String,
    /// The original value, invalid UTF-8 replaced; cut at the consumer's named limit.
    pub value: String,
    /// Length of the original value in bytes.
    pub value_bytes: usize,
}
