//! Figures of a bridge for Prometheus, and its health, from its progress.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

use bridge::{Place, Position, Progress};
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;
use service::health::Health;
use tokio_util::sync::CancellationToken;

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ByPartition {
    topic: String,
    kafka_topic: String,
    direction: &'static str,
    partition: u32,
}

/// The figures.
#[derive(Debug, Default)]
pub(crate) struct Metrics {
    position: Family<ByPartition, Gauge>,
    lag: Family<ByPartition, Gauge>,
    problems: Gauge,
}

impl Metrics {
    fn observe(&self, place: &Place, at: Position) {
        let label = ByPartition {
            topic: place.topic.clone(),
            kafka_topic: place.kafka_topic.clone(),
            direction: if place.to_kafka {
                "to-kafka"
            } else {
                "from-kafka"
            },
            partition: place.partition,
        };
        self.position.get_or_create(&label).set(at.position);
        self.lag.get_or_create(&label).set(at.lag());
    }

    /// All of them, as text.
    pub(crate) fn render(&self) -> Result<String, fmt::Error> {
        let mut registry = Registry::with_prefix("election_bridge");
        registry.register(
            "position",
            "Records before this offset are on the other side",
            self.position.clone(),
        );
        registry.register(
            "lag",
            "Records that are still to be carried over",
            self.lag.clone(),
        );
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

/// Keeps metrics and health as the progress has them, until `stop`. Each of `components` is known to be
/// fine while nothing else is said of it.
pub(crate) async fn watch(
    progress: Progress,
    metrics: Arc<Metrics>,
    health: Health,
    components: Vec<String>,
    stop: CancellationToken,
) {
    let mut watch = progress.watch();
    let mut known = BTreeSet::<String>::new();
    let is_component = |doing: &str| components.iter().any(|component| component == doing);
    loop {
        let snapshot = watch.borrow_and_update().clone();
        for (place, at) in &snapshot.partitions {
            metrics.observe(place, *at);
        }
        let problems = i64::try_from(snapshot.problems.len()).unwrap_or(i64::MAX);
        metrics.problems.set(problems);
        for gone in known
            .iter()
            .filter(|doing| !snapshot.problems.contains_key(*doing) && !is_component(doing))
        {
            health.remove(gone);
        }
        for component in &components {
            if !snapshot.problems.contains_key(component) {
                health.set(component.clone(), None);
            }
        }
        known = snapshot.problems.keys().cloned().collect();
        for (doing, problem) in snapshot.problems {
            health.set(doing, Some(problem));
        }
        // An error says that the bridge is gone, and nothing will change any more.
        if !matches!(
            stop.run_until_cancelled(watch.changed()).await,
            Some(Ok(()))
        ) {
            return;
        }
    }
}
