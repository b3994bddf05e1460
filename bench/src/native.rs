//! The native limit: the same bytes through a plain `serde_json` loop on one core, without a log,
//! without WebAssembly, without a check: parse, and count per candidate (of ranked ballots: per ranking) and per location.

use std::collections::HashMap;
use std::hint::black_box;
use std::time::Instant;

use platform::{Output, Platform};
use serde::Deserialize;
use wire::topics;

use crate::report::Figure;
use crate::workload::read_votes;

/// Votes that are held in memory for the loop.
const SAMPLE: i64 = 200_000;
/// How often the loop runs over the sample.
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

/// A vote of the [ranked election](crate::rounds::election).
#[derive(Deserialize)]
struct PlainRankedVote<'a> {
    #[serde(borrow)]
    choices: PlainChoices<'a>,
    address: PlainAddress<'a>,
}

#[derive(Deserialize)]
struct PlainChoices<'a> {
    #[serde(borrow, default)]
    mayor: Vec<&'a str>,
}

pub(crate) fn figure(rate: f64) -> Figure {
    Figure::rate("native", "native serde_json loop, one core", rate)
}

/// Votes a second, of those in the first partition.
pub(crate) async fn rate(platform: &dyn Platform) -> anyhow::Result<f64> {
    rate_of(platform, count_candidates).await
}

/// Ranked ballots a second, of those in the first partition.
pub(crate) async fn rate_of_rankings(platform: &dyn Platform) -> anyhow::Result<f64> {
    rate_of(platform, count_rankings).await
}

async fn rate_of(platform: &dyn Platform, count: fn(&[Output])) -> anyhow::Result<f64> {
    let end = platform.end_offset(topics::VOTES, 0).await?;
    let votes = read_votes(platform, 0, end.min(SAMPLE)).await?;
    let rate = tokio::task::spawn_blocking(move || {
        let began = Instant::now();
        for _ in 0..ROUNDS {
            count(&votes);
        }
        (ROUNDS * votes.len()) as f64 / began.elapsed().as_secs_f64()
    });
    Ok(rate.await?)
}

fn count_candidates(votes: &[Output]) {
    let mut candidates: HashMap<&str, u64> = HashMap::new();
    let mut locations: HashMap<&str, u64> = HashMap::new();
    for vote in votes {
        // The truncated ones among the invalid votes do not parse; they cost time, too.
        if let Ok(vote) = serde_json::from_slice::<PlainVote<'_>>(&vote.value) {
            *candidates.entry(vote.candidate_id).or_default() += 1;
            *locations.entry(vote.address.state).or_default() += 1;
        }
    }
    black_box((candidates, locations));
}

fn count_rankings(votes: &[Output]) {
    let mut rankings: HashMap<Vec<&str>, u64> = HashMap::new();
    let mut locations: HashMap<&str, u64> = HashMap::new();
    for vote in votes {
        if let Ok(vote) = serde_json::from_slice::<PlainRankedVote<'_>>(&vote.value) {
            *rankings.entry(vote.choices.mayor).or_default() += 1;
            *locations.entry(vote.address.state).or_default() += 1;
        }
    }
    black_box((rankings, locations));
}
