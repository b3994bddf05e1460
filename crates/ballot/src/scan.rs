//! The fast reading of a vote: for the plain JSON that votes are made of, without a general parser.
//!
//! [`scan`] either gives exactly what `serde_json` would, or nothing; then the caller asks
//! `serde_json`. It gives up at whatever is not plain: escapes, control characters, numbers that are
//! no short integers, arrays, objects within objects, a field given twice. So it accepts nothing that
//! is not a vote, and what makes a vote is still said in one place. Property tests hold it to that.

use std::borrow::Cow;
use std::ops::{Index, IndexMut};

use crate::groups::has_control;
use crate::vote::{MAX_ID_BYTES, ParsedVote, VotingTime};

/// Most digits of an integer that is read here; any such number fits an `i64`.
const MAX_DIGITS: usize = 18;

/// Bytes looked at together. The compiler makes SIMD instructions of a loop of this length.
const BLOCK: usize = 64;

/// The vote, if it is as plain as votes usually are.
pub(crate) fn scan(value: &[u8]) -> Option<ParsedVote<'_>> {
    scan_telling(value, |_| ())
}

/// Like [`scan`]; `other` hears the names of the fields that counting does not read.
pub(crate) fn scan_telling<'a>(
    value: &'a [u8],
    mut other: impl FnMut(&'a [u8]),
) -> Option<ParsedVote<'a>> {
    let text = std::str::from_utf8(value).ok()?;
    let fields = scan_fields(text, |part| {
        if let Part::OtherField { name } = part {
            other(name);
        }
    })?;
    fields.vote(text)
}

/// What a scanner comes by.
pub(crate) enum Part<'a> {
    /// A field that counting does not read.
    OtherField { name: &'a [u8] },
    /// A string or an integer.
    Value(Plain),
}

/// Where the fields that counting reads are in a plain text; `tell` hears of all parts in their order.
pub(crate) fn scan_fields<'a>(text: &'a str, tell: impl FnMut(Part<'a>)) -> Option<Fields> {
    demand_plain(text.as_bytes())?;
    let mut scanner = Scanner {
        bytes: text.as_bytes(),
        at: 0,
        tell,
    };
    let fields = scanner.fields()?;
    scanner.skip_spaces();
    (scanner.at == text.len()).then_some(fields)
}

/// Demands text without ASCII control characters or backslashes: then the end of every string is the
/// next quotation mark.
fn demand_plain(value: &[u8]) -> Option<()> {
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
    /// An object of plain fields, of which a textual `state` is kept.
    Object {
        state: Option<Span>,
    },
}

/// The fields that counting reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Field {
    VoterId,
    CandidateId,
    VotingTime,
    Vote,
    Address,
    /// In `address`.
    State,
    Gender,
    RegisteredAge,
    Credential,
}

impl Field {
    pub(crate) const ALL: [Field; 9] = [
        Field::VoterId,
        Field::CandidateId,
        Field::VotingTime,
        Field::Vote,
        Field::Address,
        Field::State,
        Field::Gender,
        Field::RegisteredAge,
        Field::Credential,
    ];

    /// The field of this name at the top level.
    #[inline(always)]
    fn of_name(name: &[u8]) -> Option<Field> {
        Some(match name {
            b"voter_id" => Field::VoterId,
            b"candidate_id" => Field::CandidateId,
            b"voting_time" => Field::VotingTime,
            b"vote" => Field::Vote,
            b"address" => Field::Address,
            b"gender" => Field::Gender,
            b"registered_age" => Field::RegisteredAge,
            b"credential" => Field::Credential,
            _ => return None,
        })
    }
}

/// The values of the fields that are there.
#[derive(Debug, Default)]
pub(crate) struct Fields([Option<Plain>; Field::ALL.len()]);

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

impl From<[Option<Plain>; Field::ALL.len()]> for Fields {
    fn from(values: [Option<Plain>; Field::ALL.len()]) -> Self {
        Fields(values)
    }
}

impl Fields {
    /// The vote that these fields of a text make up.
    #[inline(always)]
    pub(crate) fn vote<'a>(&self, text: &'a str) -> Option<ParsedVote<'a>> {
        let (Some(Plain::Integer(vote, _)), Some(voting_time)) =
            (self[Field::Vote], self.text(Field::VotingTime, text))
        else {
            return None;
        };
        Some(ParsedVote {
            voter_id: self.id(Field::VoterId, text)?,
            candidate_id: self.id(Field::CandidateId, text)?,
            voting_time: VotingTime::parse(voting_time)?,
            weight_is_one: vote == 1,
            state: self.text(Field::State, text).map(Cow::Borrowed),
            gender: self.text(Field::Gender, text).map(Cow::Borrowed),
            age: match self[Field::RegisteredAge] {
                Some(Plain::Integer(age, _)) => Some(age),
                _ => None,
            },
            credential: match self[Field::Credential] {
                None => None,
                Some(Plain::Text(span)) => Some(Cow::Borrowed(text.get(span.start..span.end)?)),
                // What is taken out of votes before they are passed on is text here.
                Some(_) => return None,
            },
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
        let id = self.text(field, text)?;
        let usable = (1..=MAX_ID_BYTES).contains(&id.len()) && !has_control(id);
        usable.then_some(Cow::Borrowed(id))
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
    fn fields(&mut self) -> Option<Fields> {
        let mut fields = Fields::default();
        self.object(|scanner, name| {
            let value = scanner.value()?;
            let Some(field) = Field::of_name(name) else {
                (scanner.tell)(Part::OtherField { name });
                return Some(());
            };
            if let (Field::Address, Plain::Object { state: Some(state) }) = (field, value) {
                fields[Field::State] = Some(Plain::Text(state));
            }
            fields[field].replace(value).is_none().then_some(())
        })?;
        Some(fields)
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
        let (mut state, mut states) = (None, 0);
        self.object(|scanner, key| {
            let value = scanner.scalar()?;
            if key == b"state" {
                states += 1;
                if let Plain::Text(span) = value {
                    state = Some(span);
                }
            }
            Some(())
        })?;
        (states <= 1).then_some(Plain::Object { state })
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

    /// The next byte that is no space. Other white space is control characters, and not plain.
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
    use crate::sample_votes::{VOTES, edited, json};
    use proptest::prelude::*;

    #[test]
    fn usual_votes_are_read_here() {
        for vote in VOTES {
            let scanned = scan(vote.as_bytes()).unwrap();
            assert_eq!(ParsedVote::parse_json(vote.as_bytes()), Ok(scanned));
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2_000))]

        #[test]
        fn whatever_is_scanned_is_what_serde_json_reads(vote in edited()) {
            if let Some(scanned) = scan(&vote) {
                prop_assert_eq!(ParsedVote::parse_json(&vote), Ok(scanned));
            }
        }

        #[test]
        fn fields_of_any_kind_agree(
            field in prop::sample::select(&["voter_id", "candidate_id", "vote", "voting_time", "address", "gender", "registered_age", "credential", "other"][..]),
            value in json(),
        ) {
            let mut vote: serde_json::Value = serde_json::from_str(VOTES[0]).unwrap();
            vote[field] = value;
            let text = vote.to_string();
            let parsed = ParsedVote::parse_json(text.as_bytes());
            if let Some(scanned) = scan(text.as_bytes()) {
                prop_assert_eq!(parsed, Ok(scanned));
            }
        }

        #[test]
        fn arbitrary_bytes_agree(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            if let Some(scanned) = scan(&bytes) {
                prop_assert_eq!(ParsedVote::parse_json(&bytes), Ok(scanned));
            }
        }
    }
}
