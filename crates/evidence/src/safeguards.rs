//! What an election uses its secret key for. It is stored with the election; the key is not, and who
//! works on the election shows the key again.

use ballot::CredentialKey;

use crate::{ElectionKey, PseudonymKey};

/// What an election uses its secret key for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Safeguards {
    /// Whether a vote must carry the voter's credential.
    pub require_credentials: bool,
    /// Whether the tables have pseudonyms for voters.
    pub secret_ballots: bool,
    /// [`ElectionKey::fingerprint`] of the election's key; `None` where it uses none.
    pub key_fingerprint: Option<String>,
}

/// A key that is not the election's.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeyMismatch {
    /// None was given.
    #[error("this election has a secret key, and none is given")]
    Missing,
    /// Another one was given.
    #[error(
        "the key that is given (fingerprint {given}) is not this election's (fingerprint {stored})"
    )]
    Other {
        /// Of the key that is given.
        given: String,
        /// Of the election's key.
        stored: String,
    },
}

impl Safeguards {
    /// These safeguards, under this key; without one of them the key is not looked at.
    ///
    /// # Errors
    /// When a key is needed and none is given.
    pub fn new(
        require_credentials: bool,
        secret_ballots: bool,
        key: Option<&ElectionKey>,
    ) -> Result<Safeguards, KeyMismatch> {
        let uses_key = require_credentials || secret_ballots;
        let key = uses_key
            .then(|| key.ok_or(KeyMismatch::Missing))
            .transpose()?;
        Ok(Safeguards {
            require_credentials,
            secret_ballots,
            key_fingerprint: key.map(ElectionKey::fingerprint),
        })
    }

    /// The keys that these safeguards need, from the election's.
    ///
    /// # Errors
    /// When they need any, and the election's key is not the one that is given.
    pub fn keys(
        &self,
        key: Option<&ElectionKey>,
    ) -> Result<(Option<CredentialKey>, Option<PseudonymKey>), KeyMismatch> {
        let Some(stored) = &self.key_fingerprint else {
            return Ok((None, None));
        };
        let key = key.ok_or(KeyMismatch::Missing)?;
        let given = key.fingerprint();
        if given != *stored {
            let stored = stored.clone();
            return Err(KeyMismatch::Other { given, stored });
        }
        Ok((
            self.require_credentials.then(|| key.credentials()),
            self.secret_ballots.then(|| key.pseudonyms()),
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_elections_own_key_opens_it() {
        let key = ElectionKey::from_bytes([7; 32]);
        let other = ElectionKey::from_bytes([8; 32]);
        let safeguards = Safeguards::new(true, false, Some(&key)).unwrap();
        assert_eq!(
            safeguards.keys(Some(&key)),
            Ok((Some(key.credentials()), None))
        );
        assert_eq!(safeguards.keys(None), Err(KeyMismatch::Missing));
        let error = safeguards.keys(Some(&other)).unwrap_err().to_string();
        assert!(
            error.contains(&key.fingerprint()) && error.contains(&other.fingerprint()),
            "{error}"
        );
        assert!(!error.contains(&key.to_hex()) && !error.contains(&other.to_hex()));
        assert_eq!(
            Safeguards::new(false, true, None),
            Err(KeyMismatch::Missing)
        );
        let none = Safeguards::new(false, false, Some(&key)).unwrap();
        assert_eq!(none.keys(None), Ok((None, None)));
    }
}
