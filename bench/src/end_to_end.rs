//! From the first vote cast to the last one counted, and persisted, with everything running at once: producer, log,
//! SmartModules, aggregates, checkpoints, and a PostgreSQL server (where none is installed, the embedded Postgres).

use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use anyhow::Context;
use consumer::ConsumerConfig;
use platform::embedded::EmbeddedPlatform;
use producer::VoterSource;
use serde_json::json;

use wire::topics;

use crate::report::{Figure, Report, Unit};
use crate::system::{Database, System};
use crate::workload::{self, DUPLICATES, INVALID, SEED};
use crate::{EndToEndArgs, Size, native};

/// The log's directory.
const LOG: &str = "end-to-end";
/// Most voters: with more the figures stay the same, and registering them first takes longer.
const MAX_VOTERS: u64 = 1_000_000;
/// Targets on the two-core reference machine; see docs/performance.md.
const COUNTED_TARGET: f64 = 500_000.0;
const MILLION_REGISTERED_TARGET: f64 = 10.0;

/// Measures this and the native loop on the same votes, and prints.
pub(crate) async fn measure_alone(args: EndToEndArgs) -> anyhow::Result<()> {
    let directory = tempfile::tempdir().context("cannot create a temporary directory")?;
    let mut report = Report::new("Of native");
    measure(directory.path(), args.size, &mut report).await?;
    let log = EmbeddedPlatform::open(&directory.path().join(LOG)).await?;
    let native = native::rate(&log).await?;
    log.close().await?;
    report.add(native::figure(native));
    report.compare_with(native);
    report.print(args.json, json!(args.size))
}

pub(crate) async fn measure(
    directory: &Path,
    Size { votes, partitions }: Size,
    report: &mut Report,
) -> anyhow::Result<()> {
    let log = workload::empty_log(directory, LOG, partitions).await?;
    let directory = directory.join("end-to-end-database");
    let database = Database::server_or_embedded(&directory).await?;
    let mut system = System::set_up(log, &database, None).await?;
    let (platform, stop) = (system.platform.clone(), system.stop.clone());
    let voters = VoterSource::Generated {
        seed: SEED,
        count: votes.min(MAX_VOTERS),
        precincts: Vec::new(),
    };
    let began = Instant::now();
    let registered = producer::register_voters(&platform, voters, &Arc::default(), &stop).await?;
    let seconds = began.elapsed().as_secs_f64() / registered as f64 * 1_000_000.0;
    let (key, name) = ("register_million", "a million voters registered");
    report.add(Figure::new(key, name, Unit::Seconds, seconds).target(MILLION_REGISTERED_TARGET));

    let config = ConsumerConfig::default();
    let mut progress = system.consume(partitions, config).watch();
    let plan = workload::cast_plan(&system.election, DUPLICATES, INVALID);
    let casting = async {
        // Only votes are measured: the voters are persisted before.
        let ends = workload::ends(&*platform, topics::VOTERS).await?;
        progress
            .wait_for(|snapshot| snapshot.reached(&ends, |at| at.voters_persisted))
            .await?;
        let began = Instant::now();
        let cast = producer::cast_votes(&platform, plan, &Arc::default(), &stop).await?;
        let rate = || cast as f64 / began.elapsed().as_secs_f64();
        let ends = workload::ends(&*platform, topics::VOTES).await?;
        progress
            .wait_for(|snapshot| snapshot.reached(&ends, |at| at.counted))
            .await?;
        let counted = rate();
        progress
            .wait_for(|snapshot| snapshot.reached(&ends, |at| at.persisted))
            .await?;
        Ok((counted, rate()))
    };
    let (counted, persisted) = system.beside(casting).await?;
    let counted = Figure::rate("end_to_end", "end to end, counted", counted);
    report.add(counted.target(COUNTED_TARGET));
    let name = format!("end to end, persisted ({})", database.name());
    report.add(Figure::rate("end_to_end_persisted", name, persisted));
    drop(platform);
    system.stop().await?;
    database.stop().await
}
