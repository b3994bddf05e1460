//! The native limit: the same bytes through a plain `serde_json` loop on one core, without a log,
//! without WebAssembly, without a check: parse, and count per candidate and per location.

use std::collections::HashMap;
use std::hint::black_box;
use std::time::Instant;

use futures_util::StreamExt;
use platform::{Platform, StreamRequest};
use serde::Deserialize;
use wire::topics;

use crate::report::{Figure, Unit};

/// Votes that are held in memory for the loop.
const SAMPLE: usize = 200_000;
/// Times the sample is gone through.
const ROUNDS: usize = 3;

#[derive(Deserialize)]
struct PlainVote<'a> {
    candidate_id: &'a str,
    address: PlainAddress<'a>,
}

#[derive(Deserialize)]
struct PlainAddress<'a> {
    state: &'a str,
}

pub(crate) fn figure(rate: f64) -> Figure {
    Figure::new(
        "native",
        "native serde_json loop, one core",
        Unit::PerSecond,
        rate,
    )
}

/// Votes a second, of those in the first partition.
pub(crate) async fn rate(platform: &dyn Platform) -> anyhow::Result<f64> {
    let mut values = Vec::new();
    let end = platform.end_offset(topics::VOTES, 0).await?;
    let mut stream = platform
        .stream(StreamRequest {
            topic: topics::VOTES.into(),
            partition: 0,
            from: 0,
            chain: Vec::new(),
        })
        .await?;
    let sample = SAMPLE.min(end.unsigned_abs() as usize);
    while values.len() < sample
        && let Some(outputs) = stream.next().await
    {
        values.extend(outputs?.into_iter().map(|output| output.value));
    }
    let rate = tokio::task::spawn_blocking(move || {
        let began = Instant::now();
        for _ in 0..ROUNDS {
            let mut candidates: HashMap<&str, u64> = HashMap::new();
            let mut locations: HashMap<&str, u64> = HashMap::new();
            for value in &values {
                // The truncated ones of the election's invalid votes do not parse; they cost time too.
                if let Ok(vote) = serde_json::from_slice::<PlainVote<'_>>(value) {
                    *candidates.entry(vote.candidate_id).or_default() += 1;
                    *locations.entry(vote.address.state).or_default() += 1;
                }
            }
            black_box((candidates, locations));
        }
        (ROUNDS * values.len()) as f64 / began.elapsed().as_secs_f64()
    });
    Ok(rate.await?)
}
