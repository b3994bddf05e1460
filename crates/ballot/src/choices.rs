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
    /// A list of ranks, of which one was skipped or has several marks: `["c3", null, ["c1", "c2"]]`.
    Ranks(Vec<Vec<Cow<'a, str>>>),
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
        f.write_str(
            "null, a candidate's id, a list of ids or of ranks, or an object of id and points",
        )
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
        while let Some(rank) = seq.next_element()? {
            match rank {
                Rank::Candidate(id) => ids.push(id),
                // From here on it is more than a list of ids.
                Rank::Marks(marks) => {
                    let mut ranks: Vec<Vec<_>> = ids.into_iter().map(|id| vec![id]).collect();
                    ranks.push(marks);
                    while let Some(rank) = seq.next_element::<Rank<'_>>()? {
                        ranks.push(rank.into_marks());
                    }
                    return Ok(Answer::Ranks(ranks));
                }
            }
        }
        Ok(Answer::Candidates(ids))
    }
    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
        entries(map).map(Answer::Scores)
    }
}

/// An element of a list: a candidate, or what is marked at a rank.
enum Rank<'a> {
    Candidate(Cow<'a, str>),
    Marks(Vec<Cow<'a, str>>),
}

impl<'a> Rank<'a> {
    fn into_marks(self) -> Vec<Cow<'a, str>> {
        match self {
            Rank::Candidate(id) => vec![id],
            Rank::Marks(marks) => marks,
        }
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Rank<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct RankVisitor;
        impl<'de> Visitor<'de> for RankVisitor {
            type Value = Rank<'de>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a candidate's id, null for a skipped rank, or a list of ids")
            }
            fn visit_unit<E: de::Error>(self) -> Result<Self::Value, E> {
                Ok(Rank::Marks(Vec::new()))
            }
            fn visit_borrowed_str<E: de::Error>(self, id: &'de str) -> Result<Self::Value, E> {
                Ok(Rank::Candidate(Cow::Borrowed(id)))
            }
            fn visit_str<E: de::Error>(self, id: &str) -> Result<Self::Value, E> {
                Ok(Rank::Candidate(Cow::Owned(id.to_owned())))
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
                let mut marks = Vec::new();
                while let Some(Text(id)) = seq.next_element()? {
                    marks.push(id);
                }
                Ok(Rank::Marks(marks))
            }
        }
        deserializer.deserialize_any(RankVisitor)
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
