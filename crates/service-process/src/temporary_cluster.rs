//! A real Fluvio cluster on this machine, in a temporary directory.

use std::fs::File;
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

/// The variable with the programs' directory, which comes before `PATH`.
const PROGRAMS_VARIABLE: &str = "FLUVIO_BIN_DIR";
/// The first SPU's number, as in Fluvio's own local clusters.
const FIRST_SPU: usize = 5001;
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

/// A running cluster: a controller (SC) and SPUs, with data, profile and logs in a temporary directory. It does not use
/// the user's profile. Stopped and removed on drop; a killed process leaves it running.
pub struct TemporaryCluster {
    /// The directory of `fluvio` and `fluvio-run`.
    programs: PathBuf,
    controller: Option<Server>,
    controller_ports: Ports,
    spus: Vec<(Option<Server>, Ports)>,
    // Last, so that it is removed after the servers.
    directory: TempDir,
}

struct Ports {
    public: u16,
    private: u16,
}

impl TemporaryCluster {
    /// Starts a cluster with so many SPUs; `None` when Fluvio is not installed.
    pub fn start(spus: usize) -> Option<TemporaryCluster> {
        let path = std::env::var_os("PATH").unwrap_or_default();
        let programs = std::env::var_os(PROGRAMS_VARIABLE)
            .map(PathBuf::from)
            .into_iter()
            .chain(std::env::split_paths(&path))
            .find(|directory| {
                let mut names = ["fluvio", "fluvio-run"].into_iter();
                names.all(|name| directory.join(name).is_file())
            })?;
        let mut tries = 1;
        loop {
            match TemporaryCluster::try_start(&programs, spus) {
                Ok(cluster) => return Some(cluster),
                Err(_) if tries < TRIES => tries += 1,
                Err(problem) => panic!("the temporary Fluvio cluster: {problem}"),
            }
        }
    }

    fn try_start(programs: &Path, spus: usize) -> Result<Self, String> {
        let mut ports = free_ports(spus + 1).into_iter();
        let mut cluster = TemporaryCluster {
            programs: programs.to_owned(),
            controller: None,
            controller_ports: ports.next().unwrap(),
            spus: ports.map(|ports| (None, ports)).collect(),
            directory: tempfile::tempdir().unwrap(),
        };
        cluster.start_controller()?;
        cluster.run(&["profile", "add", PROFILE, &cluster.endpoint()])?;
        for spu in 0..spus {
            let ports = &cluster.spus[spu].1;
            let (id, public, private) = (spu_id(spu), local(ports.public), local(ports.private));
            let mut register = vec!["cluster", "spu", "register", "--id", &id];
            register.extend(["--public-server", &public, "--private-server", &private]);
            cluster.run(&register)?;
            cluster.start_spu(spu)?;
        }
        Ok(cluster)
    }

    /// The address of its controller, for clients on this machine.
    pub fn endpoint(&self) -> String {
        local(self.controller_ports.public)
    }

    /// The file of profiles in which it is the active one.
    pub fn profiles(&self) -> PathBuf {
        self.directory.path().join("profiles")
    }

    /// The command line, for this cluster.
    pub fn fluvio<'a>(&self, args: impl IntoIterator<Item = &'a str>) -> Command {
        let mut command = self.command("fluvio");
        command.args(args);
        command
    }

    /// Kills the controller with SIGKILL.
    pub fn kill_controller(&mut self) {
        self.controller = None;
    }

    /// Starts the controller again; returns when it answers.
    ///
    /// # Errors
    /// When it does not start.
    pub fn start_controller(&mut self) -> Result<(), String> {
        let mut command = self.command("fluvio-run");
        command.args(["sc", "--local"]);
        command.arg(self.directory.path().join("metadata"));
        command.args(["--bind-public", &self.endpoint()]);
        command.args(["--bind-private", &local(self.controller_ports.private)]);
        let mut server = Server::start("sc", command, self.directory.path());
        server.wait_until(|| {
            let is_first_start = !self.profiles().exists();
            listens(self.controller_ports.public)
                && (is_first_start || self.run(&["cluster", "spu", "list"]).is_ok())
        })?;
        self.controller = Some(server);
        Ok(())
    }

    /// Kills an SPU with SIGKILL. SPUs count from 0.
    pub fn kill_spu(&mut self, spu: usize) {
        self.spus[spu].0 = None;
    }

    /// Starts an SPU again; returns when it listens and the controller knows it.
    ///
    /// # Errors
    /// When it does not start.
    pub fn start_spu(&mut self, spu: usize) -> Result<(), String> {
        let directory = self.directory.path();
        let (id, ports) = (spu_id(spu), &self.spus[spu].1);
        let mut command = self.command("fluvio-run");
        command.args(["spu", "--id", &id]);
        command.args(["--public-server", &local(ports.public)]);
        command.args(["--private-server", &local(ports.private)]);
        command.args(["--sc-addr", &local(self.controller_ports.private)]);
        command.arg("--log-base-dir");
        command.arg(directory.join(format!("data-{spu}")));
        // SPUs on one machine would share the default in /tmp.
        let metrics = directory.join(format!("spu-{spu}.sock"));
        command.env("FLUVIO_METRIC_SPU", metrics);
        let is_online = |line: &str| {
            let mut words = line.split_whitespace();
            words.next() == Some(id.as_str()) && words.any(|word| word == "Online")
        };
        let mut server = Server::start(&format!("spu-{spu}"), command, directory);
        server.wait_until(|| {
            let listed = || self.run(&["cluster", "spu", "list"]);
            listens(ports.public) && listed().is_ok_and(|spus| spus.lines().any(is_online))
        })?;
        self.spus[spu].0 = Some(server);
        Ok(())
    }

    /// How many connections of this machine's processes to an SPU are established. Reads
    /// `/proc/net/tcp`, so only on Linux.
    pub fn connections_to_spu(&self, spu: usize) -> usize {
        // Columns: number, local address, remote address, state; addresses end with the port.
        const ESTABLISHED: &str = "01";
        let port = format!(":{:04X}", self.spus[spu].1.public);
        let table = std::fs::read_to_string("/proc/net/tcp").unwrap();
        let to_spu = |line: &&str| {
            let columns: Vec<_> = line.split_whitespace().take(4).collect();
            matches!(columns[..], [_, _, remote, ESTABLISHED] if remote.ends_with(&port))
        };
        table.lines().filter(to_spu).count()
    }

    fn command(&self, program: &str) -> Command {
        let directory = self.directory.path();
        let mut command = Command::new(self.programs.join(program));
        command.stdin(Stdio::null()).current_dir(directory);
        command.env("HOME", directory);
        command.env("FLV_PROFILE_PATH", self.profiles());
        command.env_remove("RUST_LOG");
        command
    }

    /// Runs the command line to its end: what it prints.
    fn run(&self, args: &[&str]) -> Result<String, String> {
        let ran = self.fluvio(args.iter().copied()).output().unwrap();
        if ran.status.success() {
            return Ok(String::from_utf8_lossy(&ran.stdout).into_owned());
        }
        let stderr = String::from_utf8_lossy(&ran.stderr);
        Err(format!("`fluvio {}`: {stderr}", args.join(" ")))
    }
}

fn spu_id(spu: usize) -> String {
    (FIRST_SPU + spu).to_string()
}

fn local(port: u16) -> String {
    format!("127.0.0.1:{port}")
}

fn listens(port: u16) -> bool {
    TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_ok()
}

/// One of the cluster's processes; killed on drop.
struct Server {
    name: String,
    process: Child,
    log: PathBuf,
}

impl Server {
    fn start(name: &str, mut command: Command, directory: &Path) -> Server {
        let log = directory.join(format!("{name}.log"));
        let file = File::create(&log).unwrap();
        command.stdout(file.try_clone().unwrap()).stderr(file);
        Server {
            name: name.to_owned(),
            process: command.spawn().unwrap(),
            log,
        }
    }

    /// Waits until it is ready, or has ended.
    fn wait_until(&mut self, is_ready: impl Fn() -> bool) -> Result<(), String> {
        let deadline = Instant::now() + START_LIMIT;
        while !is_ready() {
            let has_ended = !matches!(self.process.try_wait(), Ok(None));
            if has_ended || Instant::now() > deadline {
                let log = std::fs::read_to_string(&self.log).unwrap_or_default();
                let from = log.ceil_char_boundary(log.len().saturating_sub(LOG_BYTES));
                return Err(format!("{} is not ready: {}", self.name, &log[from..]));
            }
            std::thread::sleep(POLL);
        }
        Ok(())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.process.kill().ok();
        self.process.wait().ok();
    }
}

/// Pairs of free ports, all held until all are found, so that none is given twice.
fn free_ports(pairs: usize) -> Vec<Ports> {
    let listen = |_| TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let held: Vec<_> = (0..pairs).map(|_| [(); 2].map(listen)).collect();
    let port = |listener: &TcpListener| listener.local_addr().unwrap().port();
    held.iter()
        .map(|[public, private]| Ports {
            public: port(public),
            private: port(private),
        })
        .collect()
}
