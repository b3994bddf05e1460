//! Where the election's secret key comes from: a file or the environment, never a command line.

use std::fs::OpenOptions;
use std::io::Write;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use clap::Args;
use evidence::ElectionKey;

use crate::UsageError;

/// The environment variable that holds the key itself.
const KEY_VARIABLE: &str = "ELECTION_KEY";

/// How to give the right key.
pub(crate) const KEY_REMEDY: &str =
    "name its file with `--key-file` or ELECTION_KEY_FILE, or set ELECTION_KEY";

/// Where the election's secret key is.
#[derive(Debug, Clone, Default, Args)]
pub struct KeyArgs {
    /// File with the election's secret key, 64 hexadecimal digits; `election key FILE` makes one. The
    /// key itself may be in the environment instead, as ELECTION_KEY
    #[arg(long, value_name = "FILE", env = "ELECTION_KEY_FILE", global = true)]
    pub key_file: Option<PathBuf>,
}

impl KeyArgs {
    /// The key from the file or the environment, if there is one.
    ///
    /// # Errors
    /// When the file cannot be read, other users may read it, or the text is not a key.
    pub fn election_key(&self) -> Result<Option<ElectionKey>, UsageError> {
        if let Some(file) = &self.key_file {
            return read_key(file).map(Some);
        }
        let Some(text) = std::env::var_os(KEY_VARIABLE) else {
            return Ok(None);
        };
        // Text that is not Unicode is no key either.
        parse(&text.to_string_lossy(), KEY_VARIABLE).map(Some)
    }
}

/// Reads the key from a file.
///
/// # Errors
/// When it cannot be read, is not a key, or other users of the machine may read it.
pub fn read_key(file: &Path) -> Result<ElectionKey, UsageError> {
    let name = file.display();
    demand_private(file)?;
    let text = std::fs::read_to_string(file).map_err(|error| {
        UsageError(format!(
            "cannot read the key file {name}: {error}; `election key {name}` makes one"
        ))
    })?;
    parse(&text, &format!("the key file {name}"))
}

/// Makes a new random key, and a file for it that only its owner may read.
///
/// # Errors
/// When the file exists (a lost key cannot be made again), or cannot be written.
pub fn create_key(file: &Path) -> Result<ElectionKey, UsageError> {
    let name = file.display();
    let failed =
        |error: std::io::Error| UsageError(format!("cannot write the key file {name}: {error}"));
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes)
        .map_err(|error| UsageError(format!("no random bytes for a key: {error}")))?;
    let key = ElectionKey::from_bytes(bytes);
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(file)
        .map_err(failed)?;
    writeln!(file, "{}", key.to_hex()).map_err(failed)?;
    file.sync_all().map_err(failed)?;
    Ok(key)
}

fn demand_private(file: &Path) -> Result<(), UsageError> {
    // A missing file is reported when it is read.
    let readable_by_others = std::fs::metadata(file)
        .is_ok_and(|metadata| metadata.is_file() && metadata.permissions().mode() & 0o077 != 0);
    if readable_by_others {
        let name = file.display();
        return Err(UsageError(format!(
            "other users of this machine may read the key file {name}; `chmod 600 {name}`"
        )));
    }
    Ok(())
}

fn parse(text: &str, place: &str) -> Result<ElectionKey, UsageError> {
    ElectionKey::parse(text)
        .map_err(|error| UsageError(format!("{place} does not hold a key: {error}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_file_is_made_once_for_its_owner_only_and_read_back() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("election.key");
        let key = create_key(&file).unwrap();
        assert_eq!(read_key(&file).unwrap(), key);
        assert!(create_key(&file).is_err(), "a key was overwritten");
        let args = KeyArgs {
            key_file: Some(file.clone()),
        };
        assert_eq!(args.election_key().unwrap(), Some(key.clone()));
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o644)).unwrap();
        let error = read_key(&file).unwrap_err().to_string();
        assert!(error.contains("chmod 600"), "{error}");
    }

    #[test]
    fn what_is_no_key_is_named_and_not_shown() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("election.key");
        let missing = read_key(&file).unwrap_err().to_string();
        assert!(missing.contains("election key"), "{missing}");
        create_key(&file).unwrap();
        std::fs::write(&file, "secret-but-wrong").unwrap();
        let error = read_key(&file).unwrap_err().to_string();
        assert!(
            error.contains("64 hexadecimal") && !error.contains("secret"),
            "{error}"
        );
    }
}
