//! Answers that were read before: many ballots answer as others do, and reading an answer costs more than all the rest of a
//! ballot.

use std::hash::BuildHasher;

use hashbrown::HashTable;

use crate::HashSeed;
use crate::names::same_bytes;

/// Most answers that are remembered; then it begins anew.
const MOST_ANSWERS: usize = 16 * 1024;

/// Longest answer that is remembered, in bytes.
const MOST_BYTES: usize = 512;

/// The selections that an answer makes: contests and selections by number.
pub(crate) type AnswerSelections = Vec<(u32, u32)>;

/// Answers by precinct and text.
pub(crate) struct KnownAnswers {
    hasher: HashSeed,
    places: HashTable<u32>,
    answers: Vec<KnownAnswer>,
}

struct KnownAnswer {
    precinct: u32,
    text: Box<str>,
    selections: AnswerSelections,
}

impl KnownAnswers {
    pub(crate) fn new(hasher: HashSeed) -> KnownAnswers {
        KnownAnswers {
            hasher,
            places: HashTable::new(),
            answers: Vec::new(),
        }
    }

    /// The number of an answer, if it is known.
    #[inline]
    pub(crate) fn number(&self, precinct: u32, text: &str) -> Option<u32> {
        let hash = self.hasher.hash_one((precinct, text));
        let found = self.places.find(hash, |&number| {
            let known = &self.answers[number as usize];
            known.precinct == precinct && same_bytes(known.text.as_bytes(), text.as_bytes())
        });
        found.copied()
    }

    /// Remembers an answer that is not known, and returns its number; nothing if it is too long.
    pub(crate) fn add(
        &mut self,
        precinct: u32,
        text: &str,
        selections: &AnswerSelections,
    ) -> Option<u32> {
        if text.len() > MOST_BYTES || self.is_full() {
            return None;
        }
        let number = self.answers.len() as u32;
        self.answers.push(KnownAnswer {
            precinct,
            text: text.into(),
            selections: selections.clone(),
        });
        let (hasher, answers) = (&self.hasher, &self.answers);
        let hash = |&number: &u32| {
            let known = &answers[number as usize];
            hasher.hash_one((known.precinct, &*known.text))
        };
        self.places.insert_unique(hash(&number), number, hash);
        Some(number)
    }

    /// The selections of an answer.
    #[inline]
    pub(crate) fn selections(&self, number: u32) -> &AnswerSelections {
        &self.answers[number as usize].selections
    }

    pub(crate) fn is_full(&self) -> bool {
        self.answers.len() >= MOST_ANSWERS
    }

    /// Forgets all of them.
    pub(crate) fn clear(&mut self) {
        self.places.clear();
        self.answers.clear();
    }
}
