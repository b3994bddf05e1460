//! What ends a process: Ctrl-C, and SIGTERM where there are signals.

use tokio_util::sync::CancellationToken;

/// A token that Ctrl-C and SIGTERM cancel. Called once, within the runtime.
pub fn stop_on_signal() -> CancellationToken {
    let stop = CancellationToken::new();
    let signalled = stop.clone();
    // Lives as long as the process: a second signal meets the same, and finds it stopping already.
    tokio::spawn(async move {
        wait_for_signal().await;
        signalled.cancel();
    });
    stop
}

#[cfg(unix)]
async fn wait_for_signal() {
    use tokio::signal::unix::{SignalKind, signal};
    match signal(SignalKind::terminate()) {
        Ok(mut terminate) => {
            tokio::select! {
                () = wait_for_ctrl_c() => {}
                _ = terminate.recv() => {}
            }
        }
        Err(error) => {
            tracing::warn!("cannot listen for SIGTERM: {error}");
            wait_for_ctrl_c().await;
        }
    }
}

#[cfg(not(unix))]
async fn wait_for_signal() {
    wait_for_ctrl_c().await;
}

async fn wait_for_ctrl_c() {
    if let Err(error) = tokio::signal::ctrl_c().await {
        tracing::warn!("cannot listen for Ctrl-C: {error}");
        // Not listening is no reason to stop.
        std::future::pending::<()>().await;
    }
}
