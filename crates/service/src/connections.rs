//! Connecting to cluster and database together.

use manifest::Manifest;
use platform::fluvio::FluvioPlatform;
use store::Store;
use tokio_util::sync::CancellationToken;

use crate::args::ClusterArgs;
use crate::health::Health;
use crate::wait;

/// The cluster's name in health reports.
pub const FLUVIO: &str = "Fluvio";
/// The database's name in health reports.
pub const POSTGRES: &str = "Postgres";

/// A cluster and a database, both connected.
pub struct Connections {
    /// The cluster.
    pub platform: FluvioPlatform,
    /// The database.
    pub store: Store,
}

impl Connections {
    /// Waits for both at once, so that health reports both while they are missing; `None` when stopped before.
    ///
    /// # Errors
    /// When waiting would not help.
    pub async fn wait(
        args: &ClusterArgs,
        manifest: &Manifest,
        database_connections: usize,
        health: &Health,
        stop: &CancellationToken,
    ) -> anyhow::Result<Option<Connections>> {
        let url = args.database_url()?;
        let config = args.cluster_config(manifest);
        let fluvio = async {
            let tell = |problem| health.set(FLUVIO, problem);
            anyhow::Ok(wait::cluster_telling(config, tell, stop).await?)
        };
        let postgres = async {
            let tell = |problem| health.set(POSTGRES, problem);
            anyhow::Ok(wait::database_telling(url, database_connections, tell, stop).await?)
        };
        let (platform, store) = tokio::try_join!(fluvio, postgres)?;
        Ok(platform
            .zip(store)
            .map(|(platform, store)| Connections { platform, store }))
    }

    /// Ends streams and connections.
    pub async fn close(self) {
        self.platform.close().await;
        self.store.close();
    }
}
