//! Rejected votes and the pipeline, in words.

use ballot::Reason;

use crate::model::{Accounted, BridgedTopic, PartitionEvidence, PartitionState, Snapshot};
use crate::numbers::Numbers;

/// A partition's row.
pub(super) struct PartitionRow {
    pub(super) partition: u32,
    pub(super) cast: i64,
    pub(super) cast_text: String,
    pub(super) counted_to: i64,
    pub(super) counted_text: String,
    pub(super) checkpointed_to: i64,
    pub(super) checkpointed_text: String,
    pub(super) persisted_to: i64,
    pub(super) persisted_text: String,
    pub(super) lag: u64,
    pub(super) lag_text: String,
}

/// A bridged topic's row.
pub(super) struct BridgeRow<'a> {
    pub(super) topic: &'a BridgedTopic,
    /// Unlike any other row's.
    pub(super) key: String,
    /// Where from, and where to.
    pub(super) way: String,
    pub(super) carried_text: String,
    pub(super) lag_text: String,
}

/// What there is of evidence for a partition, as a row.
pub(super) struct EvidenceRow<'a> {
    pub(super) partition: u32,
    pub(super) head: Hash<'a>,
    pub(super) voters_head: Hash<'a>,
    /// Votes that are sealed; `None` while none are.
    pub(super) sealed: Option<u64>,
    pub(super) sealed_text: String,
    pub(super) root: Hash<'a>,
}

/// A hash, whole and as it is shown.
pub(super) struct Hash<'a> {
    pub(super) whole: Option<&'a str>,
    pub(super) text: String,
}

/// Digits of a hash that are shown; the whole one is in its title.
const SHOWN_DIGITS: usize = 12;

/// What stands in place of what there is none of.
const NOTHING: &str = "–";

/// A reason as a person would say it.
pub(super) fn reason_words(reason: Reason) -> &'static str {
    match reason {
        Reason::Malformed => "Not readable as a vote",
        Reason::WrongKey => "Record key is not the voter",
        Reason::BadCredential => "Without the voter’s credential",
        Reason::InvalidWeight => "Weight other than 1",
        Reason::UnknownCandidate => "Candidate does not stand",
        Reason::PollsClosed => "Cast while polls were closed",
        Reason::Duplicate => "Voter had voted before",
    }
}

/// The state of the accounting, for programs.
pub(super) fn accounted(accounted: Accounted) -> &'static str {
    match accounted {
        Accounted::InProgress => "in_progress",
        Accounted::Accounted => "accounted",
        Accounted::Differs => "differs",
    }
}

/// The same words as in `pipeline.js`.
pub(super) fn accounted_words(snapshot: &Snapshot, n: &Numbers) -> String {
    let pipeline = &snapshot.pipeline;
    match pipeline.accounted {
        Accounted::Accounted => "Every vote accounted for".to_owned(),
        Accounted::InProgress if pipeline.uncounted > 0 => {
            format!(
                "{} votes on their way to the count",
                n.whole(pipeline.uncounted)
            )
        }
        Accounted::InProgress if pipeline.unpersisted > 0 => format!(
            "All counted; {} votes on their way to Postgres",
            n.whole(pipeline.unpersisted)
        ),
        Accounted::InProgress => "Comparing log, tally and rows".to_owned(),
        Accounted::Differs => format!(
            "Log, tally and rows differ by {} votes: election audit names where",
            n.whole(pipeline.difference)
        ),
    }
}

/// The row of a bridged topic; key and words are the same as in `pipeline.js`.
pub(super) fn bridge_row<'a>(topic: &'a BridgedTopic, n: &Numbers) -> BridgeRow<'a> {
    let (from, to) = match topic.to_kafka {
        true => (&topic.topic, &topic.kafka_topic),
        false => (&topic.kafka_topic, &topic.topic),
    };
    BridgeRow {
        topic,
        key: format!("{from}>{to}"),
        way: format!("{from} → {to}"),
        carried_text: n.whole(topic.carried),
        lag_text: n.whole(topic.lag),
    }
}

/// The row of a partition's evidence.
pub(super) fn evidence_row<'a>(at: &'a PartitionEvidence, n: &Numbers) -> EvidenceRow<'a> {
    let sealed = at.seal.as_ref().map(|seal| seal.votes);
    EvidenceRow {
        partition: at.partition,
        head: hash(at.chain_head.as_deref()),
        voters_head: hash(at.voters_chain_head.as_deref()),
        sealed,
        sealed_text: sealed.map_or_else(|| NOTHING.to_owned(), |votes| n.whole(votes)),
        root: hash(at.seal.as_ref().map(|seal| seal.root.as_str())),
    }
}

/// The same text as in `pipeline.js`.
fn hash(whole: Option<&str>) -> Hash<'_> {
    let shown = |whole: &str| {
        let digits: String = whole.chars().take(SHOWN_DIGITS).collect();
        format!("{digits}…")
    };
    Hash {
        whole,
        text: whole.map_or_else(|| NOTHING.to_owned(), shown),
    }
}

/// Which seal it is (the same words as in `pipeline.js`), and when it was made.
pub(super) fn seal_words(snapshot: &Snapshot) -> (String, &str) {
    let mut partitions = snapshot.pipeline.evidence.iter();
    match partitions.find_map(|at| at.seal.as_ref()) {
        Some(seal) => (format!("Seal {} of", seal.seal), &seal.sealed_at),
        None => ("No vote is sealed yet.".to_owned(), ""),
    }
}

/// The row of a partition.
pub(super) fn partition_row(partition: &PartitionState, n: &Numbers) -> PartitionRow {
    let offset = |offset: i64| n.whole(u64::try_from(offset).unwrap_or_default());
    PartitionRow {
        partition: partition.partition,
        cast: partition.cast,
        cast_text: offset(partition.cast),
        counted_to: partition.counted_to,
        counted_text: offset(partition.counted_to),
        checkpointed_to: partition.checkpointed_to,
        checkpointed_text: offset(partition.checkpointed_to),
        persisted_to: partition.persisted_to,
        persisted_text: offset(partition.persisted_to),
        lag: partition.lag,
        lag_text: n.whole(partition.lag),
    }
}
