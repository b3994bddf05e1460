//! Signals that end a process: Ctrl-C and SIGTERM.

use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

/// A token that Ctrl-C and SIGTERM cancel. Called once, within the runtime.
pub fn stop_on_signal() -> CancellationToken {
    let stop = CancellationToken::new();
    for kind in [SignalKind::interrupt(), SignalKind::terminate()] {
        match signal(kind) {
            // The task lives as long as the process, so a second signal changes nothing.
            Ok(mut signals) => {
                let stop = stop.clone();
                tokio::spawn(async move {
                    while signals.recv().await.is_some() {
                        stop.cancel();
                    }
                });
            }
            Err(error) => tracing::warn!("cannot listen for {kind:?}: {error}"),
        }
    }
    stop
}
