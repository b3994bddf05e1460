//! PostgreSQL in this process: `pglite-oxide` behind a loopback port, so that the store connects to it
//! as to any server.
//!
//! Its own `PgliteServer` silently ends with the first connection that ends abnormally (e.g. when a client
//! is killed during an answer). So we accept connections ourselves, log such a failure, and serve the next
//! connection.

use std::fs::{File, TryLockError};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use pglite_oxide::{PglitePaths, PgliteProxy};
use socket2::SockRef;
use tokio::sync::oneshot;

use crate::error::with_causes;
use crate::{Store, StoreError};

/// The lock file of `pglite-oxide`'s server, which we do not use; we lock it ourselves.
const LOCK_FILE: &str = ".pglite-oxide.lock";
/// The subdirectory in which the cluster is unpacked.
const UNPACKING: &str = "unpacking";
/// A file of `pglite-oxide` about its layout, beside the cluster.
const RUNTIME_LAYOUT: &str = ".pglite-oxide-runtime-layout.json";
/// How long to wait for the clients to disconnect.
const STOP_TIMEOUT: Duration = Duration::from_secs(30);
/// How long the server may take to accept the connection that wakes it.
const WAKE_TIMEOUT: Duration = Duration::from_secs(1);
/// After this many failures in a row, the server is at fault, not the clients.
const FAILURES_IN_A_ROW: u32 = 100;

/// A running embedded PostgreSQL. It serves one connection at a time; others wait for it to end.
///
/// If it is dropped without [`EmbeddedPostgres::stop`], it ends after its last client.
#[derive(Debug)]
pub struct EmbeddedPostgres {
    directory: PathBuf,
    address: SocketAddr,
    stopping: Arc<AtomicBool>,
    stopped: Option<oneshot::Receiver<()>>,
}

impl EmbeddedPostgres {
    /// Starts the server on a directory, which is created if it is missing.
    ///
    /// # Errors
    /// When the directory is in use by another process, or cannot be written.
    pub async fn start(directory: &Path) -> Result<EmbeddedPostgres, StoreError> {
        let directory = directory.to_owned();
        let blocking = {
            let directory = directory.clone();
            tokio::task::spawn_blocking(move || prepare(&directory))
        };
        let (lock, listener, address) = blocking
            .await
            .map_err(|error| failure(&directory, format!("its start was cut short: {error}")))??;

        let stopping = Arc::new(AtomicBool::new(false));
        let (report, stopped) = oneshot::channel();
        let proxy = PgliteProxy::new(&directory);
        let asked = Arc::clone(&stopping);
        // Not one of the runtime's threads, since the runtime waits for those when it ends.
        std::thread::Builder::new()
            .name("embedded-postgres".into())
            .spawn(move || {
                serve(&proxy, &listener, &asked);
                drop((proxy, listener));
                // The directory is free once all else has ended.
                drop(lock);
                // The caller may have stopped waiting.
                report.send(()).ok();
            })
            .map_err(|error| failure(&directory, format!("no thread for it: {error}")))?;
        Ok(EmbeddedPostgres {
            directory,
            address,
            stopping,
            stopped: Some(stopped),
        })
    }

    /// The URL, for connections from this machine only.
    pub fn database_url(&self) -> String {
        format!(
            "postgresql://postgres@{}/template1?sslmode=disable",
            self.address
        )
    }

    /// A store over the one connection that this server takes.
    ///
    /// # Errors
    /// When it cannot connect.
    pub async fn connect(&self) -> Result<Store, StoreError> {
        let store = Store::connect(&self.database_url(), 1).await?;
        Ok(store.with_checkpoints())
    }

    /// Stops the server after its clients have disconnected: close the store first.
    ///
    /// # Errors
    /// When a client stays connected, or the server has ended abnormally.
    pub async fn stop(mut self) -> Result<(), StoreError> {
        let Some(stopped) = self.stopped.take() else {
            return Ok(());
        };
        self.ask_to_stop();
        match tokio::time::timeout(STOP_TIMEOUT, stopped).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) => Err(failure(&self.directory, "its thread ended abnormally")),
            Err(_) => Err(failure(
                &self.directory,
                "a client is still connected: close the store before the server",
            )),
        }
    }

    fn ask_to_stop(&self) {
        self.stopping.store(true, Ordering::SeqCst);
        // Wakes the server if it waits in `accept`. Otherwise a client is connected, or the server has ended.
        TcpStream::connect_timeout(&self.address, WAKE_TIMEOUT).ok();
    }
}

impl Drop for EmbeddedPostgres {
    fn drop(&mut self) {
        if self.stopped.is_some() {
            self.ask_to_stop();
        }
    }
}

fn failure(directory: &Path, problem: impl Into<String>) -> StoreError {
    StoreError::Embedded {
        directory: directory.display().to_string(),
        problem: problem.into(),
    }
}

fn prepare(directory: &Path) -> Result<(File, TcpListener, SocketAddr), StoreError> {
    let failed = |error: std::io::Error| failure(directory, error.to_string());
    std::fs::create_dir_all(directory).map_err(failed)?;
    let lock = File::create(directory.join(LOCK_FILE)).map_err(failed)?;
    lock.try_lock().map_err(|error| match error {
        TryLockError::WouldBlock => failure(
            directory,
            "it is in use by another process: stop that one first, or name another `--data-dir`",
        ),
        TryLockError::Error(error) => failed(error),
    })?;
    unpack_cluster(directory).map_err(|error| failure(directory, with_causes(&*error)))?;
    pglite_oxide::install_into(directory)
        .map_err(|error| failure(directory, format!("{error:#}")))?;
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).map_err(failed)?;
    // Accepted connections inherit it. Otherwise each answer in a transaction waits 40 ms for the client's
    // delayed acknowledgement, which gives a third of the rate.
    SockRef::from(&listener)
        .set_tcp_nodelay(true)
        .map_err(failed)?;
    let address = listener.local_addr().map_err(failed)?;
    Ok((lock, listener, address))
}

/// Unpacks the cluster that the server starts from, if it is missing.
///
/// By default, `pglite-oxide` shares one template among all directories, and copies a file when it is first
/// written. A process killed during the copy leaves half of a system catalog, which hides the whole one, and
/// the database never starts again. So all files are copied before the server runs, and renamed into place.
fn unpack_cluster(directory: &Path) -> Result<(), Box<dyn std::error::Error>> {
    let paths = PglitePaths::with_root(directory);
    // Every start writes it. Half written, after a kill, it would prevent the next start.
    remove_if_there(std::fs::remove_file(
        paths.pgdata.with_file_name(RUNTIME_LAYOUT),
    ))?;
    if paths.pgdata.exists() {
        return Ok(());
    }
    let unpacking = directory.join(UNPACKING);
    remove_if_there(std::fs::remove_dir_all(&unpacking))?;
    let template = pglite_oxide::build_pgdata_template(&unpacking)?;
    let cluster = unpacking.join("cluster");
    let archive = zstd::Decoder::new(File::open(template.archive_path)?)?;
    tar::Archive::new(archive).unpack(&cluster)?;
    if let Some(parent) = paths.pgdata.parent() {
        std::fs::create_dir_all(parent)?;
    }
    std::fs::rename(&cluster, &paths.pgdata)?;
    std::fs::remove_dir_all(&unpacking)?;
    Ok(())
}

fn remove_if_there(removed: std::io::Result<()>) -> std::io::Result<()> {
    match removed {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

fn serve(proxy: &PgliteProxy, listener: &TcpListener, stopping: &AtomicBool) {
    let mut failures = 0;
    while !stopping.load(Ordering::SeqCst) && failures < FAILURES_IN_A_ROW {
        match proxy.accept_tcp_once(listener) {
            Ok(()) => failures = 0,
            Err(error) => {
                failures += 1;
                tracing::warn!("a connection to embedded PostgreSQL ended abnormally: {error:#}");
            }
        }
    }
}
