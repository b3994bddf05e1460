//! What the tasks of a bridge share, and how they end together.

use std::sync::Arc;

use ballot::Params;
use platform::Platform;
use store::Store;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::kafka::Kafka;
use crate::kafka::observer::Observer;
use crate::{BridgeConfig, BridgeError, Progress};

/// What all tasks of a bridge share.
pub(crate) struct Context {
    pub(crate) platform: Arc<dyn Platform>,
    pub(crate) store: Store,
    /// What the election gives to SmartModules.
    pub(crate) election_params: Params,
    pub(crate) config: BridgeConfig,
    pub(crate) kafka: Kafka,
    pub(crate) observer: Observer,
    pub(crate) progress: Progress,
}

/// Waits until all tasks have ended; the first failure stops the others, and is returned.
pub(crate) async fn join_all(
    mut tasks: JoinSet<Result<(), BridgeError>>,
    stop: &CancellationToken,
) -> Result<(), BridgeError> {
    let mut outcome = Ok(());
    while let Some(ended) = tasks.join_next().await {
        if let Err(error) = ended.map_err(BridgeError::from).flatten() {
            stop.cancel();
            match outcome {
                Ok(()) => outcome = Err(error),
                // The first one is returned.
                Err(_) => tracing::error!("{error}"),
            }
        }
    }
    outcome
}
