//! From the first vote cast to the last one counted, and persisted, with everything running at once:
//! producer, log, SmartModules, aggregates, checkpoints, Postgres.

use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use consumer::{ConsumerConfig, Progress};
use domain::topics;
use platform::Platform;
use producer::{CastPlan, VoterSource};
use store::EmbeddedPostgres;
use tokio_util::sync::CancellationToken;

use crate::BenchArgs;
use crate::report::{Figure, Report, Unit};
use crate::workload;

const SEED: u64 = 7;

pub(crate) async fn measure(
    directory: &Path,
    args: &BenchArgs,
    report: &mut Report,
) -> anyhow::Result<()> {
    let embedded = workload::platform(directory, "end-to-end", args.partitions).await?;
    let platform: Arc<dyn Platform> = Arc::new(embedded.clone());
    let postgres = EmbeddedPostgres::start(&directory.join("end-to-end-postgres")).await?;
    let store = postgres.connect().await?;
    store.migrate().await?;
    let election = workload::election();
    let stop = CancellationToken::new();
    let voters = VoterSource::Generated {
        seed: SEED,
        count: args.votes,
    };
    producer::register_voters(&platform, voters, &Arc::default(), &stop).await?;

    // The roll is not what is measured: the consumer gets a topic of voters without one.
    let progress = Progress::new(args.partitions);
    let mut consumer = tokio::spawn(consumer::run(
        platform.clone(),
        store.clone(),
        election.clone(),
        ConsumerConfig::default(),
        progress.clone(),
        stop.clone(),
    ));
    let mut watch = progress.watch();
    let voters_ends = ends(&*platform, topics::VOTERS).await?;
    watch
        .wait_for(|snapshot| snapshot.reached(&voters_ends, |p| p.voters_persisted))
        .await?;

    let plan = CastPlan {
        seed: SEED,
        duplicates: 0.02,
        invalid: 0.01,
        rate: 0,
        candidates: election.candidates,
        polls: election.polls,
    };
    let began = Instant::now();
    let cast = producer::cast_votes(&platform, plan, &Arc::default(), &stop).await? as f64;
    let ends = ends(&*platform, topics::VOTES).await?;
    let finished = async {
        watch.wait_for(|s| s.reached(&ends, |p| p.counted)).await?;
        let counted = cast / began.elapsed().as_secs_f64();
        watch
            .wait_for(|s| s.reached(&ends, |p| p.persisted))
            .await?;
        anyhow::Ok((counted, cast / began.elapsed().as_secs_f64()))
    };
    let (counted, persisted) = tokio::select! {
        rates = finished => rates?,
        ended = &mut consumer => {
            ended??;
            anyhow::bail!("the consumer ended before it had counted everything");
        }
    };
    stop.cancel();
    consumer.await??;
    report.add(Figure::new(
        "end_to_end",
        "end to end, counted",
        Unit::PerSecond,
        counted,
    ));
    report.add(Figure::new(
        "end_to_end_persisted",
        "end to end, persisted (embedded Postgres)",
        Unit::PerSecond,
        persisted,
    ));
    store.close();
    postgres.stop().await?;
    embedded.close().await?;
    Ok(())
}

async fn ends(platform: &dyn Platform, topic: &str) -> anyhow::Result<Vec<i64>> {
    let mut ends = Vec::new();
    for partition in 0..platform.partitions(topic).await? {
        ends.push(platform.end_offset(topic, partition).await?);
    }
    Ok(ends)
}
