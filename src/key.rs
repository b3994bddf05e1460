//! The election's secret key: `election key`, and the one that a data directory has by itself.

use domain::ElectionKey;
use service::UsageError;
use service::key::{create_key, read_key};

use crate::Outcome;
use crate::cli::{BackendArgs, KeyFileArgs, PlatformKind};

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
    Ok(create_key(&args.data_dir.join(KEY))?)
}

/// The election's key if there is one: the one that is given, else the data directory's.
pub(crate) fn existing_key(args: &BackendArgs) -> anyhow::Result<Option<ElectionKey>> {
    if let Some(key) = args.key.election_key()? {
        return Ok(Some(key));
    }
    let file = args.data_dir.join(KEY);
    let has_file = args.platform()? == PlatformKind::Embedded && file.exists();
    Ok(has_file.then(|| read_key(&file)).transpose()?)
}
