//! The election's secret key, and what is derived from it: voters' credentials, pseudonyms, blindings.
//!
//! Each use has a key of its own, derived with BLAKE3's key derivation, so that who is given one of
//! them (a broker, the key of the credentials) learns nothing about the others.

use std::fmt;

use ballot::{CredentialKey, KeyError, key_bytes};

/// Bytes of a pseudonym and of a fingerprint: 128 bits, which nobody guesses.
const TAG_BYTES: usize = 16;

const CREDENTIALS: &str = "election 2026-11 ballot credentials v1";
const PSEUDONYMS: &str = "election 2026-11 voter pseudonyms v1";
const BLINDINGS: &str = "election 2026-11 choice blindings v1";
const FINGERPRINT: &str = "election 2026-11 key fingerprint v1";

/// The election's secret: who has it can vote for anybody and link voters with choices.
#[derive(Clone, PartialEq, Eq)]
pub struct ElectionKey([u8; 32]);

/// Makes the pseudonyms that stand for voters where ballots are secret.
#[derive(Clone, PartialEq, Eq)]
pub struct PseudonymKey([u8; 32]);

/// Makes the blindings that hide a choice in a commitment.
#[derive(Clone, PartialEq, Eq)]
pub struct BlindingKey([u8; 32]);

impl ElectionKey {
    /// A key of these bytes, which should come from the operating system's random source.
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        ElectionKey(bytes)
    }

    /// Reads a key's text: 64 hexadecimal digits, white space around them.
    ///
    /// # Errors
    /// When it is anything else; the error does not repeat the text.
    pub fn parse(text: &str) -> Result<Self, KeyError> {
        Ok(ElectionKey(key_bytes(text)?))
    }

    /// The key's text, for the file it is kept in.
    pub fn to_hex(&self) -> String {
        hex::encode(self.0)
    }

    /// What tells this key from others and gives nothing of it away: 32 hexadecimal digits.
    pub fn fingerprint(&self) -> String {
        hex::encode(&blake3::derive_key(FINGERPRINT, &self.0)[..TAG_BYTES])
    }

    /// The key of the credentials.
    pub fn credentials(&self) -> CredentialKey {
        CredentialKey::from_bytes(blake3::derive_key(CREDENTIALS, &self.0))
    }

    /// The key of the pseudonyms.
    pub fn pseudonyms(&self) -> PseudonymKey {
        PseudonymKey(blake3::derive_key(PSEUDONYMS, &self.0))
    }

    /// The key of the blindings.
    pub fn blindings(&self) -> BlindingKey {
        BlindingKey(blake3::derive_key(BLINDINGS, &self.0))
    }
}

impl PseudonymKey {
    /// The pseudonym of a voter: 32 hexadecimal digits, always the same for the same voter.
    pub fn pseudonym(&self, voter_id: &str) -> String {
        let hash = blake3::keyed_hash(&self.0, voter_id.as_bytes());
        hex::encode(&hash.as_bytes()[..TAG_BYTES])
    }
}

impl BlindingKey {
    /// The blinding of a voter's choice.
    pub fn blinding(&self, voter_id: &str) -> [u8; 32] {
        *blake3::keyed_hash(&self.0, voter_id.as_bytes()).as_bytes()
    }
}

/// Secrets do not get into logs by way of `{:?}`.
macro_rules! hidden {
    ($($key:ident),*) => {$(
        impl fmt::Debug for $key {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(concat!(stringify!($key), "(hidden)"))
            }
        }
    )*};
}

hidden!(ElectionKey, PseudonymKey, BlindingKey);

#[cfg(test)]
mod tests {
    use super::*;

    fn key() -> ElectionKey {
        ElectionKey::from_bytes([7; 32])
    }

    #[test]
    fn each_use_has_its_own_key() {
        let key = key();
        let texts = [
            key.to_hex(),
            key.credentials().to_hex(),
            hex::encode(key.pseudonyms().0),
            hex::encode(key.blindings().0),
            key.fingerprint(),
        ];
        for (i, text) in texts.iter().enumerate() {
            assert!(!texts[..i].contains(text));
        }
        assert_ne!(
            key.credentials().credential("ana"),
            key.pseudonyms().pseudonym("ana")
        );
    }

    #[test]
    fn a_key_is_read_as_it_is_written_and_never_shown() {
        let key = key();
        assert_eq!(
            ElectionKey::parse(&format!("{}\n", key.to_hex())),
            Ok(key.clone())
        );
        for wrong in ["", "07", &key.to_hex()[1..], &"x".repeat(64)] {
            let error = ElectionKey::parse(wrong).unwrap_err().to_string();
            assert!(error.contains("64 hexadecimal digits"), "{error}");
        }
        let shown = format!("{key:?} {:?} {:?}", key.credentials(), key.blindings());
        assert!(!shown.contains("07") && shown.contains("hidden"), "{shown}");
    }
}
