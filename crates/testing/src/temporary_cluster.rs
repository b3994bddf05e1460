//! A real Fluvio cluster on this machine, in a temporary directory, for tests and benchmarks.

use std::fs::File;
use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

use tempfile::TempDir;
use tokio::net::TcpStream;
use tokio::time::MissedTickBehavior;

use crate::{StartError, skipped};

/// Where to look for the programs, before `PATH`.
const PROGRAMS_VARIABLE: &str = "FLUVIO_BIN_DIR";
/// The first SPU's number, as Fluvio's own local clusters count.
const FIRST_SPU: i32 = 5001;
/// The profile that names the cluster, in a file of its own.
const PROFILE: &str = "temporary";
/// Lists the SPUs, as JSON.
const LIST_SPUS: [&str; 5] = ["cluster", "spu", "list", "--output", "json"];
/// Another process may take a port between our choice and the server's start.
const TRIES: u32 = 3;
/// No server takes as long to start.
const START_LIMIT: Duration = Duration::from_secs(60);
/// The pause between two looks at whether a server is ready.
const PAUSE: Duration = Duration::from_millis(20);
/// Bytes of a server's log that are told when it does not start.
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
/// directory. A user's own profile is neither read nor written. Stopped and removed on drop; a process
/// that is killed leaves it running.
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
    pub async fn start(spus: usize) -> Result<Option<TemporaryCluster>, StartError> {
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

    /// Starts one for a test; `None`, and a line that says so, when Fluvio is not installed.
    pub async fn start_or_skip(spus: usize) -> Option<TemporaryCluster> {
        let cluster = TemporaryCluster::start(spus).await.unwrap();
        if cluster.is_none() {
            skipped(
                "no Fluvio: neither in FLUVIO_BIN_DIR nor on PATH are `fluvio` and `fluvio-run`",
            );
        }
        cluster
    }

    async fn try_start(programs: &ClusterPrograms, spus: usize) -> Result<Self, StartError> {
        let directory = tempfile::Builder::new()
            .prefix("election-fluvio-")
            .tempdir()
            .map_err(|error| failure(format!("no temporary directory: {error}")))?;
        let mut ports = free_ports(spus + 1)
            .map_err(|error| failure(format!("no free port: {error}")))?
            .into_iter();
        let mut next_ports = || ports.next().expect("invariant: as many as asked for");
        let controller_ports = next_ports();
        let mut cluster = TemporaryCluster {
            controller: Server::new("sc"),
            controller_ports,
            programs: programs.clone(),
            directory,
            spus: Vec::new(),
        };
        let add_profile = ["profile", "add", PROFILE, &cluster.endpoint()];
        succeed(cluster.fluvio(add_profile)).await?;
        cluster.start_controller().await?;
        for spu in 0..spus {
            let ports = next_ports();
            let name = format!("spu-{spu}");
            cluster.spus.push((Server::new(name), ports));
            let (id, public, private) = (spu_id(spu), ports.public(), ports.private());
            let register = ["cluster", "spu", "register", "--id", &id.to_string()];
            let mut register = cluster.fluvio(register);
            register.args(["--public-server", &public, "--private-server", &private]);
            succeed(register).await?;
            cluster.start_spu(spu).await?;
        }
        Ok(cluster)
    }

    /// The address of its controller, for clients on this machine.
    pub fn endpoint(&self) -> String {
        self.controller_ports.public()
    }

    /// The address of an SPU, for clients on this machine.
    pub fn spu_endpoint(&self, spu: usize) -> String {
        self.spus[spu].1.public()
    }

    /// The file of profiles in which it is the active one.
    pub fn profiles(&self) -> PathBuf {
        self.directory.path().join("profiles")
    }

    /// The command line, speaking to this cluster.
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
    pub async fn start_controller(&mut self) -> Result<(), StartError> {
        let data = self.directory.path().join("metadata");
        let mut command = self.command(&self.programs.fluvio_run);
        command.args(["sc", "--local"]).arg(data);
        command.args(["--bind-public", &self.controller_ports.public()]);
        command.args(["--bind-private", &self.controller_ports.private()]);
        self.controller.start(command, self.directory.path())?;
        let mut list = tokio::process::Command::from(self.fluvio(LIST_SPUS));
        self.controller
            .ready(async || Ok(output(&mut list).await?.status.success()))
            .await
    }

    /// Kills an SPU with SIGKILL. SPUs count from 0.
    pub fn kill_spu(&mut self, spu: usize) {
        self.spus[spu].0.kill();
    }

    /// Starts an SPU again; returns when it listens and the controller knows.
    ///
    /// # Errors
    /// When it does not start.
    pub async fn start_spu(&mut self, spu: usize) -> Result<(), StartError> {
        let directory = self.directory.path();
        let id = spu_id(spu);
        let ports = self.spus[spu].1;
        let mut command = self.command(&self.programs.fluvio_run);
        command.args(["spu", "--id", &id.to_string()]);
        command.args(["--public-server", &ports.public()]);
        command.args(["--private-server", &ports.private()]);
        command.args(["--sc-addr", &self.controller_ports.private()]);
        command
            .arg("--log-base-dir")
            .arg(directory.join(format!("data-{spu}")));
        // Of SPUs on one machine each needs its own, which is in /tmp when nothing is said.
        command.env(
            "FLUVIO_METRIC_SPU",
            directory.join(format!("spu-{spu}.sock")),
        );
        let mut list = tokio::process::Command::from(self.fluvio(LIST_SPUS));
        let server = &mut self.spus[spu].0;
        server.start(command, directory)?;
        server
            .ready(async || {
                Ok(is_online(&output(&mut list).await?.stdout, id)
                    && TcpStream::connect(ports.public()).await.is_ok())
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
}

async fn output(command: &mut tokio::process::Command) -> Result<Output, StartError> {
    let output = command.output().await;
    output.map_err(|error| {
        let program = command.as_std().get_program();
        failure(format!("{}: {error}", program.display()))
    })
}

/// Runs a command that must succeed.
async fn succeed(command: Command) -> Result<(), StartError> {
    let mut command = tokio::process::Command::from(command);
    let output = output(&mut command).await?;
    if output.status.success() {
        return Ok(());
    }
    let stderr = String::from_utf8_lossy(&output.stderr)
        .trim()
        .replace('\n', "; ");
    Err(failure(format!("`{:?}`: {stderr}", command.as_std())))
}

/// Whether the SPU is online in the JSON that [`LIST_SPUS`] prints.
fn is_online(list: &[u8], id: i32) -> bool {
    let spus: Vec<serde_json::Value> = serde_json::from_slice(list).unwrap_or_default();
    spus.iter()
        .any(|spu| spu["spec"]["spuId"] == id && spu["status"]["resolution"] == "Online")
}

fn spu_id(spu: usize) -> i32 {
    FIRST_SPU + spu as i32
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

    fn start(&mut self, mut command: Command, directory: &Path) -> Result<(), StartError> {
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
    async fn ready(
        &mut self,
        mut ready: impl AsyncFnMut() -> Result<bool, StartError>,
    ) -> Result<(), StartError> {
        let mut looks = tokio::time::interval(PAUSE);
        looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let waited = async {
            loop {
                looks.tick().await;
                if ready().await? {
                    return Ok(true);
                }
                let process = self.process.as_mut();
                if process.is_none_or(|process| !matches!(process.try_wait(), Ok(None))) {
                    return Ok(false);
                }
            }
        };
        match tokio::time::timeout(START_LIMIT, waited).await {
            Ok(Ok(true)) => Ok(()),
            Ok(Ok(false)) => Err(self.failed("it ended")),
            Ok(Err(error)) => Err(error),
            Err(_) => Err(self.failed("it is not ready in time")),
        }
    }

    fn failed(&self, problem: &str) -> StartError {
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

fn failure(problem: impl Into<String>) -> StartError {
    StartError {
        server: "the temporary Fluvio cluster",
        problem: problem.into(),
    }
}
