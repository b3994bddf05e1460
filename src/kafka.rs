//! The bridge to Kafka as a part of another command: `--kafka`.

use anyhow::Context;
use bridge::args::KafkaArgs;
use bridge::{BridgeConfig, BridgeError, Link, Progress};
use service::UsageError;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use wire::Election;

use crate::backend::Backend;

/// A bridge that runs beside the count.
pub(crate) struct Bridge {
    links: Vec<Link>,
    progress: Progress,
    stop: CancellationToken,
    /// `None` once it has ended by itself.
    task: Option<JoinHandle<Result<(), BridgeError>>>,
}

impl Bridge {
    /// The bridge that is asked for; `None` without a broker.
    pub(crate) fn config(
        backend: &Backend,
        args: &KafkaArgs,
    ) -> anyhow::Result<Option<BridgeConfig>> {
        if args.kafka.is_none() && args.kafka_config.is_none() {
            return Ok(None);
        }
        let config = BridgeConfig::of(&backend.manifest, args);
        Ok(Some(config.map_err(|error| UsageError(error.to_string()))?))
    }

    /// Begins to carry. It does not end with the count's own `stop`, for what is published last is to
    /// be carried, too.
    pub(crate) fn begin(backend: &Backend, election: &Election, config: BridgeConfig) -> Bridge {
        let links = config.links.clone();
        let progress = Progress::default();
        let stop = CancellationToken::new();
        let running = bridge::run(
            backend.platform.clone(),
            backend.store.clone(),
            election.clone(),
            config,
            progress.clone(),
            stop.clone(),
        );
        // The count goes on without it, and may do so for long.
        let task = tokio::spawn(async {
            running
                .await
                .inspect_err(|error| tracing::error!("the bridge to Kafka has stopped: {error}"))
        });
        Bridge {
            links,
            progress,
            stop,
            task: Some(task),
        }
    }

    /// Waits until everything that is in the log now is on the other side; false if it was stopped
    /// before.
    pub(crate) async fn wait_until_done(
        &mut self,
        backend: &Backend,
        stop: &CancellationToken,
    ) -> anyhow::Result<bool> {
        tokio::select! {
            done = bridge::wait_until_done(&*backend.platform, &self.links, &self.progress, stop) => Ok(done?),
            ended = ended(&mut self.task) => {
                ended?;
                anyhow::bail!("the bridge ended before everything was carried")
            }
        }
    }

    /// Sends what is under way, and ends.
    pub(crate) async fn end(mut self) -> anyhow::Result<()> {
        self.stop.cancel();
        match self.task {
            Some(_) => ended(&mut self.task).await,
            None => Ok(()),
        }
    }
}

async fn ended(task: &mut Option<JoinHandle<Result<(), BridgeError>>>) -> anyhow::Result<()> {
    let Some(running) = task else {
        return std::future::pending().await;
    };
    let ended = running.await;
    *task = None;
    ended.context("the bridge ended abnormally")??;
    Ok(())
}
