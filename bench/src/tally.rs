//! The tally through the real engine: one partition alone for the rate per core, all at once for the rate of the
//! machine, how the rate holds as votes grow, and the memory that the table of voters takes.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::Context;
use ballot::{Delta, Partition};
use consumer::ConsumerConfig;
use futures_util::StreamExt;
use futures_util::future::try_join_all;
use indicatif::HumanCount;
use ledger::Ledger;
use platform::{OutputStream, Platform};

use crate::native;
use crate::report::{Figure, Report, Unit};
use crate::workload::Workload;

/// Targets on the two-core reference machine; see docs/performance.md.
const PER_CORE_TARGET: f64 = 0.5;
const ALL_TARGET: f64 = 1_000_000.0;
const GROWTH_TARGET: f64 = 0.9;
const BYTES_PER_VOTER_TARGET: f64 = 32.0;
/// Ten million votes in twenty seconds.
const RECOUNT_TARGET_PER_VOTE: Duration = Duration::from_micros(2);

/// Numbers of votes after which the rate is reported; it should stay the same.
const GROWTH: [(u64, &str); 5] = [
    (1_000_000, "tally_at_1_million"),
    (2_000_000, "tally_at_2_million"),
    (5_000_000, "tally_at_5_million"),
    (10_000_000, "tally_at_10_million"),
    (20_000_000, "tally_at_20_million"),
];

/// Measures the tally and its baseline, the native loop. The loop runs before and after the one partition, since a
/// machine's speed may change from one second to the next.
pub(crate) async fn measure(workload: &Workload, report: &mut Report) -> anyhow::Result<()> {
    let before = native::rate(&workload.log).await?;
    let one = tally_all(workload, &[0]).await?;
    let after = native::rate(&workload.log).await?;
    let native = f64::midpoint(before, after);
    report.add(native::figure(native));
    report.compare_with(native);
    let one = Figure::rate("tally_per_core", "tally, one partition", one.rate());
    report.add(one.target_ratio(PER_CORE_TARGET));

    let partitions: Vec<u32> = (0..workload.ends.len() as u32).collect();
    let all = tally_all(workload, &partitions).await?;
    let name = format!("tally, {} partitions", partitions.len());
    report.add(Figure::rate("tally", name, all.rate()).target(ALL_TARGET));
    let mut first = None;
    for (votes, key) in GROWTH {
        let Some(rate) = all.rate_of_first(votes) else {
            break;
        };
        let name = format!("the first {} of them", HumanCount(votes));
        let figure = Figure::rate(key, name, rate);
        report.add(match first {
            None => figure,
            Some(first) => figure
                .compared_with_other(first, "1 million")
                .target_ratio(GROWTH_TARGET),
        });
        first.get_or_insert(rate);
    }
    let (key, name) = ("bytes_per_voter", "SmartModule memory per voter");
    let bytes = all.grown_bytes as f64 / all.voters as f64;
    report.add(Figure::new(key, name, Unit::Bytes, bytes).target(BYTES_PER_VOTER_TARGET));
    Ok(())
}

/// Measures a recount: opening the log, compiling the SmartModules and counting every vote.
pub(crate) async fn measure_recount(directory: &Path, report: &mut Report) -> anyhow::Result<()> {
    let began = Instant::now();
    let workload = Workload::reopen(directory).await?;
    let partitions: Vec<u32> = (0..workload.ends.len() as u32).collect();
    tally_all(&workload, &partitions).await?;
    let took = began.elapsed();
    let votes = workload.records();
    let name = format!("recount of {} votes", HumanCount(votes));
    let target = RECOUNT_TARGET_PER_VOTE.as_secs_f64() * votes as f64;
    report.add(Figure::new("recount", name, Unit::Seconds, took.as_secs_f64()).target(target));
    workload.close().await
}

/// Votes a second of some partitions, counted at the same time.
pub(crate) async fn rate(workload: &Workload, partitions: &[u32]) -> anyhow::Result<f64> {
    Ok(tally_all(workload, partitions).await?.rate())
}

/// What counting some partitions took.
#[derive(Default)]
struct Tallied {
    /// When each batch was counted, since the beginning, and the votes in it.
    batches: Vec<(Duration, u64)>,
    voters: u64,
    /// Growth of the modules' memory from their first batches to their last.
    grown_bytes: u64,
}

impl Tallied {
    fn rate(&self) -> f64 {
        let votes: u64 = self.batches.iter().map(|(_, votes)| votes).sum();
        let took = self.batches.last().map_or(0.0, |(at, _)| at.as_secs_f64());
        votes as f64 / took
    }

    /// The rate of the first `votes`; `None` if there are fewer.
    fn rate_of_first(&self, votes: u64) -> Option<f64> {
        let mut counted = 0;
        for (at, more) in &self.batches {
            counted += more;
            if counted >= votes {
                return Some(counted as f64 / at.as_secs_f64());
            }
        }
        None
    }
}

/// Counts partitions at the same time. The clock starts when all SmartModules are compiled.
async fn tally_all(workload: &Workload, partitions: &[u32]) -> anyhow::Result<Tallied> {
    let rules = workload.election.rules();
    let chain = ConsumerConfig::default().tally_chain;
    let log = &workload.log;
    let of = workload.ends.len() as u32;
    let opened = partitions.iter().map(|&number| {
        let partition = Partition { number, of };
        log.stream(consumer::tally_request(partition, &chain, &rules))
    });
    let streams = try_join_all(opened).await?;
    let began = Instant::now();
    let counted = streams.into_iter().zip(partitions);
    let counted = counted.map(|(stream, &partition)| {
        let end = workload.ends[partition as usize];
        tokio::spawn(tally_partition(stream, end, began))
    });
    let mut all = Tallied::default();
    for one in try_join_all(counted).await? {
        let one = one?;
        all.batches.extend(one.batches);
        all.voters += one.voters;
        all.grown_bytes += one.grown_bytes;
    }
    all.batches.sort_unstable();
    Ok(all)
}

async fn tally_partition(
    mut stream: OutputStream,
    end: i64,
    began: Instant,
) -> anyhow::Result<Tallied> {
    let mut ledger = Ledger::default();
    let mut batches = Vec::new();
    let (mut first_bytes, mut last_bytes) = (None, 0);
    while ledger.next_offset() < end {
        let outputs = stream.next().await.context("the stream ended")??;
        for output in outputs {
            let delta: Delta = serde_json::from_slice(&output.value)?;
            ledger.apply(&delta)?;
            batches.push((began.elapsed(), delta.tally.cast()));
            first_bytes.get_or_insert(delta.memory_bytes);
            last_bytes = delta.memory_bytes;
        }
    }
    Ok(Tallied {
        batches,
        voters: ledger.tally().counted(),
        grown_bytes: last_bytes - first_bytes.unwrap_or(0),
    })
}
