//! A service that runs as a task beside other work.

use anyhow::Context;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

pub(crate) struct ServiceTask {
    name: &'static str,
    stop: CancellationToken,
    /// `None` once it has ended.
    task: Option<JoinHandle<anyhow::Result<()>>>,
}

impl ServiceTask {
    /// Starts `service`, which ends when `stop` is cancelled.
    pub(crate) fn start<E>(
        name: &'static str,
        stop: CancellationToken,
        service: impl Future<Output = Result<(), E>> + Send + 'static,
    ) -> ServiceTask
    where
        E: std::error::Error + Send + Sync + 'static,
    {
        ServiceTask {
            name,
            stop,
            task: Some(tokio::spawn(async { Ok(service.await?) })),
        }
    }

    /// Returns when the service ends; if it has ended already, never.
    pub(crate) async fn ended(&mut self) -> anyhow::Result<()> {
        let Some(task) = &mut self.task else {
            return std::future::pending().await;
        };
        let ended = task.await;
        self.task = None;
        ended.with_context(|| format!("{} ended abnormally", self.name))?
    }

    /// Stops the service and waits for its end.
    pub(crate) async fn stop(mut self) -> anyhow::Result<()> {
        self.stop.cancel();
        match self.task {
            Some(_) => self.ended().await,
            None => Ok(()),
        }
    }
}
