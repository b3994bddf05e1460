//! The election's secret key: `election key`, the key in a data directory, and `election credential`.

use std::path::Path;

use evidence::ElectionKey;
use service::UsageError;
use service::key::{create_key, read_key};

use crate::Outcome;
use crate::backend::{Backend, create_data_dir};
use crate::cli::{BackendArgs, CredentialArgs, PlatformKind};

/// The key's file in a data directory.
const KEY: &str = "election.key";

pub(crate) fn create(file: &Path) -> anyhow::Result<Outcome> {
    create_key(file)?;
    println!(
        "{} holds a new key. Keep it secret, and keep a copy: without it, nothing that was made with it \
         can be checked.",
        file.display()
    );
    Ok(Outcome::Fine)
}

/// The election's key: the given one, or else the data directory's, which is created when it is first needed.
/// On a cluster it must be given, because every process must have the same key.
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
    create_data_dir(directory)?;
    Ok(create_key(&directory.join(KEY))?)
}

/// The election's key, if one is given or the data directory has one.
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
    let credential =
        backend.close_after(async |backend: &Backend| credential_of(backend, &args.voter_id).await);
    println!("{}", credential.await?);
    Ok(Outcome::Fine)
}

async fn credential_of(backend: &Backend, voter_id: &str) -> anyhow::Result<String> {
    let election = backend.election().await?.election;
    let key = election.credentials.ok_or_else(|| {
        UsageError(
            "this election requires no credentials; set one up that does with `--require-credentials`"
                .into(),
        )
    })?;
    if backend.store.voters(&[voter_id]).await?.is_empty() {
        anyhow::bail!(UsageError(format!(
            "no voter {voter_id} is registered; after a registration, run the consumer first"
        )));
    }
    Ok(key.credential(voter_id))
}
