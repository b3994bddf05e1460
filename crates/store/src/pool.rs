//! The connection pool: connecting and migrations.

use std::sync::Arc;
use std::time::Duration;

use deadpool_postgres::{
    Hook, HookError, Manager, ManagerConfig, Pool, PoolError, RecyclingMethod, Runtime, TimeoutType,
};
use tokio_postgres::config::Host;
use tokio_postgres::{Config, NoTls};

use crate::StoreError;
use crate::connection::Connection;
use crate::error::with_causes;
use crate::wal::Checkpoints;

/// How long connecting may take, unless the URL says otherwise.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// How long a server may take to greet, once reached. The embedded one greets a client when the client
/// before it has gone.
const GREETING_TIMEOUT: Duration = Duration::from_secs(30);
/// How long a server's host may leave data unacknowledged before the connection is given up, unless the
/// URL says otherwise. By default TCP waits for hours.
const SILENCE_TIMEOUT: Duration = Duration::from_secs(10);
/// When an idle connection sends its first keepalive probe, and its next ones.
const KEEPALIVE: (Duration, Duration) = (Duration::from_secs(10), Duration::from_secs(5));
/// How long to wait for a connection of the pool: longer than any batch takes, short enough to report a
/// transaction that is never ended.
const POOL_TIMEOUT: Duration = Duration::from_secs(60);
/// Key of the advisory lock under which one process at a time migrates.
const MIGRATION_LOCK: i64 = 0x656c_6563_7469_6f6e;
/// Key of the advisory lock under which one consumer at a time renews and takes leases.
pub(crate) const ROUND_LOCK: i64 = 0x656c_6563_6c65_6173;

/// Each connection has its own staging tables, which are emptied at the end of every transaction.
const STAGING_TABLES: &str = r#"
CREATE TEMPORARY TABLE IF NOT EXISTS staged_votes (
    voter_id varchar(255) COLLATE "C", candidate_id varchar(255) COLLATE "C",
    selections text, voting_time timestamp, log_offset bigint
) ON COMMIT DELETE ROWS;
CREATE TEMPORARY TABLE IF NOT EXISTS staged_voters (
    position int, voter_id varchar(255) COLLATE "C", voter_name text, date_of_birth text,
    gender text, nationality text, registration_number text, address_street text,
    address_city text, address_state text, address_country text, address_postcode text,
    email text, phone_number text, cell_number text, picture text, registered_age int, precinct text
) ON COMMIT DELETE ROWS;
"#;

mod migrations {
    refinery::embed_migrations!("migrations");
}

/// The election's database. Clones share one pool of connections. Every method fails when the database
/// does, or with [`StoreError::Damaged`] when a table has been edited; their docs name only further errors.
#[derive(Debug, Clone)]
pub struct Store {
    pool: Pool,
    config: Config,
    target: String,
    /// For the embedded server, which has no process that makes checkpoints.
    checkpoints: Option<Arc<Checkpoints>>,
}

impl Store {
    /// Connects to a database, over at most `max_connections` connections. The embedded server takes one.
    ///
    /// # Errors
    /// When the URL cannot be read or the database cannot be reached.
    pub async fn connect(database_url: &str, max_connections: usize) -> Result<Store, StoreError> {
        let store = Store::lazy(database_url, max_connections)?;
        drop(store.connection().await?);
        Ok(store)
    }

    fn lazy(database_url: &str, max_connections: usize) -> Result<Store, StoreError> {
        let mut config: Config = database_url
            .parse()
            .map_err(|error: tokio_postgres::Error| StoreError::Url {
                problem: with_causes(&error),
            })?;
        let target = target(&config)?;
        set_defaults(&mut config);
        let pool = pool(&config, max_connections)?;
        Ok(Store {
            pool,
            config,
            target,
            checkpoints: None,
        })
    }

    /// A separate pool on the same database, so that a heartbeat never waits for the connection of a long
    /// transaction. Not for the embedded server, which takes one connection.
    ///
    /// # Errors
    /// When the pool cannot be made. Its connections are made at their first use.
    pub fn another_pool(&self, max_connections: usize) -> Result<Store, StoreError> {
        Ok(Store {
            pool: pool(&self.config, max_connections)?,
            ..self.clone()
        })
    }

    /// The same store, which also asks the server for checkpoints.
    pub(crate) fn with_checkpoints(self) -> Store {
        Store {
            checkpoints: Some(Arc::default()),
            ..self
        }
    }

    pub(crate) fn checkpoints(&self) -> Option<Arc<Checkpoints>> {
        self.checkpoints.clone()
    }

    /// A connection of the pool.
    pub(crate) async fn connection(&self) -> Result<Connection, StoreError> {
        let object = self.pool.get().await.map_err(|error| match error {
            PoolError::Backend(error) | PoolError::PostCreateHook(HookError::Backend(error)) => {
                StoreError::connect(self.target.clone(), &error)
            }
            PoolError::Timeout(TimeoutType::Create) => StoreError::Connect {
                target: self.target.clone(),
                problem: format!(
                    "no greeting within {} s (the embedded server takes one client at a time)",
                    GREETING_TIMEOUT.as_secs()
                ),
                refused: false,
            },
            PoolError::Timeout(_) => StoreError::Busy {
                max_connections: self.pool.status().max_size,
                waited: POOL_TIMEOUT,
            },
            error => StoreError::Connect {
                target: self.target.clone(),
                problem: with_causes(&error),
                refused: true,
            },
        })?;
        Ok(Connection(object))
    }

    /// Brings the schema up to date. One process migrates at a time; the others wait.
    ///
    /// # Errors
    /// When the schema was made by another version of this program, or the database fails.
    pub async fn migrate(&self) -> Result<(), StoreError> {
        let mut lock = MigrationLock(self.connection().await?);
        let statement = "SELECT pg_advisory_lock($1)";
        (lock.0)
            .execute("lock the schema", statement, &[&MIGRATION_LOCK])
            .await?;
        let report = migrations::migrations::runner()
            .run_async(&mut **lock.0.0)
            .await
            .map_err(|error| StoreError::Migrate {
                problem: with_causes(&error),
            })?;
        for migration in report.applied_migrations() {
            tracing::info!("applied migration {migration}");
        }
        Ok(())
    }

    /// The server's version, e.g. `17.5`.
    pub async fn server_version(&self) -> Result<String, StoreError> {
        let row = self
            .connection()
            .await?
            .query_one("read the server's version", "SHOW server_version", &[])
            .await?;
        row.get(0)
    }

    /// How many connections may be open at once.
    pub(crate) fn max_connections(&self) -> usize {
        self.pool.status().max_size
    }

    /// Host, port and database, for messages.
    pub fn target(&self) -> &str {
        &self.target
    }

    /// Closes the connections; those in use are closed as they come back. Later calls fail.
    pub fn close(&self) {
        self.pool.close();
    }
}

/// The connection that migrates. However the migration ends, the lock ends with it.
struct MigrationLock(Connection);

impl Drop for MigrationLock {
    fn drop(&mut self) {
        self.0.send("SELECT pg_advisory_unlock_all()");
    }
}

/// Sets what the URL leaves open.
fn set_defaults(config: &mut Config) {
    if config.get_connect_timeout().is_none() {
        config.connect_timeout(CONNECT_TIMEOUT);
    }
    if config.get_tcp_user_timeout().is_none() {
        config.tcp_user_timeout(SILENCE_TIMEOUT);
    }
    let (first, next) = KEEPALIVE;
    // Whether this one was set cannot be seen, but nobody sets it to the driver's default.
    if config.get_keepalives_idle() == Config::new().get_keepalives_idle() {
        config.keepalives_idle(first);
    }
    if config.get_keepalives_interval().is_none() {
        config.keepalives_interval(next);
    }
    if config.get_application_name().is_none() {
        config.application_name("election");
    }
}

fn pool(config: &Config, max_connections: usize) -> Result<Pool, StoreError> {
    let manager = Manager::from_config(
        config.clone(),
        NoTls,
        ManagerConfig {
            recycling_method: RecyclingMethod::Fast,
        },
    );
    Pool::builder(manager)
        .max_size(max_connections)
        .runtime(Runtime::Tokio1)
        .wait_timeout(Some(POOL_TIMEOUT))
        .create_timeout(Some(GREETING_TIMEOUT))
        .post_create(Hook::async_fn(|client, _| {
            Box::pin(async move {
                client
                    .batch_execute(STAGING_TABLES)
                    .await
                    .map_err(HookError::Backend)
            })
        }))
        .build()
        .map_err(|error| StoreError::Url {
            problem: error.to_string(),
        })
}

fn target(config: &Config) -> Result<String, StoreError> {
    const DEFAULT_PORT: u16 = 5432;
    let mut hosts = Vec::new();
    for (n, host) in config.get_hosts().iter().enumerate() {
        let port = config.get_ports().get(n).or(config.get_ports().last());
        let port = port.copied().unwrap_or(DEFAULT_PORT);
        hosts.push(match host {
            // Otherwise part of a password with an `@` in it would appear in messages.
            Host::Tcp(host) if host.contains('@') => {
                return Err(StoreError::Url {
                    problem: "it has one `@` too many".into(),
                });
            }
            Host::Tcp(host) => format!("{host}:{port}"),
            #[cfg(unix)]
            Host::Unix(path) => format!("{}:{port}", path.display()),
        });
    }
    if hosts.is_empty() && config.get_hostaddrs().is_empty() {
        return Err(StoreError::Url {
            problem: "it names no host".into(),
        });
    }
    hosts.extend(config.get_hostaddrs().iter().map(ToString::to_string));
    let database = config.get_dbname().or(config.get_user());
    Ok(format!(
        "{}/{}",
        hosts.join(","),
        database.unwrap_or_default()
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_name_the_database_but_no_password() {
        let config = "postgresql://ada:s3cret@db.example:5433/votes".parse();
        assert_eq!(target(&config.unwrap()).unwrap(), "db.example:5433/votes");
        for url in [
            "postgresql://ada:s3c@s3cret@db.example/votes",
            "postgresql://ada:s3cret@db.example/votes?s3cret",
            "postgresql://ada:s3cret@db.example:s3cret/votes",
            "s3cret",
            "postgresql:///s3cret",
        ] {
            let error = Store::lazy(url, 1).unwrap_err();
            assert!(matches!(error, StoreError::Url { .. }), "{error:?}");
            assert!(!error.to_string().contains("s3cret"), "{error}");
        }
    }

    #[test]
    fn a_server_that_vanished_is_noticed_unless_the_url_says_otherwise() {
        let secs = Duration::from_secs;
        let watch = |url: &str| {
            let mut config: Config = url.parse().unwrap();
            set_defaults(&mut config);
            (
                config.get_keepalives_idle(),
                config.get_keepalives_interval(),
                config.get_tcp_user_timeout().copied(),
            )
        };
        let url = "postgresql://ada@db.example/votes";
        assert_eq!(watch(url), (secs(10), Some(secs(5)), Some(secs(10))));
        let url = format!("{url}?keepalives_idle=60&keepalives_interval=20&tcp_user_timeout=90");
        assert_eq!(watch(&url), (secs(60), Some(secs(20)), Some(secs(90))));
    }
}
