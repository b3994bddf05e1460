//! Deterministic randomness: every draw is a pure function of the seed, of its purpose, and of an index
//! or text. So voter one million costs no more than voter one, and an interrupted run draws the same
//! again.
//!
//! The algorithms are fixed (SplitMix64, SipHash 1-3, xoshiro256++), since a later build of this program
//! must be able to continue an election under way.

use std::hash::Hasher;

use rand::SeedableRng;
use rand::rngs::Xoshiro256PlusPlus;
use siphasher::sip::SipHasher13;
use uuid::{Builder, Uuid};

/// What a draw is for. Draws of different purposes are independent.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Purpose {
    CandidateId = 1,
    Candidate,
    GivenName,
    FamilyName,
    Career,
    VoterId,
    Voter,
    National,
    Region,
    Choice,
    Script,
    ReplayCandidate,
    ReplayOrder,
    ReplayVoterId,
    ReplayVoter,
    Abstention,
    Contest,
    Marks,
    Precinct,
}

/// Added per step so that consecutive indices are far apart: 2^64 divided by the golden ratio.
const GOLDEN: u64 = 0x9e37_79b9_7f4a_7c15;

/// The finaliser of SplitMix64: a bijection that leaves no pattern.
pub(crate) fn mix(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// 64 random bits for a number. For one seed and purpose, different indices have different words.
pub(crate) fn word(seed: u64, purpose: Purpose, index: u64) -> u64 {
    let base = mix(seed ^ mix(purpose as u64));
    mix(base.wrapping_add(index.wrapping_mul(GOLDEN)))
}

/// 64 random bits for a text.
pub(crate) fn text_word(seed: u64, purpose: Purpose, text: &[u8]) -> u64 {
    let mut hasher = SipHasher13::new_with_keys(seed, purpose as u64);
    hasher.write(text);
    hasher.finish()
}

/// A generator for a longer series of draws, started from one of the words above.
pub(crate) fn rng(word: u64) -> Xoshiro256PlusPlus {
    Xoshiro256PlusPlus::seed_from_u64(word)
}

/// A number below `bound` from 64 random bits, without division.
pub(crate) fn below(word: u64, bound: u64) -> u64 {
    ((u128::from(word) * u128::from(bound)) >> 64) as u64
}

/// The share of the unit interval that 64 random bits stand for, in [0, 1).
pub(crate) fn unit(word: u64) -> f64 {
    (word >> 11) as f64 / (1u64 << 53) as f64
}

/// A UUID of version 4 in lower-case hyphenated form, from 128 random bits.
pub(crate) fn uuid(high: u64, low: u64) -> String {
    let bits = (u128::from(high) << 64) | u128::from(low);
    let uuid = Builder::from_random_bytes(bits.to_be_bytes()).into_uuid();
    let mut buffer = Uuid::encode_buffer();
    uuid.hyphenated().encode_lower(&mut buffer).to_owned()
}

/// The UUID of number `index`.
pub(crate) fn indexed_uuid(seed: u64, purpose: Purpose, index: u64) -> String {
    let high = word(seed, purpose, index);
    uuid(high, mix(high ^ GOLDEN))
}

/// The UUID of a text.
pub(crate) fn text_uuid(seed: u64, purpose: Purpose, text: &[u8]) -> String {
    let high = text_word(seed, purpose, text);
    uuid(high, text_word(mix(seed), purpose, text))
}
