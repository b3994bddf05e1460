//! The metrics of a consumer, from its progress.

use std::fmt;

use consumer::{PartitionProgress, Snapshot};
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ByPartition {
    partition: u32,
}

/// What is measured of a partition: name, help and value.
type Figure = (&'static str, &'static str, fn(&PartitionProgress) -> i64);

const FIGURES: [Figure; 7] = [
    ("owned", "1 when this consumer owns the partition", |at| {
        i64::from(at.is_ours)
    }),
    ("votes_counted", "Votes counted or rejected", |at| {
        at.counted
    }),
    ("votes_stored", "Votes whose count is stored", |at| {
        at.checkpointed
    }),
    ("votes_persisted", "Votes that are rows", |at| at.persisted),
    ("voters_persisted", "Voters that are rows", |at| {
        at.voters_persisted
    }),
    (
        "module_memory",
        "Bytes of memory of the SmartModule that counts",
        |at| i64::try_from(at.module_bytes).unwrap_or(i64::MAX),
    ),
    (
        "counted_here",
        "1 when the consumer counts the partition itself, because the platform cannot",
        |at| i64::from(at.counted_here),
    ),
];

/// All of them, as text.
pub(crate) fn render(snapshot: &Snapshot) -> Result<String, fmt::Error> {
    let mut registry = Registry::with_prefix("election_consumer");
    for (name, help, figure) in FIGURES {
        let family = Family::<ByPartition, Gauge>::default();
        for (partition, at) in (0..).zip(&snapshot.partitions) {
            let gauge = family.get_or_create(&ByPartition { partition });
            gauge.set(figure(at));
        }
        registry.register(name, help, family);
    }
    let problems = Gauge::<i64>::default();
    problems.set(i64::try_from(snapshot.problems.len()).unwrap_or(i64::MAX));
    registry.register(
        "problems",
        "What fails at the moment and is retried",
        problems,
    );
    let mut text = String::new();
    encode(&mut text, &registry)?;
    Ok(text)
}
