//! The services of an election in this process, over a log and a database: what is measured runs as in a demo.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use anyhow::bail;
use consumer::{ConsumerConfig, Progress};
use dashboard::Dashboard;
use evidence::ElectionKey;
use platform::Platform;
use platform::embedded::EmbeddedPlatform;
use store::{EmbeddedPostgres, Store};
use testing::TemporaryServer;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use wire::Election;

use crate::workload;

/// Connections to a PostgreSQL server: for each of two partitions one for voters and one for votes, and two more.
const SERVER_CONNECTIONS: usize = 6;

/// Where rows are stored.
pub(crate) enum Database {
    Server(TemporaryServer),
    Embedded(EmbeddedPostgres),
}

impl Database {
    pub(crate) async fn embedded(directory: &Path) -> anyhow::Result<Database> {
        let postgres = EmbeddedPostgres::start(&directory.join("postgres")).await?;
        Ok(Database::Embedded(postgres))
    }

    /// A PostgreSQL server; the embedded Postgres where none is installed.
    pub(crate) async fn server_or_embedded(directory: &Path) -> anyhow::Result<Database> {
        match TemporaryServer::start().await? {
            Some(server) => Ok(Database::Server(server)),
            None => Database::embedded(directory).await,
        }
    }

    pub(crate) fn name(&self) -> &'static str {
        match self {
            Database::Server(_) => "PostgreSQL server",
            Database::Embedded(_) => "embedded Postgres",
        }
    }

    pub(crate) async fn connect(&self) -> anyhow::Result<Store> {
        Ok(match self {
            Database::Server(server) => {
                Store::connect(&server.database_url(), SERVER_CONNECTIONS).await?
            }
            Database::Embedded(embedded) => embedded.connect().await?,
        })
    }

    /// Stops it. Its stores must be closed.
    pub(crate) async fn stop(self) -> anyhow::Result<()> {
        match self {
            Database::Server(server) => drop(server),
            Database::Embedded(embedded) => embedded.stop().await?,
        }
        Ok(())
    }
}

/// An election that is set up, and its services.
pub(crate) struct System {
    pub(crate) platform: Arc<dyn Platform>,
    pub(crate) store: Store,
    pub(crate) election: Election,
    pub(crate) stop: CancellationToken,
    log: EmbeddedPlatform,
    services: JoinSet<anyhow::Result<()>>,
}

impl System {
    /// Sets the measured election up, without services. With a key, votes need credentials.
    pub(crate) async fn set_up(
        log: EmbeddedPlatform,
        database: &Database,
        key: Option<&ElectionKey>,
    ) -> anyhow::Result<System> {
        let store = database.connect().await?;
        let election = workload::open_election(&store, key).await?;
        Ok(System {
            platform: Arc::new(log.clone()),
            store,
            election,
            stop: CancellationToken::new(),
            log,
            services: JoinSet::new(),
        })
    }

    /// Starts a consumer.
    pub(crate) fn consume(&mut self, partitions: u32, config: ConsumerConfig) -> Progress {
        let progress = Progress::new(partitions);
        let consumer = consumer::run(
            self.platform.clone(),
            self.store.clone(),
            self.election.clone(),
            config,
            progress.clone(),
            self.stop.clone(),
        );
        self.services.spawn(async { Ok(consumer.await?) });
        progress
    }

    /// Starts a dashboard. Returns its address.
    pub(crate) fn serve(&mut self, dashboard: Dashboard) -> SocketAddr {
        let address = dashboard.address();
        let (platform, store) = (self.platform.clone(), self.store.clone());
        let served = dashboard.run(platform, store, self.stop.clone());
        self.services.spawn(async { Ok(served.await?) });
        address
    }

    /// Does `work` while the services run. Fails when one of them ends first.
    pub(crate) async fn beside<T>(
        &mut self,
        work: impl Future<Output = anyhow::Result<T>>,
    ) -> anyhow::Result<T> {
        tokio::select! {
            done = work => done,
            Some(ended) = self.services.join_next() => {
                ended??;
                bail!("a service ended before the measurement did");
            }
        }
    }

    /// Stops the services, and closes the log and the store.
    pub(crate) async fn stop(mut self) -> anyhow::Result<()> {
        self.stop.cancel();
        while let Some(ended) = self.services.join_next().await {
            ended??;
        }
        self.store.close();
        drop(self.platform);
        Ok(self.log.close().await?)
    }
}
