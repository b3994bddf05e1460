//! Waiting for a broker that may not be up yet.

use service::restart::Failure;
use service::retry::Backoff;
use tokio_util::sync::CancellationToken;

use super::Kafka;
use crate::{BridgeConfig, BridgeError};

/// Waits until a broker answers; false when it is stopped before. At first and after each try `tell` hears
/// what is wrong, at last that nothing is.
///
/// # Errors
/// When waiting would not help: a setting cannot be used, the login is refused.
pub async fn broker_telling(
    config: &BridgeConfig,
    mut tell: impl FnMut(Option<String>),
    stop: &CancellationToken,
) -> Result<bool, BridgeError> {
    let kafka = Kafka::new(config);
    let observer = kafka.observer().await?;
    let topic = config.links.first().map_or("election", |link| &link.kafka);
    // librdkafka tries for a while before it says that nobody is there.
    tell(Some(format!("no answer from {} yet", config.bootstrap)));
    let mut backoff = Backoff::default();
    let mut told: Option<String> = None;
    let is_up = loop {
        match stop.run_until_cancelled(observer.partitions(topic)).await {
            None => break false,
            Some(Ok(_)) => {
                if told.is_some() {
                    tracing::info!("Kafka is up");
                }
                tell(None);
                break true;
            }
            Some(Err(error)) if error.is_transient() => {
                let problem = error.to_string();
                if told.as_ref() != Some(&problem) {
                    tracing::warn!("waiting for Kafka, trying again every few seconds: {problem}");
                }
                tell(Some(problem.clone()));
                told = Some(problem);
            }
            Some(Err(error)) => return Err(error),
        }
        if !backoff.pause(stop).await {
            break false;
        }
    };
    if is_up {
        observer.close().await?;
    }
    Ok(is_up)
}
