//! Why a vote does not count.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The one reason a record of `votes` was rejected for. When several apply, the first in the order
/// of declaration is given.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// Not JSON, or a required field is missing, of the wrong type or not usable.
    Malformed,
    /// The record's key is not the voter's id, so its partition could not be trusted.
    WrongKey,
    /// The record is not in the partition that its key belongs to, where the voter's other votes are.
    WrongPartition,
    /// The election requires credentials, and the vote does not carry the voter's.
    BadCredential,
    /// `vote` is not 1.
    InvalidWeight,
    /// The candidate does not stand in this election.
    UnknownCandidate,
    /// Cast outside the configured polls window.
    PollsClosed,
    /// The voter has voted before; the first vote counts.
    Duplicate,
}

impl Reason {
    /// Every reason, in the order they are checked.
    pub const ALL: [Reason; 8] = [
        Reason::Malformed,
        Reason::WrongKey,
        Reason::WrongPartition,
        Reason::BadCredential,
        Reason::InvalidWeight,
        Reason::UnknownCandidate,
        Reason::PollsClosed,
        Reason::Duplicate,
    ];

    /// The name on the wire and in tables.
    pub fn as_str(self) -> &'static str {
        match self {
            Reason::Malformed => "malformed",
            Reason::WrongKey => "wrong_key",
            Reason::WrongPartition => "wrong_partition",
            Reason::BadCredential => "bad_credential",
            Reason::InvalidWeight => "invalid_weight",
            Reason::UnknownCandidate => "unknown_candidate",
            Reason::PollsClosed => "polls_closed",
            Reason::Duplicate => "duplicate",
        }
    }

    /// The reason with this name on the wire, if there is one.
    pub fn from_name(name: &str) -> Option<Reason> {
        Reason::ALL
            .into_iter()
            .find(|reason| reason.as_str() == name)
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
