//! `election doctor`: lists what is installed, what is missing, and the versions.

use std::env;
use std::path::PathBuf;

use platform::fluvio::FluvioPlatform;
use producer::Deployment;
use store::Store;

use crate::Outcome;
use crate::backend::{Backend, read_manifest};
use crate::cli::{BackendArgs, PlatformKind};

/// Has the versions that this program was built with.
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

/// Programs that are useful but not needed, with their purpose.
const PROGRAMS: [(&str, &str); 3] = [
    ("fluvio", "the CLI of a Fluvio cluster"),
    ("psql", "queries of the database"),
    ("rustup", "building from source"),
];

pub(crate) async fn run(args: BackendArgs) -> anyhow::Result<Outcome> {
    say("election", env!("CARGO_PKG_VERSION"));
    for name in VERSIONS {
        let version = locked_version(name);
        say(name, version.as_deref().unwrap_or("not built in"));
    }
    for module in smartmodules::ALL {
        let size = format!("{} kB, {}", module.wasm.len() / 1000, module.summary);
        say(module.name, &size);
    }
    for (program, purpose) in PROGRAMS {
        let found = match find_program(program) {
            Some(path) => format!("{} ({purpose})", path.display()),
            None => format!("not on the PATH; not needed here ({purpose})"),
        };
        say(program, &found);
    }
    let postgres = match bench::postgresql_programs() {
        Some(path) => format!("programs in {}", path.display()),
        None => "no server installed; not needed, one is built in".to_owned(),
    };
    say("PostgreSQL", &postgres);
    let database = database(&args).await;
    let platform = match args.platform()? {
        PlatformKind::Embedded => data(&args).await,
        PlatformKind::Fluvio => cluster(&args).await?,
    };
    Ok(Outcome::of_check(database && platform))
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
        anyhow::Ok(format!("PostgreSQL {}", store.server_version().await?))
    };
    report("database", version.await)
}

/// Says what was found, or the failure; whether it was found.
fn report(what: &str, found: anyhow::Result<String>) -> bool {
    match &found {
        Ok(found) => say(what, found),
        Err(error) => say(what, &format!("FAILED: {error:#}")),
    }
    found.is_ok()
}

/// Whether the cluster can be reached, and what is on it.
async fn cluster(args: &BackendArgs) -> anyhow::Result<bool> {
    let manifest = read_manifest(&args.cluster)?;
    let found = async {
        let platform = FluvioPlatform::connect(args.cluster.cluster_config(&manifest)).await?;
        let changes = Deployment::of(&manifest, None)?.changes(&platform).await;
        let endpoint = platform.endpoint().to_string();
        platform.close().await;
        anyhow::Ok(match changes?.len() {
            0 => format!("at {endpoint}: all topics and SmartModules are there"),
            missing => format!(
                "at {endpoint}: {missing} topics or SmartModules are missing or other versions; fix it with \
                 `election deploy`"
            ),
        })
    };
    Ok(report("Fluvio cluster", found.await))
}

/// Whether the data directory (if there is one) opens.
async fn data(args: &BackendArgs) -> bool {
    let directory = args.data_dir.display();
    if !args.data_dir.exists() {
        let text = format!("{directory} is not there yet; `election demo` makes it");
        say("data directory", &text);
        return true;
    }
    let found = async {
        let backend = Backend::open_existing(args).await?;
        let text = backend.close_after(describe).await?;
        anyhow::Ok(format!("{directory}: {text}"))
    };
    report("data directory", found.await)
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
