//! Latencies, counted to three significant digits.

use std::time::Duration;

use hdrhistogram::Histogram;

/// A minute, in microseconds. Anything longer is counted as a minute.
const LONGEST_MICROS: u64 = 60_000_000;

#[derive(Debug)]
pub(crate) struct Latencies(Histogram<u64>);

impl Latencies {
    pub(crate) fn new() -> anyhow::Result<Latencies> {
        Ok(Latencies(Histogram::new_with_max(LONGEST_MICROS, 3)?))
    }

    /// Records `count` events that took this long.
    pub(crate) fn record(&mut self, latency: Duration, count: u64) -> anyhow::Result<()> {
        let micros = latency.as_micros().clamp(1, LONGEST_MICROS.into()) as u64;
        Ok(self.0.record_n(micros, count)?)
    }

    pub(crate) fn add(&mut self, other: &Latencies) -> anyhow::Result<()> {
        Ok(self.0.add(&other.0)?)
    }

    pub(crate) fn count(&self) -> u64 {
        self.0.len()
    }

    /// The quantile in milliseconds: 0.5 is the median, 1.0 the longest.
    pub(crate) fn quantile_ms(&self, quantile: f64) -> f64 {
        self.0.value_at_quantile(quantile) as f64 / 1_000.0
    }
}
