//! The dashboard: shows the count live, in a browser, and serves the same figures as JSON.
//!
//! It reads what any other service could, the aggregate topics and Postgres, and never counts. The board holds what it
//! has read; after a change, a snapshot of it is rendered once and sent to all listeners. With `--accept-votes` it
//! takes votes, too, and casts them as the producer does.
//!
//! ```text
//! aggregate topics ─┐
//! pipeline topic ───┼──► board ──► snapshot ──► hub ──► pages, API, event stream
//! log ends ─────────┤
//! Postgres ─────────┘
//! ```

#![deny(missing_docs)]
#![forbid(unsafe_code)]

mod accounting;
pub mod args;
mod assets;
mod ballot_box;
mod board;
mod bridge_lag;
mod counts;
mod evidence;
mod hub;
mod metrics;
mod model;
mod numbers;
mod pages;
mod portrait;
mod publish;
mod query;
mod rate;
mod routes;
mod shared;
mod sources;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use ::evidence::ElectionKey;
use chrono::Utc;
use platform::Platform;
use service::UsageError;
use service::public_url::{DASHBOARD, PublicUrl};
use service::restart::{self, Problems as _, until_done};
use service::whole_log::{WholeLogError, demand_whole_log};
use store::{Store, StoreError};
use tokio::net::TcpListener;
use tokio::task::{JoinError, JoinSet};
use tokio_util::sync::CancellationToken;
use wire::topics;

use crate::args::{BallotLimits, ListenArgs};
use crate::ballot_box::{BallotBox, Clerk};
use crate::hub::Hub;
use crate::metrics::Metrics;
use crate::routes::Site;
use crate::shared::Shared;

/// Largest request for a vote: what is marked in every contest of a long ballot.
const MAX_BALLOT_BYTES: usize = 64 * 1024;

/// Why the dashboard could not start, or ended.
#[derive(Debug, thiserror::Error)]
pub enum DashboardError {
    /// The address cannot be listened on.
    #[error("the dashboard cannot listen on {address}: {problem}; {remedy}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// The system's error.
        problem: std::io::Error,
        /// What helps.
        remedy: &'static str,
    },
    /// Votes cannot be taken for the election that is set up.
    #[error("votes cannot be accepted: {0}")]
    Ballots(StoreError),
    /// Votes cannot be taken without credentials.
    #[error(
        "votes cannot be accepted: this election requires no credentials, so anybody could vote for anybody; set it up with `--require-credentials`"
    )]
    NoCredentials,
    /// Records are missing from the log, so no votes may be appended.
    #[error("votes cannot be accepted: {0}")]
    WholeLog(WholeLogError),
    /// A task ended abnormally.
    #[error("a task of the dashboard ended abnormally: {0}")]
    Task(String),
}

impl DashboardError {
    /// The error as a program reports it: wrong options are a [`UsageError`].
    pub fn into_report(self) -> anyhow::Error {
        match self {
            // As it is: the program adds how to give the right key.
            DashboardError::Ballots(error @ StoreError::Key(_)) => {
                anyhow::Error::from(error).context("votes cannot be accepted")
            }
            DashboardError::NoCredentials => UsageError(self.to_string()).into(),
            other => other.into(),
        }
    }
}

/// What the dashboard reads from.
#[derive(Clone)]
pub struct Connected {
    /// The topics.
    pub platform: Arc<dyn Platform>,
    /// The database.
    pub store: Store,
}

/// Problems with the sources, shown on the pages and by `/readyz`.
#[derive(Debug, Clone)]
pub struct Problems(Shared);

impl Problems {
    /// Shows what is wrong with a source, or (`None`) that it works.
    pub fn set(&self, source: &str, problem: Option<String>) {
        self.set_problem(source, problem);
    }
}

impl restart::Problems for Problems {
    fn set_problem(&self, source: &str, problem: Option<String>) -> bool {
        self.0.set_problem(source, problem)
    }
}

/// A dashboard that has its port, and does not serve yet.
#[derive(Debug)]
pub struct Dashboard {
    listener: TcpListener,
    address: SocketAddr,
    /// Between two snapshots.
    interval: Duration,
    ballots: Option<Ballots>,
}

/// The limits and the election's key, where votes are taken.
#[derive(Debug, Clone)]
struct Ballots {
    limits: BallotLimits,
    key: Option<ElectionKey>,
}

impl Dashboard {
    /// Takes the port.
    ///
    /// # Errors
    /// When it is in use, or not allowed.
    pub async fn bind(args: ListenArgs) -> Result<Dashboard, DashboardError> {
        let wanted = SocketAddr::new(args.bind, args.port.unwrap_or(DASHBOARD.port()));
        let failed = |problem: std::io::Error| DashboardError::Listen {
            address: wanted,
            remedy: match problem.kind() {
                std::io::ErrorKind::AddrInUse => {
                    "choose another with `--port`, or `--port 0` for a free one"
                }
                std::io::ErrorKind::PermissionDenied => "ports below 1024 need privileges",
                _ => "`--bind` takes an address of this machine",
            },
            problem,
        };
        let listener = TcpListener::bind(wanted).await.map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        Ok(Dashboard {
            listener,
            address,
            interval: Duration::from_secs(1) / args.updates.get(),
            ballots: None,
        })
    }

    /// Makes it take votes: within these limits, for an election with this key.
    pub fn accepting_votes(self, limits: BallotLimits, key: Option<ElectionKey>) -> Dashboard {
        Dashboard {
            ballots: Some(Ballots { limits, key }),
            ..self
        }
    }

    /// The address it listens on.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Its URL for a browser.
    pub fn url(&self) -> String {
        PublicUrl::of(self.address).to_string()
    }

    /// Serves until `stop`. A source that fails is shown as a problem, and retried.
    ///
    /// # Errors
    /// When votes cannot be taken, or a task ends abnormally.
    pub async fn run(
        self,
        platform: Arc<dyn Platform>,
        store: Store,
        stop: CancellationToken,
    ) -> Result<(), DashboardError> {
        let connected = Connected { platform, store };
        let connect = |_| std::future::ready(Ok(Some(connected)));
        self.run_connecting(connect, stop).await
    }

    /// Like [`Dashboard::run`], for sources that are still to be connected. It serves meanwhile, and shows the problems
    /// that `connect` sets; `connect` returns `None` when it was stopped.
    ///
    /// # Errors
    /// When `connect` fails permanently, votes cannot be taken, or a task ends abnormally.
    pub async fn run_connecting<E, F>(
        self,
        connect: impl FnOnce(Problems) -> F,
        stop: CancellationToken,
    ) -> Result<(), E>
    where
        E: From<DashboardError>,
        F: Future<Output = Result<Option<Connected>, E>>,
    {
        let shared = Shared::default();
        let metrics = Arc::new(Metrics::default());
        let hub = Arc::new(Hub::new(model::Snapshot::default(), metrics.clone()));
        let ballot_box =
            (self.ballots.as_ref()).map(|ballots| Arc::new(BallotBox::new(ballots.limits)));
        let site = Site {
            hub: hub.clone(),
            shared: shared.clone(),
            metrics,
            started_at: Utc::now(),
            ballots: ballot_box.clone(),
        };

        let mut tasks = JoinSet::new();
        // Whichever task ends first ends the others.
        let stop = stop.child_token();
        let _stop_all = stop.clone().drop_guard();
        let max_body = ballot_box.as_ref().map_or(0, |_| MAX_BALLOT_BYTES);
        let app = routes::app(Arc::new(site));
        let served = service::http::serve(self.listener, app, max_body, stop.clone());
        tasks.spawn(succeeding(served));
        let published = publish::publish(shared.clone(), hub, self.interval, stop.clone());
        tasks.spawn(succeeding(published));
        let connected = tokio::select! {
            connected = connect(Problems(shared.clone())) => connected,
            // The two tasks end early only when they are stopped, or abnormally.
            Some(ended) = tasks.join_next() => ended_task(ended).map(|()| None).map_err(E::from),
        };
        match &connected {
            Ok(Some(connected)) => {
                watch(connected, &shared, &mut tasks, &stop);
                if let (Some(ballots), Some(ballot_box)) = (self.ballots, ballot_box) {
                    let connected = connected.clone();
                    let stop = stop.clone();
                    tasks.spawn(take_votes(connected, ballots, ballot_box, shared, stop));
                }
            }
            Ok(None) | Err(_) => stop.cancel(),
        }
        let mut outcome = Ok(());
        while let Some(ended) = tasks.join_next().await {
            let ended = ended_task(ended);
            if ended.is_err() {
                stop.cancel();
            }
            outcome = outcome.and(ended);
        }
        outcome?;
        connected.map(|_| ())
    }
}

/// A task that does not fail.
async fn succeeding(task: impl Future<Output = ()>) -> Result<(), DashboardError> {
    task.await;
    Ok(())
}

fn ended_task(ended: Result<Result<(), DashboardError>, JoinError>) -> Result<(), DashboardError> {
    ended.unwrap_or_else(|error| Err(DashboardError::Task(error.to_string())))
}

/// Opens the ballot box once an election is set up, and casts the ballots.
///
/// # Errors
/// When votes cannot be taken for this election at all.
async fn take_votes(
    connected: Connected,
    ballots: Ballots,
    ballot_box: Arc<BallotBox>,
    shared: Shared,
    stop: CancellationToken,
) -> Result<(), DashboardError> {
    let Connected { platform, store } = connected;
    let problems = Problems(shared);
    let tell = |problem| problems.set("the ballot box", problem);
    let election = service::wait::election_telling(&store, ballots.key.as_ref(), tell, &stop).await;
    let Some(election) = election.map_err(DashboardError::Ballots)? else {
        return Ok(());
    };
    let key = election.credentials.clone();
    let key = key.ok_or(DashboardError::NoCredentials)?;
    let whole_log = || demand_whole_log(&*platform, &store);
    let whole = until_done("the ballot box", &problems, &stop, whole_log).await;
    if whole.map_err(DashboardError::WholeLog)?.is_none() {
        return Ok(());
    }
    let waiting = ballot_box.open(&election, key.clone());
    Clerk::new(platform, store, &election, key)
        .work(waiting, stop)
        .await;
    Ok(())
}

/// Spawns the tasks that read the sources.
fn watch(
    Connected { platform, store }: &Connected,
    shared: &Shared,
    tasks: &mut JoinSet<Result<(), DashboardError>>,
    stop: &CancellationToken,
) {
    // Candidates are listed in the order of registration, so they are read before the first total.
    let set_up = CancellationToken::new();
    let (store, shared) = (store.clone(), shared.clone());
    tasks.spawn(succeeding(sources::watch_database(
        store,
        shared.clone(),
        set_up.clone(),
        stop.clone(),
    )));
    for topic in [topics::TOTALS, topics::PIPELINE] {
        let source = sources::watch_topic(platform.clone(), topic, shared.clone(), stop.clone());
        tasks.spawn(after(set_up.clone(), stop.clone(), source));
    }
    let source = sources::watch_log_ends(platform.clone(), shared, stop.clone());
    tasks.spawn(after(set_up, stop.clone(), source));
}

/// Runs a task once an election is set up.
async fn after(
    set_up: CancellationToken,
    stop: CancellationToken,
    task: impl Future<Output = ()>,
) -> Result<(), DashboardError> {
    if stop.run_until_cancelled(set_up.cancelled()).await.is_some() {
        task.await;
    }
    Ok(())
}
