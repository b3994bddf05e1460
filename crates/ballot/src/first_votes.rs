//! Which voter has voted, and with which record: the duplicates rule's memory, one entry a voter.

use std::borrow::Cow;

use hashbrown::HashMap;

use crate::HashSeed;
use crate::voter_table::{VoterScrambler, VoterTable};

/// Longest id, in bytes, that is kept in a table's entry, beside UUIDs.
const SHORT_BYTES: usize = 15;

/// A voter's id as it is looked up.
pub struct VoterRef<'a>(Packed<'a>);

enum Packed<'a> {
    Uuid([u8; 16]),
    Short([u8; 16]),
    Long(Cow<'a, str>),
}

impl VoterRef<'static> {
    /// The voter of this id, which need not stay.
    #[inline(always)]
    pub(crate) fn owned(voter_id: &str) -> Self {
        VoterRef::packed(voter_id.as_bytes())
            .unwrap_or_else(|| VoterRef(Packed::Long(Cow::Owned(voter_id.to_owned()))))
    }
}

impl<'a> VoterRef<'a> {
    #[inline(always)]
    fn packed(text: &[u8]) -> Option<Self> {
        if let Some(id) = uuid(text) {
            return Some(VoterRef(Packed::Uuid(id)));
        }
        Some(VoterRef(Packed::Short(short(text)?)))
    }
}

impl<'a> From<&'a str> for VoterRef<'a> {
    #[inline(always)]
    fn from(voter_id: &'a str) -> Self {
        Cow::Borrowed(voter_id).into()
    }
}

impl<'a> From<Cow<'a, str>> for VoterRef<'a> {
    #[inline(always)]
    fn from(voter_id: Cow<'a, str>) -> Self {
        VoterRef::packed(voter_id.as_bytes()).unwrap_or(VoterRef(Packed::Long(voter_id)))
    }
}

/// voter_id -> the offset of the first valid vote, exact for any id.
///
/// UUIDs in lower-case hyphenated form (what the producer and the tutorial use) and ids of at most
/// 15 bytes take 22 bytes and some room to grow; any other id is kept as text.
pub struct FirstVotes {
    scrambler: VoterScrambler,
    uuids: VoterTable,
    shorts: VoterTable,
    others: HashMap<Box<str>, i64, HashSeed>,
    others_bytes: usize,
}

impl FirstVotes {
    /// Nobody has voted. With a seed that is secret, no choice of ids makes it slow.
    pub fn new(seed: HashSeed) -> FirstVotes {
        FirstVotes {
            scrambler: VoterScrambler::of(seed),
            uuids: VoterTable::default(),
            shorts: VoterTable::default(),
            others: HashMap::with_hasher(seed),
            others_bytes: 0,
        }
    }

    /// Notes that the voter voted at `offset`, unless it has voted before. Returns the offset of
    /// the voter's first vote: `offset` itself when this is it. Saying the same twice changes
    /// nothing, so a batch may be processed again.
    #[inline]
    pub fn first_offset(&mut self, voter: &VoterRef<'_>, offset: i64) -> i64 {
        match &voter.0 {
            Packed::Uuid(id) => self.uuids.first_offset(self.scrambler.key(*id), offset),
            Packed::Short(id) => self.shorts.first_offset(self.scrambler.key(*id), offset),
            Packed::Long(id) => self.first_offset_of_long(id, offset),
        }
    }

    /// A byte of what [`FirstVotes::first_offset`] will read for the voter.
    #[inline(always)]
    pub(crate) fn read_ahead(&self, voter: &VoterRef<'_>) -> u8 {
        match &voter.0 {
            Packed::Uuid(id) => self.uuids.read_ahead(self.scrambler.key(*id)),
            Packed::Short(id) => self.shorts.read_ahead(self.scrambler.key(*id)),
            Packed::Long(_) => 0,
        }
    }

    fn first_offset_of_long(&mut self, voter_id: &str, offset: i64) -> i64 {
        if let Some(&first) = self.others.get(voter_id) {
            return first;
        }
        self.others.insert(voter_id.into(), offset);
        self.others_bytes += voter_id.len();
        offset
    }

    /// Number of voters noted.
    pub fn len(&self) -> usize {
        self.uuids.len() + self.shorts.len() + self.others.len()
    }

    /// Whether nobody has voted.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Heap bytes in use.
    pub fn allocated_bytes(&self) -> usize {
        self.uuids.allocated_bytes()
            + self.shorts.allocated_bytes()
            + self.others.allocation_size()
            + self.others_bytes
    }
}

/// A short id in 16 bytes: what is left is zero, and the last says how long it is, so that no two
/// become the same.
fn short(text: &[u8]) -> Option<[u8; 16]> {
    if text.len() > SHORT_BYTES {
        return None;
    }
    let mut id = [0; 16];
    id[..text.len()].copy_from_slice(text);
    id[SHORT_BYTES] = text.len() as u8;
    Some(id)
}

/// A UUID in lower-case hyphenated form in 16 bytes; `None` for any other text, upper case included, so
/// that two different texts never become the same voter. The bytes are the UUID's nibbles in an
/// order of their own.
#[inline(always)]
fn uuid(text: &[u8]) -> Option<[u8; 16]> {
    let text: &[u8; 36] = text.try_into().ok()?;
    let [
        a0,
        a1,
        a2,
        a3,
        a4,
        a5,
        a6,
        a7,
        b'-',
        b0,
        b1,
        b2,
        b3,
        b'-',
        c0,
        c1,
        c2,
        c3,
        b'-',
        d0,
        d1,
        d2,
        d3,
        b'-',
        digits @ ..,
    ] = *text
    else {
        return None;
    };
    let [e0, e1, e2, e3, rest @ ..] = digits;
    let first = nibbles([a0, a1, a2, a3, a4, a5, a6, a7])?;
    let second = nibbles([b0, b1, b2, b3, c0, c1, c2, c3])?;
    let third = nibbles([d0, d1, d2, d3, e0, e1, e2, e3])?;
    let fourth = nibbles(rest)?;
    let halves = [first | second << 4, third | fourth << 4];
    let mut id = [0; 16];
    for (bytes, half) in id.as_chunks_mut::<8>().0.iter_mut().zip(halves) {
        *bytes = half.to_le_bytes();
    }
    Some(id)
}

/// What eight lower-case hexadecimal digits stand for, each in its byte; all at once, in one word.
#[inline(always)]
fn nibbles(digits: [u8; 8]) -> Option<u64> {
    /// A byte in each of a word's eight.
    const fn each(byte: u8) -> u64 {
        u64::from_le_bytes([byte; 8])
    }
    let digits = u64::from_le_bytes(digits);
    let is_letter = digits >> 6 & each(1);
    let values = ((digits & each(0xf)) + is_letter * 9) & each(0xf);
    // They are digits if they are what these values are written with.
    let over_nine = (values + each(6)) >> 4 & each(1);
    let written = values + each(b'0') + over_nine * u64::from(b'a' - b'0' - 10);
    (written == digits).then_some(values)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn is_packed(id: &str) -> bool {
        uuid(id.as_bytes()).is_some()
    }

    #[test]
    fn only_the_usual_form_is_packed() {
        assert!(is_packed("00112233-4455-6677-8899-aabbccddeeff"));
        for other in [
            "00112233-4455-6677-8899-AABBCCDDEEFF",
            "001122334455-6677-8899-aabbccddeeff0",
            "00112233-4455-6677-8899-aabbccddeefg",
            "00112233-4455-6677-8899-aabbccddee/f",
            "00112233-4455-6677-8899-aabbccddee:f",
            "00112233-4455-6677-8899-aabbccddee`f",
        ] {
            assert!(!is_packed(other), "{other}");
        }
    }

    #[test]
    fn a_hundred_thousand_voters_cost_at_most_32_bytes_each() {
        let mut votes = FirstVotes::new(HashSeed::default());
        for n in 0..100_000u128 {
            let id = format!(
                "{:08x}-0000-4000-8000-{:012x}",
                n.wrapping_mul(2654435761) as u32,
                n
            );
            votes.first_offset(&VoterRef::from(Cow::from(id)), n as i64);
            if n > 30_000 && n % 1_000 == 0 {
                let bytes = votes.allocated_bytes() / votes.len();
                assert!(bytes <= 32, "{bytes} at {n}");
            }
        }
        assert_eq!(votes.len(), 100_000);
    }

    proptest! {
        #[test]
        fn agrees_with_a_plain_map(ids in prop::collection::vec("[0-9a-f]{2}|[a-c]{0,2}|[a-b]{14,17}|[ABab]1112233-4455-6677-8899-aabbccddee[0-3]f", 0..200)) {
            let mut votes = FirstVotes::new(HashSeed::default());
            let mut plain = std::collections::HashMap::new();
            for (offset, id) in ids.iter().enumerate() {
                let offset = offset as i64;
                let first = *plain.entry(id.clone()).or_insert(offset);
                let voter = VoterRef::from(&**id);
                prop_assert_eq!(votes.first_offset(&voter, offset), first);
                prop_assert_eq!(votes.first_offset(&voter, offset), first);
            }
            prop_assert_eq!(votes.len(), plain.len());
        }

        #[test]
        fn eight_digits_are_the_number_they_write(digits in "[0-9a-f]{8}|[0-9a-g/:`G]{8}|\\PC{8}") {
            let Ok(bytes) = <[u8; 8]>::try_from(digits.as_bytes()) else { return Ok(()) };
            let lower_hex = digits.bytes().all(|digit| matches!(digit, b'0'..=b'9' | b'a'..=b'f'));
            let values = nibbles(bytes);
            prop_assert_eq!(values.is_some(), lower_hex);
            if let Some(values) = values {
                let written: String = values.to_le_bytes().iter().map(|value| format!("{value:x}")).collect();
                prop_assert_eq!(written, digits);
            }
        }
    }
}
