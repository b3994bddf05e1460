//! The bridge as a whole: it runs all links, ends them when one fails, and runs alone.

use std::sync::Arc;

use platform::Platform;
use service::restart::{Problems, until_done};
use service::retry::Backoff;
use store::{BridgeLock, Store};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use wire::Election;

use crate::config::election_params;
use crate::context::{Context, join_all};
use crate::inbound::carry_in;
use crate::kafka::Kafka;
use crate::outbound::carry_out;
use crate::pipeline::report_positions;
use crate::{BridgeConfig, BridgeError, Direction, Progress};

/// What waiting for another bridge to end is called among the problems.
const ONLY_BRIDGE: &str = "being the only bridge";

/// Carries records until `stop`, then sends what is under way and returns. After a transient failure (a
/// lost connection, a server that restarts) it continues where it stopped. While another bridge runs for
/// the same election, it waits.
///
/// # Errors
/// The first failure that is not transient; it stops all links.
pub async fn run(
    platform: Arc<dyn Platform>,
    store: Store,
    election: Election,
    config: BridgeConfig,
    progress: Progress,
    stop: CancellationToken,
) -> Result<(), BridgeError> {
    config.check()?;
    let kafka = Kafka::new(&config);
    let context = Arc::new(Context {
        platform,
        store,
        election_params: election_params(&election),
        observer: kafka.observer().await?,
        kafka,
        config,
        progress,
    });
    let ended = run_alone(&context, &stop).await;
    let closed = context.observer.clone().close().await;
    ended.and(closed)
}

/// Carries records while this is the only bridge.
async fn run_alone(context: &Arc<Context>, stop: &CancellationToken) -> Result<(), BridgeError> {
    while !stop.is_cancelled() {
        let Some(lock) = lock(context, stop).await? else {
            break;
        };
        let session = stop.child_token();
        let mut links = std::pin::pin!(run_links(context, session.clone()));
        tokio::select! {
            ended = &mut links => return ended,
            lost = lock.lost() => {
                tracing::warn!("restarting all links: {lost}");
                context.progress.set_problem(ONLY_BRIDGE, Some(lost.to_string()));
                session.cancel();
                links.await?;
            }
        }
    }
    Ok(())
}

/// Waits until no other bridge runs; `None` when it is stopped before.
async fn lock(
    context: &Context,
    stop: &CancellationToken,
) -> Result<Option<BridgeLock>, BridgeError> {
    let Context {
        store, progress, ..
    } = context;
    let mut backoff = Backoff::default();
    loop {
        let take = async || store.try_bridge_lock().await.map_err(BridgeError::from);
        let Some(taken) = until_done(ONLY_BRIDGE, progress, stop, take).await? else {
            return Ok(None);
        };
        if taken.is_some() {
            return Ok(taken);
        }
        let problem = "another bridge runs for this election; this one waits until it has ended";
        if progress.set_problem(ONLY_BRIDGE, Some(problem.into())) {
            tracing::warn!("{problem}");
        }
        if !backoff.pause(stop).await {
            return Ok(None);
        }
    }
}

async fn run_links(context: &Arc<Context>, stop: CancellationToken) -> Result<(), BridgeError> {
    let mut links = JoinSet::new();
    for link in &context.config.links {
        let (context, link, stop) = (context.clone(), Arc::new(link.clone()), stop.clone());
        match link.direction {
            Direction::ToKafka => links.spawn(carry_out(context, link, stop)),
            Direction::FromKafka => links.spawn(carry_in(context, link, stop)),
        };
    }
    // It ends after the links, so that it reports their last positions.
    let is_last = CancellationToken::new();
    let carrying = async {
        let carried = join_all(links, &stop).await;
        is_last.cancel();
        carried
    };
    let reporting = report_positions(context.clone(), stop.clone(), is_last.clone());
    let (carried, reported) = tokio::join!(carrying, reporting);
    carried.and(reported)
}
