//! A real Fluvio cluster on this machine, in a temporary directory, for tests and benchmarks.

use std::fs::File;
use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use tempfile::TempDir;
use tokio::net::TcpStream;
use tokio::time::MissedTickBehavior;

use super::ClusterConfig;
use super::config::ClusterAddress;
use super::controller::Controller;
use crate::{PlatformError, blocking};

/// The variable with the programs' directory, which comes before `PATH`.
const PROGRAMS_VARIABLE: &str = "FLUVIO_BIN_DIR";
/// The first SPU's number, as in Fluvio's own local clusters.
const FIRST_SPU: i32 = 5001;
/// The profile that names the cluster, in a file of its own.
const PROFILE: &str = "temporary";
/// Another process may take a port between our choice and the server's start.
const TRIES: u32 = 3;
/// How long a server may take to start.
const START_LIMIT: Duration = Duration::from_secs(60);
/// The time between two polls of a starting server.
const POLL: Duration = Duration::from_millis(20);
/// How many bytes of its log are shown when a server does not start.
const LOG_BYTES: usize = 1_000;

/// The programs of Fluvio on this machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClusterPrograms {
    /// The command line, `fluvio`.
    pub fluvio: PathBuf,
    /// The servers, `fluvio-run`.
    pub fluvio_run: PathBuf,
}

/// A running cluster: a controller (SC) and SPUs, with data, profile and logs in a temporary
/// directory. It does not use the user's profile. Stopped and removed on drop; a killed process leaves it running.
#[derive(Debug)]
pub struct TemporaryCluster {
    programs: ClusterPrograms,
    controller: Server,
    controller_ports: Ports,
    spus: Vec<(Server, Ports)>,
    // Last, so that it is removed when the servers are gone.
    directory: TempDir,
}

#[derive(Debug, Clone, Copy)]
struct Ports {
    public: u16,
    private: u16,
}

impl Ports {
    fn public(self) -> String {
        format!("127.0.0.1:{}", self.public)
    }

    fn private(self) -> String {
        format!("127.0.0.1:{}", self.private)
    }
}

impl TemporaryCluster {
    /// The installed programs, if both are there: in `FLUVIO_BIN_DIR`, or on `PATH`.
    pub fn find() -> Option<ClusterPrograms> {
        let path = std::env::var_os("PATH").unwrap_or_default();
        std::env::var_os(PROGRAMS_VARIABLE)
            .map(PathBuf::from)
            .into_iter()
            .chain(std::env::split_paths(&path))
            .map(|directory| ClusterPrograms {
                fluvio: directory.join("fluvio"),
                fluvio_run: directory.join("fluvio-run"),
            })
            .find(|programs| programs.fluvio.is_file() && programs.fluvio_run.is_file())
    }

    /// Starts a cluster with so many SPUs; `None` when Fluvio is not installed.
    ///
    /// # Errors
    /// When it is installed but does not start.
    pub async fn start(spus: usize) -> Result<Option<TemporaryCluster>, PlatformError> {
        let Some(programs) = TemporaryCluster::find() else {
            return Ok(None);
        };
        let mut tries = 1;
        loop {
            match TemporaryCluster::try_start(&programs, spus).await {
                Ok(cluster) => return Ok(Some(cluster)),
                Err(_) if tries < TRIES => tries += 1,
                Err(error) => return Err(error),
            }
        }
    }

    async fn try_start(programs: &ClusterPrograms, spus: usize) -> Result<Self, PlatformError> {
        let directory = tempfile::Builder::new()
            .prefix("election-fluvio-")
            .tempdir()
            .map_err(|error| failure(format!("no temporary directory: {error}")))?;
        let mut ports = free_ports(spus + 1)
            .map_err(|error| failure(format!("no free port: {error}")))?
            .into_iter();
        let mut next_ports = || ports.next().expect("invariant: as many as asked for");
        let mut cluster = TemporaryCluster {
            controller: Server::new("sc"),
            controller_ports: next_ports(),
            programs: programs.clone(),
            directory,
            spus: Vec::new(),
        };
        cluster.start_controller().await?;
        cluster
            .run(&["profile", "add", PROFILE, &cluster.endpoint()])
            .await?;
        for spu in 0..spus {
            let ports = next_ports();
            let name = format!("spu-{spu}");
            cluster.spus.push((Server::new(name), ports));
            let mut register = vec!["cluster", "spu", "register", "--id"];
            let (id, public, private) = (spu_id(spu), ports.public(), ports.private());
            register.extend([id.as_str(), "--public-server", &public]);
            register.extend(["--private-server", &private]);
            cluster.run(&register).await?;
            cluster.start_spu(spu).await?;
        }
        Ok(cluster)
    }

    /// The address of its controller, for clients on this machine.
    pub fn endpoint(&self) -> String {
        self.controller_ports.public()
    }

    /// How the platform connects to it.
    pub fn config(&self) -> ClusterConfig {
        ClusterConfig::endpoint(self.endpoint())
    }

    /// The file of profiles in which it is the active one.
    pub fn profiles(&self) -> PathBuf {
        self.directory.path().join("profiles")
    }

    /// The command line, for this cluster.
    pub fn fluvio<'a>(&self, args: impl IntoIterator<Item = &'a str>) -> Command {
        let mut command = self.command(&self.programs.fluvio);
        command.args(args);
        command
    }

    /// Kills the controller with SIGKILL.
    pub fn kill_controller(&mut self) {
        self.controller.kill();
    }

    /// Starts the controller again; returns when it answers.
    ///
    /// # Errors
    /// When it does not start.
    pub async fn start_controller(&mut self) -> Result<(), PlatformError> {
        let data = self.directory.path().join("metadata");
        let mut command = self.command(&self.programs.fluvio_run);
        command.args(["sc", "--local"]).arg(data);
        command.args(["--bind-public", &self.controller_ports.public()]);
        command.args(["--bind-private", &self.controller_ports.private()]);
        self.controller.start(command, self.directory.path())?;
        let address = ClusterAddress::Endpoint(self.endpoint());
        let cluster = address.resolve()?;
        self.controller
            .ready(async || Controller::connect(cluster.clone()).await.is_ok())
            .await
    }

    /// Kills an SPU with SIGKILL. SPUs count from 0.
    pub fn kill_spu(&mut self, spu: usize) {
        self.spus[spu].0.kill();
    }

    /// Starts an SPU again; returns when it listens and the controller knows it.
    ///
    /// # Errors
    /// When it does not start.
    pub async fn start_spu(&mut self, spu: usize) -> Result<(), PlatformError> {
        let directory = self.directory.path();
        let id = spu_id(spu);
        let ports = self.spus[spu].1;
        let mut command = self.command(&self.programs.fluvio_run);
        command.args(["spu", "--id", &id]);
        command.args(["--public-server", &ports.public()]);
        command.args(["--private-server", &ports.private()]);
        command.args(["--sc-addr", &self.controller_ports.private()]);
        command
            .arg("--log-base-dir")
            .arg(directory.join(format!("data-{spu}")));
        // SPUs on one machine would share the default in /tmp.
        command.env(
            "FLUVIO_METRIC_SPU",
            directory.join(format!("spu-{spu}.sock")),
        );
        let address = ClusterAddress::Endpoint(self.endpoint());
        let controller = Controller::connect(address.resolve()?).await?;
        let server = &mut self.spus[spu].0;
        server.start(command, directory)?;
        server
            .ready(async || {
                TcpStream::connect(ports.public()).await.is_ok()
                    && controller
                        .spus()
                        .await
                        .is_ok_and(|spus| spus.contains(&(FIRST_SPU + spu as i32, true)))
            })
            .await
    }

    /// How many connections of this machine's processes to an SPU are established. Reads
    /// `/proc/net/tcp`, so only on Linux.
    ///
    /// # Errors
    /// When that cannot be read.
    pub fn connections_to_spu(&self, spu: usize) -> std::io::Result<usize> {
        // Columns: number, local address, remote address, state; addresses end with the port.
        const ESTABLISHED: &str = "01";
        let port = format!(":{:04X}", self.spus[spu].1.public);
        let table = std::fs::read_to_string("/proc/net/tcp")?;
        let to_spu = |line: &&str| {
            let columns: Vec<_> = line.split_whitespace().take(4).collect();
            matches!(columns[..], [_, _, remote, ESTABLISHED] if remote.ends_with(&port))
        };
        Ok(table.lines().filter(to_spu).count())
    }

    fn command(&self, program: &Path) -> Command {
        let directory = self.directory.path();
        let mut command = Command::new(program);
        command.stdin(Stdio::null()).current_dir(directory);
        command
            .env("HOME", directory)
            .env("FLV_PROFILE_PATH", self.profiles());
        command.env_remove("RUST_LOG");
        command
    }

    async fn run(&self, args: &[&str]) -> Result<(), PlatformError> {
        let mut command = self.fluvio(args.iter().copied());
        let ran = blocking(move || command.output())
            .await?
            .map_err(|error| failure(format!("{}: {error}", self.programs.fluvio.display())))?;
        if ran.status.success() {
            return Ok(());
        }
        let said = String::from_utf8_lossy(&ran.stderr)
            .trim()
            .replace('\n', "; ");
        Err(failure(format!("`fluvio {}`: {said}", args.join(" "))))
    }
}

fn spu_id(spu: usize) -> String {
    (FIRST_SPU + spu as i32).to_string()
}

/// One of the cluster's processes.
#[derive(Debug)]
struct Server {
    name: String,
    process: Option<Child>,
    log: PathBuf,
}

impl Server {
    fn new(name: impl Into<String>) -> Self {
        Server {
            name: name.into(),
            process: None,
            log: PathBuf::new(),
        }
    }

    fn start(&mut self, mut command: Command, directory: &Path) -> Result<(), PlatformError> {
        self.kill();
        self.log = directory.join(format!("{}.log", self.name));
        let spawned = File::create(&self.log).and_then(|log| {
            command.stdout(log.try_clone()?).stderr(log);
            command.spawn()
        });
        let process = spawned.map_err(|error| failure(format!("{}: {error}", self.name)))?;
        self.process = Some(process);
        Ok(())
    }

    /// Waits until it is ready, or has ended.
    async fn ready(&mut self, ready: impl AsyncFn() -> bool) -> Result<(), PlatformError> {
        let mut polls = tokio::time::interval(POLL);
        polls.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let waited = async {
            loop {
                polls.tick().await;
                if ready().await {
                    return true;
                }
                let process = self.process.as_mut();
                if process.is_none_or(|process| !matches!(process.try_wait(), Ok(None))) {
                    return false;
                }
            }
        };
        match tokio::time::timeout(START_LIMIT, waited).await {
            Ok(true) => Ok(()),
            Ok(false) => Err(self.failed("it ended")),
            Err(_) => Err(self.failed("it is not ready in time")),
        }
    }

    fn failed(&self, problem: &str) -> PlatformError {
        let log = std::fs::read_to_string(&self.log).unwrap_or_default();
        let from = log.ceil_char_boundary(log.len().saturating_sub(LOG_BYTES));
        let last = log[from..].trim().replace('\n', "; ");
        failure(format!("{}: {problem}: {last}", self.name))
    }

    fn kill(&mut self) {
        if let Some(mut process) = self.process.take()
            && let Err(error) = process.kill().and_then(|()| process.wait())
        {
            tracing::warn!(
                "{} of the temporary cluster may still run: {error}",
                self.name
            );
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Pairs of free ports, all held until all are found, so that none is given twice.
fn free_ports(pairs: usize) -> std::io::Result<Vec<Ports>> {
    let listen = || TcpListener::bind((Ipv4Addr::LOCALHOST, 0));
    let held = (0..pairs)
        .map(|_| Ok((listen()?, listen()?)))
        .collect::<std::io::Result<Vec<_>>>()?;
    let port = |listener: &TcpListener| listener.local_addr().map(|address| address.port());
    held.iter()
        .map(|(public, private)| {
            Ok(Ports {
                public: port(public)?,
                private: port(private)?,
            })
        })
        .collect()
}

fn failure(problem: impl Into<String>) -> PlatformError {
    PlatformError::TemporaryCluster {
        problem: problem.into(),
    }
}
