//! The dashboard: shows the count live, in a browser, and serves the same figures as JSON.
//!
//! It reads what any other service could, the aggregate topics and Postgres, and never counts. What
//! it has read stands on a board; some times a second a snapshot of it is rendered once and passed
//! to everybody who listens. Where it is told to, it takes votes, too, and casts them as the producer
//! does.
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
pub mod model;
mod numbers;
mod pages;
mod portrait;
mod publish;
mod query;
mod rate;
mod routes;
mod shared;
mod sources;

use std::net::{IpAddr, SocketAddr};
use std::num::NonZeroU32;
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
use tokio::sync::OnceCell;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use wire::topics;

pub use crate::ballot_box::BallotLimits;
use crate::ballot_box::{BallotBox, Clerk};
use crate::hub::Hub;
use crate::metrics::Metrics;
use crate::routes::Site;
use crate::shared::Shared;

/// Largest request for a vote. A ballot has three texts of 255 bytes; each may be escaped.
const MAX_BALLOT_BYTES: usize = 8 * 1024;

/// Where the dashboard listens, and how often it tells something new.
#[derive(Debug, Clone, Copy)]
pub struct DashboardConfig {
    /// The address to listen on.
    pub bind: IpAddr,
    /// The port; 0 takes a free one.
    pub port: u16,
    /// Most snapshots a second that are pushed; changes in between are pushed together. Where many
    /// listen, there are fewer.
    pub updates_per_second: NonZeroU32,
}

impl Default for DashboardConfig {
    fn default() -> Self {
        DashboardConfig {
            bind: DASHBOARD.ip(),
            port: DASHBOARD.port(),
            updates_per_second: NonZeroU32::new(100).expect("invariant: a hundred is not zero"),
        }
    }
}

/// Why the dashboard could not start, or ended.
#[derive(Debug, thiserror::Error)]
pub enum DashboardError {
    /// The address cannot be listened on.
    #[error("the dashboard cannot listen on {address}: {problem}; {remedy}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// What the system says.
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
    /// Votes are to be taken, and the election has several contests.
    #[error(
        "`--accept-votes` takes an election with one contest in which everybody marks one candidate; this one has several, or takes other marks"
    )]
    SeveralContests,
    /// Votes cannot be appended to a log that is not whole.
    #[error("votes cannot be accepted: {0}")]
    WholeLog(WholeLogError),
    /// A task ended abnormally.
    #[error("a task of the dashboard ended abnormally: {0}")]
    Task(String),
}

impl DashboardError {
    /// The error as a program ends with it: one about what was asked for is wrong usage.
    pub fn into_report(self) -> anyhow::Error {
        match self {
            // As it is: how to give the right key is added where it is told.
            DashboardError::Ballots(error @ StoreError::Key(_)) => {
                anyhow::Error::from(error).context("votes cannot be accepted")
            }
            DashboardError::NoCredentials | DashboardError::SeveralContests => {
                UsageError(self.to_string()).into()
            }
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

/// What keeps the dashboard from its figures while it connects, for its pages and for `/readyz`.
#[derive(Debug, Clone)]
pub struct Problems(Shared);

impl Problems {
    /// Shows what is wrong with a source, or (`None`) no longer.
    pub fn set(&self, source: &str, problem: Option<String>) {
        self.set_problem(source, problem);
    }
}

impl restart::Problems for Problems {
    fn set_problem(&self, source: &str, problem: Option<String>) -> bool {
        let problem = problem.map(|problem| format!("{source}: {problem}"));
        self.0.update(|board| board.set_problem(source, problem))
    }
}

/// A dashboard that has its port, and does not serve yet.
#[derive(Debug)]
pub struct Dashboard {
    listener: TcpListener,
    address: SocketAddr,
    config: DashboardConfig,
    ballots: Option<Ballots>,
}

/// What votes are taken with.
#[derive(Debug, Clone)]
struct Ballots {
    limits: BallotLimits,
    key: Option<ElectionKey>,
}

impl Dashboard {
    /// Takes the port.
    ///
    /// # Errors
    /// When it is taken already, or not allowed.
    pub async fn bind(config: DashboardConfig) -> Result<Dashboard, DashboardError> {
        let wanted = SocketAddr::new(config.bind, config.port);
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
            config,
            ballots: None,
        })
    }

    /// The same, and it takes votes: within these limits, for an election with this key.
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

    /// Where a browser finds it.
    pub fn url(&self) -> String {
        PublicUrl::of(self.address).to_string()
    }

    /// Serves until `stop`. A source that fails is shown as a problem, and tried again.
    ///
    /// # Errors
    /// When a task ends abnormally.
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

    /// Like [`Dashboard::run`], for what is yet to be connected to. It serves meanwhile, and shows the
    /// problems that `connect` tells; `None` from it means that it was stopped.
    ///
    /// # Errors
    /// When `connect` fails for good, or a task ends abnormally.
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
        // Whatever ends first ends the others.
        let stop = stop.child_token();
        let _stop_all = stop.clone().drop_guard();
        let interval = Duration::from_secs(1) / self.config.updates_per_second.get();
        tasks.spawn(service::http::serve(
            self.listener,
            routes::app(Arc::new(site)),
            ballot_box.as_ref().map_or(0, |_| MAX_BALLOT_BYTES),
            stop.clone(),
        ));
        tasks.spawn(publish::publish(
            shared.clone(),
            hub,
            interval,
            stop.clone(),
        ));
        let connected = tokio::select! {
            connected = connect(Problems(shared.clone())) => connected,
            // These two end before when they are stopped, or abnormally.
            Some(ended) = tasks.join_next() => match ended {
                Ok(()) => Ok(None),
                Err(error) => Err(DashboardError::Task(error.to_string()).into()),
            },
        };
        let refused = Arc::new(OnceCell::new());
        match &connected {
            Ok(Some(connected)) => {
                watch(connected, &shared, &mut tasks, &stop);
                if let (Some(ballots), Some(ballot_box)) = (self.ballots, ballot_box) {
                    let work =
                        take_votes(connected.clone(), ballots, ballot_box, shared, stop.clone());
                    let (refused, stop) = (refused.clone(), stop.clone());
                    tasks.spawn(async move {
                        if let Err(error) = work.await {
                            stop.cancel();
                            // There is only this one to be told.
                            refused.set(error).ok();
                        }
                    });
                }
            }
            Ok(None) | Err(_) => stop.cancel(),
        }
        while let Some(ended) = tasks.join_next().await {
            ended.map_err(|error| DashboardError::Task(error.to_string()))?;
        }
        if let Some(error) = Arc::into_inner(refused).and_then(OnceCell::into_inner) {
            return Err(error.into());
        }
        connected.map(|_| ())
    }
}

/// Opens the ballot box once there is an election, and casts what is put into it.
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
    if !election.definition.takes_candidate_id() {
        return Err(DashboardError::SeveralContests);
    }
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

/// Spawns what reads the sources.
fn watch(
    Connected { platform, store }: &Connected,
    shared: &Shared,
    tasks: &mut JoinSet<()>,
    stop: &CancellationToken,
) {
    // Candidates come in the order of registration, so they are read before the first total.
    let set_up = CancellationToken::new();
    tasks.spawn(sources::watch_database(
        store.clone(),
        shared.clone(),
        set_up.clone(),
        stop.clone(),
    ));
    for topic in [topics::TOTALS, topics::PIPELINE] {
        tasks.spawn(after(
            set_up.clone(),
            stop.clone(),
            sources::watch_topic(platform.clone(), topic, shared.clone(), stop.clone()),
        ));
    }
    tasks.spawn(after(
        set_up,
        stop.clone(),
        sources::watch_log_ends(platform.clone(), shared.clone(), stop.clone()),
    ));
}

/// Runs a task once there is an election.
async fn after(set_up: CancellationToken, stop: CancellationToken, task: impl Future<Output = ()>) {
    if stop.run_until_cancelled(set_up.cancelled()).await.is_some() {
        task.await;
    }
}
