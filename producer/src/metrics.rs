//! Figures of a producer for Prometheus.

use std::fmt;

use producer::Progress;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

/// How far it is, as text.
pub(crate) fn render(progress: &Progress) -> Result<String, fmt::Error> {
    let mut registry = Registry::with_prefix("election_producer");
    for (name, help, value) in [
        ("records", "Records in the log", progress.done()),
        (
            "records_planned",
            "Records of the whole run, as far as is known",
            progress.total(),
        ),
    ] {
        let gauge: Gauge = Gauge::default();
        gauge.set(i64::try_from(value).unwrap_or(i64::MAX));
        registry.register(name, help, gauge);
    }
    let mut text = String::new();
    encode(&mut text, &registry)?;
    Ok(text)
}
