//! The file of credentials to be handed out to voters: CSV, one voter per line.

use std::fs::{File, OpenOptions};
use std::io::BufWriter;
use std::path::Path;

use ballot::CredentialKey;
use tokio::task::spawn_blocking;
use wire::Election;

use crate::sequence::Sequence;
use crate::{ProducerError, VoterSource};

/// Writes the credential of every voter to a file that only its owner may read. An existing file is
/// overwritten, since a run may be repeated.
///
/// # Errors
/// When the election requires no credentials, or the file cannot be written.
pub async fn write_credentials(
    file: &Path,
    voters: &VoterSource,
    election: &Election,
) -> Result<(), ProducerError> {
    let key = election.credentials.clone();
    let key = key.ok_or(ProducerError::NoCredentials)?;
    let (file, voters) = (file.to_owned(), voters.clone());
    let write = move || {
        write(&file, &voters, &key).map_err(|source| ProducerError::Write { path: file, source })
    };
    spawn_blocking(write).await?
}

fn write(file: &Path, voters: &VoterSource, key: &CredentialKey) -> std::io::Result<()> {
    let mut lines = csv::Writer::from_writer(BufWriter::new(open_private(file)?));
    lines.write_record(["voter_id", "credential"])?;
    for index in 0..voters.len() {
        let voter_id = voters.voter_id(index);
        lines.write_record([&*voter_id, &key.credential(&voter_id)])?;
    }
    let buffered = lines.into_inner().map_err(|error| error.into_error())?;
    buffered.into_inner()?.sync_all()
}

fn open_private(file: &Path) -> std::io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let file = options.open(file)?;
    // An existing file may be readable by others.
    #[cfg(unix)]
    file.set_permissions(std::os::unix::fs::PermissionsExt::from_mode(0o600))?;
    Ok(file)
}
