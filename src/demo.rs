//! `election demo`: all services in one process, from an empty directory to a result.

use std::time::Instant;

use anyhow::Context;
use chrono::{TimeDelta, Utc};
use domain::{Candidate, VotingTime, topics};
use producer::{CastPlan, Replay, ResultsFile, VoterSource};
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;

use crate::Outcome;
use crate::backend::{Backend, StoredElection};
use crate::cli::{DemoArgs, UsageError};
use crate::differences::Differences;
use crate::meters::REDRAW_INTERVAL;
use crate::plan::Plan;
use crate::render;
use crate::report::Report;
use crate::stages::{Produced, Stages};

/// What is voted with, read and checked before anything is touched.
enum Ballots {
    Electorate(VoterSource),
    Replay(Replay),
}

pub(crate) async fn run(args: Box<DemoArgs>) -> anyhow::Result<Outcome> {
    let began = Instant::now();
    let plan = Plan::of_demo(&args)?;
    let ballots = read_ballots(&args).map_err(|error| UsageError(error.to_string()))?;
    let dashboard = match args.wants_dashboard() {
        true => Some(dashboard::Dashboard::bind(args.listen.config()).await?),
        false => None,
    };
    let backend = if args.fresh {
        Backend::open_fresh(&args.backend).await?
    } else {
        Backend::open(&args.backend).await?
    };
    let stop = stop_on_signal();
    let dashboard_stop = CancellationToken::new();
    let dashboard = dashboard.map(|dashboard| {
        eprintln!("Dashboard: {}\n", dashboard.url());
        let stop = dashboard_stop.clone();
        tokio::spawn(dashboard.run(backend.port(), backend.store.clone(), stop))
    });
    let outcome = run_on(&backend, &args, &plan, ballots, began, &stop).await;
    // Last, so that it shows the end.
    dashboard_stop.cancel();
    if let Some(dashboard) = dashboard {
        dashboard
            .await
            .context("the dashboard ended abnormally")??;
    }
    let closed = backend.close().await;
    let outcome = outcome?;
    closed?;
    Ok(outcome)
}

fn read_ballots(args: &DemoArgs) -> Result<Ballots, producer::ProducerError> {
    let seed = args.init.seed;
    if let Some(file) = &args.results {
        let results = ResultsFile::read(file)?;
        return Ok(Ballots::Replay(Replay::new(&results, args.scale, seed)?));
    }
    Ok(Ballots::Electorate(match &args.voters.voters_file {
        Some(file) => VoterSource::Roll(producer::read_roll(file)?),
        None => VoterSource::Generated {
            seed,
            count: args.voters.voters,
        },
    }))
}

async fn run_on(
    backend: &Backend,
    args: &DemoArgs,
    plan: &Plan,
    ballots: Ballots,
    began: Instant,
    stop: &CancellationToken,
) -> anyhow::Result<Outcome> {
    let candidates = match &ballots {
        Ballots::Replay(replay) => replay.candidates().to_vec(),
        Ballots::Electorate(_) => {
            producer::candidates(args.init.seed, args.init.candidates as usize)
        }
    };
    let stored = set_up(backend, args, plan, &candidates).await?;
    let expected = match &ballots {
        Ballots::Replay(replay) => Some(replay.expected()),
        Ballots::Electorate(_) => None,
    };

    let progress = consumer::Progress::new(args.init.partitions);
    let mut consumer = tokio::spawn(consumer::run(
        backend.port(),
        backend.store.clone(),
        stored.election.clone(),
        consumer::ConsumerConfig::default(),
        progress.clone(),
        stop.clone(),
    ));

    let mut stages = Stages::new(&progress, matches!(ballots, Ballots::Electorate(_)));
    let produced = stages.produced();
    let held = {
        let work = hold_election(backend, args, &stored, ballots, &produced, &progress, stop);
        tokio::pin!(work);
        let mut redraw = tokio::time::interval(REDRAW_INTERVAL);
        redraw.set_missed_tick_behavior(MissedTickBehavior::Skip);
        loop {
            tokio::select! {
                done = &mut work => break done.map(Ok),
                ended = &mut consumer => break Ok(Err(ended)),
                _ = redraw.tick() => stages.draw(),
            }
        }
    };
    stages.finish();
    let done = match held {
        Ok(Ok(done)) => done,
        Ok(Err(ended)) => {
            // The consumer ends by itself only when it is stopped, or fails.
            ended.context("the consumer ended abnormally")??;
            return Ok(stopped());
        }
        Err(error) => {
            stop.cancel();
            consumer.await.context("the consumer ended abnormally")??;
            return Err(error);
        }
    };
    if !done {
        stop.cancel();
        consumer.await.context("the consumer ended abnormally")??;
        return Ok(stopped());
    }

    let mut report = Report::of_stored(backend, &stored).await?;
    report.elapsed_s = Some(began.elapsed().as_secs_f64());
    let differences = expected.map(|expected| Differences::of(&report, &expected));
    show(args, &report, differences.as_ref())?;
    if !args.once {
        eprintln!("The election stays up and goes on counting; Ctrl-C ends it.");
        tokio::select! {
            // In this order: when it is stopped, the consumer ends too, and that is no failure.
            biased;
            () = stop.cancelled() => {}
            ended = &mut consumer => {
                ended.context("the consumer ended abnormally")??;
                return Ok(Outcome::CheckFailed);
            }
        }
    }
    stop.cancel();
    consumer.await.context("the consumer ended abnormally")??;
    let matches = differences.is_none_or(|differences| differences.is_empty());
    Ok(if report.accounted && matches {
        Outcome::Fine
    } else {
        Outcome::CheckFailed
    })
}

fn stopped() -> Outcome {
    eprintln!("Stopped before every vote was counted. The same command goes on from here.");
    Outcome::CheckFailed
}

/// Creates what is not there yet, and makes sure that what is there belongs to this election.
async fn set_up(
    backend: &Backend,
    args: &DemoArgs,
    plan: &Plan,
    candidates: &[Candidate],
) -> anyhow::Result<StoredElection> {
    if let Some(stored) = backend.store.election().await? {
        plan.demand_same(&stored.plan)?;
    }
    backend.prepare(args.init.partitions).await?;
    let election = store::Election {
        plan: plan.to_json(),
        polls: args.polls().window(an_hour_ago()),
    };
    backend.store.open_election(&election).await?;
    backend.store.register_candidates(candidates).await?;
    backend.election().await
}

/// The opening of the polls when none is given: early enough for every vote cast from now on.
pub(crate) fn an_hour_ago() -> VotingTime {
    let time = Utc::now() - TimeDelta::hours(1);
    let text = time.format(VotingTime::FORMAT).to_string();
    VotingTime::parse(&text).expect("invariant: chrono writes the format that is read")
}

/// Registers, casts, and waits until everything is counted, stored and persisted; false if it was
/// stopped before.
async fn hold_election(
    backend: &Backend,
    args: &DemoArgs,
    stored: &StoredElection,
    ballots: Ballots,
    produced: &Produced,
    progress: &consumer::Progress,
    stop: &CancellationToken,
) -> anyhow::Result<bool> {
    let platform = backend.port();
    match ballots {
        Ballots::Replay(replay) => {
            producer::replay_votes(&platform, replay, args.votes.rate, &produced.cast, stop)
                .await?;
        }
        Ballots::Electorate(voters) => {
            producer::register_voters(&platform, voters, &produced.registered, stop).await?;
            if !stop.is_cancelled() {
                let plan = CastPlan {
                    seed: args.init.seed,
                    duplicates: args.votes.duplicates,
                    invalid: args.votes.invalid,
                    rate: args.votes.rate,
                    candidates: stored.election.candidates.clone(),
                    polls: stored.election.polls,
                };
                producer::cast_votes(&platform, plan, &produced.cast, stop).await?;
            }
        }
    }
    if stop.is_cancelled() {
        return Ok(false);
    }
    wait_until_done(backend, progress, stop).await
}

/// Waits until what is in the log now is counted, stored and persisted; false if it was stopped
/// before.
pub(crate) async fn wait_until_done(
    backend: &Backend,
    progress: &consumer::Progress,
    stop: &CancellationToken,
) -> anyhow::Result<bool> {
    let votes = backend.ends(topics::VOTES).await?;
    let voters = backend.ends(topics::VOTERS).await?;
    let mut watch = progress.watch();
    let done = watch.wait_for(|snapshot| {
        snapshot.reached(&votes, |partition| partition.counted)
            && snapshot.reached(&votes, |partition| partition.checkpointed)
            && snapshot.reached(&votes, |partition| partition.persisted)
            && snapshot.reached(&voters, |partition| partition.voters_persisted)
    });
    match stop.run_until_cancelled(done).await {
        Some(Err(_)) => Err(anyhow::anyhow!("the consumer is gone")),
        Some(Ok(_)) => Ok(true),
        None => Ok(false),
    }
}

/// A token that Ctrl-C and SIGTERM cancel.
pub(crate) fn stop_on_signal() -> CancellationToken {
    let stop = CancellationToken::new();
    let signalled = stop.clone();
    // Lives as long as the process: a second Ctrl-C meets the same, and finds it stopping already.
    tokio::spawn(async move {
        #[cfg(unix)]
        {
            use tokio::signal::unix::{SignalKind, signal};
            match signal(SignalKind::terminate()) {
                Ok(mut terminate) => {
                    tokio::select! {
                        _ = tokio::signal::ctrl_c() => {}
                        _ = terminate.recv() => {}
                    }
                }
                Err(error) => {
                    tracing::warn!("cannot listen for SIGTERM: {error}");
                    let _ctrl_c = tokio::signal::ctrl_c().await;
                }
            }
        }
        #[cfg(not(unix))]
        let _ctrl_c = tokio::signal::ctrl_c().await;
        signalled.cancel();
    });
    stop
}

fn show(args: &DemoArgs, report: &Report, differences: Option<&Differences>) -> anyhow::Result<()> {
    if args.json {
        render::print_json(report)?;
    } else {
        render::print_table(report);
    }
    let (Some(differences), Some(file)) = (differences, &args.results) else {
        return Ok(());
    };
    let verdict = differences.verdict(file, args.scale);
    if args.json {
        eprintln!("{verdict}");
    } else {
        println!("{verdict}");
    }
    Ok(())
}
