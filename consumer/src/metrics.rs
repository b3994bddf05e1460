//! Figures of a consumer for Prometheus, and its health, from its progress.

use std::collections::BTreeSet;
use std::fmt;

use consumer::{PartitionProgress, Progress};
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;
use service::health::Health;
use tokio_util::sync::CancellationToken;

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ByPartition {
    partition: u32,
}

type Offsets = Family<ByPartition, Gauge>;

/// The figures.
#[derive(Debug, Default)]
pub(crate) struct Metrics {
    owned: Offsets,
    counted: Offsets,
    stored: Offsets,
    persisted: Offsets,
    voters_persisted: Offsets,
    module_bytes: Offsets,
    problems: Gauge,
}

impl Metrics {
    fn observe(&self, partition: u32, at: &PartitionProgress) {
        let label = ByPartition { partition };
        let set = |family: &Offsets, value: i64| {
            family.get_or_create(&label).set(value);
        };
        set(&self.owned, i64::from(at.is_ours));
        set(&self.counted, at.counted);
        set(&self.stored, at.checkpointed);
        set(&self.persisted, at.persisted);
        set(&self.voters_persisted, at.voters_persisted);
        set(
            &self.module_bytes,
            i64::try_from(at.module_bytes).unwrap_or(i64::MAX),
        );
    }

    /// All of them, as text.
    pub(crate) fn render(&self) -> Result<String, fmt::Error> {
        let mut registry = Registry::with_prefix("election_consumer");
        let families = [
            (
                "owned",
                "1 when this consumer owns the partition",
                &self.owned,
            ),
            ("votes_counted", "Votes counted or rejected", &self.counted),
            ("votes_stored", "Votes whose count is stored", &self.stored),
            ("votes_persisted", "Votes that are rows", &self.persisted),
            (
                "voters_persisted",
                "Voters that are rows",
                &self.voters_persisted,
            ),
            (
                "module_memory",
                "Bytes of memory of the SmartModule that counts",
                &self.module_bytes,
            ),
        ];
        for (name, help, family) in families {
            registry.register(name, help, family.clone());
        }
        registry.register(
            "problems",
            "What fails at the moment and is tried again",
            self.problems.clone(),
        );
        let mut text = String::new();
        encode(&mut text, &registry)?;
        Ok(text)
    }
}

/// Keeps metrics and health as the progress has them, until `stop`.
pub(crate) async fn watch(
    progress: Progress,
    metrics: std::sync::Arc<Metrics>,
    health: Health,
    stop: CancellationToken,
) {
    let mut watch = progress.watch();
    let mut known = BTreeSet::<String>::new();
    loop {
        let snapshot = watch.borrow_and_update().clone();
        for (partition, at) in (0..).zip(&snapshot.partitions) {
            metrics.observe(partition, at);
        }
        let problems = i64::try_from(snapshot.problems.len()).unwrap_or(i64::MAX);
        metrics.problems.set(problems);
        for gone in known
            .iter()
            .filter(|doing| !snapshot.problems.contains_key(*doing))
        {
            health.remove(gone);
        }
        known = snapshot.problems.keys().cloned().collect();
        for (doing, problem) in snapshot.problems {
            health.set(doing, Some(problem));
        }
        // An error says that the consumer is gone, and nothing will change any more.
        if !matches!(
            stop.run_until_cancelled(watch.changed()).await,
            Some(Ok(()))
        ) {
            return;
        }
    }
}
