//! The demo's steps one by one, on the embedded platform: `election producer …`, `election consumer`,
//! `election results`.

use std::sync::Arc;

use anyhow::Context;
use producer::args::{InitArgs, ProducerCommand, VotersArgs, VotesArgs};
use producer::{CastPlan, VoterSource};

use crate::Outcome;
use crate::backend::{Backend, StoredElection};
use crate::cli::{BackendArgs, ConsumerArgs, DashboardArgs, ResultsArgs, UsageError};
use crate::demo::{an_hour_ago, stop_on_signal, wait_until_done};
use crate::meters::{Meters, REDRAW_INTERVAL};
use crate::plan::Plan;
use crate::render;
use crate::report::Report;

pub(crate) async fn producer(
    command: ProducerCommand,
    args: BackendArgs,
) -> anyhow::Result<Outcome> {
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
    let plan = Plan::of_steps(args);
    if let Some(stored) = backend.store.election().await? {
        plan.demand_same(&stored.plan)?;
    }
    backend.prepare(args.partitions).await?;
    let election = store::Election {
        plan: plan.to_json(),
        polls: args.polls.window(an_hour_ago()),
    };
    backend.store.open_election(&election).await?;
    let candidates = producer::candidates(args.seed, args.candidates as usize);
    backend.store.register_candidates(&candidates).await?;
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

fn seed(stored: &StoredElection) -> Result<u64, UsageError> {
    stored.plan.as_ref().map(|plan| plan.seed).ok_or_else(|| {
        UsageError("this election was set up by another program; its seed is not known".into())
    })
}

async fn register(backend: &Backend, args: VotersArgs) -> anyhow::Result<()> {
    let seed = seed(&backend.election().await?)?;
    let voters = match args.voters_file {
        Some(file) => VoterSource::Roll(
            producer::read_roll(&file).map_err(|error| UsageError(error.to_string()))?,
        ),
        None => VoterSource::Generated {
            seed,
            count: args.voters,
        },
    };
    let progress = Arc::new(producer::Progress::default());
    let stop = stop_on_signal();
    let platform = backend.port();
    let work = producer::register_voters(&platform, voters, &progress, &stop);
    let registered = metered("Registering", &progress, work).await?;
    println!("{registered} voters registered.");
    Ok(())
}

async fn cast(backend: &Backend, args: VotesArgs) -> anyhow::Result<()> {
    let stored = backend.election().await?;
    let plan = CastPlan {
        seed: seed(&stored)?,
        duplicates: args.duplicates,
        invalid: args.invalid,
        rate: args.rate,
        candidates: stored.election.candidates,
        polls: stored.election.polls,
    };
    let progress = Arc::new(producer::Progress::default());
    let stop = stop_on_signal();
    let platform = backend.port();
    let work = producer::cast_votes(&platform, plan, &progress, &stop);
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
    Ok(done?)
}

pub(crate) async fn consumer(args: ConsumerArgs) -> anyhow::Result<Outcome> {
    let backend = Backend::open_existing(&args.backend).await?;
    let done = consume(&backend, args.once).await;
    let closed = backend.close().await;
    done?;
    closed?;
    Ok(Outcome::Fine)
}

async fn consume(backend: &Backend, once: bool) -> anyhow::Result<()> {
    let stored = backend.election().await?;
    let partitions = backend.ends(domain::topics::VOTES).await?.len() as u32;
    // The modules of this program, should the data be of an older one.
    backend.prepare(partitions).await?;
    let progress = consumer::Progress::new(partitions);
    let stop = stop_on_signal();
    let mut consumer = tokio::spawn(consumer::run(
        backend.port(),
        backend.store.clone(),
        stored.election,
        consumer::ConsumerConfig::default(),
        progress.clone(),
        stop.clone(),
    ));
    if once {
        tokio::select! {
            done = wait_until_done(backend, &progress, &stop) => {
                if !done? {
                    tracing::info!("stopped before everything was counted");
                }
            }
            ended = &mut consumer => {
                ended.context("the consumer ended abnormally")??;
                return Ok(());
            }
        }
        stop.cancel();
    }
    consumer.await.context("the consumer ended abnormally")??;
    let counted = progress.watch().borrow().sum(|partition| partition.counted);
    println!("{counted} votes are counted and persisted.");
    Ok(())
}

pub(crate) async fn dashboard(args: DashboardArgs) -> anyhow::Result<Outcome> {
    let dashboard = dashboard::Dashboard::bind(args.listen.config()).await?;
    let backend = Backend::open_existing(&args.backend).await?;
    eprintln!("Dashboard: {}\nCtrl-C ends it.", dashboard.url());
    let served = dashboard
        .run(backend.port(), backend.store.clone(), stop_on_signal())
        .await;
    backend.close().await?;
    served?;
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
        render::print_csv(report)
    } else {
        render::print_table(report);
        Ok(())
    }
}
