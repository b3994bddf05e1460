//! Opens the platform and the database of an election: embedded in the data directory, or a cluster and a
//! server.

use std::fs::{File, TryLockError};
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, bail};
use consumer::{ConsumerConfig, Sharing};
use evidence::ElectionKey;
use manifest::Manifest;
use platform::Platform;
use platform::embedded::EmbeddedPlatform;
use platform::fluvio::FluvioPlatform;
use producer::{Deployment, ProducerError, StoredElection};
use service::UsageError;
use service::args::ClusterArgs;
use store::{EmbeddedPostgres, Store};
use wire::topics;

use crate::cli::{BackendArgs, PlatformKind};
use crate::key::existing_key;

/// Connections to a Postgres server: for the persisters of a few partitions, tallies and queries.
const SERVER_CONNECTIONS: usize = 8;

const LOG: &str = "log";
const POSTGRES: &str = "postgres";
const LOCK: &str = "lock";

/// The platform and the database of an election, open. One process at a time has a data directory.
pub(crate) struct Backend {
    pub(crate) platform: Arc<dyn Platform>,
    pub(crate) store: Store,
    pub(crate) manifest: Manifest,
    /// The election's secret key, if there is one.
    pub(crate) key: Option<ElectionKey>,
    streaming: Streaming,
    postgres: Option<EmbeddedPostgres>,
    _lock: Option<File>,
}

enum Streaming {
    Embedded(EmbeddedPlatform),
    Cluster(FluvioPlatform),
}

impl Backend {
    /// Opens what the arguments name. Creates a missing data directory. `fresh` deletes the election that is
    /// there.
    pub(crate) async fn open(args: &BackendArgs, fresh: bool) -> anyhow::Result<Backend> {
        let kind = args.platform()?;
        let key = existing_key(args)?;
        let manifest = read_manifest(&args.cluster)?;
        let database_url = args.cluster.database_url.as_deref();
        let directory = &args.data_dir;
        let lock = if kind == PlatformKind::Embedded || database_url.is_none() {
            create_data_dir(directory)?;
            Some(lock(directory)?)
        } else {
            None
        };
        let streaming = match kind {
            PlatformKind::Embedded => {
                if fresh {
                    remove(&directory.join(LOG))?;
                }
                Streaming::Embedded(EmbeddedPlatform::open(&directory.join(LOG)).await?)
            }
            PlatformKind::Fluvio => {
                let config = args.cluster.cluster_config(&manifest);
                let platform = FluvioPlatform::connect(config).await?;
                if fresh {
                    for (topic, _) in Deployment::of(&manifest, None)?.topics() {
                        platform.delete_topic(topic).await?;
                    }
                }
                Streaming::Cluster(platform)
            }
        };
        let (store, postgres) = match database_url {
            Some(url) => (Store::connect(url, SERVER_CONNECTIONS).await?, None),
            None => {
                if fresh {
                    remove(&directory.join(POSTGRES))?;
                }
                let postgres = EmbeddedPostgres::start(&directory.join(POSTGRES)).await?;
                (postgres.connect().await?, Some(postgres))
            }
        };
        store.migrate().await?;
        if fresh && postgres.is_none() {
            store.clear().await?;
        }
        let platform: Arc<dyn Platform> = match &streaming {
            Streaming::Embedded(platform) => Arc::new(platform.clone()),
            Streaming::Cluster(platform) => Arc::new(platform.clone()),
        };
        Ok(Backend {
            platform,
            store,
            manifest,
            key,
            streaming,
            postgres,
            _lock: lock,
        })
    }

    /// Opens a data directory that has an election, or what else the arguments name.
    pub(crate) async fn open_existing(args: &BackendArgs) -> anyhow::Result<Backend> {
        if args.platform()? == PlatformKind::Embedded && !args.data_dir.join(LOG).is_dir() {
            bail!(UsageError(format!(
                "there is no election in {}; `election demo` makes one, `--data-dir` names another",
                args.data_dir.display()
            )));
        }
        Backend::open(args, false).await
    }

    /// Does the work, and closes the backend even if the work fails.
    pub(crate) async fn close_after<T>(
        self,
        work: impl AsyncFnOnce(&Backend) -> anyhow::Result<T>,
    ) -> anyhow::Result<T> {
        let done = work(&self).await;
        let closed = self.close().await;
        let done = done?;
        closed?;
        Ok(done)
    }

    /// Deploys the SmartModules and creates the topics with this many partitions.
    pub(crate) async fn prepare(&self, partitions: u32) -> anyhow::Result<()> {
        let deployment = Deployment::of(&self.manifest, Some(partitions))?;
        deployment.deploy(&*self.platform).await?;
        Ok(())
    }

    /// The election that was set up here.
    pub(crate) async fn election(&self) -> anyhow::Result<StoredElection> {
        StoredElection::load(&self.store, self.key.as_ref())
            .await
            .map_err(ProducerError::into_report)
    }

    /// The configuration of a consumer here. It shares partitions with other consumers on a cluster with a
    /// Postgres server; the embedded Postgres takes one connection, so it has no others.
    pub(crate) fn consumer_config(&self) -> ConsumerConfig {
        let shares = matches!(self.streaming, Streaming::Cluster(_)) && self.postgres.is_none();
        ConsumerConfig {
            sharing: shares.then(|| Sharing::named("election")),
            ..ConsumerConfig::of(&self.manifest)
        }
    }

    /// Where each partition of a topic ends.
    pub(crate) async fn ends(&self, topic: &str) -> anyhow::Result<Vec<i64>> {
        let mut ends = Vec::new();
        for partition in 0..self.platform.partitions(topic).await? {
            ends.push(self.platform.end_offset(topic, partition).await?);
        }
        Ok(ends)
    }

    /// Number of votes cast.
    pub(crate) async fn votes_cast(&self) -> anyhow::Result<u64> {
        let ends = self.ends(topics::VOTES).await?;
        Ok(ends.iter().map(|end| end.unsigned_abs()).sum())
    }

    /// Where the log is, in words.
    pub(crate) async fn log_in_words(&self) -> anyhow::Result<String> {
        Ok(match &self.streaming {
            Streaming::Embedded(platform) => {
                format!("log of {} MB", platform.disk_bytes().await? / 1_000_000)
            }
            Streaming::Cluster(platform) => format!("log on Fluvio at {}", platform.endpoint()),
        })
    }

    /// Writes everything to disk and closes it.
    pub(crate) async fn close(self) -> anyhow::Result<()> {
        drop(self.platform);
        match self.streaming {
            Streaming::Embedded(platform) => platform.close().await?,
            Streaming::Cluster(platform) => platform.close().await,
        }
        self.store.close();
        if let Some(postgres) = self.postgres {
            postgres.stop().await?;
        }
        Ok(())
    }
}

/// Reads the manifest; an error is one of usage.
pub(crate) fn read_manifest(args: &ClusterArgs) -> Result<Manifest, UsageError> {
    args.manifest()
        .map_err(|error| UsageError(error.to_string()))
}

pub(crate) fn create_data_dir(directory: &Path) -> anyhow::Result<()> {
    std::fs::create_dir_all(directory)
        .with_context(|| format!("cannot create the data directory {}", directory.display()))
}

fn lock(directory: &Path) -> anyhow::Result<File> {
    let path = directory.join(LOCK);
    let file = File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .open(&path)
        .with_context(|| format!("cannot write to the data directory {}", directory.display()))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => bail!(
            "{} is in use by another `election` process: stop that one first, or name another \
             directory with `--data-dir`",
            directory.display()
        ),
        Err(TryLockError::Error(error)) => {
            Err(error).with_context(|| format!("cannot lock {}", path.display()))
        }
    }
}

fn remove(directory: &Path) -> anyhow::Result<()> {
    match std::fs::remove_dir_all(directory) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(error).with_context(|| format!("cannot delete {}", directory.display()))
        }
        _ => Ok(()),
    }
}
