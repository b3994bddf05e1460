//! Options that all services have.

use std::io::ErrorKind;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use clap::Args;
use manifest::{Manifest, ManifestError};
use platform::fluvio::ClusterConfig;
use tide::http::Url;

use crate::ServiceError;
use crate::logs::LogFormat;

/// The manifest that is read when none is named.
const MANIFEST: &str = "fluvio.toml";

/// Where the cluster and the database are.
#[derive(Debug, Clone, Default, Args)]
pub struct ClusterArgs {
    /// The manifest of the election: cluster, topics, SmartModules. Default: ./fluvio.toml if it exists,
    /// otherwise the built-in one
    #[arg(long, value_name = "FILE", env = "ELECTION_MANIFEST", global = true)]
    pub manifest: Option<PathBuf>,
    /// Address of the Fluvio cluster's controller; the default port is 9003. It overrides the manifest;
    /// with neither, the active Fluvio profile names the cluster
    #[arg(
        long,
        value_name = "HOST:9003",
        env = "ELECTION_CLUSTER",
        value_parser = endpoint,
        global = true
    )]
    pub cluster: Option<String>,
    /// The PostgreSQL server, e.g. postgresql://user@host/db; a password is safer in the environment
    /// variable DATABASE_URL than on the command line
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
    /// Reads the manifest.
    ///
    /// # Errors
    /// When it cannot be read or used. It may be absent only if the option does not name one.
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

    /// The cluster, and how topics are created on it.
    pub fn cluster_config(&self, manifest: &Manifest) -> ClusterConfig {
        manifest.cluster_config(self.cluster.as_deref())
    }

    /// The database's URL.
    ///
    /// # Errors
    /// When there is none.
    pub fn database_url(&self) -> Result<&str, ServiceError> {
        self.database_url.as_deref().ok_or(ServiceError::NoDatabase)
    }
}

/// How a process writes its logs.
#[derive(Debug, Clone, Copy, Default, Args)]
pub struct LogArgs {
    /// Format of the logs on stderr; RUST_LOG sets their level (RUST_LOG=debug)
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

/// How a service reports on itself.
#[derive(Debug, Clone, Copy, Default, Args)]
pub struct ProcessArgs {
    /// How it writes its logs.
    #[command(flatten)]
    pub log: LogArgs,
    /// Serve /healthz and /metrics on this address, e.g. 0.0.0.0:9100; by default they are not served
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
/// When it is anything else; the error shows an example.
pub fn endpoint(text: &str) -> Result<String, String> {
    let url = Url::parse(&format!("tcp://{text}"));
    let has_address = url.is_ok_and(|url| {
        url.host_str().is_some_and(|host| !host.is_empty()) && url.port() != Some(0)
    });
    // What a URL may also have, and this may not.
    let odd = |c: char| c.is_whitespace() || matches!(c, '/' | '@' | ',' | '?' | '#');
    if !has_address || text.contains(odd) || text.ends_with(':') {
        return Err(
            "an address is HOST:PORT without `scheme://`, for example 127.0.0.1:9003 or [::1]:9003"
                .into(),
        );
    }
    Ok(text.to_owned())
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
