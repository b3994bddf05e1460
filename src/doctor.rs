//! `election doctor`: what is there, what is missing, and what it is needed for.

use std::env;
use std::path::{Path, PathBuf};

use platform::fluvio::FluvioPlatform;
use producer::Deployment;
use service::UsageError;
use store::Store;

use crate::Outcome;
use crate::backend::Backend;
use crate::cli::{BackendArgs, PlatformKind};

/// The versions this program was built with.
const LOCK_FILE: &str = include_str!("../Cargo.lock");

/// Dependencies whose version matters to operators.
const VERSIONS: [&str; 6] = [
    "fluvio",
    "fluvio-smartmodule",
    "wasmtime",
    "fjall",
    "pglite-oxide",
    "tokio-postgres",
];

/// Programs that are of use but not needed, and for what.
const PROGRAMS: [(&str, &str); 3] = [
    ("fluvio", "the CLI of a Fluvio cluster"),
    ("psql", "a look into the database"),
    ("rustup", "building from source"),
];

pub(crate) async fn run(args: BackendArgs) -> anyhow::Result<Outcome> {
    say("election", env!("CARGO_PKG_VERSION"));
    for name in VERSIONS {
        say(
            name,
            &locked_version(name).unwrap_or_else(|| "not built in".into()),
        );
    }
    for module in smartmodules::ALL {
        let size = format!("{} kB, {}", module.wasm.len() / 1000, module.summary);
        say(module.name, &size);
    }
    for (program, purpose) in PROGRAMS {
        match find_program(program) {
            Some(path) => say(program, &format!("{} ({purpose})", path.display())),
            None => say(
                program,
                &format!("not on the PATH; not needed here ({purpose})"),
            ),
        }
    }
    match bench::postgresql_programs() {
        Some(path) => say("PostgreSQL", &format!("programs in {}", path.display())),
        None => say(
            "PostgreSQL",
            "no server installed; not needed, one is built in",
        ),
    }
    let database = database(&args).await;
    let platform = match args.platform()? {
        PlatformKind::Embedded => data(&args).await,
        PlatformKind::Fluvio => cluster(&args).await?,
    };
    Ok(if database && platform {
        Outcome::Fine
    } else {
        Outcome::CheckFailed
    })
}

fn say(what: &str, found: &str) {
    println!("{what:>20}  {found}");
}

/// The version of a package in Cargo.lock, whose entries are `name = …` and then `version = …`.
fn locked_version(name: &str) -> Option<String> {
    let entry = LOCK_FILE.split("[[package]]").find(|entry| {
        entry
            .lines()
            .any(|line| line == format!("name = \"{name}\""))
    })?;
    let line = entry.lines().find(|line| line.starts_with("version = "))?;
    line.split('"').nth(1).map(str::to_owned)
}

fn find_program(name: &str) -> Option<PathBuf> {
    env::split_paths(&env::var_os("PATH")?)
        .map(|directory| directory.join(name))
        .find(|path| path.is_file())
}

/// Whether the database that was named (if one was) can be reached.
async fn database(args: &BackendArgs) -> bool {
    let Some(url) = &args.cluster.database_url else {
        say("database", "the embedded one, in the data directory");
        return true;
    };
    let version = async {
        let store = Store::connect(url, 1).await?;
        store.server_version().await
    };
    match version.await {
        Ok(version) => {
            say("database", &format!("PostgreSQL {version}"));
            true
        }
        Err(error) => {
            say("database", &format!("FAILED: {error}"));
            false
        }
    }
}

/// Whether the cluster can be reached, and what is on it.
async fn cluster(args: &BackendArgs) -> anyhow::Result<bool> {
    let manifest = (args.cluster.manifest()).map_err(|error| UsageError(error.to_string()))?;
    let found = async {
        let platform = FluvioPlatform::connect(args.cluster.cluster_config(&manifest)).await?;
        let changes = Deployment::of(&manifest, None)?.changes(&platform).await;
        let missing = match &changes {
            Ok(changes) if changes.is_empty() => "all topics and SmartModules are there".to_owned(),
            Ok(changes) => format!(
                "{} topics or SmartModules are missing or other versions; `election deploy` mends it",
                changes.len()
            ),
            Err(error) => format!("FAILED: {error}"),
        };
        let text = format!("at {}: {missing}", platform.endpoint());
        platform.close().await;
        anyhow::Ok((text, changes.is_ok()))
    };
    Ok(match found.await {
        Ok((text, fine)) => {
            say("Fluvio cluster", &text);
            fine
        }
        Err(error) => {
            say("Fluvio cluster", &format!("FAILED: {error:#}"));
            false
        }
    })
}

/// Whether the data directory (if there is one) opens.
async fn data(args: &BackendArgs) -> bool {
    let directory: &Path = &args.data_dir;
    if !directory.exists() {
        let text = format!(
            "{} is not there yet; `election demo` makes it",
            directory.display()
        );
        say("data directory", &text);
        return true;
    }
    let found = match Backend::open_existing(args).await {
        Ok(backend) => {
            let found = describe(&backend).await;
            match backend.close().await {
                Ok(()) => found,
                Err(error) => Err(error),
            }
        }
        Err(error) => Err(error),
    };
    match found {
        Ok(text) => {
            say(
                "data directory",
                &format!("{}: {text}", directory.display()),
            );
            true
        }
        Err(error) => {
            say("data directory", &format!("FAILED: {error:#}"));
            false
        }
    }
}

async fn describe(backend: &Backend) -> anyhow::Result<String> {
    let log = backend.log_in_words().await?;
    let partitions = backend.platform.partitions(wire::topics::VOTES).await?;
    let cast = backend.votes_cast().await?;
    let version = backend.store.server_version().await?;
    Ok(format!(
        "{cast} votes in {partitions} partitions, {log}, PostgreSQL {version}"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_version_is_known() {
        for name in VERSIONS {
            assert!(locked_version(name).is_some(), "{name}");
        }
        assert_eq!(locked_version("no-such-package"), None);
    }
}
