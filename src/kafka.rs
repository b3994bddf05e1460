//! The bridge to Kafka as a part of another command: `--kafka`.

use bridge::args::KafkaArgs;
use bridge::{BridgeConfig, Link, Progress};
use service::UsageError;
use service::args::ClusterArgs;
use tokio_util::sync::CancellationToken;
use wire::Election;

use crate::backend::{Backend, read_manifest};
use crate::service_task::ServiceTask;

/// A bridge that runs beside the count.
pub(crate) struct Bridge {
    links: Vec<Link>,
    progress: Progress,
    task: ServiceTask,
}

impl Bridge {
    /// The bridge that is asked for; `None` without a broker. To be asked before anything is opened: a mistake in
    /// the manifest must not begin or delete an election.
    pub(crate) fn config(
        cluster: &ClusterArgs,
        args: &KafkaArgs,
    ) -> Result<Option<BridgeConfig>, UsageError> {
        if args.kafka.is_none() && args.kafka_config.is_none() {
            return Ok(None);
        }
        let config = BridgeConfig::of(&read_manifest(cluster)?, args);
        let named = cluster.manifest.as_ref();
        let wrong = |error| match named {
            Some(file) => UsageError(format!("{}: {error}", file.display())),
            None => UsageError(format!("{error}")),
        };
        config.map(Some).map_err(wrong)
    }

    /// Starts to carry. It does not end with the count's own `stop`, so that what is published last is
    /// carried, too.
    pub(crate) fn start(backend: &Backend, election: &Election, config: BridgeConfig) -> Bridge {
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
        // Logged at once, since the count continues without it, perhaps for long.
        let running = async {
            let ended = running.await;
            ended.inspect_err(|error| tracing::error!("the bridge to Kafka has stopped: {error}"))
        };
        Bridge {
            links,
            progress,
            task: ServiceTask::start("the bridge", stop, running),
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
            ended = self.task.ended() => {
                ended?;
                anyhow::bail!("the bridge ended before everything was carried")
            }
        }
    }

    /// Ends the bridge; with `carry_all` after everything in the log is on Kafka. False if it was stopped
    /// before that.
    pub(crate) async fn end(
        mut self,
        backend: &Backend,
        carry_all: bool,
        stop: &CancellationToken,
    ) -> anyhow::Result<bool> {
        let carried = if carry_all && !stop.is_cancelled() {
            self.wait_until_done(backend, stop).await
        } else {
            Ok(true)
        };
        self.task.stop().await?;
        carried
    }
}
