//! A vote: the full record as it is cast, and the view of it that counting reads.

use std::borrow::Cow;
use std::fmt;

use chrono::NaiveDate;
use serde::de::{self, DeserializeSeed, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

use crate::choices::Choices;
use crate::group_paths::{GroupPaths, PathNode};
use crate::names::has_control;
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

/// A group's value as a vote has it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum GroupValue<'a> {
    /// The vote has none, or one that is neither text nor an integer.
    #[default]
    Absent,
    /// Text.
    Text(Cow<'a, str>),
    /// An integer.
    Integer(i64),
}

impl GroupValue<'_> {
    /// The value, borrowed.
    #[inline(always)]
    pub(crate) fn as_ref(&self) -> GroupValueRef<'_> {
        match self {
            GroupValue::Absent => GroupValueRef::Absent,
            GroupValue::Text(text) => GroupValueRef::Text(text),
            GroupValue::Integer(integer) => GroupValueRef::Integer(*integer),
        }
    }
}

/// A [`GroupValue`], borrowed.
#[derive(Debug, Clone, Copy)]
pub(crate) enum GroupValueRef<'v> {
    Absent,
    Text(&'v str),
    Integer(i64),
}

/// Where a vote's group values are.
pub(crate) trait GroupValuesOf {
    /// The value at a place of the paths.
    fn value(&self, place: usize) -> GroupValueRef<'_>;
}

impl GroupValuesOf for Vec<GroupValue<'_>> {
    #[inline(always)]
    fn value(&self, place: usize) -> GroupValueRef<'_> {
        self[place].as_ref()
    }
}

/// A vote as the rules look at it, wherever its parts are: the counting loop makes no [`ParsedVote`], which
/// is larger than all that it does with it.
pub(crate) struct VoteView<'v, V> {
    pub(crate) voter_id: &'v str,
    pub(crate) candidate_id: Option<&'v str>,
    pub(crate) choices: Option<&'v Choices<'v>>,
    pub(crate) voting_time: VotingTime,
    pub(crate) weight_is_one: bool,
    pub(crate) credential: Option<&'v str>,
    pub(crate) values: &'v V,
}

/// What counting reads of a vote, borrowed from the record's bytes. Nothing is checked yet but the
/// shape: JSON, the required fields, their types.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParsedVote<'a> {
    /// The voter.
    pub voter_id: Cow<'a, str>,
    /// The answer to the only contest; `None` where `choices` are given instead.
    pub candidate_id: Option<Cow<'a, str>>,
    /// The answers to several contests; `None` where `candidate_id` is given instead.
    pub choices: Option<Choices<'a>>,
    /// When it was cast.
    pub voting_time: VotingTime,
    /// Whether `vote` is exactly the integer 1.
    pub weight_is_one: bool,
    /// What stands at the distinct paths of the groups.
    pub values: Vec<GroupValue<'a>>,
    /// `credential`, where it is text.
    pub credential: Option<Cow<'a, str>>,
}

impl<'a> ParsedVote<'a> {
    /// The vote as the rules look at it.
    #[inline(always)]
    pub(crate) fn view(&self) -> VoteView<'_, Vec<GroupValue<'a>>> {
        VoteView {
            voter_id: &self.voter_id,
            candidate_id: self.candidate_id.as_deref(),
            choices: self.choices.as_ref(),
            voting_time: self.voting_time,
            weight_is_one: self.weight_is_one,
            credential: self.credential.as_deref(),
            values: &self.values,
        }
    }

    /// Reads a record's value.
    ///
    /// # Errors
    /// [`Reason::Malformed`] when it is not UTF-8, not one JSON object, or a required field is
    /// missing, of the wrong type, given twice or (ids) empty, longer than [`MAX_ID_BYTES`] or with
    /// control characters; or when it does not have exactly one of `candidate_id` and `choices`.
    /// Group values of an unexpected type are ignored.
    pub fn parse(value: &'a [u8], paths: &GroupPaths) -> Result<ParsedVote<'a>, Reason> {
        scan(value, paths).map_or_else(|| ParsedVote::parse_json(value, paths), Ok)
    }

    /// Reads a record's value that is as plain as votes usually are, and gives what [`ParsedVote::parse_json`]
    /// would; `None` for any other, vote or not. `other` hears the names of all fields but counting's
    /// own.
    #[inline]
    pub fn parse_plain(
        value: &'a [u8],
        paths: &GroupPaths,
        other: impl FnMut(&'a [u8]),
    ) -> Option<ParsedVote<'a>> {
        scan_telling(value, paths, other)
    }

    /// The reading that says what a vote is, for any JSON. All that are faster give the same.
    ///
    /// # Errors
    /// As [`ParsedVote::parse`].
    pub fn parse_json(value: &'a [u8], paths: &GroupPaths) -> Result<ParsedVote<'a>, Reason> {
        // serde_json does not check the encoding of strings it skips, so the whole is checked first.
        let text = std::str::from_utf8(value).map_err(|_| Reason::Malformed)?;
        let mut deserializer = serde_json::Deserializer::from_str(text);
        let vote = deserializer
            .deserialize_map(FieldsVisitor(paths))
            .and_then(|vote| deserializer.end().map(|()| vote))
            .map_err(|_| Reason::Malformed)?;
        let ids = [Some(&vote.voter_id), vote.candidate_id.as_ref()];
        let usable = ids.into_iter().flatten().all(|id| usable_id(id));
        let one_answer = vote.candidate_id.is_some() != vote.choices.is_some();
        (usable && one_answer)
            .then_some(vote)
            .ok_or(Reason::Malformed)
    }
}

/// Whether an id is neither empty nor too long, and has no control characters.
pub(crate) fn usable_id(id: &str) -> bool {
    !id.is_empty() && id.len() <= MAX_ID_BYTES && !has_control(id)
}

/// Reads a vote's fields, each at most once.
struct FieldsVisitor<'p>(&'p GroupPaths);

impl<'de> Visitor<'de> for FieldsVisitor<'_> {
    type Value = ParsedVote<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a vote")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let (mut voter_id, mut candidate_id, mut choices) = (None, None, None);
        let (mut voting_time, mut weight, mut credential) = (None, None, None);
        let mut values = vec![GroupValue::Absent; self.0.distinct()];
        let mut seen = 0;
        while let Some(Text(name)) = map.next_key()? {
            match &*name {
                "voter_id" => once(&mut voter_id, map.next_value::<Text<'de>>()?)?,
                "candidate_id" => once(&mut candidate_id, map.next_value::<Text<'de>>()?)?,
                "choices" => once(&mut choices, map.next_value::<Choices<'de>>()?)?,
                "voting_time" => once(&mut voting_time, map.next_value::<Text<'de>>()?)?,
                "vote" => once(&mut weight, map.next_value::<Weight>()?)?,
                "credential" => once(&mut credential, map.next_value::<Scalar<'de>>()?)?,
                name => group_field(&self.0.root, name, &mut seen, &mut map, &mut values)?,
            }
        }
        let Text(voter_id) = voter_id.ok_or_else(|| de::Error::missing_field("voter_id"))?;
        let Text(time) = voting_time.ok_or_else(|| de::Error::missing_field("voting_time"))?;
        let Weight(weight_is_one) = weight.ok_or_else(|| de::Error::missing_field("vote"))?;
        Ok(ParsedVote {
            voter_id,
            candidate_id: candidate_id.map(|Text(id)| id),
            choices,
            voting_time: VotingTime::parse(&time)
                .ok_or_else(|| de::Error::custom("not a voting time"))?,
            weight_is_one,
            values,
            credential: match credential {
                Some(Scalar(GroupValue::Text(text))) => Some(text),
                _ => None,
            },
        })
    }
}

/// Text, borrowed where it can be.
#[derive(Deserialize)]
pub(crate) struct Text<'a>(#[serde(borrow)] pub(crate) Cow<'a, str>);

/// Fills a field's place, once.
fn once<T, E: de::Error>(place: &mut Option<T>, value: T) -> Result<(), E> {
    match place.replace(value) {
        None => Ok(()),
        Some(_) => Err(de::Error::custom("a field is given twice")),
    }
}

/// Reads the value of an object's field, which may be on the way to a group's value.
fn group_field<'de, A: MapAccess<'de>>(
    node: &PathNode,
    name: &str,
    seen: &mut u64,
    map: &mut A,
    values: &mut [GroupValue<'de>],
) -> Result<(), A::Error> {
    let Some((number, child)) = node.child(name.as_bytes()) else {
        map.next_value::<IgnoredAny>()?;
        return Ok(());
    };
    if *seen & 1 << number != 0 {
        return Err(de::Error::custom("a field is given twice"));
    }
    *seen |= 1 << number;
    map.next_value_seed(GroupSeed {
        node: child,
        values,
    })
}

/// Reads what stands at a node of the groups' paths: any JSON is accepted, and what is of use is kept.
struct GroupSeed<'s, 'de> {
    node: &'s PathNode,
    values: &'s mut [GroupValue<'de>],
}

impl<'de> GroupSeed<'_, 'de> {
    fn keep(self, value: GroupValue<'de>) {
        if let Some(place) = self.node.place {
            self.values[place] = value;
        }
    }
}

impl<'de> DeserializeSeed<'de> for GroupSeed<'_, 'de> {
    type Value = ();
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for GroupSeed<'_, 'de> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any JSON value")
    }
    fn visit_borrowed_str<E: de::Error>(self, text: &'de str) -> Result<(), E> {
        self.keep(GroupValue::Text(Cow::Borrowed(text)));
        Ok(())
    }
    fn visit_str<E: de::Error>(self, text: &str) -> Result<(), E> {
        self.keep(GroupValue::Text(Cow::Owned(text.to_owned())));
        Ok(())
    }
    fn visit_i64<E: de::Error>(self, integer: i64) -> Result<(), E> {
        self.keep(GroupValue::Integer(integer));
        Ok(())
    }
    fn visit_u64<E: de::Error>(self, integer: u64) -> Result<(), E> {
        if let Ok(integer) = i64::try_from(integer) {
            self.keep(GroupValue::Integer(integer));
        }
        Ok(())
    }
    fn visit_f64<E: de::Error>(self, _: f64) -> Result<(), E> {
        Ok(())
    }
    fn visit_bool<E: de::Error>(self, _: bool) -> Result<(), E> {
        Ok(())
    }
    fn visit_unit<E: de::Error>(self) -> Result<(), E> {
        Ok(())
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        while seq.next_element::<IgnoredAny>()?.is_some() {}
        Ok(())
    }
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let mut seen = 0;
        while let Some(Text(name)) = map.next_key()? {
            group_field(self.node, &name, &mut seen, &mut map, self.values)?;
        }
        Ok(())
    }
}

/// Text or an integer; any other value is accepted and dropped.
#[derive(Default)]
struct Scalar<'a>(GroupValue<'a>);

impl<'de: 'a, 'a> Deserialize<'de> for Scalar<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut value = [GroupValue::Absent];
        let node = PathNode {
            place: Some(0),
            ..PathNode::default()
        };
        let seed = GroupSeed {
            node: &node,
            values: &mut value,
        };
        seed.deserialize(deserializer)?;
        let [value] = value;
        Ok(Scalar(value))
    }
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Group;

    const VOTE: &str = r#"{"voter_id":"v1","candidate_id":"c1","voting_time":"2024-07-04 21:59:59","vote":1,"gender":"female","registered_age":44,"address":{"city":"Truro","state":"Cornwall"},"extra":[1,{"a":null}]}"#;

    fn parse(vote: &[u8]) -> Result<ParsedVote<'_>, Reason> {
        ParsedVote::parse(vote, &GroupPaths::of(&Group::tutorial()))
    }

    fn with(from: &str, to: &str) -> Result<ParsedVote<'static>, Reason> {
        let text = VOTE.replace(from, to);
        assert_ne!(text, VOTE, "{from} stands in the sample");
        parse(text.leak().as_bytes())
    }

    /// The tutorial's groups in their order.
    const STATE: usize = 0;
    const GENDER: usize = 1;
    const AGE: usize = 2;

    #[test]
    fn a_vote_is_read_in_place() {
        let vote = parse(VOTE.as_bytes()).unwrap();
        assert!(matches!(vote.voter_id, Cow::Borrowed("v1")));
        let state = &vote.values[STATE];
        assert!(matches!(state, GroupValue::Text(Cow::Borrowed("Cornwall"))));
        assert_eq!(vote.values[AGE], GroupValue::Integer(44));
        assert!(vote.weight_is_one);
        assert_eq!(vote.voting_time.to_string(), "2024-07-04 21:59:59");
    }

    #[test]
    fn escapes_are_decoded() {
        let vote = with("Cornwall", r"Cor\u006ewall").unwrap();
        assert_eq!(vote.values[STATE], GroupValue::Text("Cornwall".into()));
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
        assert_eq!(parse(b""), Err(Reason::Malformed));
        assert_eq!(parse(b"[]"), Err(Reason::Malformed));
        let mut bytes = VOTE.as_bytes().to_vec();
        let at = VOTE.find("Truro").unwrap();
        bytes[at] = 0xff;
        assert_eq!(parse(&bytes), Err(Reason::Malformed));
    }

    #[test]
    fn what_is_optional_may_be_anything() {
        let absent = |vote: Result<ParsedVote<'_>, Reason>, group: usize| {
            assert_eq!(vote.unwrap().values[group], GroupValue::Absent);
        };
        assert_eq!(
            with("44", "\"44\"").unwrap().values[AGE],
            GroupValue::Text("44".into())
        );
        absent(with("44", "4.5"), AGE);
        absent(with("\"female\"", "[1]"), GENDER);
        assert_eq!(
            with("{\"city\"", "[{\"city\"").err(),
            Some(Reason::Malformed)
        );
        absent(with("\"Cornwall\"", "{}"), STATE);
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
