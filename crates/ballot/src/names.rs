//! Names to small numbers and back, so that counting adds to arrays.

use std::hash::BuildHasher;

use hashbrown::HashTable;

use crate::HashSeed;

/// Names that are found without hashing all of them: the first to claim their place.
const FRONT: usize = 256;

/// A place in the front that nobody has claimed.
const UNCLAIMED: u32 = u32::MAX;

/// Names in the order in which they were first seen; a name's number is its place.
#[derive(Debug, Clone)]
pub(crate) struct Names {
    front: Box<[u32; FRONT]>,
    hasher: HashSeed,
    numbers: HashTable<u32>,
    names: Vec<Box<str>>,
}

/// A name's place in the front, by its length and its first and last eight bytes: hashing all of it
/// costs more than comparing it.
#[inline(always)]
fn place_in_front(name: &str) -> usize {
    let name = name.as_bytes();
    let word = match (name.first_chunk(), name.last_chunk()) {
        (Some(first), Some(last)) => {
            u64::from_le_bytes(*first) ^ u64::from_le_bytes(*last).rotate_left(29)
        }
        _ => name
            .iter()
            .fold(0, |word, &byte| word << 8 | u64::from(byte)),
    };
    // The multiplier is 2⁶⁴ by the golden ratio; the product's upper bits depend on all of the word's.
    let mixed = (word ^ name.len() as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    (mixed >> (u64::BITS - FRONT.ilog2())) as usize
}

impl Names {
    /// No name yet.
    pub(crate) fn new(hasher: HashSeed) -> Names {
        Names {
            front: Box::new([UNCLAIMED; FRONT]),
            hasher,
            numbers: HashTable::default(),
            names: Vec::default(),
        }
    }

    /// Names, each with its place as its number.
    pub(crate) fn of<'a>(hasher: HashSeed, names: impl IntoIterator<Item = &'a str>) -> Names {
        let mut numbered = Names::new(hasher);
        for name in names {
            numbered.intern(name);
        }
        numbered
    }

    /// The same names under the same numbers, to which names of unknown origin may be added.
    pub(crate) fn seeded(&self, hasher: HashSeed) -> Names {
        Names::of(hasher, self.names.iter().map(|name| &**name))
    }

    /// The number of a name that has one.
    #[inline(always)]
    pub(crate) fn number(&self, name: &str) -> Option<usize> {
        let number = self.front[place_in_front(name)] as usize;
        match self.names.get(number) {
            Some(known) if same_bytes(known.as_bytes(), name.as_bytes()) => Some(number),
            _ => self.number_by_hash(name),
        }
    }

    fn number_by_hash(&self, name: &str) -> Option<usize> {
        let hash = self.hasher.hash_one(name);
        let number = self.numbers.find(hash, |&number| {
            same_bytes(self.names[number as usize].as_bytes(), name.as_bytes())
        })?;
        Some(*number as usize)
    }

    /// The number of a name, a new one if it has none.
    #[inline(always)]
    pub(crate) fn intern(&mut self, name: &str) -> usize {
        match self.number(name) {
            Some(number) => number,
            None => self.add(name),
        }
    }

    #[cold]
    fn add(&mut self, name: &str) -> usize {
        let number = self.names.len();
        let place = &mut self.front[place_in_front(name)];
        if *place == UNCLAIMED {
            *place = number as u32;
        }
        self.names.push(name.into());
        let (hasher, names) = (&self.hasher, &self.names);
        self.numbers
            .insert_unique(hasher.hash_one(name), number as u32, |&number| {
                hasher.hash_one(&*names[number as usize])
            });
        number
    }

    /// How many names have a number.
    #[inline(always)]
    pub(crate) fn len(&self) -> usize {
        self.names.len()
    }

    /// The name with this number.
    pub(crate) fn name(&self, number: usize) -> &str {
        &self.names[number]
    }
}

/// Whether the text has a control character. Most have none, and no byte that could be part of one;
/// that is told without decoding them.
#[inline]
pub(crate) fn has_control(text: &str) -> bool {
    let suspicious = text.bytes().fold(false, |suspicious, byte| {
        suspicious | !(0x20..0x7f).contains(&byte)
    });
    suspicious && text.chars().any(char::is_control)
}

/// Whether two byte strings are equal, eight bytes at a time: WebAssembly has no `memcmp` of its own,
/// and the one that Rust brings goes byte by byte.
#[inline]
pub(crate) fn same_bytes(left: &[u8], right: &[u8]) -> bool {
    if left.len() != right.len() {
        return false;
    }
    let ((left, left_rest), (right, right_rest)) = (left.as_chunks::<8>(), right.as_chunks::<8>());
    let words = left.iter().zip(right);
    let rest = left_rest.iter().zip(right_rest);
    words.fold(0, |different, (left, right)| {
        different | (u64::from_le_bytes(*left) ^ u64::from_le_bytes(*right))
    }) == 0
        && rest.fold(0, |different, (left, right)| different | (left ^ right)) == 0
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn names_keep_their_numbers() {
        let mut names = Names::of(HashSeed::default(), ["b", "a", "b"]);
        assert_eq!(
            (names.number("b"), names.number("a"), names.number("c")),
            (Some(0), Some(1), None)
        );
        for n in 0..1_000 {
            names.intern(&format!("name {n}"));
        }
        assert_eq!(names.intern("name 500"), 502);
        assert_eq!(names.name(502), "name 500");
        assert_eq!(names.len(), 1_002);
    }

    proptest! {
        #[test]
        fn bytes_are_the_same_if_they_are(left in "[ab]{0,20}", right in "[ab]{0,20}") {
            prop_assert_eq!(same_bytes(left.as_bytes(), right.as_bytes()), left == right);
            prop_assert!(same_bytes(left.as_bytes(), left.clone().as_bytes()));
        }
    }
}
