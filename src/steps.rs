//! The demo's steps one by one: `election producer …`, `election consumer`,
//! `election results`.

use std::sync::Arc;

use anyhow::Context;
use dashboard::DashboardError;
use producer::ProducerError;
use producer::args::{InitArgs, ProducerCommand, VotersArgs, VotesArgs};
use service::signals::stop_on_signal;
use service::whole_log::demand_whole_log;
use tokio_util::sync::CancellationToken;

use crate::Outcome;
use crate::backend::Backend;
use crate::cli::{BackendArgs, ConsumerArgs, DashboardArgs, ResultsArgs};
use crate::kafka::Bridge;
use crate::key::election_key;
use crate::meters::{Meters, REDRAW_INTERVAL};
use crate::render;
use crate::report::Report;

pub(crate) async fn producer(
    command: ProducerCommand,
    args: BackendArgs,
) -> anyhow::Result<Outcome> {
    if let ProducerCommand::Init(init) = &command
        && init.safeguards.need_key()
    {
        election_key(&args)?;
    }
    let backend = Backend::open(&args).await?;
    let done = match command {
        ProducerCommand::Init(init) => set_up(&backend, &init).await,
        ProducerCommand::Voters(voters) => register(&backend, voters).await,
        ProducerCommand::Votes(votes) => cast(&backend, votes).await,
    };
    let closed = backend.close().await;
    done?;
    closed?;
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
    let progress = Arc::new(producer::Progress::default());
    let stop = stop_on_signal();
    let key = backend.key.as_ref();
    let work = producer::voters(
        &backend.platform,
        &backend.store,
        args,
        key,
        &progress,
        &stop,
    );
    let registered = metered("Registering", &progress, work).await?;
    println!("{registered} voters registered.");
    Ok(())
}

async fn cast(backend: &Backend, args: VotesArgs) -> anyhow::Result<()> {
    let progress = Arc::new(producer::Progress::default());
    let stop = stop_on_signal();
    let key = backend.key.as_ref();
    let work = producer::votes(
        &backend.platform,
        &backend.store,
        &args,
        key,
        &progress,
        &stop,
    );
    let cast = metered("Casting", &progress, work).await?;
    println!("{cast} votes cast.");
    Ok(())
}

/// Shows the progress of a step of the producer while it runs.
async fn metered<T>(
    name: &'static str,
    progress: &producer::Progress,
    work: impl Future<Output = Result<T, producer::ProducerError>>,
) -> anyhow::Result<T> {
    let meters = Meters::new();
    let mut meter = meters.add(name);
    let mut redraw = tokio::time::interval(REDRAW_INTERVAL);
    tokio::pin!(work);
    let done = loop {
        tokio::select! {
            done = &mut work => break done,
            _ = redraw.tick() => meter.set(progress.done(), progress.total()),
        }
    };
    meter.set(progress.done(), progress.total());
    meter.finish();
    done.map_err(ProducerError::into_report)
}

pub(crate) async fn consumer(args: ConsumerArgs) -> anyhow::Result<Outcome> {
    let backend = Backend::open_existing(&args.backend).await?;
    let done = consume(&backend, &args).await;
    let closed = backend.close().await;
    done?;
    closed?;
    Ok(Outcome::Fine)
}

async fn consume(backend: &Backend, args: &ConsumerArgs) -> anyhow::Result<()> {
    let stored = backend.election().await?;
    let bridge = Bridge::config(backend, &args.kafka)?;
    let partitions = backend.ends(wire::topics::VOTES).await?.len() as u32;
    // The modules of this program, should the data be of an older one.
    backend.prepare(partitions).await?;
    demand_whole_log(&*backend.platform, &backend.store).await?;
    let stop = stop_on_signal();
    let mut bridge = bridge.map(|config| Bridge::begin(backend, &stored.election, config));
    if let Some(bridge) = &mut bridge
        && args.once
    {
        // What comes from Kafka is counted, too.
        bridge.wait_until_done(backend, &stop).await?;
    }
    let counted = count(backend, stored.election, partitions, args.once, &stop).await;
    if let Some(mut bridge) = bridge {
        let carried = match (&counted, args.once && !stop.is_cancelled()) {
            (Ok(_), true) => bridge.wait_until_done(backend, &stop).await,
            _ => Ok(true),
        };
        bridge.end().await?;
        if !carried? {
            tracing::warn!("stopped before everything was on Kafka");
        }
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
    let consumer_stop = stop.child_token();
    let mut consumer = tokio::spawn(consumer::run(
        backend.platform.clone(),
        backend.store.clone(),
        election,
        backend.consumer_config(),
        progress.clone(),
        consumer_stop.clone(),
    ));
    let ended = if once {
        tokio::select! {
            done = consumer::wait_until_done(&*backend.platform, &progress, stop) => {
                consumer_stop.cancel();
                let ended = consumer.await;
                if !done? {
                    tracing::info!("stopped before everything was counted");
                }
                ended
            }
            ended = &mut consumer => ended,
        }
    } else {
        consumer.await
    };
    ended.context("the consumer ended abnormally")??;
    let counted = progress.watch().borrow().sum(|partition| partition.counted);
    Ok(counted)
}

pub(crate) async fn dashboard(args: DashboardArgs) -> anyhow::Result<Outcome> {
    let mut dashboard = dashboard::Dashboard::bind(args.listen).await?;
    let backend = Backend::open_existing(&args.backend).await?;
    if let Some(limits) = args.ballots.limits() {
        dashboard = dashboard.accepting_votes(limits, backend.key.clone());
    }
    eprintln!("Dashboard: {}\nCtrl-C ends it.", dashboard.url());
    let served = dashboard
        .run(
            backend.platform.clone(),
            backend.store.clone(),
            stop_on_signal(),
        )
        .await;
    backend.close().await?;
    served.map_err(DashboardError::into_report)?;
    Ok(Outcome::Fine)
}

pub(crate) async fn results(args: ResultsArgs) -> anyhow::Result<Outcome> {
    let backend = Backend::open_existing(&args.backend).await?;
    let report = stored_report(&backend).await;
    let closed = backend.close().await;
    show(&args, &report?)?;
    closed?;
    Ok(Outcome::Fine)
}

async fn stored_report(backend: &Backend) -> anyhow::Result<Report> {
    let stored = backend.election().await?;
    Report::of_stored(backend, &stored).await
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
