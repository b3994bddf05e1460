//! A real PostgreSQL server on a temporary directory, for tests and benchmarks.

use std::collections::VecDeque;
use std::io::{BufRead, BufReader};
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStderr, Command, Stdio};
use std::time::Duration;

use tempfile::TempDir;
use tokio::sync::oneshot;
use tokio::time::Instant;

use crate::{StartError, closed_port, skipped};

/// Users that the server runs as if we are root, as which it refuses to run.
const UNPRIVILEGED_USERS: [&str; 2] = ["postgres", "nobody"];
const ROOT: u32 = 0;
/// A directory that every user may pass through, in case `TMPDIR` is not one.
const TRAVERSABLE: &str = "/tmp";
/// Where distributions keep PostgreSQL: `<version>/bin` below it.
const INSTALLED: &str = "/usr/lib/postgresql";
/// How often to try to start, since another process may take the port between our choice and the start.
const TRIES: u32 = 3;
/// How many lines of the server's log are kept for the error if it does not start.
const LOG_LINES: usize = 20;
/// How long a killed server may take to start again, since the processes that it left must end first.
const RESTART_LIMIT: Duration = Duration::from_secs(60);
/// The pause between two tries to start it again.
const RESTART_PAUSE: Duration = Duration::from_millis(50);

/// A running PostgreSQL with the server's default settings. It is stopped and removed on drop; a process
/// that is killed leaves it running.
#[derive(Debug)]
pub struct TemporaryServer {
    /// `None` while it is killed.
    server: Option<Child>,
    /// The directory of the installed programs, and the user and group that run them.
    bin: PathBuf,
    user: Option<(u32, u32)>,
    directory: TempDir,
    port: u16,
}

impl TemporaryServer {
    /// The directory of the installed PostgreSQL programs, if there is one: on `PATH`, or the newest
    /// below `/usr/lib/postgresql`.
    pub fn find() -> Option<PathBuf> {
        let complete = |bin: &PathBuf| {
            ["initdb", "postgres", "pg_ctl"]
                .iter()
                .all(|name| bin.join(name).is_file())
        };
        let path = std::env::var_os("PATH").unwrap_or_default();
        let on_path = std::env::split_paths(&path)
            .filter_map(|bin| bin.join("initdb").canonicalize().ok())
            .filter_map(|initdb| initdb.parent().map(Path::to_owned))
            .find(complete);
        on_path.or_else(|| {
            let mut versions: Vec<(u32, PathBuf)> = std::fs::read_dir(INSTALLED)
                .ok()?
                .flatten()
                .filter_map(|entry| {
                    let version = entry.file_name().to_str()?.parse().ok()?;
                    Some((version, entry.path().join("bin")))
                })
                .filter(|(_, bin)| complete(bin))
                .collect();
            versions.sort();
            versions.pop().map(|(_, bin)| bin)
        })
    }

    /// Starts a server with an empty database; `None` if PostgreSQL is not installed.
    ///
    /// # Errors
    /// When it is installed but does not start.
    pub async fn start() -> Result<Option<TemporaryServer>, StartError> {
        let Some(bin) = TemporaryServer::find() else {
            return Ok(None);
        };
        let create = tokio::task::spawn_blocking(move || TemporaryServer::create(bin));
        let created = create.await;
        let mut server =
            created.map_err(|error| failure(format!("its start was cut short: {error}")))??;
        for _ in 1..TRIES {
            if server.launch().await.is_ok() {
                return Ok(Some(server));
            }
            server.port = closed_port().port();
        }
        server.launch().await?;
        Ok(Some(server))
    }

    /// Starts one for a test; `None`, and a line that says so, if PostgreSQL is not installed.
    pub async fn start_or_skip() -> Option<TemporaryServer> {
        let server = TemporaryServer::start().await.unwrap();
        if server.is_none() {
            skipped(
                "no PostgreSQL server found (initdb and postgres, on PATH or below /usr/lib/postgresql)",
            );
        }
        server
    }

    /// An empty database whose server does not run yet.
    fn create(bin: PathBuf) -> Result<TemporaryServer, StartError> {
        let parent = std::env::temp_dir();
        let mut directory = temporary_directory(&parent)?;
        let failed = |error: std::io::Error| failure(error.to_string());
        let owner = directory.path().metadata().map_err(failed)?.uid();
        let user = if owner == ROOT {
            let (uid, gid) = unprivileged_user()?;
            if !traversable(&parent) {
                directory = temporary_directory(Path::new(TRAVERSABLE))?;
            }
            chown(directory.path(), Some(uid), Some(gid)).map_err(failed)?;
            Some((uid, gid))
        } else {
            None
        };
        let server = TemporaryServer {
            server: None,
            bin,
            user,
            directory,
            port: closed_port().port(),
        };
        let made = server
            .command("initdb")
            .args("-U postgres -A trust -E UTF8 --locale=C --no-sync -D".split(' '))
            .arg(server.data())
            .output()
            .map_err(|error| failure(format!("initdb: {error}")))?;
        if !made.status.success() {
            let log = String::from_utf8_lossy(&made.stderr);
            return Err(failure(format!(
                "initdb: {}",
                log.trim().replace('\n', "; ")
            )));
        }
        Ok(server)
    }

    /// One of the installed programs.
    fn command(&self, program: &str) -> Command {
        let mut command = Command::new(self.bin.join(program));
        // The programs read their working directory, which another user may not be allowed to.
        command.current_dir(self.directory.path());
        command.env_remove("PGDATA").stdin(Stdio::null());
        if let Some((uid, gid)) = self.user {
            command.uid(uid).gid(gid);
        }
        command
    }

    /// The URL, for connections from this machine only, without a password.
    pub fn database_url(&self) -> String {
        format!("postgresql://postgres@127.0.0.1:{}/postgres", self.port)
    }

    /// Kills the server with SIGKILL. The processes that serve its connections end by themselves.
    pub fn kill(&mut self) {
        if let Some(mut server) = self.server.take()
            && let Err(error) = server.kill().and_then(|()| server.wait())
        {
            tracing::warn!("the temporary PostgreSQL server may still run: {error}");
        }
    }

    /// Restarts the server with its data and port, and returns when it accepts connections.
    ///
    /// # Errors
    /// When it does not start.
    pub async fn start_again(&mut self) -> Result<(), StartError> {
        let give_up_at = Instant::now() + RESTART_LIMIT;
        while let Err(error) = self.launch().await {
            if Instant::now() >= give_up_at {
                return Err(error);
            }
            tokio::time::sleep(RESTART_PAUSE).await;
        }
        Ok(())
    }

    /// Starts the server on its data, and returns when it accepts connections.
    async fn launch(&mut self) -> Result<(), StartError> {
        self.kill();
        let mut server = self
            .command("postgres")
            .arg("-D")
            .arg(self.data())
            .args(["-h", "127.0.0.1", "-p", &self.port.to_string()])
            .args(["-c", "unix_socket_directories="])
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(|error| failure(format!("postgres: {error}")))?;
        let log = server.stderr.take();
        self.server = Some(server);
        let log = log.ok_or_else(|| failure("it has no log"))?;
        let (report, ready) = oneshot::channel();
        std::thread::spawn(move || read_log(log, report));
        match ready.await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(log)) => Err(failure(format!("it did not start: {log}"))),
            Err(_) => Err(failure("its log could not be read")),
        }
    }

    fn data(&self) -> PathBuf {
        self.directory.path().join("data")
    }
}

impl Drop for TemporaryServer {
    fn drop(&mut self) {
        let Some(mut server) = self.server.take() else {
            return;
        };
        // Not `kill`, which would leave processes and shared memory behind.
        let mut stop = self.command("pg_ctl");
        stop.args(["stop", "-m", "immediate", "-D"])
            .arg(self.data());
        let stopped = stop.stdout(Stdio::null()).stderr(Stdio::null()).status();
        if !stopped.is_ok_and(|status| status.success())
            && let Err(error) = server.kill()
        {
            tracing::warn!("the temporary PostgreSQL server may still run: {error}");
        }
        if let Err(error) = server.wait() {
            tracing::warn!("the temporary PostgreSQL server may still run: {error}");
        }
    }
}

fn failure(problem: impl Into<String>) -> StartError {
    StartError {
        server: "a temporary PostgreSQL server",
        problem: problem.into(),
    }
}

/// Reads the log to its end, so that the server never waits for a reader.
fn read_log(log: ChildStderr, report: oneshot::Sender<Result<(), String>>) {
    let mut report = Some(report);
    let mut last = VecDeque::new();
    for line in BufReader::new(log).lines().map_while(Result::ok) {
        if line.contains("database system is ready to accept connections")
            && let Some(report) = report.take()
        {
            // If nobody waits any more, the server is being dropped.
            report.send(Ok(())).ok();
        }
        if last.len() == LOG_LINES {
            last.pop_front();
        }
        last.push_back(line);
    }
    if let Some(report) = report {
        let last: Vec<String> = last.into();
        report.send(Err(last.join("; "))).ok();
    }
}

fn temporary_directory(parent: &Path) -> Result<TempDir, StartError> {
    tempfile::Builder::new()
        .prefix("election-postgres-")
        .tempdir_in(parent)
        .map_err(|error| failure(format!("no temporary directory: {error}")))
}

fn unprivileged_user() -> Result<(u32, u32), StartError> {
    let users = std::fs::read_to_string("/etc/passwd")
        .map_err(|error| failure(format!("/etc/passwd: {error}")))?;
    UNPRIVILEGED_USERS
        .iter()
        .find_map(|name| ids_of(&users, name))
        .ok_or_else(|| {
            failure("it does not run as root, and there is no user `postgres` or `nobody`")
        })
}

/// The ids of the user and the group, from the lines of `/etc/passwd`.
fn ids_of(users: &str, name: &str) -> Option<(u32, u32)> {
    users.lines().find_map(|line| {
        let mut fields = line.split(':');
        let uid = (fields.next()? == name).then(|| fields.nth(1))??;
        Some((uid.parse().ok()?, fields.next()?.parse().ok()?))
    })
}

/// Whether every user may pass through a directory and its parents.
fn traversable(directory: &Path) -> bool {
    const OTHERS_EXECUTE: u32 = 0o001;
    directory.ancestors().all(|directory| {
        std::fs::metadata(directory)
            .is_ok_and(|metadata| metadata.permissions().mode() & OTHERS_EXECUTE != 0)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn users_are_found_by_name() {
        let users = "root:x:0:0:root:/root:/bin/bash\nnobody:x:65534:65533:n:/:/bin/false\n";
        assert_eq!(ids_of(users, "nobody"), Some((65534, 65533)));
        assert_eq!(ids_of(users, "postgres"), None);
    }
}
