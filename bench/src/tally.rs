//! The tally through the real engine: one partition by itself for the rate per core, all at once for
//! the machine's, and the memory that knowing every voter takes.

use std::time::Instant;

use anyhow::Context;
use consumer::ConsumerConfig;
use domain::{Delta, Ledger, Rules};
use futures_util::StreamExt;
use futures_util::future::try_join_all;

use crate::report::{Figure, Report, Unit};
use crate::workload::Workload;

/// The least that is asked for, on the two-core reference machine; see docs/performance.md.
const PER_CORE_TARGET: f64 = 350_000.0;
const BYTES_PER_VOTER_TARGET: f64 = 64.0;

pub(crate) async fn measure(workload: &Workload, report: &mut Report) -> anyhow::Result<()> {
    let one = tally_partition(workload, 0).await?;
    let per_core = one.next_offset as f64 / (one.ended - one.began).as_secs_f64();
    report.add(
        Figure::new(
            "tally_per_core",
            "tally, one partition",
            Unit::PerSecond,
            per_core,
        )
        .target(PER_CORE_TARGET),
    );

    let began = Instant::now();
    let partitions = 0..workload.ends.len() as u32;
    let all =
        try_join_all(partitions.map(|partition| tally_partition(workload, partition))).await?;
    let rate = workload.records() as f64 / began.elapsed().as_secs_f64();
    report.add(Figure::new(
        "tally",
        format!("tally, {} partitions", all.len()),
        Unit::PerSecond,
        rate,
    ));

    let voters: u64 = all.iter().map(|tallied| tallied.voters).sum();
    let bytes: u64 = all.iter().map(|tallied| tallied.grown_bytes).sum();
    report.add(
        Figure::new(
            "bytes_per_voter",
            "SmartModule memory per voter",
            Unit::Bytes,
            bytes as f64 / voters as f64,
        )
        .target(BYTES_PER_VOTER_TARGET),
    );
    Ok(())
}

struct Tallied {
    /// When the SmartModule was compiled and the stream began.
    began: Instant,
    ended: Instant,
    next_offset: i64,
    voters: u64,
    /// Growth of the module's memory from its first batch to its last.
    grown_bytes: u64,
}

async fn tally_partition(workload: &Workload, partition: u32) -> anyhow::Result<Tallied> {
    let rules = Rules::new(&workload.election.candidates, workload.election.polls);
    let chain = ConsumerConfig::default().tally_chain;
    let mut stream = workload
        .port()
        .stream(consumer::tally_request(partition, &chain, &rules))
        .await?;
    let began = Instant::now();
    let mut ledger = Ledger::default();
    let (mut first_bytes, mut last_bytes) = (None, 0);
    while ledger.next_offset() < workload.ends[partition as usize] {
        let outputs = stream.next().await.context("the stream ended")??;
        for output in outputs {
            let delta: Delta = serde_json::from_slice(&output.value)?;
            ledger.apply(&delta)?;
            first_bytes.get_or_insert(delta.memory_bytes);
            last_bytes = delta.memory_bytes;
        }
    }
    Ok(Tallied {
        began,
        ended: Instant::now(),
        next_offset: ledger.next_offset(),
        voters: ledger.tally().counted(),
        grown_bytes: last_bytes - first_bytes.unwrap_or(0),
    })
}
