//! The native limit: the same bytes through a plain `serde_json` loop on one core, without a log,
//! without WebAssembly, without a check: parse, and count per candidate and per location.

use std::collections::HashMap;
use std::hint::black_box;
use std::time::Instant;

use domain::topics;
use futures_util::StreamExt;
use platform::StreamRequest;
use serde::Deserialize;

use crate::workload::Workload;

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

/// Votes a second.
pub(crate) async fn rate(workload: &Workload) -> anyhow::Result<f64> {
    let mut values = Vec::new();
    let mut stream = workload
        .port()
        .stream(StreamRequest {
            topic: topics::VOTES.into(),
            partition: 0,
            from: 0,
            chain: Vec::new(),
        })
        .await?;
    let sample = SAMPLE.min(workload.ends[0].unsigned_abs() as usize);
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
