//! The fast reading of a vote: for the plain JSON that votes are made of, without a general parser.
//!
//! [`scan`] either gives exactly what `serde_json` would, or nothing; then the caller asks
//! `serde_json`. It gives up at whatever is not plain: escapes, control characters, numbers that are
//! no short integers, arrays, objects within objects, a field given twice. So it accepts nothing that
//! is not a vote, and what makes a vote is still said in one place. Property tests hold it to that.

use std::borrow::Cow;

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
    other: impl FnMut(&'a [u8]),
) -> Option<ParsedVote<'a>> {
    demand_plain(value)?;
    let mut scanner = Scanner {
        bytes: value,
        at: 0,
    };
    let vote = scanner.vote(other)?;
    scanner.skip_spaces();
    (scanner.at == value.len()).then_some(vote)
}

/// Demands UTF-8 without ASCII control characters or backslashes: then the end of every string is
/// the next quotation mark, and every string is text.
fn demand_plain(value: &[u8]) -> Option<()> {
    // Two folds and not one early exit: without branches the compiler makes SIMD of them.
    let look = |block: &[u8]| {
        block.iter().fold((0, false), |(all, special), &byte| {
            let special = special | (byte < b' ') | (byte == b'\\') | (byte == 0x7f);
            (all | byte, special)
        })
    };
    let (blocks, rest) = value.as_chunks::<BLOCK>();
    let (mut all, mut special) = look(rest);
    for block in blocks {
        let (block_all, block_special) = look(block);
        all |= block_all;
        special |= block_special;
    }
    (!special && (all.is_ascii() || std::str::from_utf8(value).is_ok())).then_some(())
}

/// What a field's value may be here.
#[derive(Clone, Copy)]
enum Plain<'a> {
    Text(&'a [u8]),
    Integer(i64),
    /// `true`, `false` or `null`.
    Literal,
    /// An object of plain fields, of which a textual `state` is kept.
    Object {
        state: Option<&'a [u8]>,
    },
}

/// The bytes of a string as text.
fn text(bytes: &[u8]) -> Option<&str> {
    std::str::from_utf8(bytes).ok()
}

fn id(value: Option<Plain<'_>>) -> Option<Cow<'_, str>> {
    match value {
        Some(Plain::Text(bytes)) if (1..=MAX_ID_BYTES).contains(&bytes.len()) => {
            let id = text(bytes)?;
            (!has_control(id)).then_some(Cow::Borrowed(id))
        }
        _ => None,
    }
}

fn optional_text(value: Option<&[u8]>) -> Option<Option<Cow<'_, str>>> {
    match value {
        Some(bytes) => Some(Some(Cow::Borrowed(text(bytes)?))),
        None => Some(None),
    }
}

struct Scanner<'a> {
    bytes: &'a [u8],
    at: usize,
}

// The engine meters fuel, which makes every call and every turn of a loop dear: what is small and in
// the hot path is inlined.
impl<'a> Scanner<'a> {
    #[inline(always)]
    fn vote(&mut self, mut other: impl FnMut(&'a [u8])) -> Option<ParsedVote<'a>> {
        let (mut voter_id, mut candidate_id, mut voting_time) = (None, None, None);
        let (mut vote, mut address, mut gender, mut age) = (None, None, None, None);
        self.object(|scanner, key| {
            let value = scanner.value()?;
            let field = match key {
                b"voter_id" => &mut voter_id,
                b"candidate_id" => &mut candidate_id,
                b"voting_time" => &mut voting_time,
                b"vote" => &mut vote,
                b"address" => &mut address,
                b"gender" => &mut gender,
                b"registered_age" => &mut age,
                _ => {
                    other(key);
                    return Some(());
                }
            };
            field.replace(value).is_none().then_some(())
        })?;
        let (Some(Plain::Integer(vote)), Some(Plain::Text(time))) = (vote, voting_time) else {
            return None;
        };
        Some(ParsedVote {
            voter_id: id(voter_id)?,
            candidate_id: id(candidate_id)?,
            voting_time: VotingTime::parse_bytes(time)?,
            weight_is_one: vote == 1,
            state: optional_text(match address {
                Some(Plain::Object { state }) => state,
                _ => None,
            })?,
            gender: optional_text(match gender {
                Some(Plain::Text(gender)) => Some(gender),
                _ => None,
            })?,
            age: match age {
                Some(Plain::Integer(age)) => Some(age),
                _ => None,
            },
        })
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
            field(self, key)?;
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
    fn value(&mut self) -> Option<Plain<'a>> {
        if self.peek()? == b'{' {
            self.flat_object()
        } else {
            self.scalar()
        }
    }

    fn flat_object(&mut self) -> Option<Plain<'a>> {
        let (mut state, mut states) = (None, 0);
        self.object(|scanner, key| {
            let value = scanner.scalar()?;
            if key == b"state" {
                states += 1;
                if let Plain::Text(text) = value {
                    state = Some(text);
                }
            }
            Some(())
        })?;
        (states <= 1).then_some(Plain::Object { state })
    }

    #[inline(always)]
    fn scalar(&mut self) -> Option<Plain<'a>> {
        match self.peek()? {
            b'"' => self.string().map(Plain::Text),
            b'-' | b'0'..=b'9' => self.integer().map(Plain::Integer),
            _ => self.literal(),
        }
    }

    fn literal(&mut self) -> Option<Plain<'a>> {
        let rest = &self.bytes[self.at..];
        let literal = [&b"true"[..], b"false", b"null"]
            .into_iter()
            .find(|literal| rest.starts_with(literal))?;
        self.at += literal.len();
        Some(Plain::Literal)
    }

    /// An integer without exponent or fraction (a `.` or `e` behind it is no token, and ends it all).
    fn integer(&mut self) -> Option<i64> {
        let negative = self.bytes[self.at] == b'-';
        self.at += usize::from(negative);
        let digits = self.bytes[self.at..]
            .iter()
            .take_while(|byte| byte.is_ascii_digit());
        let (mut number, mut count) = (0i64, 0);
        for digit in digits.take(MAX_DIGITS + 1) {
            number = number
                .wrapping_mul(10)
                .wrapping_add(i64::from(digit - b'0'));
            count += 1;
        }
        let leading_zero = count > 1 && self.bytes[self.at] == b'0';
        // `-0` is a float to serde_json.
        if count == 0 || count > MAX_DIGITS || leading_zero || (negative && number == 0) {
            return None;
        }
        self.at += count;
        Some(if negative { -number } else { number })
    }

    #[inline(always)]
    fn string(&mut self) -> Option<&'a [u8]> {
        self.token(b'"')?;
        let rest = self.bytes.get(self.at..)?;
        let string = &rest[..memchr::memchr(b'"', rest)?];
        self.at += string.len() + 1;
        Some(string)
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

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// As the producer writes it, and as Python's `json.dumps` does.
    const VOTES: [&str; 2] = [
        r#"{"voter_id":"5d1f8d4e-54a6-4a3c-9d0e-0c4f6c1f2b3a","voter_name":"Zoë Ågren","gender":"female","registered_age":44,"address":{"street":"1 Fore Street","state":"Cornwall","postcode":"TR1 1AA"},"candidate_id":"c1","voting_time":"2024-07-04 21:59:59","vote":1}"#,
        r#"{"voter_id": "v1", "address": {"state": "Fife"}, "registered_age": null, "candidate_id": "c1", "voting_time": "2024-07-04 21:59:59", "vote": 1}"#,
    ];

    #[test]
    fn usual_votes_are_read_here() {
        for vote in VOTES {
            let scanned = scan(vote.as_bytes()).unwrap();
            assert_eq!(ParsedVote::parse_json(vote.as_bytes()), Ok(scanned));
        }
    }

    fn json() -> impl Strategy<Value = serde_json::Value> {
        let leaf = prop_oneof![
            Just(serde_json::Value::Null),
            any::<bool>().prop_map(Into::into),
            any::<i64>().prop_map(Into::into),
            any::<f64>().prop_map(Into::into),
            (-2i64..3).prop_map(Into::into),
            "[ -~]{0,12}|\\PC{0,6}".prop_map(Into::into),
            Just("2024-07-04 12:00:00".into()),
        ];
        leaf.prop_recursive(3, 16, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..3).prop_map(Into::into),
                prop::collection::hash_map("state|city|x", inner, 0..3)
                    .prop_map(|map| serde_json::Value::Object(map.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2_000))]

        #[test]
        fn whatever_is_scanned_is_what_serde_json_reads(
            which in 0..VOTES.len(),
            edits in prop::collection::vec((any::<prop::sample::Index>(), prop_oneof![
                any::<u8>(),
                prop::sample::select(&b"{}[]\",:\\ 0123456789-+.eEntf\n\x00\xc3"[..]),
            ], 0..3u8), 0..4),
        ) {
            let mut vote = VOTES[which].as_bytes().to_vec();
            for (at, byte, kind) in edits {
                let at = at.index(vote.len());
                match kind {
                    0 => vote[at] = byte,
                    1 => vote.insert(at, byte),
                    _ => { vote.remove(at); }
                }
            }
            if let Some(scanned) = scan(&vote) {
                prop_assert_eq!(ParsedVote::parse_json(&vote), Ok(scanned));
            }
        }

        #[test]
        fn fields_of_any_kind_agree(
            field in prop::sample::select(&["voter_id", "candidate_id", "vote", "voting_time", "address", "gender", "registered_age", "other"][..]),
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
