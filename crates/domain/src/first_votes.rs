//! Which voter has voted, and with which record: the duplicates rule's memory, one entry a voter.

use std::hash::BuildHasher;

use foldhash::fast::FixedState;
use hashbrown::{HashMap, HashTable};

/// Number of tables the voters are spread over. A table that grows holds its old and its new memory
/// at once, and WebAssembly memory is never given back: many small tables, each reusing what the one
/// before it freed, keep the peak near the size itself.
const TABLES: usize = 256;

/// A voter whose id is a UUID in its usual form: 24 bytes, no pointer.
#[derive(Clone, Copy)]
struct UuidVoter {
    id: [u8; 16],
    first_offset: [u8; 8],
}

/// voter_id -> the offset of the first valid vote, exact for any id.
///
/// UUIDs in lower-case hyphenated form (what the producer and the tutorial use) are kept in 16
/// bytes; any other id is kept as text.
pub struct FirstVotes {
    hasher: FixedState,
    uuids: Vec<HashTable<UuidVoter>>,
    others: HashMap<Box<str>, i64, FixedState>,
    others_bytes: usize,
}

impl Default for FirstVotes {
    fn default() -> Self {
        FirstVotes {
            hasher: FixedState::default(),
            uuids: (0..TABLES).map(|_| HashTable::new()).collect(),
            others: HashMap::default(),
            others_bytes: 0,
        }
    }
}

impl FirstVotes {
    /// Notes that `voter_id` voted at `offset`, unless it has voted before. Returns the offset of
    /// the voter's first vote: `offset` itself when this is it. Saying the same twice changes
    /// nothing, so a batch may be processed again.
    pub fn first_offset(&mut self, voter_id: &str, offset: i64) -> i64 {
        let Some(id) = parse_uuid(voter_id) else {
            if let Some(&first) = self.others.get(voter_id) {
                return first;
            }
            self.others.insert(voter_id.into(), offset);
            self.others_bytes += voter_id.len();
            return offset;
        };
        let word = u128::from_ne_bytes(id);
        let hash = self.hasher.hash_one(word);
        // The low bits choose the bucket inside a table, the highest its tag: take some in between.
        let table = &mut self.uuids[(hash >> 40) as usize % TABLES];
        let entry = table.entry(
            hash,
            |voter| u128::from_ne_bytes(voter.id) == word,
            |voter| self.hasher.hash_one(u128::from_ne_bytes(voter.id)),
        );
        let voter = entry.or_insert(UuidVoter {
            id,
            first_offset: offset.to_le_bytes(),
        });
        i64::from_le_bytes(voter.get().first_offset)
    }

    /// Number of voters noted.
    pub fn len(&self) -> usize {
        self.uuids.iter().map(HashTable::len).sum::<usize>() + self.others.len()
    }

    /// Whether nobody has voted.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Heap bytes in use.
    pub fn allocated_bytes(&self) -> usize {
        self.uuids
            .iter()
            .map(HashTable::allocation_size)
            .sum::<usize>()
            + self.others.allocation_size()
            + self.others_bytes
    }
}

/// The 16 bytes of a UUID in lower-case hyphenated form; `None` for any other text, upper case
/// included, so that two different texts never become the same voter.
fn parse_uuid(text: &str) -> Option<[u8; 16]> {
    let text: &[u8; 36] = text.as_bytes().try_into().ok()?;
    let mut id = [0; 16];
    let mut seen = 0;
    for (byte, at) in id.iter_mut().zip(UUID_DIGITS) {
        let (high, low) = (
            HEX_DIGITS[usize::from(text[at])],
            HEX_DIGITS[usize::from(text[at + 1])],
        );
        seen |= high | low;
        *byte = high << 4 | low & 0xf;
    }
    let hyphens = UUID_HYPHENS.iter().all(|&at| text[at] == b'-');
    (hyphens && seen & 0xf0 == 0).then_some(id)
}

/// Where the two digits of each byte of a UUID stand.
const UUID_DIGITS: [usize; 16] = [0, 2, 4, 6, 9, 11, 14, 16, 19, 21, 24, 26, 28, 30, 32, 34];
const UUID_HYPHENS: [usize; 4] = [8, 13, 18, 23];

/// Marks what is no lower-case hexadecimal digit.
const NO_DIGIT: u8 = 0xff;
const HEX_DIGITS: [u8; 256] = {
    let mut digits = [NO_DIGIT; 256];
    let mut value = 0;
    while value < 16 {
        digits[b"0123456789abcdef"[value] as usize] = value as u8;
        value += 1;
    }
    digits
};

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn only_the_usual_form_is_packed() {
        assert_eq!(
            parse_uuid("00112233-4455-6677-8899-aabbccddeeff").unwrap()[..3],
            [0x00, 0x11, 0x22]
        );
        assert_eq!(parse_uuid("00112233-4455-6677-8899-AABBCCDDEEFF"), None);
        assert_eq!(parse_uuid("001122334455-6677-8899-aabbccddeeff0"), None);
        assert_eq!(parse_uuid("00112233-4455-6677-8899-aabbccddeefg"), None);
    }

    #[test]
    fn a_hundred_thousand_voters_cost_less_than_64_bytes_each() {
        let mut votes = FirstVotes::default();
        for n in 0..100_000u128 {
            let id = format!(
                "{:08x}-0000-4000-8000-{:012x}",
                n.wrapping_mul(2654435761) as u32,
                n
            );
            votes.first_offset(&id, n as i64);
            if n > 20_000 && n % 5_000 == 0 {
                assert!(votes.allocated_bytes() / votes.len() < 64, "at {n}");
            }
        }
        assert_eq!(votes.len(), 100_000);
    }

    proptest! {
        #[test]
        fn agrees_with_a_plain_map(ids in prop::collection::vec("[0-9a-f]{2}|[a-c]{1,2}|[ABab]1112233-4455-6677-8899-aabbccddee[0-3]f", 0..200)) {
            let mut votes = FirstVotes::default();
            let mut plain = std::collections::HashMap::new();
            for (offset, id) in ids.iter().enumerate() {
                let offset = offset as i64;
                let first = *plain.entry(id.clone()).or_insert(offset);
                prop_assert_eq!(votes.first_offset(id, offset), first);
                prop_assert_eq!(votes.first_offset(id, offset), first);
            }
            prop_assert_eq!(votes.len(), plain.len());
        }
    }
}
