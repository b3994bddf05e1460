//! A cluster and a database of a test's own, and our programs with both in their environment.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, MutexGuard, PoisonError};

use fluvio_protocol::link::ErrorCode;
use platform::Platform;
use platform::fluvio::{ClusterConfig, FluvioPlatform};
use serde_json::Value;
use tempfile::TempDir;
use testing::{TemporaryCluster, TemporaryServer, VARIABLES};
use tokio::runtime::Runtime;

use crate::cluster::raw_batches::{self, RawBatch};
use crate::support::{Process, Run};

/// One installation at a time: its processes need the machine, and some tests measure time.
static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

pub struct Installation {
    pub cluster: TemporaryCluster,
    postgres: Option<TemporaryServer>,
    runtime: Runtime,
    directory: TempDir,
    _turn: MutexGuard<'static, ()>,
}

impl Installation {
    /// A cluster of one SPU and a database. `None`, and a line that says so, where one is not installed.
    pub fn start() -> Option<Installation> {
        let mut installation = Installation::without_database()?;
        let postgres = installation
            .runtime
            .block_on(TemporaryServer::start_or_skip());
        installation.postgres = Some(postgres?);
        Some(installation)
    }

    /// A cluster of one SPU.
    pub fn without_database() -> Option<Installation> {
        let turn = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
        let runtime = Runtime::new().unwrap();
        let cluster = runtime.block_on(TemporaryCluster::start_or_skip(1))?;
        Some(Installation {
            cluster,
            postgres: None,
            runtime,
            directory: tempfile::tempdir().unwrap(),
            _turn: turn,
        })
    }

    /// The directory that programs run in; there is no manifest in it.
    pub fn directory(&self) -> &Path {
        self.directory.path()
    }

    pub fn database_url(&self) -> String {
        self.postgres.as_ref().unwrap().database_url()
    }

    /// One of our programs, told by its environment where cluster and database are.
    pub fn command<S: AsRef<OsStr>>(
        &self,
        program: &str,
        args: impl IntoIterator<Item = S>,
    ) -> Command {
        let mut command = self.command_without_places(program, args);
        command.env("ELECTION_CLUSTER", self.cluster.endpoint());
        if let Some(postgres) = &self.postgres {
            command.env("DATABASE_URL", postgres.database_url());
        }
        command
    }

    /// One of our programs, told nothing.
    pub fn command_without_places<S: AsRef<OsStr>>(
        &self,
        program: &str,
        args: impl IntoIterator<Item = S>,
    ) -> Command {
        let mut command = Command::new(path_of(program));
        command.args(args).current_dir(self.directory());
        for name in VARIABLES {
            command.env_remove(name);
        }
        // No profile of the user's either.
        command.env("FLV_PROFILE_PATH", self.directory().join("profiles"));
        command
    }

    /// Starts a program. Its arguments stand in one line.
    pub fn spawn(&self, program: &str, args: &str) -> Process {
        Process::spawn(self.command(program, args.split_whitespace()))
    }

    /// Runs a program to its end. Its arguments stand in one line.
    #[track_caller]
    pub fn run(&self, program: &str, args: &str) -> Run {
        self.spawn(program, args).wait()
    }

    /// `election results --json`, which must be fine.
    #[track_caller]
    pub fn results(&self) -> Value {
        self.run("election", "results --json").succeeds().json()
    }

    /// What `fluvio ARGS` says on stdout; it must be fine.
    #[track_caller]
    pub fn fluvio<'a>(&self, args: impl IntoIterator<Item = &'a str>) -> String {
        Process::spawn(self.cluster.fluvio(args))
            .wait()
            .succeeds()
            .stdout
    }

    /// What the cluster has of a SmartModule.
    #[track_caller]
    pub fn module(&self, name: &str) -> Vec<u8> {
        let downloaded = self.runtime.block_on(async {
            let platform =
                FluvioPlatform::connect(ClusterConfig::endpoint(self.cluster.endpoint())).await?;
            let module = platform.module(name).await;
            platform.close().await;
            module
        });
        downloaded.unwrap().unwrap()
    }

    /// Writes a batch into a partition of `votes` past every client; what the SPU makes of it.
    pub fn write_raw(&self, partition: u32, batch: RawBatch) -> ErrorCode {
        let endpoint = self.cluster.spu_endpoint(0);
        self.runtime
            .block_on(raw_batches::write(&endpoint, partition, batch))
    }

    pub fn kill_spu(&mut self) {
        self.cluster.kill_spu(0);
    }

    pub fn start_spu(&mut self) {
        self.runtime.block_on(self.cluster.start_spu(0)).unwrap();
    }

    pub fn kill_controller(&mut self) {
        self.cluster.kill_controller();
    }

    pub fn start_controller(&mut self) {
        let started = self.runtime.block_on(self.cluster.start_controller());
        started.unwrap();
    }

    pub fn kill_postgres(&mut self) {
        self.postgres.as_mut().unwrap().kill();
    }

    pub fn start_postgres(&mut self) {
        let postgres = self.postgres.as_mut().unwrap();
        self.runtime.block_on(postgres.start_again()).unwrap();
    }
}

/// One of our programs. Those of other packages lie beside `election`, but cargo makes them only when it
/// is asked to.
#[track_caller]
fn path_of(program: &str) -> PathBuf {
    let path = Path::new(env!("CARGO_BIN_EXE_election")).with_file_name(program);
    assert!(
        path.is_file(),
        "{} is not there; `cargo build --workspace --bins` makes it, and so does `cargo test --workspace`",
        path.display()
    );
    path
}
