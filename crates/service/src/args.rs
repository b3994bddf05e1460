//! Options that every service has.

use std::io::ErrorKind;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use clap::Args;
use manifest::{Manifest, ManifestError};
use platform::fluvio::ClusterConfig;

use crate::ServiceError;
use crate::logs::LogFormat;

/// The manifest that is read when none is named.
const MANIFEST: &str = "fluvio.toml";

/// Where the cluster and the database are.
#[derive(Debug, Clone, Default, Args)]
pub struct ClusterArgs {
    /// The manifest of the election: cluster, topics, SmartModules. Default: ./fluvio.toml where there
    /// is one, else the one that is built in
    #[arg(long, value_name = "FILE", env = "ELECTION_MANIFEST", global = true)]
    pub manifest: Option<PathBuf>,
    /// Address of the Fluvio cluster's controller; port 9003 unless it names another. Stronger than
    /// what the manifest says; with neither it is the cluster of the active Fluvio profile
    #[arg(
        long,
        value_name = "HOST:9003",
        env = "ELECTION_CLUSTER",
        value_parser = endpoint,
        global = true
    )]
    pub cluster: Option<String>,
    /// The PostgreSQL server, e.g. postgresql://user@host/db; the password is better in the
    /// environment's DATABASE_URL than on a command line
    #[arg(
        long,
        value_name = "URL",
        env = "DATABASE_URL",
        hide_env_values = true,
        global = true
    )]
    pub database_url: Option<String>,
}

impl ClusterArgs {
    /// Reads the manifest that is meant.
    ///
    /// # Errors
    /// When it cannot be read or used. Only where none is named may it be absent.
    pub fn manifest(&self) -> Result<Manifest, ManifestError> {
        self.manifest_in(Path::new(""))
    }

    fn manifest_in(&self, directory: &Path) -> Result<Manifest, ManifestError> {
        if let Some(file) = &self.manifest {
            return Manifest::read(file);
        }
        match Manifest::read(&directory.join(MANIFEST)) {
            Err(ManifestError::Read { source, .. }) if source.kind() == ErrorKind::NotFound => {
                Ok(Manifest::built_in())
            }
            found => found,
        }
    }

    /// The cluster that is meant, and how topics are created on it.
    pub fn cluster_config(&self, manifest: &Manifest) -> ClusterConfig {
        manifest.cluster_config(self.cluster.as_deref())
    }

    /// The database that is meant.
    ///
    /// # Errors
    /// When none is given.
    pub fn database_url(&self) -> Result<&str, ServiceError> {
        self.database_url.as_deref().ok_or(ServiceError::NoDatabase)
    }
}

/// How a process writes its logs.
#[derive(Debug, Clone, Copy, Default, Args)]
pub struct LogArgs {
    /// How logs are written to stderr; RUST_LOG chooses which (RUST_LOG=debug)
    #[arg(
        long,
        value_name = "FORMAT",
        env = "ELECTION_LOG",
        value_enum,
        default_value_t,
        global = true
    )]
    pub log: LogFormat,
}

/// How a service process tells of itself.
#[derive(Debug, Clone, Copy, Default, Args)]
pub struct ProcessArgs {
    /// How it writes its logs.
    #[command(flatten)]
    pub log: LogArgs,
    /// Serve /healthz and /metrics on this address, e.g. 0.0.0.0:9100; nothing is served unless it is
    /// given
    #[arg(
        long,
        value_name = "ADDRESS:PORT",
        env = "ELECTION_HEALTH",
        global = true
    )]
    pub health: Option<SocketAddr>,
}

/// Parses `host` or `host:port`, also `[::1]:9003`.
///
/// # Errors
/// When it is something else: how an address looks.
pub fn endpoint(text: &str) -> Result<String, String> {
    if text.contains("://") {
        return Err("an address has no `scheme://`, for example 127.0.0.1:9003".into());
    }
    let (host, port) = match text.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => (host, Some(port)),
        _ => (text, None),
    };
    let odd = |c: char| c.is_whitespace() || matches!(c, '/' | '@' | ',');
    if host.is_empty() || host.contains(odd) {
        return Err("an address looks like HOST:PORT, for example 127.0.0.1:9003".into());
    }
    if host.contains(':') && !(host.starts_with('[') && host.ends_with(']')) {
        return Err("an IPv6 address stands in brackets, for example [::1]:9003".into());
    }
    match port.map(str::parse::<u16>) {
        None => Ok(text.to_owned()),
        Some(Ok(port)) if port > 0 => Ok(text.to_owned()),
        Some(_) => Err("the port is a number from 1 to 65535".into()),
    }
}

#[cfg(test)]
mod tests {
    use clap::{CommandFactory, Parser, Subcommand};
    use platform::fluvio::ClusterAddress;

    use super::*;

    #[derive(Debug, Parser)]
    struct Cli {
        #[command(subcommand)]
        command: Command,
        #[command(flatten)]
        cluster: ClusterArgs,
        #[command(flatten)]
        process: ProcessArgs,
    }

    #[derive(Debug, Subcommand)]
    enum Command {
        Votes,
    }

    /// A manifest with its cluster at this endpoint.
    fn write(file: &Path, endpoint: &str) {
        std::fs::write(file, format!("[cluster]\nendpoint = \"{endpoint}\"\n")).unwrap();
    }

    #[test]
    fn options_may_stand_after_a_subcommand() {
        Cli::command().debug_assert();
        let line =
            "service votes --cluster host:1 --log json --health 127.0.0.1:9100 --manifest m.toml";
        let cli = Cli::parse_from(line.split(' '));
        assert!(matches!(cli.command, Command::Votes));
        assert_eq!(cli.cluster.cluster.as_deref(), Some("host:1"));
        assert_eq!(cli.cluster.manifest.as_deref(), Some(Path::new("m.toml")));
        assert_eq!(cli.process.log.log, LogFormat::Json);
        assert_eq!(cli.process.health.unwrap().port(), 9100);
    }

    #[test]
    fn the_manifest_is_the_named_one_else_the_one_here_else_the_built_in() {
        let directory = tempfile::tempdir().unwrap();
        let mut args = ClusterArgs::default();
        assert_eq!(
            args.manifest_in(directory.path()).unwrap(),
            Manifest::built_in()
        );

        write(&directory.path().join(MANIFEST), "here:9003");
        let address = |args: &ClusterArgs| {
            let manifest = args.manifest_in(directory.path()).unwrap();
            args.cluster_config(&manifest).address
        };
        assert_eq!(address(&args), ClusterAddress::Endpoint("here:9003".into()));

        let named = directory.path().join("named.toml");
        write(&named, "named:9003");
        args.manifest = Some(named);
        assert_eq!(
            address(&args),
            ClusterAddress::Endpoint("named:9003".into())
        );

        args.cluster = Some("option:9003".into());
        assert_eq!(
            address(&args),
            ClusterAddress::Endpoint("option:9003".into())
        );
    }

    #[test]
    fn a_manifest_that_is_named_must_be_there_and_right() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("wrong.toml");
        let args = ClusterArgs {
            manifest: Some(file.clone()),
            ..ClusterArgs::default()
        };
        let error = args.manifest().unwrap_err().to_string();
        assert!(error.contains("wrong.toml"), "{error}");

        std::fs::write(&file, "[cluster]\n\nendpiont = \"host:9003\"\n").unwrap();
        let error = args.manifest().unwrap_err().to_string();
        assert!(
            error.contains("wrong.toml:3:1: ") && error.contains("endpiont"),
            "{error}"
        );
    }

    #[test]
    fn without_a_database_the_error_says_what_to_give() {
        let error = ClusterArgs::default().database_url().unwrap_err();
        let error = error.to_string();
        assert!(
            error.contains("--database-url") && error.contains("DATABASE_URL"),
            "{error}"
        );
    }

    #[test]
    fn an_address_is_a_host_and_perhaps_a_port() {
        for right in ["fluvio", "fluvio.example:19003", "[::1]:9003", "[::1]"] {
            assert_eq!(endpoint(right).as_deref(), Ok(right));
        }
        for wrong in [
            "",
            ":9003",
            "host:",
            "host:0",
            "host:99999",
            "host:port",
            "http://host:9003",
            "host/9003",
            "a host",
            "::1:9003",
            "a:1,b:2",
        ] {
            assert!(endpoint(wrong).is_err(), "{wrong}");
        }
    }
}
