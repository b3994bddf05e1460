//! The consumer as a part of another command.

use consumer::Progress;
use tokio_util::sync::CancellationToken;
use wire::Election;

use crate::backend::Backend;
use crate::service_task::ServiceTask;

/// Starts to count and persist; ends with `stop`, too.
pub(crate) fn start(
    backend: &Backend,
    election: Election,
    progress: &Progress,
    stop: &CancellationToken,
) -> ServiceTask {
    let stop = stop.child_token();
    let running = consumer::run(
        backend.platform.clone(),
        backend.store.clone(),
        election,
        backend.consumer_config(),
        progress.clone(),
        stop.clone(),
    );
    ServiceTask::start("the consumer", stop, running)
}
