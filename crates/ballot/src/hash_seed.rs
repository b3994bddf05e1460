//! The secret that keys of unknown origin are hashed with.
//!
//! Voters' ids and groups' values are whatever a vote says. With a hash that everybody knows, somebody could write votes whose ids
//! all belong to one place of a table, and the time to count them would grow with the square of their number. Results do
//! not depend on the seed, so it is drawn anew whenever a count starts.

use std::collections::hash_map::RandomState;
use std::fmt;
use std::hash::{BuildHasher, Hasher};

use siphasher::sip::SipHasher13;

/// 16 bytes that nobody who writes votes knows.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct HashSeed([u64; 2]);

/// The seed of who gives none: the fractional bits of √2 and √3. Enough where votes come from a trusted source.
impl Default for HashSeed {
    fn default() -> Self {
        HashSeed([0x6a09_e667_f3bc_c908, 0xbb67_ae85_84ca_a73b])
    }
}

/// Secrets do not get into logs by way of `{:?}`.
impl fmt::Debug for HashSeed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("HashSeed(hidden)")
    }
}

impl HashSeed {
    /// A new seed, of what the system gives `std` for its own hash maps. Not in WebAssembly, which is given nothing: a
    /// SmartModule takes the seed as a parameter.
    pub fn random() -> HashSeed {
        HashSeed([(); 2].map(|()| RandomState::new().hash_one(())))
    }

    /// The seed of these words.
    pub fn of(words: [u64; 2]) -> HashSeed {
        HashSeed(words)
    }

    /// The seed as it is passed to a SmartModule: 32 hexadecimal digits.
    pub fn to_hex(self) -> String {
        let [high, low] = self.0;
        format!("{high:016x}{low:016x}")
    }

    /// Reads 32 hexadecimal digits; `None` for any other text.
    pub fn parse(text: &str) -> Option<HashSeed> {
        let mut bytes = [0; 16];
        hex::decode_to_slice(text, &mut bytes).ok()?;
        let number = u128::from_be_bytes(bytes);
        Some(HashSeed([(number >> 64) as u64, number as u64]))
    }

    /// Odd factors that follow from the seed.
    pub(crate) fn factors<const N: usize>(self) -> [u64; N] {
        std::array::from_fn(|n| self.hash_one(n) | 1)
    }
}

/// SipHash 1-3, which is made for keys of unknown origin; what `std` uses.
impl BuildHasher for HashSeed {
    type Hasher = SipHasher13;

    fn build_hasher(&self) -> SipHasher13 {
        SipHasher13::new_with_keys(self.0[0], self.0[1])
    }
}

/// A hash of single words, for numbers that follow from keys of unknown origin.
#[derive(Debug, Clone, Copy)]
pub(crate) struct WordHash([u64; 2]);

impl WordHash {
    pub(crate) fn of(seed: HashSeed) -> WordHash {
        WordHash(seed.factors())
    }
}

impl BuildHasher for WordHash {
    type Hasher = WordHasher;

    fn build_hasher(&self) -> WordHasher {
        WordHasher {
            factors: self.0,
            hash: 0,
        }
    }
}

pub(crate) struct WordHasher {
    factors: [u64; 2],
    hash: u64,
}

impl Hasher for WordHasher {
    fn write(&mut self, bytes: &[u8]) {
        for chunk in bytes.chunks(8) {
            let mut word = [0; 8];
            word[..chunk.len()].copy_from_slice(chunk);
            self.write_u64(u64::from_le_bytes(word));
        }
    }

    #[inline(always)]
    fn write_u64(&mut self, word: u64) {
        self.hash = scrambled(self.hash ^ word, self.factors);
    }

    #[inline(always)]
    fn finish(&self) -> u64 {
        self.hash
    }
}

/// The finalizer of MurmurHash3 with other factors: one to one, and every bit of the word changes about half of the result's.
/// With secret factors nobody can choose words whose results share their upper bits (multiply-shift hashing: Dietzfelbinger
/// et al., "A reliable randomized algorithm for the closest-pair problem", 1997).
#[inline(always)]
pub(crate) fn scrambled(mut word: u64, [first, second]: [u64; 2]) -> u64 {
    word ^= word >> 33;
    word = word.wrapping_mul(first);
    word ^= word >> 33;
    word = word.wrapping_mul(second);
    word ^ word >> 33
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_seed_is_read_as_it_is_written(words in any::<[u64; 2]>()) {
            let seed = HashSeed::of(words);
            prop_assert_eq!(HashSeed::parse(&seed.to_hex()), Some(seed));
            let shown = format!("{:?}", seed);
            prop_assert!(!shown.contains(&seed.to_hex()));
        }
    }

    #[test]
    fn nothing_else_is_a_seed() {
        for text in ["", "00", &"0".repeat(31), &"0".repeat(33), &"g".repeat(32)] {
            assert_eq!(HashSeed::parse(text), None, "{text}");
        }
    }
}
