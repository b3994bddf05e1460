//! Rejected votes, accounting and evidence, in the same words as in `pipeline.js`.

use ballot::Reason;

use crate::model::{Accounted, BridgedTopic, PartitionEvidence, SealedVotes, Snapshot};
use crate::numbers::{NO_NUMBER, Numbers};

/// Digits of a hash that are shown; its title has all of them.
const SHOWN_DIGITS: usize = 12;

/// A reason in words.
pub(super) fn reason_words(reason: Reason) -> &'static str {
    match reason {
        Reason::Malformed => "Not readable as a vote",
        Reason::WrongKey => "Record key is not the voter",
        Reason::WrongPartition => "Not in the voter's partition",
        Reason::BadCredential => "No valid credential",
        Reason::InvalidWeight => "Weight other than 1",
        Reason::UnknownCandidate => "Unknown candidate",
        Reason::PollsClosed => "Cast while polls were closed",
        Reason::Duplicate => "Voter had voted before",
    }
}

/// The state of the accounting, for programs.
pub(super) fn accounted(accounted: Accounted) -> &'static str {
    match accounted {
        Accounted::InProgress => "in_progress",
        Accounted::Agrees => "accounted",
        Accounted::Differs => "differs",
    }
}

/// The state of the accounting, in words.
pub(super) fn accounted_words(snapshot: &Snapshot, n: &Numbers) -> String {
    let pipeline = &snapshot.pipeline;
    let (uncounted, unpersisted) = (pipeline.uncounted, pipeline.unpersisted);
    match pipeline.accounted {
        Accounted::Agrees => "Every vote accounted for".to_owned(),
        Accounted::InProgress if uncounted > 0 => {
            format!("{} votes not counted yet", n.whole(uncounted))
        }
        Accounted::InProgress if unpersisted > 0 => {
            let unpersisted = n.whole(unpersisted);
            format!("All counted; {unpersisted} votes not in Postgres yet")
        }
        Accounted::InProgress => "Comparing log, tally and rows".to_owned(),
        Accounted::Differs => {
            let votes = n.whole(pipeline.difference);
            format!("Log, tally and rows differ by {votes} votes; run election audit to see where")
        }
    }
}

impl BridgedTopic {
    /// The topics that records go from and to.
    pub(super) fn ends(&self) -> (&str, &str) {
        match self.to_kafka {
            true => (&self.topic, &self.kafka_topic),
            false => (&self.kafka_topic, &self.topic),
        }
    }
}

impl PartitionEvidence {
    /// The root of its latest seal.
    pub(super) fn seal_root(&self) -> Option<&str> {
        self.seal.as_ref().map(|seal| seal.root.as_str())
    }
}

/// A hash as it is shown; a dash where there is none.
pub(super) fn hash_text(hash: Option<&str>) -> String {
    let Some(hash) = hash else {
        return NO_NUMBER.to_owned();
    };
    let digits: String = hash.chars().take(SHOWN_DIGITS).collect();
    format!("{digits}…")
}

/// The latest seal: the same in every partition's evidence, but for the partition's own figures.
pub(super) fn latest_seal(snapshot: &Snapshot) -> Option<&SealedVotes> {
    let mut partitions = snapshot.pipeline.evidence.iter();
    partitions.find_map(|at| at.seal.as_ref())
}
