//! Names to small numbers and back, so that counting adds to arrays.

use std::hash::BuildHasher;

use foldhash::fast::FixedState;
use hashbrown::HashTable;

/// Names in the order in which they were first seen; a name's number is its place.
#[derive(Debug, Clone, Default)]
pub(crate) struct Names {
    hasher: FixedState,
    numbers: HashTable<u32>,
    names: Vec<Box<str>>,
}

impl Names {
    /// The number of a name that has one.
    pub(crate) fn number(&self, name: &str) -> Option<usize> {
        let hash = self.hasher.hash_one(name);
        let number = self.numbers.find(hash, |&number| {
            same_bytes(self.names[number as usize].as_bytes(), name.as_bytes())
        })?;
        Some(*number as usize)
    }

    /// The number of a name, a new one if it has none.
    pub(crate) fn intern(&mut self, name: &str) -> usize {
        if let Some(number) = self.number(name) {
            return number;
        }
        let number = self.names.len();
        self.names.push(name.into());
        let (hasher, names) = (&self.hasher, &self.names);
        self.numbers
            .insert_unique(hasher.hash_one(name), number as u32, |&number| {
                hasher.hash_one(&*names[number as usize])
            });
        number
    }

    /// The name with this number.
    pub(crate) fn name(&self, number: usize) -> &str {
        &self.names[number]
    }

    /// Every name, in the order of the numbers.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &str> {
        self.names.iter().map(|name| &**name)
    }
}

impl<'a> FromIterator<&'a str> for Names {
    fn from_iter<I: IntoIterator<Item = &'a str>>(names: I) -> Self {
        let mut numbered = Names::default();
        for name in names {
            numbered.intern(name);
        }
        numbered
    }
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
        let mut names: Names = ["b", "a", "b"].into_iter().collect();
        assert_eq!(
            (names.number("b"), names.number("a"), names.number("c")),
            (Some(0), Some(1), None)
        );
        for n in 0..1_000 {
            names.intern(&format!("name {n}"));
        }
        assert_eq!(names.intern("name 500"), 502);
        assert_eq!(names.name(502), "name 500");
        assert_eq!(names.iter().count(), 1_002);
    }

    proptest! {
        #[test]
        fn bytes_are_the_same_if_they_are(left in "[ab]{0,20}", right in "[ab]{0,20}") {
            prop_assert_eq!(same_bytes(left.as_bytes(), right.as_bytes()), left == right);
            prop_assert!(same_bytes(left.as_bytes(), left.clone().as_bytes()));
        }
    }
}
