//! Waiting for a broker that may not be up yet.

use service::restart::Failure;
use service::wait::until_up;
use tokio_util::sync::CancellationToken;

use super::Kafka;
use crate::{BridgeConfig, BridgeError};

/// Waits until a broker answers; false when it is stopped before. At first and after each try `tell` hears
/// what is wrong, at last that nothing is.
///
/// # Errors
/// When waiting would not help: a setting cannot be used, or the login is refused.
pub async fn wait_for_broker(
    config: &BridgeConfig,
    mut tell: impl FnMut(Option<String>),
    stop: &CancellationToken,
) -> Result<bool, BridgeError> {
    let observer = Kafka::new(config).observer().await?;
    let topic = config.links.first().map_or("election", |link| &link.kafka);
    // librdkafka tries for a while before it reports that nothing answers.
    tell(Some(format!("no answer from {} yet", config.bootstrap)));
    let ask = || observer.partitions(topic);
    let is_transient = BridgeError::is_transient;
    let answer = until_up(("Kafka", "is up"), ask, is_transient, tell, stop).await?;
    observer.close().await?;
    Ok(answer.is_some())
}
