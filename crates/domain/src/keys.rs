//! The election's secret key, and what is derived from it: voters' credentials, pseudonyms, blindings.
//!
//! Each use has a key of its own, derived with BLAKE3's key derivation, so that who is given one of
//! them (a broker, the key of the credentials) learns nothing about the others.

use std::fmt;

use constant_time_eq::constant_time_eq_16;

/// Letters and digits of a receipt number: without those that are taken for one another (Crockford's
/// alphabet).
const RECEIPT_DIGITS: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/// Bytes of a receipt number; each gives five bits.
const RECEIPT_BYTES: usize = 12;

/// Bytes of a credential and of a pseudonym: 128 bits, which nobody guesses.
const TAG_BYTES: usize = 16;

const CREDENTIALS: &str = "election 2026-11 ballot credentials v1";
const PSEUDONYMS: &str = "election 2026-11 voter pseudonyms v1";
const BLINDINGS: &str = "election 2026-11 choice blindings v1";

const RECEIPT_NUMBERS: &str = "election 2026-11 receipt numbers v1";
const FINGERPRINT: &str = "election 2026-11 key fingerprint v1";

/// Text that is no key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a key is 64 hexadecimal digits (32 bytes), and nothing else")]
pub struct KeyError;

/// The election's secret: whoever has it can vote for anybody and link voters with choices.
#[derive(Clone, PartialEq, Eq)]
pub struct ElectionKey([u8; 32]);

/// Makes and checks ballot credentials.
#[derive(Clone, PartialEq, Eq)]
pub struct CredentialKey([u8; 32]);

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
        Ok(ElectionKey(parse(text)?))
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
        CredentialKey(blake3::derive_key(CREDENTIALS, &self.0))
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

impl CredentialKey {
    /// Reads the key as a SmartModule is given it.
    ///
    /// # Errors
    /// When it is not 64 hexadecimal digits; the error does not repeat the text.
    pub fn parse(text: &str) -> Result<Self, KeyError> {
        Ok(CredentialKey(parse(text)?))
    }

    /// The key's text, as a SmartModule is given it.
    pub fn to_hex(&self) -> String {
        hex::encode(self.0)
    }

    /// The credential that a voter's vote must carry: 32 hexadecimal digits.
    pub fn credential(&self, voter_id: &str) -> String {
        hex::encode(tag(&self.0, voter_id))
    }

    /// The number that a voter is given when a vote is taken: 12 letters and digits, in groups of four. It
    /// follows from voter and key, so it is the same whoever the vote is for, and nobody else can make it.
    pub fn receipt_number(&self, voter_id: &str) -> String {
        let key = blake3::derive_key(RECEIPT_NUMBERS, &self.0);
        let tag = tag(&key, voter_id);
        let digits = tag.iter().take(RECEIPT_BYTES);
        let digit = |byte: &u8| char::from(RECEIPT_DIGITS[usize::from(byte % 32)]);
        let digits: Vec<char> = digits.map(digit).collect();
        let groups: Vec<String> = digits
            .chunks(4)
            .map(|group| group.iter().collect())
            .collect();
        groups.join("-")
    }

    /// Whether `credential` is the voter's. How long it takes does not depend on how much of it is
    /// right.
    pub fn accepts(&self, voter_id: &str, credential: &str) -> bool {
        let mut presented = [0; TAG_BYTES];
        hex::decode_to_slice(credential, &mut presented).is_ok()
            && constant_time_eq_16(&presented, &tag(&self.0, voter_id))
    }
}

impl PseudonymKey {
    /// The pseudonym of a voter: 32 hexadecimal digits, always the same for the same voter.
    pub fn pseudonym(&self, voter_id: &str) -> String {
        hex::encode(tag(&self.0, voter_id))
    }
}

impl BlindingKey {
    /// The blinding of a voter's choice.
    pub fn blinding(&self, voter_id: &str) -> [u8; 32] {
        *blake3::keyed_hash(&self.0, voter_id.as_bytes()).as_bytes()
    }
}

fn parse(text: &str) -> Result<[u8; 32], KeyError> {
    let mut key = [0; 32];
    hex::decode_to_slice(text.trim(), &mut key).map_err(|_| KeyError)?;
    Ok(key)
}

/// A keyed hash of the voter's id, cut to [`TAG_BYTES`]: a MAC, as BLAKE3's keyed mode is one.
fn tag(key: &[u8; 32], voter_id: &str) -> [u8; TAG_BYTES] {
    let hash = blake3::keyed_hash(key, voter_id.as_bytes());
    let mut tag = [0; TAG_BYTES];
    tag.copy_from_slice(&hash.as_bytes()[..TAG_BYTES]);
    tag
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

hidden!(ElectionKey, CredentialKey, PseudonymKey, BlindingKey);

#[cfg(test)]
mod tests {
    use super::*;

    fn key() -> ElectionKey {
        ElectionKey::from_bytes([7; 32])
    }

    #[test]
    fn a_credential_is_its_voters_and_nobody_elses() {
        let credentials = key().credentials();
        let ana = credentials.credential("ana");
        assert_eq!(ana.len(), 32);
        assert!(credentials.accepts("ana", &ana));
        assert!(!credentials.accepts("ben", &ana));
        let others = ElectionKey::from_bytes([8; 32]).credentials();
        assert!(!others.accepts("ana", &ana));
        for broken in ["", "00", &ana[1..], &format!("{ana}00"), "zz"] {
            assert!(!credentials.accepts("ana", broken), "{broken}");
        }
    }

    #[test]
    fn a_receipt_number_is_the_voters_and_can_be_read_aloud() {
        let credentials = key().credentials();
        let number = credentials.receipt_number("ana");
        assert_eq!(number, credentials.receipt_number("ana"));
        assert_ne!(number, credentials.receipt_number("ben"));
        let groups: Vec<_> = number.split('-').collect();
        let digits = |group: &&str| group.bytes().all(|byte| RECEIPT_DIGITS.contains(&byte));
        assert!(groups.iter().all(|group| group.len() == 4) && groups.iter().all(digits));
        assert_eq!(groups.len(), 3, "{number}");
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
