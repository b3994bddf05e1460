//! Ballot credentials, which prove that a vote is its voter's own, and receipt numbers.

use std::fmt;

use constant_time_eq::constant_time_eq_16;

/// Letters and digits of a receipt number, without those that are easily confused (Crockford's alphabet).
const RECEIPT_DIGITS: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/// Bytes of a receipt number; each gives five bits.
const RECEIPT_BYTES: usize = 12;

/// Bytes of a credential: 128 bits, which nobody guesses.
const TAG_BYTES: usize = 16;

const RECEIPT_NUMBERS: &str = "election 2026-11 receipt numbers v1";

/// Text that is not a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a key is 64 hexadecimal digits (32 bytes), and nothing else")]
pub struct KeyError;

/// Makes and checks ballot credentials.
#[derive(Clone, PartialEq, Eq)]
pub struct CredentialKey([u8; 32]);

impl CredentialKey {
    /// A key of these bytes.
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        CredentialKey(bytes)
    }

    /// Reads the key as a SmartModule is given it.
    ///
    /// # Errors
    /// When it is not 64 hexadecimal digits; the error does not repeat the text.
    pub fn parse(text: &str) -> Result<Self, KeyError> {
        Ok(CredentialKey(key_bytes(text)?))
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
    /// follows from voter and key, so it is the same for any choice, and nobody else can make it.
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

/// Secrets do not get into logs by way of `{:?}`.
impl fmt::Debug for CredentialKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CredentialKey(hidden)")
    }
}

/// The bytes of a key that is written as 64 hexadecimal digits, white space around them.
///
/// # Errors
/// When it is anything else; the error does not repeat the text.
pub fn key_bytes(text: &str) -> Result<[u8; 32], KeyError> {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_credential_is_its_voters_and_nobody_elses() {
        let credentials = CredentialKey::from_bytes([7; 32]);
        let ana = credentials.credential("ana");
        assert_eq!(ana.len(), 32);
        assert!(credentials.accepts("ana", &ana));
        assert!(!credentials.accepts("ben", &ana));
        let others = CredentialKey::from_bytes([8; 32]);
        assert!(!others.accepts("ana", &ana));
        for broken in ["", "00", &ana[1..], &format!("{ana}00"), "zz"] {
            assert!(!credentials.accepts("ana", broken), "{broken}");
        }
    }

    #[test]
    fn a_receipt_number_is_the_voters_and_can_be_read_aloud() {
        let credentials = CredentialKey::from_bytes([7; 32]);
        let number = credentials.receipt_number("ana");
        assert_eq!(number, credentials.receipt_number("ana"));
        assert_ne!(number, credentials.receipt_number("ben"));
        let groups: Vec<_> = number.split('-').collect();
        let digits = |group: &&str| group.bytes().all(|byte| RECEIPT_DIGITS.contains(&byte));
        assert!(groups.iter().all(|group| group.len() == 4) && groups.iter().all(digits));
        assert_eq!(groups.len(), 3, "{number}");
    }
}
