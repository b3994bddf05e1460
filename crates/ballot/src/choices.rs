//! The answers of a vote to several contests: what its field `choices` holds.

use std::borrow::Cow;
use std::fmt;

use serde::de::{self, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};

use crate::vote::Text;

/// Answers by contest, in the order of the vote.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Choices<'a>(pub(crate) Vec<(Cow<'a, str>, Answer<'a>)>);

/// An answer as it is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer<'a> {
    /// `null`: no mark.
    Nothing,
    /// A candidate's id.
    Candidate(Cow<'a, str>),
    /// A list of ids.
    Candidates(Vec<Cow<'a, str>>),
    /// An object of id and points.
    Scores(Vec<(Cow<'a, str>, u32)>),
}

impl<'de: 'a, 'a> Deserialize<'de> for Choices<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ChoicesVisitor;
        impl<'de> Visitor<'de> for ChoicesVisitor {
            type Value = Choices<'de>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object of contest and answer")
            }
            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
                entries(map).map(Choices)
            }
        }
        deserializer.deserialize_map(ChoicesVisitor)
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Answer<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(AnswerVisitor)
    }
}

struct AnswerVisitor;

impl<'de> Visitor<'de> for AnswerVisitor {
    type Value = Answer<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("null, a candidate's id, a list of ids, or an object of id and points")
    }
    fn visit_unit<E: de::Error>(self) -> Result<Self::Value, E> {
        Ok(Answer::Nothing)
    }
    fn visit_borrowed_str<E: de::Error>(self, id: &'de str) -> Result<Self::Value, E> {
        Ok(Answer::Candidate(Cow::Borrowed(id)))
    }
    fn visit_str<E: de::Error>(self, id: &str) -> Result<Self::Value, E> {
        Ok(Answer::Candidate(Cow::Owned(id.to_owned())))
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
        let mut ids = Vec::new();
        while let Some(Text(id)) = seq.next_element()? {
            ids.push(id);
        }
        Ok(Answer::Candidates(ids))
    }
    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
        entries(map).map(Answer::Scores)
    }
}

/// The entries of an object whose names differ.
fn entries<'de, V: Deserialize<'de>, A: MapAccess<'de>>(
    mut map: A,
) -> Result<Vec<(Cow<'de, str>, V)>, A::Error> {
    let mut entries = Vec::new();
    while let Some((Text(name), value)) = map.next_entry()? {
        entries.push((name, value));
    }
    // Sorted and not compared pair by pair: a hostile object has as many names as fit a record.
    let mut names: Vec<&str> = entries
        .iter()
        .map(|(name, _): &(Cow<'_, str>, V)| &**name)
        .collect();
    names.sort_unstable();
    if names.windows(2).any(|pair| pair[0] == pair[1]) {
        return Err(de::Error::custom("a name is given twice"));
    }
    Ok(entries)
}
