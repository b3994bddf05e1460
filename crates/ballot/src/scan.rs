//! The fast reading of a vote: for the plain JSON that votes are made of, without a general parser.
//!
//! [`scan`] either gives exactly what `serde_json` would, or nothing; then the caller asks
//! `serde_json`. It gives up at whatever is not plain: escapes, control characters, numbers that are
//! no short integers, arrays, objects within objects, a field given twice. So it accepts nothing that
//! is not a vote, and what makes a vote is still said in one place. Property tests hold it to that.

use std::borrow::Cow;
use std::ops::{Index, IndexMut};

use crate::choices::Choices;
use crate::definition::MAX_GROUPS;
use crate::group_paths::{GroupPaths, PathNode};
use crate::vote::{
    GroupValue, GroupValueRef, GroupValuesOf, ParsedVote, VoteView, VotingTime, usable_id,
};

/// Most digits of an integer that is read here; any such number fits an `i64`.
const MAX_DIGITS: usize = 18;

/// Bytes looked at together. The compiler makes SIMD instructions of a loop of this length.
const BLOCK: usize = 64;

/// The vote, if it is as plain as votes usually are.
pub(crate) fn scan<'a>(value: &'a [u8], paths: &GroupPaths) -> Option<ParsedVote<'a>> {
    scan_telling(value, paths, |_| ())
}

/// Like [`scan`]; `other` hears the names of all fields but counting's own.
pub(crate) fn scan_telling<'a>(
    value: &'a [u8],
    paths: &GroupPaths,
    mut other: impl FnMut(&'a [u8]),
) -> Option<ParsedVote<'a>> {
    let text = std::str::from_utf8(value).ok()?;
    let mut fields = Fields::default();
    scan_fields(text, paths, &mut fields, |part| {
        if let Part::OtherField { name } = part {
            other(name);
        }
    })?;
    fields.vote(text, paths.distinct())
}

/// What a scanner comes by.
pub(crate) enum Part<'a> {
    /// A field that is not one of counting's own.
    OtherField { name: &'a [u8] },
    /// A string, an integer, or the object of `choices`.
    Value(Plain),
}

/// Finds the fields that counting reads in a plain text; `tell` hears of all parts in their order.
pub(crate) fn scan_fields<'a>(
    text: &'a str,
    paths: &GroupPaths,
    fields: &mut Fields,
    tell: impl FnMut(Part<'a>),
) -> Option<()> {
    demand_plain(text.as_bytes())?;
    let mut scanner = Scanner {
        bytes: text.as_bytes(),
        at: 0,
        tell,
    };
    scanner.fields(&paths.root, fields)?;
    scanner.skip_spaces();
    (scanner.at == text.len()).then_some(())
}

/// Demands text without ASCII control characters or backslashes: then the end of every string is the
/// next quotation mark.
#[inline(always)]
pub(crate) fn demand_plain(value: &[u8]) -> Option<()> {
    // A fold and not an early exit: without branches the compiler makes SIMD of it.
    let special = |block: &[u8]| {
        block.iter().fold(false, |special, &byte| {
            special | (byte < b' ') | (byte == b'\\') | (byte == 0x7f)
        })
    };
    let (blocks, rest) = value.as_chunks::<BLOCK>();
    let in_blocks = blocks
        .iter()
        .fold(false, |found, block| found | special(block));
    (!in_blocks && !special(rest)).then_some(())
}

/// From where to where a value goes, without quotation marks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Span {
    pub(crate) start: usize,
    pub(crate) end: usize,
}

/// What a field's value may be here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Plain {
    Text(Span),
    Integer(i64, Span),
    /// `true`, `false` or `null`.
    Literal,
    /// The object of `choices`, braces and all.
    Choices(Span),
    /// An object of plain fields.
    Object,
}

/// The fields that counting reads by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Field {
    VoterId,
    CandidateId,
    Choices,
    VotingTime,
    Vote,
    Credential,
}

/// The place of the first group's value, behind the fields.
const GROUPS: usize = Field::Credential as usize + 1;

/// How many values counting reads.
pub(crate) const PLACES: usize = GROUPS + MAX_GROUPS;

impl Field {
    /// The field of this name at the top level.
    #[inline(always)]
    fn of_name(name: &[u8]) -> Option<Field> {
        Some(match name {
            b"voter_id" => Field::VoterId,
            b"candidate_id" => Field::CandidateId,
            b"choices" => Field::Choices,
            b"voting_time" => Field::VotingTime,
            b"vote" => Field::Vote,
            b"credential" => Field::Credential,
            _ => return None,
        })
    }
}

/// The values that are there: the fields', then the groups', then one that counting does not read.
#[derive(Debug, Default)]
pub(crate) struct Fields(pub(crate) [Option<Plain>; PLACES + 1]);

impl Index<Field> for Fields {
    type Output = Option<Plain>;
    fn index(&self, field: Field) -> &Option<Plain> {
        &self.0[field as usize]
    }
}

impl IndexMut<Field> for Fields {
    fn index_mut(&mut self, field: Field) -> &mut Option<Plain> {
        &mut self.0[field as usize]
    }
}

impl Fields {
    /// The vote that these fields of a text make up, with so many values of groups.
    #[inline(always)]
    pub(crate) fn vote<'a>(&self, text: &'a str, groups: usize) -> Option<ParsedVote<'a>> {
        let (Some(Plain::Integer(vote, _)), Some(voting_time)) =
            (self[Field::Vote], self.text(Field::VotingTime, text))
        else {
            return None;
        };
        let (candidate_id, choices) = match (self[Field::CandidateId], self[Field::Choices]) {
            (Some(_), None) => (Some(self.id(Field::CandidateId, text)?), None),
            (None, Some(Plain::Choices(span))) => (None, Some(choices(text, span)?)),
            _ => return None,
        };
        let value = |plain: &Option<Plain>| {
            Some(match plain {
                Some(Plain::Text(span)) => {
                    GroupValue::Text(Cow::Borrowed(text.get(span.start..span.end)?))
                }
                Some(Plain::Integer(integer, _)) => GroupValue::Integer(*integer),
                _ => GroupValue::Absent,
            })
        };
        let values = self.0[GROUPS..].iter().take(groups).map(value);
        let values = values.collect::<Option<Vec<_>>>()?;
        Some(ParsedVote {
            voter_id: self.id(Field::VoterId, text)?,
            candidate_id,
            choices,
            voting_time: VotingTime::parse(voting_time)?,
            weight_is_one: vote == 1,
            values,
            credential: match self[Field::Credential] {
                None => None,
                Some(Plain::Text(span)) => Some(Cow::Borrowed(text.get(span.start..span.end)?)),
                // What is taken out of votes before they are passed on is text here.
                Some(_) => return None,
            },
        })
    }

    /// A view of the vote that these fields of a text make up, if it names its candidate by `candidate_id`.
    #[inline(always)]
    pub(crate) fn view<'v>(
        &self,
        values: &'v PlainValues<'v>,
    ) -> Option<VoteView<'v, PlainValues<'v>>> {
        if self[Field::Choices].is_some() {
            return None;
        }
        Some(VoteView {
            candidate_id: Some(self.id_text(Field::CandidateId, values.text)?),
            ..self.view_without_answer(values)?
        })
    }

    /// A view of the vote that these fields of a text make up, if it has `choices`, and their text. The view is without them.
    #[inline(always)]
    pub(crate) fn view_beside_choices<'v>(
        &self,
        values: &'v PlainValues<'v>,
    ) -> Option<(VoteView<'v, PlainValues<'v>>, &'v str)> {
        match (self[Field::CandidateId], self[Field::Choices]) {
            (None, Some(Plain::Choices(span))) => {
                let choices = values.text.get(span.start..span.end)?;
                Some((self.view_without_answer(values)?, choices))
            }
            _ => None,
        }
    }

    #[inline(always)]
    fn view_without_answer<'v>(
        &self,
        values: &'v PlainValues<'v>,
    ) -> Option<VoteView<'v, PlainValues<'v>>> {
        let text = values.text;
        let (Some(Plain::Integer(vote, _)), Some(voting_time)) =
            (self[Field::Vote], self.text(Field::VotingTime, text))
        else {
            return None;
        };
        Some(VoteView {
            voter_id: self.id_text(Field::VoterId, text)?,
            candidate_id: None,
            choices: None,
            voting_time: VotingTime::parse(voting_time)?,
            weight_is_one: vote == 1,
            credential: match self[Field::Credential] {
                None => None,
                Some(Plain::Text(span)) => Some(text.get(span.start..span.end)?),
                Some(_) => return None,
            },
            values,
        })
    }

    /// The text of a field that has one.
    #[inline(always)]
    fn text<'a>(&self, field: Field, text: &'a str) -> Option<&'a str> {
        match self[field] {
            Some(Plain::Text(span)) => text.get(span.start..span.end),
            _ => None,
        }
    }

    #[inline(always)]
    fn id<'a>(&self, field: Field, text: &'a str) -> Option<Cow<'a, str>> {
        self.id_text(field, text).map(Cow::Borrowed)
    }

    #[inline(always)]
    fn id_text<'a>(&self, field: Field, text: &'a str) -> Option<&'a str> {
        let id = self.text(field, text)?;
        usable_id(id).then_some(id)
    }
}

/// The group values of a plain text, where they stand.
pub(crate) struct PlainValues<'v> {
    pub(crate) fields: &'v Fields,
    pub(crate) text: &'v str,
}

impl GroupValuesOf for PlainValues<'_> {
    #[inline(always)]
    fn value(&self, place: usize) -> GroupValueRef<'_> {
        match self.fields.0[GROUPS + place] {
            Some(Plain::Text(span)) => match self.text.get(span.start..span.end) {
                Some(text) => GroupValueRef::Text(text),
                None => GroupValueRef::Absent,
            },
            Some(Plain::Integer(integer, _)) => GroupValueRef::Integer(integer),
            _ => GroupValueRef::Absent,
        }
    }
}

/// Out of the way of votes with a `candidate_id`.
#[inline(never)]
fn choices(text: &str, span: Span) -> Option<Choices<'_>> {
    serde_json::from_str(text.get(span.start..span.end)?).ok()
}

/// Where the object that begins here ends. The text is [plain](demand_plain); whether it is JSON is not
/// looked at.
pub(crate) fn end_of_object(text: &[u8], start: usize) -> Option<usize> {
    let mut depth = 0_usize;
    let mut at = start;
    loop {
        match *text.get(at)? {
            b'{' | b'[' => depth += 1,
            b'}' | b']' => depth = depth.checked_sub(1)?,
            b'"' => at += 1 + memchr::memchr(b'"', text.get(at + 1..)?)?,
            _ => {}
        }
        at += 1;
        if depth == 0 {
            return Some(at);
        }
    }
}

struct Scanner<'a, T> {
    bytes: &'a [u8],
    at: usize,
    tell: T,
}

// The engine meters fuel, which makes every call and every turn of a loop expensive: what is small is inlined.
impl<'a, T: FnMut(Part<'a>)> Scanner<'a, T> {
    #[inline(always)]
    fn fields(&mut self, groups: &PathNode, fields: &mut Fields) -> Option<()> {
        let mut seen = 0_u64;
        self.object(|scanner, name| {
            if let Some(field) = Field::of_name(name) {
                let value = match field {
                    Field::Choices => scanner.choices()?,
                    _ => scanner.scalar()?,
                };
                return fields[field].replace(value).is_none().then_some(());
            }
            (scanner.tell)(Part::OtherField { name });
            let Some((number, group)) = groups.child(name) else {
                return scanner.value().map(|_| ());
            };
            if seen & 1 << number != 0 {
                return None;
            }
            seen |= 1 << number;
            scanner.group(group, fields)
        })
    }

    /// A value that is a group's, or an object with groups' values.
    #[inline(never)]
    fn group(&mut self, node: &PathNode, fields: &mut Fields) -> Option<()> {
        if self.peek()? != b'{' {
            let value = self.scalar()?;
            if let Some(place) = node.place {
                fields.0[GROUPS + place] = Some(value);
            }
            return Some(());
        }
        let mut seen = 0_u64;
        self.object(|scanner, name| {
            let value = scanner.scalar()?;
            if let Some((number, inner)) = node.child(name) {
                if seen & 1 << number != 0 {
                    return None;
                }
                seen |= 1 << number;
                if let Some(place) = inner.place {
                    fields.0[GROUPS + place] = Some(value);
                }
            }
            Some(())
        })
    }

    #[inline(never)]
    fn choices(&mut self) -> Option<Plain> {
        if self.peek()? != b'{' {
            return None;
        }
        let span = Span {
            start: self.at,
            end: end_of_object(self.bytes, self.at)?,
        };
        self.at = span.end;
        (self.tell)(Part::Value(Plain::Choices(span)));
        Some(Plain::Choices(span))
    }

    /// Reads an object, handing each key to `field`, which reads the value.
    #[inline(always)]
    fn object(&mut self, mut field: impl FnMut(&mut Self, &'a [u8]) -> Option<()>) -> Option<()> {
        self.token(b'{')?;
        if self.peek() == Some(b'}') {
            self.at += 1;
            return Some(());
        }
        loop {
            let key = self.string()?;
            self.token(b':')?;
            field(self, &self.bytes[key.start..key.end])?;
            match self.peek()? {
                b',' => self.at += 1,
                b'}' => {
                    self.at += 1;
                    return Some(());
                }
                _ => return None,
            }
        }
    }

    /// A value at the top level of the vote.
    #[inline(always)]
    fn value(&mut self) -> Option<Plain> {
        if self.peek()? == b'{' {
            self.flat_object()
        } else {
            self.scalar()
        }
    }

    fn flat_object(&mut self) -> Option<Plain> {
        self.object(|scanner, _| scanner.scalar().map(|_| ()))?;
        Some(Plain::Object)
    }

    #[inline(always)]
    fn scalar(&mut self) -> Option<Plain> {
        let value = match self.peek()? {
            b'"' => Plain::Text(self.string()?),
            b'-' | b'0'..=b'9' => {
                let (number, span) = integer(self.bytes, self.at)?;
                self.at = span.end;
                Plain::Integer(number, span)
            }
            _ => return self.literal(),
        };
        (self.tell)(Part::Value(value));
        Some(value)
    }

    fn literal(&mut self) -> Option<Plain> {
        let rest = &self.bytes[self.at..];
        let literal = [&b"true"[..], b"false", b"null"]
            .into_iter()
            .find(|literal| rest.starts_with(literal))?;
        self.at += literal.len();
        Some(Plain::Literal)
    }

    #[inline(always)]
    fn string(&mut self) -> Option<Span> {
        self.token(b'"')?;
        let rest = self.bytes.get(self.at..)?;
        let start = self.at;
        let end = start + memchr::memchr(b'"', rest)?;
        self.at = end + 1;
        Some(Span { start, end })
    }

    #[inline(always)]
    fn token(&mut self, byte: u8) -> Option<()> {
        (self.peek()? == byte).then(|| self.at += 1)
    }

    /// The next byte other than a space. Other white space is a control character, and not plain.
    #[inline(always)]
    fn peek(&mut self) -> Option<u8> {
        let byte = *self.bytes.get(self.at)?;
        if byte != b' ' {
            return Some(byte);
        }
        self.skip_spaces();
        self.bytes.get(self.at).copied()
    }

    fn skip_spaces(&mut self) {
        while self.bytes.get(self.at) == Some(&b' ') {
            self.at += 1;
        }
    }
}

/// The integer at a place, without exponent or fraction: a `.` or `e` behind it is nothing that may stand
/// behind a value, and ends it all.
pub(crate) fn integer(text: &[u8], start: usize) -> Option<(i64, Span)> {
    let negative = *text.get(start)? == b'-';
    let first = start + usize::from(negative);
    let digits = text.get(first..)?.iter();
    let (mut number, mut count) = (0i64, 0);
    for digit in digits
        .take_while(|byte| byte.is_ascii_digit())
        .take(MAX_DIGITS + 1)
    {
        number = number
            .wrapping_mul(10)
            .wrapping_add(i64::from(digit - b'0'));
        count += 1;
    }
    let leading_zero = count > 1 && text[first] == b'0';
    // `-0` is a float to serde_json.
    if count == 0 || count > MAX_DIGITS || leading_zero || (negative && number == 0) {
        return None;
    }
    let end = first + count;
    Some((if negative { -number } else { number }, Span { start, end }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::group_paths::tests::paths;
    use crate::sample_votes::{VOTES, edited, json};
    use proptest::prelude::*;

    #[test]
    fn usual_votes_are_read_here() {
        for vote in VOTES {
            let scanned = scan(vote.as_bytes(), &paths()).unwrap();
            assert_eq!(
                ParsedVote::parse_json(vote.as_bytes(), &paths()),
                Ok(scanned)
            );
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2_000))]

        #[test]
        fn whatever_is_scanned_is_what_serde_json_reads(vote in edited()) {
            if let Some(scanned) = scan(&vote, &paths()) {
                prop_assert_eq!(ParsedVote::parse_json(&vote, &paths()), Ok(scanned));
            }
        }

        #[test]
        fn fields_of_any_kind_agree(
            field in prop::sample::select(&["voter_id", "candidate_id", "vote", "voting_time", "address", "gender", "registered_age", "credential", "choices", "other"][..]),
            value in json(),
        ) {
            let mut vote: serde_json::Value = serde_json::from_str(VOTES[0]).unwrap();
            vote[field] = value;
            let text = vote.to_string();
            let parsed = ParsedVote::parse_json(text.as_bytes(), &paths());
            if let Some(scanned) = scan(text.as_bytes(), &paths()) {
                prop_assert_eq!(parsed, Ok(scanned));
            }
        }

        #[test]
        fn arbitrary_bytes_agree(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            if let Some(scanned) = scan(&bytes, &paths()) {
                prop_assert_eq!(ParsedVote::parse_json(&bytes, &paths()), Ok(scanned));
            }
        }
    }
}
