//! The ends of `votes` and `voters`: votes cast and voters registered.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use platform::{Platform, PlatformError};
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;
use wire::topics;

use super::Source;
use crate::shared::Shared;

/// How often the ends are asked for. A cluster answers with one message a partition.
const ASK_EVERY: Duration = Duration::from_millis(200);

pub(crate) async fn watch_log_ends(
    platform: Arc<dyn Platform>,
    shared: Shared,
    stop: CancellationToken,
) {
    let mut source = Source::new("votes cast", &shared);
    while let Some(Err(error)) = stop
        .run_until_cancelled(follow(&*platform, &shared, &mut source))
        .await
    {
        source.failed(error, &stop).await;
    }
}

async fn follow(
    platform: &dyn Platform,
    shared: &Shared,
    source: &mut Source,
) -> Result<Infallible, PlatformError> {
    let mut ticks = tokio::time::interval(ASK_EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        let votes = ends(platform, topics::VOTES).await?;
        let voters = ends(platform, topics::VOTERS).await?;
        shared.update(|board| board.set_ends(&votes, &voters));
        source.works();
    }
}

async fn ends(platform: &dyn Platform, topic: &str) -> Result<Vec<i64>, PlatformError> {
    let mut ends = Vec::new();
    for partition in 0..platform.partitions(topic).await? {
        ends.push(platform.end_offset(topic, partition).await?);
    }
    Ok(ends)
}
