//! The election's secret key: `election key`, the one that a data directory has by itself, and
//! `election credential`.

use anyhow::Context;
use evidence::ElectionKey;
use service::UsageError;
use service::key::{create_key, read_key};

use crate::Outcome;
use crate::backend::Backend;
use crate::cli::{BackendArgs, CredentialArgs, KeyFileArgs, PlatformKind};

/// The key's file in a data directory.
const KEY: &str = "election.key";

pub(crate) fn create(args: &KeyFileArgs) -> anyhow::Result<Outcome> {
    create_key(&args.file)?;
    println!(
        "{} holds a new key. Keep it secret, and keep a copy: without it nothing that was made with it \
         can be checked.",
        args.file.display()
    );
    Ok(Outcome::Fine)
}

/// The election's key: the one that is given, else the data directory's, which is made at the first
/// need. On a cluster it has to be given, since every process must have the same one.
pub(crate) fn election_key(args: &BackendArgs) -> anyhow::Result<ElectionKey> {
    if let Some(key) = existing_key(args)? {
        return Ok(key);
    }
    if args.platform()? == PlatformKind::Fluvio {
        anyhow::bail!(UsageError(
            "no key is given: name its file with `--key-file` or ELECTION_KEY_FILE, or set \
             ELECTION_KEY; `election key FILE` makes one"
                .into()
        ));
    }
    let directory = &args.data_dir;
    std::fs::create_dir_all(directory)
        .with_context(|| format!("cannot create the data directory {}", directory.display()))?;
    Ok(create_key(&directory.join(KEY))?)
}

/// The election's key, if one is given, or the data directory has one.
pub(crate) fn existing_key(args: &BackendArgs) -> anyhow::Result<Option<ElectionKey>> {
    if let Some(key) = args.key.election_key()? {
        return Ok(Some(key));
    }
    let file = args.data_dir.join(KEY);
    let is_ours = args.platform()? == PlatformKind::Embedded && file.exists();
    Ok(is_ours.then(|| read_key(&file)).transpose()?)
}

/// `election credential`: prints a voter's credential.
pub(crate) async fn credential(args: CredentialArgs) -> anyhow::Result<Outcome> {
    let backend = Backend::open_existing(&args.backend).await?;
    let credential = credential_of(&backend, &args.voter_id).await;
    let closed = backend.close().await;
    println!("{}", credential?);
    closed?;
    Ok(Outcome::Fine)
}

async fn credential_of(backend: &Backend, voter_id: &str) -> anyhow::Result<String> {
    let election = backend.election().await?.election;
    let key = election.credentials.ok_or_else(|| {
        UsageError(
            "this election requires no credentials; `--require-credentials` sets one up that does"
                .into(),
        )
    })?;
    if backend.store.voters(&[voter_id]).await?.is_empty() {
        anyhow::bail!(UsageError(format!(
            "no voter {voter_id} is registered; if it was registered just now, run the consumer first"
        )));
    }
    Ok(key.credential(voter_id))
}
