//! Opening what an election lives on: the data directory with the embedded platform, and Postgres,
//! embedded or a server.

use std::fs::{File, TryLockError};
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, bail};
use domain::{Candidate, topics};
use platform::Platform;
use platform::embedded::EmbeddedPlatform;
use store::{EmbeddedPostgres, Store};

use crate::cli::{BackendArgs, UsageError};
use crate::plan::Plan;

/// Connections to a Postgres server: the persisters of a few partitions, tallies and queries.
const SERVER_CONNECTIONS: usize = 8;

const LOG: &str = "log";
const POSTGRES: &str = "postgres";
const LOCK: &str = "lock";

/// An open data directory. One process has it at a time.
pub(crate) struct Backend {
    pub(crate) platform: EmbeddedPlatform,
    pub(crate) store: Store,
    postgres: Option<EmbeddedPostgres>,
    _lock: File,
}

/// The election a backend holds.
pub(crate) struct StoredElection {
    pub(crate) plan: Option<Plan>,
    pub(crate) election: consumer::Election,
}

impl Backend {
    /// Opens the data directory, creating it if it is not there.
    pub(crate) async fn open(args: &BackendArgs) -> anyhow::Result<Backend> {
        Backend::open_with(args, false).await
    }

    /// Opens it after deleting the election it holds.
    pub(crate) async fn open_fresh(args: &BackendArgs) -> anyhow::Result<Backend> {
        Backend::open_with(args, true).await
    }

    /// Opens it if there is something in it.
    pub(crate) async fn open_existing(args: &BackendArgs) -> anyhow::Result<Backend> {
        if !args.data_dir.join(LOG).is_dir() {
            bail!(UsageError(format!(
                "there is no election in {}; `election demo` makes one, `--data-dir` names another",
                args.data_dir.display()
            )));
        }
        Backend::open(args).await
    }

    async fn open_with(args: &BackendArgs, fresh: bool) -> anyhow::Result<Backend> {
        let directory = &args.data_dir;
        std::fs::create_dir_all(directory)
            .with_context(|| format!("cannot create the data directory {}", directory.display()))?;
        let lock = lock(directory)?;
        if fresh {
            remove(&directory.join(LOG))?;
            if args.database_url.is_none() {
                remove(&directory.join(POSTGRES))?;
            }
        }
        let platform = EmbeddedPlatform::open(&directory.join(LOG)).await?;
        let (store, postgres) = match &args.database_url {
            Some(url) => (Store::connect(url, SERVER_CONNECTIONS).await?, None),
            None => {
                let postgres = EmbeddedPostgres::start(&directory.join(POSTGRES)).await?;
                (postgres.connect().await?, Some(postgres))
            }
        };
        store.migrate().await?;
        if fresh && postgres.is_none() {
            store.clear().await?;
        }
        Ok(Backend {
            platform,
            store,
            postgres,
            _lock: lock,
        })
    }

    /// The platform, as the services take it.
    pub(crate) fn port(&self) -> Arc<dyn Platform> {
        Arc::new(self.platform.clone())
    }

    /// Deploys the SmartModules and creates the topics.
    pub(crate) async fn prepare(&self, partitions: u32) -> anyhow::Result<()> {
        for module in smartmodules::ALL {
            self.platform.deploy(module.name, module.wasm).await?;
        }
        producer::create_topics(&self.platform, partitions).await?;
        Ok(())
    }

    /// The election that was set up here.
    pub(crate) async fn election(&self) -> anyhow::Result<StoredElection> {
        let Some(stored) = self.store.election().await? else {
            bail!(UsageError(
                "no election is set up yet; `election producer init` or `election demo` does it"
                    .into()
            ));
        };
        let candidates: Vec<Candidate> = self.store.candidates().await?;
        Ok(StoredElection {
            plan: Plan::from_json(&stored.plan),
            election: consumer::Election {
                candidates,
                polls: stored.polls,
            },
        })
    }

    /// Where each partition of `votes` ends.
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

    /// Has everything on disk and lets go of it.
    pub(crate) async fn close(self) -> anyhow::Result<()> {
        self.platform.close().await?;
        self.store.close();
        if let Some(postgres) = self.postgres {
            postgres.stop().await?;
        }
        Ok(())
    }
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
