//! Metrics for Prometheus, in the OpenMetrics text format.

use std::sync::atomic::{AtomicI64, AtomicU64};

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::{Registry, Unit};

use crate::model::{Accounted, Snapshot};

pub(crate) const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ByPartition {
    partition: u32,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ByReason {
    reason: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ByStatus {
    status: u16,
}

/// Totals that the log owns are gauges here: this process only repeats them.
#[derive(Debug, Default)]
pub(crate) struct Metrics {
    voters: Gauge,
    counted: Gauge,
    rejected: Family<ByReason, Gauge>,
    cast: Family<ByPartition, Gauge>,
    lag: Family<ByPartition, Gauge>,
    unpersisted: Gauge,
    accounted: Gauge,
    cast_to_counted: Gauge<f64, AtomicU64>,
    snapshots: Counter,
    listeners: Gauge<i64, AtomicI64>,
    dropped_listeners: Counter,
    responses: Family<ByStatus, Counter>,
}

impl Metrics {
    /// Sets the metrics to the figures of a snapshot.
    pub(crate) fn observe(&self, snapshot: &Snapshot) {
        let set = |gauge: &Gauge, value: u64| {
            gauge.set(i64::try_from(value).unwrap_or(i64::MAX));
        };
        set(&self.voters, snapshot.totals.voters.unwrap_or(0));
        set(&self.counted, snapshot.totals.counted);
        set(&self.unpersisted, snapshot.pipeline.unpersisted);
        self.accounted
            .set(i64::from(snapshot.pipeline.accounted == Accounted::Agrees));
        for rejected in &snapshot.rejected {
            let label = ByReason {
                reason: rejected.reason.to_string(),
            };
            set(&self.rejected.get_or_create(&label), rejected.count);
        }
        for at in &snapshot.pipeline.partitions {
            let label = ByPartition {
                partition: at.partition,
            };
            self.cast.get_or_create(&label).set(at.cast);
            set(&self.lag.get_or_create(&label), at.lag);
        }
        if let Some(ms) = snapshot.pipeline.cast_to_counted_ms {
            self.cast_to_counted.set(ms / 1000.0);
        }
        self.snapshots.inc();
    }

    pub(crate) fn listener_came(&self) {
        self.listeners.inc();
    }

    pub(crate) fn listener_left(&self) {
        self.listeners.dec();
    }

    pub(crate) fn listener_dropped(&self) {
        self.dropped_listeners.inc();
    }

    pub(crate) fn responded(&self, status: u16) {
        self.responses.get_or_create(&ByStatus { status }).inc();
    }

    /// All of them, as text.
    pub(crate) fn render(&self) -> Result<String, std::fmt::Error> {
        let mut registry = Registry::with_prefix("election");
        registry.register("voters", "Registered voters", self.voters.clone());
        registry.register("votes_counted", "Votes that count", self.counted.clone());
        registry.register("votes_rejected", "Rejected votes", self.rejected.clone());
        registry.register("votes_cast", "Votes cast", self.cast.clone());
        registry.register("votes_lag", "Votes not counted yet", self.lag.clone());
        registry.register(
            "votes_unpersisted",
            "Votes not in Postgres yet",
            self.unpersisted.clone(),
        );
        registry.register(
            "accounted",
            "1 when log, tally and rows agree on every vote",
            self.accounted.clone(),
        );
        registry.register_with_unit(
            "cast_to_counted",
            "From produced to counted, of the votes counted last",
            Unit::Seconds,
            self.cast_to_counted.clone(),
        );
        let dashboard = registry.sub_registry_with_prefix("dashboard");
        dashboard.register("snapshots", "Snapshots published", self.snapshots.clone());
        dashboard.register("listeners", "Listeners of events", self.listeners.clone());
        dashboard.register(
            "listeners_dropped",
            "Listeners dropped because they were too slow",
            self.dropped_listeners.clone(),
        );
        dashboard.register("responses", "Responses, by status", self.responses.clone());
        let mut text = String::new();
        encode(&mut text, &registry)?;
        Ok(text)
    }
}
