//! `election demo`: all services in one process, from an empty directory to a result.

use std::time::Instant;

use anyhow::{Context, bail};
use ballot::ElectionDefinition;
use dashboard::Dashboard;
use producer::args::InitArgs;
use producer::{
    CastPlan, Deployment, InputFile, NewElection, Plan, ProducerError, Replay, ResultsFile,
    StoredElection, VoterSource, steadily,
};
use service::UsageError;
use service::public_url::PublicUrl;
use service::signals::stop_on_signal;
use service::whole_log::demand_whole_log;
use store::StoreError;
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;

use crate::Outcome;
use crate::backend::Backend;
use crate::cli::DemoArgs;
use crate::differences::Differences;
use crate::kafka::Bridge;
use crate::key::election_key;
use crate::meters::REDRAW_INTERVAL;
use crate::render;
use crate::report::Report;
use crate::stages::{Produced, Stages};

/// What is voted with, read and checked before anything is touched.
enum Ballots {
    Electorate(VoterSource),
    Replay(Replay),
}

/// An election that is set up.
struct Setting {
    stored: StoredElection,
    partitions: u32,
}

pub(crate) async fn run(args: Box<DemoArgs>) -> anyhow::Result<Outcome> {
    let began = Instant::now();
    let definition =
        (args.init.definition()).map_err(|error| ProducerError::from(error).into_report())?;
    let ballots = read_ballots(&args, definition.as_ref()).map_err(ProducerError::into_report)?;
    if args.ballots.accept_votes && !args.init.safeguards.require_credentials {
        bail!(UsageError(
            "`--accept-votes` lets people vote; for that the election needs `--require-credentials`"
                .into()
        ));
    }
    let dashboard = match args.wants_dashboard() {
        true => Some(Dashboard::bind(args.listen).await?),
        false => None,
    };
    if args.init.safeguards.need_key() {
        election_key(&args.backend)?;
    }
    let backend = if args.fresh {
        Backend::open_fresh(&args.backend).await?
    } else {
        Backend::open(&args.backend).await?
    };
    let outcome = run_beside(dashboard, &backend, &args, definition, ballots, began).await;
    let closed = backend.close().await;
    let outcome = outcome?;
    closed?;
    Ok(outcome)
}

/// Sets the election up, and holds it beside its dashboard, if it has one.
async fn run_beside(
    dashboard: Option<Dashboard>,
    backend: &Backend,
    args: &DemoArgs,
    definition: Option<ElectionDefinition>,
    ballots: Ballots,
    began: Instant,
) -> anyhow::Result<Outcome> {
    let stop = stop_on_signal();
    let public_url = args.init.public_url.clone().unwrap_or_else(|| {
        let address = dashboard.as_ref().map(Dashboard::address);
        address.map(PublicUrl::of).unwrap_or_default()
    });
    // Before the dashboard begins, which would wait for it, and say so.
    let setting = set_up(backend, args, definition, &ballots, public_url).await?;
    let dashboard_stop = CancellationToken::new();
    let dashboard = dashboard.map(|mut dashboard| {
        if let Some(limits) = args.ballots.limits() {
            dashboard = dashboard.accepting_votes(limits, backend.key.clone());
        }
        eprintln!("Dashboard: {}\n", dashboard.url());
        let stop = dashboard_stop.clone();
        tokio::spawn(dashboard.run(backend.platform.clone(), backend.store.clone(), stop))
    });
    let outcome = run_on(backend, args, ballots, setting, began, &stop).await;
    // Last, so that it shows the end.
    dashboard_stop.cancel();
    if let Some(dashboard) = dashboard {
        dashboard
            .await
            .context("the dashboard ended abnormally")??;
    }
    outcome
}

fn read_ballots(
    args: &DemoArgs,
    definition: Option<&ElectionDefinition>,
) -> Result<Ballots, ProducerError> {
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
            precincts: definition.map_or(Vec::new(), ElectionDefinition::precinct_ids),
        },
    }))
}

async fn run_on(
    backend: &Backend,
    args: &DemoArgs,
    ballots: Ballots,
    setting: Setting,
    began: Instant,
    stop: &CancellationToken,
) -> anyhow::Result<Outcome> {
    let Setting { stored, partitions } = setting;
    let bridge = Bridge::config(backend, &args.kafka)?;
    let bridge = bridge.map(|config| Bridge::begin(backend, &stored.election, config));
    let outcome = count(backend, args, ballots, stored, partitions, began, stop).await;
    if let Some(mut bridge) = bridge {
        // What was published last is carried, too.
        let carried = match (&outcome, args.once && !stop.is_cancelled()) {
            (Ok(_), true) => bridge.wait_until_done(backend, stop).await,
            _ => Ok(true),
        };
        bridge.end().await?;
        if !carried? {
            eprintln!(
                "Stopped before everything was on Kafka. The same command goes on from here."
            );
            return Ok(Outcome::CheckFailed);
        }
    }
    outcome
}

/// Holds the election and counts it, to the end of the consumer.
async fn count(
    backend: &Backend,
    args: &DemoArgs,
    ballots: Ballots,
    stored: StoredElection,
    partitions: u32,
    began: Instant,
    stop: &CancellationToken,
) -> anyhow::Result<Outcome> {
    let expected = match &ballots {
        Ballots::Replay(replay) => Some(replay.expected()),
        Ballots::Electorate(_) => None,
    };
    let progress = consumer::Progress::new(partitions);
    let consumer_stop = stop.child_token();
    let mut consumer = tokio::spawn(consumer::run(
        backend.platform.clone(),
        backend.store.clone(),
        stored.election.clone(),
        backend.consumer_config(),
        progress.clone(),
        consumer_stop.clone(),
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
            consumer_stop.cancel();
            consumer.await.context("the consumer ended abnormally")??;
            return Err(error);
        }
    };
    if !done {
        consumer_stop.cancel();
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
    consumer_stop.cancel();
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
    definition: Option<ElectionDefinition>,
    ballots: &Ballots,
    public_url: PublicUrl,
) -> anyhow::Result<Setting> {
    let candidates = match ballots {
        Ballots::Replay(replay) => replay.candidates().to_vec(),
        Ballots::Electorate(_) => producer::standing(definition.as_ref(), &args.init),
    };
    let deployment = Deployment::of(&backend.manifest, args.init.partitions)
        .map_err(ProducerError::into_report)?;
    let new = NewElection {
        plan: plan(args, deployment.partitions())?,
        polls: producer::polls(&args.init, &backend.manifest),
        safeguards: (args.init.safeguards)
            .under(backend.key.as_ref())
            .map_err(StoreError::Key)?,
        definition,
        candidates,
        public_url,
    };
    let (platform, store) = (&*backend.platform, &backend.store);
    producer::set_up(platform, store, &deployment, &new)
        .await
        .map_err(ProducerError::into_report)?;
    demand_whole_log(platform, store).await?;
    Ok(Setting {
        stored: backend.election().await?,
        partitions: deployment.partitions(),
    })
}

/// What the demo's election is made from.
fn plan(args: &DemoArgs, partitions: u32) -> anyhow::Result<Plan> {
    let InitArgs { candidates, .. } = args.init;
    let (duplicates, invalid) = (args.votes.duplicates, args.votes.invalid);
    let abstain = args.votes.abstain;
    let ballots = match (&args.results, &args.voters.voters_file) {
        (Some(results), _) => producer::Ballots::Results {
            file: InputFile::of(results).map_err(ProducerError::into_report)?,
            scale: args.scale,
        },
        (None, Some(roll)) => producer::Ballots::Roll {
            file: InputFile::of(roll).map_err(ProducerError::into_report)?,
            candidates,
            duplicates,
            invalid,
            abstain,
        },
        (None, None) => producer::Ballots::Electorate {
            voters: args.voters.voters,
            candidates,
            duplicates,
            invalid,
            abstain,
        },
    };
    Ok(Plan::new(&args.init, partitions, ballots))
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
    let platform = &backend.platform;
    match ballots {
        Ballots::Replay(replay) => {
            let rate = args.votes.rate;
            let cast = || {
                let credentials = stored.election.credentials.clone();
                producer::replay_votes(
                    platform,
                    replay.clone(),
                    credentials,
                    rate,
                    &produced.cast,
                    stop,
                )
            };
            steadily("casting", stop, cast).await?;
        }
        Ballots::Electorate(voters) => {
            if let Some(file) = &args.voters.credentials {
                producer::write_credentials(file, &voters, &stored.election)
                    .await
                    .map_err(ProducerError::into_report)?;
            }
            let registered = &produced.registered;
            let register = || producer::register_voters(platform, voters.clone(), registered, stop);
            steadily("registering", stop, register).await?;
            if !stop.is_cancelled() {
                let plan = CastPlan {
                    seed: args.init.seed,
                    duplicates: args.votes.duplicates,
                    invalid: args.votes.invalid,
                    abstain: args.votes.abstain,
                    rate: args.votes.rate,
                    definition: stored.election.definition.clone(),
                    polls: stored.election.polls,
                    credentials: stored.election.credentials.clone(),
                };
                let cast = || producer::cast_votes(platform, plan.clone(), &produced.cast, stop);
                steadily("casting", stop, cast).await?;
            }
        }
    }
    if stop.is_cancelled() {
        return Ok(false);
    }
    Ok(consumer::wait_until_done(&*backend.platform, progress, stop).await?)
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
