//! The demo's steps one by one: `election producer …`, `election consumer`, `election dashboard`,
//! `election results`.

use std::sync::Arc;

use bridge::BridgeConfig;
use dashboard::{Dashboard, DashboardError};
use indicatif::MultiProgress;
use producer::ProducerError;
use producer::args::{InitArgs, ProducerCommand, VotersArgs, VotesArgs};
use service::signals::stop_on_signal;
use service::whole_log::demand_whole_log;
use tokio_util::sync::CancellationToken;

use crate::backend::Backend;
use crate::cli::{BackendArgs, ConsumerArgs, DashboardArgs, ResultsArgs};
use crate::kafka::Bridge;
use crate::key::election_key;
use crate::meters::{Meter, redrawing};
use crate::report::Report;
use crate::{Outcome, counting, render};

pub(crate) async fn producer(
    command: ProducerCommand,
    args: BackendArgs,
) -> anyhow::Result<Outcome> {
    if let ProducerCommand::Init(init) = &command
        && init.safeguards.need_key()
    {
        election_key(&args)?;
    }
    let backend = Backend::open(&args, false).await?;
    let done = backend.close_after(async |backend: &Backend| match command {
        ProducerCommand::Init(init) => set_up(backend, &init).await,
        ProducerCommand::Voters(voters) => register(backend, voters).await,
        ProducerCommand::Votes(votes) => cast(backend, votes).await,
    });
    done.await?;
    Ok(Outcome::Fine)
}

async fn set_up(backend: &Backend, args: &InitArgs) -> anyhow::Result<()> {
    let (platform, store) = (&*backend.platform, &backend.store);
    let (candidates, _) = producer::init(
        platform,
        store,
        &backend.manifest,
        args,
        backend.key.as_ref(),
    )
    .await
    .map_err(ProducerError::into_report)?;
    println!(
        "Topics, tables and SmartModules are there; {} candidates stand:",
        candidates.len()
    );
    for candidate in candidates {
        println!(
            "  {} ({})",
            candidate.candidate_name, candidate.party_affiliation
        );
    }
    Ok(())
}

async fn register(backend: &Backend, args: VotersArgs) -> anyhow::Result<()> {
    let Backend {
        platform, store, ..
    } = backend;
    let (progress, stop) = (Arc::default(), stop_on_signal());
    let key = backend.key.as_ref();
    let work = producer::voters(platform, store, args, key, &progress, &stop);
    let registered = metered("Registering", &progress, work).await?;
    println!("{registered} voters registered.");
    Ok(())
}

async fn cast(backend: &Backend, args: VotesArgs) -> anyhow::Result<()> {
    let Backend {
        platform, store, ..
    } = backend;
    let (progress, stop) = (Arc::default(), stop_on_signal());
    let key = backend.key.as_ref();
    let work = producer::votes(platform, store, &args, key, &progress, &stop);
    let cast = metered("Casting", &progress, work).await?;
    println!("{cast} votes cast.");
    Ok(())
}

/// Shows the progress of a step of the producer while it runs.
async fn metered(
    name: &'static str,
    progress: &producer::Progress,
    work: impl Future<Output = Result<u64, ProducerError>>,
) -> anyhow::Result<u64> {
    let mut meter = Meter::new(name, &MultiProgress::new());
    let done = redrawing(work, || meter.set(progress.done(), progress.total())).await;
    meter.finish();
    done.map_err(ProducerError::into_report)
}

pub(crate) async fn consumer(args: ConsumerArgs) -> anyhow::Result<Outcome> {
    let bridge = Bridge::config(&args.backend.cluster, &args.kafka)?;
    let backend = Backend::open_existing(&args.backend).await?;
    let consumed =
        backend.close_after(async move |backend: &Backend| consume(backend, &args, bridge).await);
    consumed.await?;
    Ok(Outcome::Fine)
}

async fn consume(
    backend: &Backend,
    args: &ConsumerArgs,
    bridge: Option<BridgeConfig>,
) -> anyhow::Result<()> {
    let stored = backend.election().await?;
    let partitions = backend.ends(wire::topics::VOTES).await?.len() as u32;
    // This program's modules, in case an older version made the data.
    backend.prepare(partitions).await?;
    demand_whole_log(&*backend.platform, &backend.store).await?;
    let stop = stop_on_signal();
    let mut bridge = bridge.map(|config| Bridge::start(backend, &stored.election, config));
    if let Some(bridge) = &mut bridge
        && args.once
    {
        // What comes from Kafka is counted, too.
        bridge.wait_until_done(backend, &stop).await?;
    }
    let counted = count(backend, stored.election, partitions, args.once, &stop).await;
    if let Some(bridge) = bridge
        && !bridge
            .end(backend, counted.is_ok() && args.once, &stop)
            .await?
    {
        tracing::warn!("stopped before everything was on Kafka");
    }
    println!("{} votes are counted and persisted.", counted?);
    Ok(())
}

/// Counts and persists until it is stopped, or (`once`) done. Returns how many votes are counted.
async fn count(
    backend: &Backend,
    election: wire::Election,
    partitions: u32,
    once: bool,
    stop: &CancellationToken,
) -> anyhow::Result<u64> {
    let progress = consumer::Progress::new(partitions);
    let mut consumer = counting::start(backend, election, &progress, stop);
    tokio::select! {
        done = consumer::wait_until_done(&*backend.platform, &progress, stop), if once => {
            consumer.stop().await?;
            if !done? {
                tracing::info!("stopped before everything was counted");
            }
        }
        ended = consumer.ended() => ended?,
    }
    let counted = progress.watch().borrow().sum(|partition| partition.counted);
    Ok(counted)
}

pub(crate) async fn dashboard(args: DashboardArgs) -> anyhow::Result<Outcome> {
    let mut dashboard = Dashboard::bind(args.listen).await?;
    let backend = Backend::open_existing(&args.backend).await?;
    let served = backend.close_after(async move |backend: &Backend| {
        if let Some(limits) = args.ballots.limits() {
            dashboard = dashboard.accepting_votes(limits, backend.key.clone());
        }
        eprintln!("Dashboard: {}\nCtrl-C ends it.", dashboard.url());
        let (platform, store) = (backend.platform.clone(), backend.store.clone());
        let served = dashboard.run(platform, store, stop_on_signal()).await;
        served.map_err(DashboardError::into_report)
    });
    served.await?;
    Ok(Outcome::Fine)
}

pub(crate) async fn results(args: ResultsArgs) -> anyhow::Result<Outcome> {
    let backend = Backend::open_existing(&args.backend).await?;
    let report = backend.close_after(async |backend: &Backend| {
        Report::of_stored(backend, &backend.election().await?).await
    });
    show(&args, &report.await?)?;
    Ok(Outcome::Fine)
}

/// Prints a report as `--json`, `--csv` or a table.
pub(crate) fn show(args: &ResultsArgs, report: &Report) -> anyhow::Result<()> {
    if args.json {
        render::print_json(report)
    } else if args.csv {
        render::write_csv(report, std::io::stdout().lock())
    } else {
        render::print_table(report);
        Ok(())
    }
}
