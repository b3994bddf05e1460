//! `election demo`: all services in one process, from an empty directory to a result.

mod ballots;

use std::sync::Arc;
use std::time::Instant;

use anyhow::bail;
use ballot::ElectionDefinition;
use bridge::BridgeConfig;
use dashboard::Dashboard;
use producer::{
    CastPlan, Deployment, NewElection, ProducerError, Replayed, StoredElection, steadily,
};
use service::UsageError;
use service::public_url::PublicUrl;
use service::signals::stop_on_signal;
use service::whole_log::demand_whole_log;
use store::StoreError;
use tokio_util::sync::CancellationToken;

use crate::backend::Backend;
use crate::cli::DemoArgs;
use crate::differences::Differences;
use crate::kafka::Bridge;
use crate::key::election_key;
use crate::meters::redrawing;
use crate::report::{Report, stored_tally};
use crate::service_task::ServiceTask;
use crate::stages::Stages;
use crate::{Outcome, counting, render};
use ballots::Ballots;

pub(crate) async fn run(args: Box<DemoArgs>) -> anyhow::Result<Outcome> {
    let began = Instant::now();
    let args = &*args;
    let definition =
        (args.init.definition()).map_err(|error| ProducerError::from(error).into_report())?;
    let ballots = Ballots::read(args, definition.as_ref())?;
    let definition = ballots.definition(definition);
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
    let bridge = Bridge::config(&args.backend.cluster, &args.kafka)?;
    let backend = Backend::open(&args.backend, args.fresh).await?;
    let held = backend.close_after(async move |backend: &Backend| {
        let demo = Demo {
            backend,
            args,
            bridge,
            began,
            stop: stop_on_signal(),
        };
        demo.run(dashboard, definition, ballots).await
    });
    held.await
}

struct Demo<'a> {
    backend: &'a Backend,
    args: &'a DemoArgs,
    bridge: Option<BridgeConfig>,
    began: Instant,
    stop: CancellationToken,
}

impl Demo<'_> {
    /// Sets the election up, and holds it beside its dashboard, if it has one.
    async fn run(
        &self,
        dashboard: Option<Dashboard>,
        definition: Option<ElectionDefinition>,
        ballots: Ballots,
    ) -> anyhow::Result<Outcome> {
        let public_url = self.args.init.public_url.clone().unwrap_or_else(|| {
            let address = dashboard.as_ref().map(Dashboard::address);
            address.map(PublicUrl::of).unwrap_or_default()
        });
        // Before the dashboard starts, which would wait for the election and say so.
        let (stored, partitions) = self.set_up(definition, &ballots, public_url).await?;
        let dashboard = dashboard.map(|dashboard| self.start_dashboard(dashboard));
        let outcome = self.count_beside_bridge(ballots, stored, partitions).await;
        // Last, so that it shows the end.
        if let Some(dashboard) = dashboard {
            dashboard.stop().await?;
        }
        outcome
    }

    fn start_dashboard(&self, mut dashboard: Dashboard) -> ServiceTask {
        let backend = self.backend;
        if let Some(limits) = self.args.ballots.limits() {
            dashboard = dashboard.accepting_votes(limits, backend.key.clone());
        }
        eprintln!("Dashboard: {}\n", dashboard.url());
        let stop = CancellationToken::new();
        let (platform, store) = (backend.platform.clone(), backend.store.clone());
        let running = dashboard.run(platform, store, stop.clone());
        ServiceTask::start("the dashboard", stop, running)
    }

    /// Creates what is missing, and makes sure that what exists belongs to this election. Returns the
    /// election and its partitions.
    async fn set_up(
        &self,
        definition: Option<ElectionDefinition>,
        ballots: &Ballots,
        public_url: PublicUrl,
    ) -> anyhow::Result<(StoredElection, u32)> {
        let Demo { backend, args, .. } = self;
        let deployment = Deployment::of(&backend.manifest, args.init.partitions)
            .map_err(ProducerError::into_report)?;
        let new = NewElection {
            plan: ballots.plan(args, deployment.partitions())?,
            polls: producer::polls(&args.init, &backend.manifest),
            safeguards: (args.init.safeguards)
                .under(backend.key.as_ref())
                .map_err(StoreError::Key)?,
            candidates: ballots.candidates(definition.as_ref(), &args.init),
            definition,
            public_url,
        };
        let (platform, store) = (&*backend.platform, &backend.store);
        producer::set_up(platform, store, &deployment, &new)
            .await
            .map_err(ProducerError::into_report)?;
        demand_whole_log(platform, store).await?;
        Ok((backend.election().await?, deployment.partitions()))
    }

    async fn count_beside_bridge(
        &self,
        ballots: Ballots,
        stored: StoredElection,
        partitions: u32,
    ) -> anyhow::Result<Outcome> {
        let Demo { backend, args, .. } = self;
        let bridge = self.bridge.clone();
        let bridge = bridge.map(|config| Bridge::start(backend, &stored.election, config));
        let outcome = self.count(ballots, stored, partitions).await;
        if let Some(bridge) = bridge {
            // What was published last is carried, too.
            let carry_all = outcome.is_ok() && args.once;
            if !bridge.end(backend, carry_all, &self.stop).await? {
                eprintln!(
                    "Stopped before everything was on Kafka. Run the same command again to continue."
                );
                return Ok(Outcome::CheckFailed);
            }
        }
        outcome
    }

    /// Holds the election and counts it, to the end of the consumer.
    async fn count(
        &self,
        ballots: Ballots,
        stored: StoredElection,
        partitions: u32,
    ) -> anyhow::Result<Outcome> {
        let Demo { backend, args, .. } = self;
        let progress = consumer::Progress::new(partitions);
        let mut consumer = counting::start(backend, stored.election.clone(), &progress, &self.stop);
        let mut stages = Stages::new(&progress, ballots.has_roll());
        let (registered, cast) = (stages.registered.clone(), stages.cast.clone());
        let work = async {
            tokio::select! {
                held = self.hold_election(&ballots, &stored, &registered, &cast, &progress) => held,
                // It ends only when it is stopped, or fails.
                ended = consumer.ended() => ended.map(|()| false),
            }
        };
        let held = redrawing(work, || stages.draw()).await;
        stages.finish();
        if !matches!(held, Ok(true)) {
            consumer.stop().await?;
            held?;
            eprintln!(
                "Stopped before every vote was counted. Run the same command again to continue."
            );
            return Ok(Outcome::CheckFailed);
        }

        let tally = stored_tally(backend).await?;
        let mut report = Report::of_tally(backend, &stored, &tally).await?;
        report.elapsed_s = Some(self.began.elapsed().as_secs_f64());
        let differences = match &ballots {
            Ballots::Results(replay) => Some(Differences::of_results(&report, &replay.expected())),
            Ballots::Records(records) => {
                let definition = &stored.election.definition;
                Some(Differences::of_records(
                    &report,
                    &tally,
                    definition,
                    &records.recorded,
                ))
            }
            Ballots::Electorate(_) => None,
        };
        show(args, &report, differences.as_ref())?;
        if !args.once {
            eprintln!("The election stays up and continues to count; Ctrl-C ends it.");
            tokio::select! {
                // In this order: when it is stopped, the consumer ends too, and that is no failure.
                biased;
                () = self.stop.cancelled() => {}
                ended = consumer.ended() => {
                    ended?;
                    return Ok(Outcome::CheckFailed);
                }
            }
        }
        consumer.stop().await?;
        let matches = differences.is_none_or(|differences| differences.is_empty());
        Ok(Outcome::of_check(report.accounted && matches))
    }

    /// Registers, casts, and waits until everything is counted, stored and persisted; false if it was
    /// stopped before.
    async fn hold_election(
        &self,
        ballots: &Ballots,
        stored: &StoredElection,
        registered: &Arc<producer::Progress>,
        cast: &Arc<producer::Progress>,
        progress: &consumer::Progress,
    ) -> anyhow::Result<bool> {
        let (args, stop) = (self.args, &self.stop);
        let platform = &self.backend.platform;
        let credentials = &stored.election.credentials;
        match ballots {
            Ballots::Results(replay) => self.replay(replay, stored, cast).await?,
            Ballots::Records(records) => self.replay(&records.replay, stored, cast).await?,
            Ballots::Electorate(voters) => {
                if let Some(file) = &args.voters.credentials {
                    producer::write_credentials(file, voters, &stored.election)
                        .await
                        .map_err(ProducerError::into_report)?;
                }
                let work = || producer::register_voters(platform, voters.clone(), registered, stop);
                steadily("registering", stop, work).await?;
                if !stop.is_cancelled() {
                    let plan = CastPlan {
                        seed: args.init.seed,
                        duplicates: args.votes.duplicates,
                        invalid: args.votes.invalid,
                        abstain: args.votes.abstain,
                        rate: args.votes.rate,
                        definition: stored.election.definition.clone(),
                        polls: stored.election.polls,
                        credentials: credentials.clone(),
                    };
                    let work = || producer::cast_votes(platform, plan.clone(), cast, stop);
                    steadily("casting", stop, work).await?;
                }
            }
        }
        if stop.is_cancelled() {
            return Ok(false);
        }
        Ok(consumer::wait_until_done(&**platform, progress, stop).await?)
    }

    async fn replay(
        &self,
        replay: &Arc<impl Replayed>,
        stored: &StoredElection,
        cast: &Arc<producer::Progress>,
    ) -> anyhow::Result<()> {
        let (rate, stop) = (self.args.votes.rate, &self.stop);
        let platform = &self.backend.platform;
        let work = || {
            let (replay, key) = (replay.clone(), stored.election.credentials.clone());
            producer::replay_votes(platform, replay, key, rate, cast, stop)
        };
        steadily("casting", stop, work).await?;
        Ok(())
    }
}

fn show(args: &DemoArgs, report: &Report, differences: Option<&Differences>) -> anyhow::Result<()> {
    if args.json {
        render::print_json(report)?;
    } else {
        render::print_table(report);
    }
    let Some(differences) = differences else {
        return Ok(());
    };
    let verdict = match (&args.cvr, &args.results) {
        (Some(config), _) => differences.verdict(&format!("the records of {}", config.display())),
        (None, Some(file)) => {
            differences.verdict(&format!("{} at scale {}", file.display(), args.scale))
        }
        (None, None) => return Ok(()),
    };
    if args.json {
        eprintln!("{verdict}");
    } else {
        println!("{verdict}");
    }
    Ok(())
}
