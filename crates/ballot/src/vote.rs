//! A vote: the full record as it is cast, and the view of it that counting reads.

use std::borrow::Cow;
use std::fmt;

use chrono::NaiveDate;
use serde::de::{self, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

use crate::groups::has_control;
use crate::scan::{scan, scan_telling};
use crate::{Reason, Voter};

/// Longest voter or candidate id in bytes: the tutorial's columns are `VARCHAR(255)`.
pub const MAX_ID_BYTES: usize = 255;

/// One cast vote, as written to `votes`: the voter's fields, the choice, the time, the weight.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Vote {
    /// The voter's fields, flat.
    #[serde(flatten)]
    pub voter: Voter,
    /// The candidate voted for.
    pub candidate_id: String,
    /// When it was cast: `%Y-%m-%d %H:%M:%S`, UTC.
    pub voting_time: String,
    /// The weight; anything but 1 is rejected.
    pub vote: i64,
}

/// When a vote was cast, to the second, UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct VotingTime(i64);

impl VotingTime {
    /// The `chrono` format of `voting_time`, as the tutorial writes it.
    pub const FORMAT: &'static str = "%Y-%m-%d %H:%M:%S";

    /// Reads `YYYY-MM-DD HH:MM:SS` exactly; `None` for anything else. Written by hand because
    /// `chrono`'s general parser costs more than the rest of the vote's validation together.
    pub fn parse(text: &str) -> Option<VotingTime> {
        VotingTime::parse_bytes(text.as_bytes())
    }

    pub(crate) fn parse_bytes(text: &[u8]) -> Option<VotingTime> {
        let text: &[u8; 19] = text.try_into().ok()?;
        let digits = |from: usize, to: usize| {
            text[from..to].iter().try_fold(0u32, |number, byte| {
                byte.is_ascii_digit()
                    .then(|| number * 10 + u32::from(byte - b'0'))
            })
        };
        let separators = [(4, b'-'), (7, b'-'), (10, b' '), (13, b':'), (16, b':')];
        if separators.iter().any(|&(at, byte)| text[at] != byte) {
            return None;
        }
        let year = i32::try_from(digits(0, 4)?).ok()?;
        NaiveDate::from_ymd_opt(year, digits(5, 7)?, digits(8, 10)?)?
            .and_hms_opt(digits(11, 13)?, digits(14, 16)?, digits(17, 19)?)
            .map(|time| VotingTime(time.and_utc().timestamp()))
    }

    /// Seconds since 1970-01-01 00:00:00 UTC.
    pub fn unix_seconds(self) -> i64 {
        self.0
    }
}

impl fmt::Display for VotingTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match chrono::DateTime::from_timestamp(self.0, 0) {
            Some(time) => write!(f, "{}", time.format(Self::FORMAT)),
            None => write!(f, "{} s since 1970", self.0),
        }
    }
}

/// What counting reads of a vote, borrowed from the record's bytes. Nothing is checked yet but the
/// shape: JSON, the required fields, their types.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParsedVote<'a> {
    /// The voter.
    pub voter_id: Cow<'a, str>,
    /// The choice.
    pub candidate_id: Cow<'a, str>,
    /// When it was cast.
    pub voting_time: VotingTime,
    /// Whether `vote` is exactly the integer 1.
    pub weight_is_one: bool,
    /// `address.state`, where it is text.
    pub state: Option<Cow<'a, str>>,
    /// `gender`, where it is text.
    pub gender: Option<Cow<'a, str>>,
    /// `registered_age`, where it is an integer.
    pub age: Option<i64>,
    /// `credential`, where it is text.
    pub credential: Option<Cow<'a, str>>,
}

impl<'a> ParsedVote<'a> {
    /// Reads a record's value.
    ///
    /// # Errors
    /// [`Reason::Malformed`] when it is not UTF-8, not one JSON object, or a required field is
    /// missing, of the wrong type, given twice or (ids) empty, longer than [`MAX_ID_BYTES`] or with
    /// control characters. Optional fields of an unexpected type are passed over.
    pub fn parse(value: &'a [u8]) -> Result<ParsedVote<'a>, Reason> {
        scan(value).map_or_else(|| ParsedVote::parse_json(value), Ok)
    }

    /// Reads a record's value that is as plain as votes usually are, and gives what [`ParsedVote::parse_json`]
    /// would; `None` for any other, vote or not. `other` hears the names of the fields that counting does
    /// not read.
    #[inline]
    pub fn parse_plain(value: &'a [u8], other: impl FnMut(&'a [u8])) -> Option<ParsedVote<'a>> {
        scan_telling(value, other)
    }

    /// The reading that says what a vote is, for any JSON. All that are faster give the same.
    ///
    /// # Errors
    /// As [`ParsedVote::parse`].
    pub fn parse_json(value: &'a [u8]) -> Result<ParsedVote<'a>, Reason> {
        // serde_json does not check the encoding of strings it skips, so the whole is checked first.
        let text = std::str::from_utf8(value).map_err(|_| Reason::Malformed)?;
        let fields: Fields<'a> = serde_json::from_str(text).map_err(|_| Reason::Malformed)?;
        if !usable_id(&fields.voter_id) || !usable_id(&fields.candidate_id) {
            return Err(Reason::Malformed);
        }
        Ok(ParsedVote {
            voting_time: VotingTime::parse(&fields.voting_time).ok_or(Reason::Malformed)?,
            weight_is_one: fields.vote.0,
            voter_id: fields.voter_id,
            candidate_id: fields.candidate_id,
            state: match fields.address {
                Optional::Object { state } => state,
                _ => None,
            },
            gender: fields.gender.text(),
            age: match fields.registered_age {
                Optional::Integer(age) => Some(age),
                _ => None,
            },
            credential: fields.credential.text(),
        })
    }
}

fn usable_id(id: &str) -> bool {
    !id.is_empty() && id.len() <= MAX_ID_BYTES && !has_control(id)
}

#[derive(Deserialize)]
struct Fields<'a> {
    #[serde(borrow)]
    voter_id: Cow<'a, str>,
    #[serde(borrow)]
    candidate_id: Cow<'a, str>,
    #[serde(borrow)]
    voting_time: Cow<'a, str>,
    vote: Weight,
    #[serde(borrow, default)]
    address: Optional<'a>,
    #[serde(borrow, default)]
    gender: Optional<'a>,
    #[serde(borrow, default)]
    registered_age: Optional<'a>,
    #[serde(borrow, default)]
    credential: Optional<'a>,
}

/// Whether `vote` is 1. Any other integer is a wrong weight; anything else is a wrong type.
struct Weight(bool);

impl<'de> Deserialize<'de> for Weight {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct WeightVisitor;
        impl Visitor<'_> for WeightVisitor {
            type Value = Weight;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an integer")
            }
            fn visit_u64<E: de::Error>(self, weight: u64) -> Result<Weight, E> {
                Ok(Weight(weight == 1))
            }
            fn visit_i64<E: de::Error>(self, weight: i64) -> Result<Weight, E> {
                Ok(Weight(weight == 1))
            }
        }
        deserializer.deserialize_any(WeightVisitor)
    }
}

/// The value of an optional field: any JSON is accepted, and reduced to what counting can use.
#[derive(Default)]
enum Optional<'a> {
    Text(Cow<'a, str>),
    Integer(i64),
    /// An object, of which only a textual `state` is kept.
    Object {
        state: Option<Cow<'a, str>>,
    },
    #[default]
    Other,
}

impl<'a> Optional<'a> {
    fn text(self) -> Option<Cow<'a, str>> {
        match self {
            Optional::Text(text) => Some(text),
            _ => None,
        }
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Optional<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(OptionalVisitor)
    }
}

struct OptionalVisitor;

impl<'de> Visitor<'de> for OptionalVisitor {
    type Value = Optional<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any JSON value")
    }
    fn visit_borrowed_str<E: de::Error>(self, text: &'de str) -> Result<Self::Value, E> {
        Ok(Optional::Text(Cow::Borrowed(text)))
    }
    fn visit_str<E: de::Error>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Optional::Text(Cow::Owned(text.to_owned())))
    }
    fn visit_i64<E: de::Error>(self, integer: i64) -> Result<Self::Value, E> {
        Ok(Optional::Integer(integer))
    }
    fn visit_u64<E: de::Error>(self, integer: u64) -> Result<Self::Value, E> {
        Ok(i64::try_from(integer).map_or(Optional::Other, Optional::Integer))
    }
    fn visit_f64<E: de::Error>(self, _: f64) -> Result<Self::Value, E> {
        Ok(Optional::Other)
    }
    fn visit_bool<E: de::Error>(self, _: bool) -> Result<Self::Value, E> {
        Ok(Optional::Other)
    }
    fn visit_unit<E: de::Error>(self) -> Result<Self::Value, E> {
        Ok(Optional::Other)
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
        while seq.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Optional::Other)
    }
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut state = None;
        while let Some(key) = map.next_key::<Optional<'de>>()? {
            match key {
                Optional::Text(key) if key == "state" => {
                    if state.is_some() {
                        return Err(de::Error::duplicate_field("state"));
                    }
                    state = Some(map.next_value::<Optional<'de>>()?);
                }
                _ => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(Optional::Object {
            state: state.and_then(Optional::text),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const VOTE: &str = r#"{"voter_id":"v1","candidate_id":"c1","voting_time":"2024-07-04 21:59:59","vote":1,"gender":"female","registered_age":44,"address":{"city":"Truro","state":"Cornwall"},"extra":[1,{"a":null}]}"#;

    fn with(from: &str, to: &str) -> Result<ParsedVote<'static>, Reason> {
        let text = VOTE.replace(from, to);
        assert_ne!(text, VOTE, "{from} stands in the sample");
        ParsedVote::parse(text.leak().as_bytes())
    }

    #[test]
    fn a_vote_is_read_in_place() {
        let vote = ParsedVote::parse(VOTE.as_bytes()).unwrap();
        assert!(matches!(vote.voter_id, Cow::Borrowed("v1")));
        assert!(matches!(vote.state, Some(Cow::Borrowed("Cornwall"))));
        assert_eq!(vote.age, Some(44));
        assert!(vote.weight_is_one);
        assert_eq!(vote.voting_time.to_string(), "2024-07-04 21:59:59");
    }

    #[test]
    fn escapes_are_decoded() {
        let vote = with("Cornwall", r"Cor\u006ewall").unwrap();
        assert_eq!(vote.state.as_deref(), Some("Cornwall"));
        assert_eq!(with("\"v1\"", "\"v\\u0031\"").unwrap().voter_id, "v1");
    }

    #[test]
    fn what_is_required_must_be_there_and_of_its_type() {
        for (from, to) in [
            ("\"voter_id\":\"v1\",", ""),
            ("\"v1\"", "7"),
            ("\"v1\"", "\"\""),
            ("\"v1\"", "\"a\\u0000b\""),
            ("\"c1\"", "null"),
            ("\"vote\":1", "\"vote\":\"1\""),
            ("\"vote\":1", "\"vote\":1.0"),
            ("\"vote\":1", "\"vote\":true"),
            ("\"vote\":1", "\"vote\":1,\"vote\":1"),
            ("2024-07-04 21", "2024-07-04T21"),
            ("2024-07-04", "2024-02-30"),
            ("21:59:59", "24:00:00"),
            ("]}", "]"),
            ("]}", "]} x"),
        ] {
            assert_eq!(with(from, to), Err(Reason::Malformed), "{from} -> {to}");
        }
        assert_eq!(ParsedVote::parse(b""), Err(Reason::Malformed));
        assert_eq!(ParsedVote::parse(b"[]"), Err(Reason::Malformed));
        let mut bytes = VOTE.as_bytes().to_vec();
        let at = VOTE.find("Truro").unwrap();
        bytes[at] = 0xff;
        assert_eq!(ParsedVote::parse(&bytes), Err(Reason::Malformed));
    }

    #[test]
    fn what_is_optional_may_be_anything() {
        assert_eq!(with("44", "\"44\"").unwrap().age, None);
        assert_eq!(with("\"female\"", "[1]").unwrap().gender, None);
        assert_eq!(
            with("{\"city\"", "[{\"city\"").err(),
            Some(Reason::Malformed)
        );
        assert_eq!(with("\"Cornwall\"", "{}").unwrap().state, None);
        assert!(!with("\"vote\":1", "\"vote\":2").unwrap().weight_is_one);
        assert!(!with("\"vote\":1", "\"vote\":-1").unwrap().weight_is_one);
    }

    #[test]
    fn voting_time_agrees_with_chrono() {
        for text in [
            "1970-01-01 00:00:00",
            "2024-02-29 12:30:45",
            "9999-12-31 23:59:59",
        ] {
            let chrono = chrono::NaiveDateTime::parse_from_str(text, VotingTime::FORMAT).unwrap();
            let ours = VotingTime::parse(text).unwrap();
            assert_eq!(ours.unix_seconds(), chrono.and_utc().timestamp());
            assert_eq!(ours.to_string(), text);
        }
        assert_eq!(VotingTime::parse("2024-07-04 21:59:5"), None);
        assert_eq!(VotingTime::parse("2024-07-04 21:59:60"), None);
        assert_eq!(VotingTime::parse("+024-07-04 21:59:50"), None);
    }
}
