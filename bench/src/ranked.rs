//! Ranked ballots through the real engine, one partition, compared with a plain native loop over the same bytes.

use std::path::Path;

use crate::report::{Figure, Report};
use crate::workload::Workload;
use crate::{native, rounds, tally, workload};

/// The target on the two-core reference machine; see docs/performance.md.
const TARGET: f64 = 0.4;
/// Most votes: with more the figures stay the same.
const MOST_VOTES: u64 = 1_000_000;
/// The log's directory.
const LOG: &str = "ranked";

pub(crate) async fn measure(
    directory: &Path,
    votes: u64,
    report: &mut Report,
) -> anyhow::Result<()> {
    let election = workload::election_of(rounds::election(rounds::RANKS)?);
    let votes = votes.min(MOST_VOTES);
    let (workload, _) = Workload::produce_of(directory, LOG, election, votes, 1).await?;
    let before = native::rate_of_rankings(&workload.log).await?;
    let rate = tally::rate(&workload, &[0]).await?;
    let after = native::rate_of_rankings(&workload.log).await?;
    workload.close().await?;
    let native = f64::midpoint(before, after);
    let name = "native serde_json loop over ranked ballots";
    report.add(Figure::rate("native_ranked", name, native));
    let name = "tally of ranked ballots, one partition";
    let figure = Figure::rate("tally_ranked", name, rate);
    report.add(figure.compared_with(native).target_ratio(TARGET));
    Ok(())
}
