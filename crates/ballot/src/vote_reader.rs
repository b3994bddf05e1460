//! The fastest reading of a vote: by the layout of one that was read before.
//!
//! A program writes its votes with the same fields in the same order, so most of a vote's text is the same
//! in all of them: the text between the values. A [`Layout`] is that text, learned from a vote that was
//! [scanned](crate::scan). Another vote of the layout is read by comparing the text between the values, and
//! looking for each value's end. What the values may be is as limited as for the scanner, so that a text
//! which fits is what was scanned but for its values, and reads as the scanner would read it. Property
//! tests hold it to that.

use wide::u8x16;

use crate::scan::{
    Fields, PLACES, Part, Plain, PlainValues, Span, demand_plain, end_of_object, integer,
    scan_fields,
};
use crate::vote::VoteView;
use crate::{GroupPaths, ParsedVote, Reason};

/// Layouts that are remembered: of the first so many that are met.
const MAX_LAYOUTS: usize = 4;

/// Most values of a layout.
const MAX_VALUES: usize = 128;

/// Text that is compared at once, in bytes.
const MAX_BETWEEN: usize = 2 * VECTOR;

/// Bytes of a SIMD register.
const VECTOR: usize = 16;

/// Reads votes one after the other, and remembers how they are laid out: what [`ParsedVote::parse`] reads,
/// several times as fast where the votes are alike.
#[derive(Debug, Default)]
pub struct VoteReader {
    paths: GroupPaths,
    layouts: Vec<Layout>,
}

impl VoteReader {
    /// A reader of votes that are counted by the groups at these paths.
    pub fn new(paths: GroupPaths) -> VoteReader {
        VoteReader {
            paths,
            layouts: Vec::new(),
        }
    }

    /// Reads a record's value, as [`ParsedVote::parse`] does.
    ///
    /// # Errors
    /// As [`ParsedVote::parse`].
    pub fn read<'a>(&mut self, value: &'a [u8]) -> Result<ParsedVote<'a>, Reason> {
        self.read_text(vote_text(value)?)
    }

    /// Reads a record's value, as [`ParsedVote::parse`] does.
    ///
    /// # Errors
    /// As [`ParsedVote::parse`].
    #[inline(never)]
    pub(crate) fn read_text<'a>(&mut self, text: &'a str) -> Result<ParsedVote<'a>, Reason> {
        for layout in &self.layouts {
            if let Some(vote) = layout.read(text, self.paths.distinct()) {
                return Ok(vote);
            }
        }
        self.read_and_learn(text)
    }

    /// Shows a vote where it stands, if it has a layout that was read before, and a `candidate_id`.
    #[inline(always)]
    pub(crate) fn look<T>(
        &self,
        text: &str,
        look: impl FnOnce(VoteView<'_, PlainValues<'_>>) -> T,
    ) -> Option<T> {
        self.look_by(text, |fields, values| fields.view(values).map(look))
    }

    /// Shows a vote where it stands, if it has a layout that was read before, and the text of its `choices`.
    #[inline(always)]
    pub(crate) fn look_beside_choices<T>(
        &self,
        text: &str,
        look: impl FnOnce(VoteView<'_, PlainValues<'_>>, &str) -> T,
    ) -> Option<T> {
        self.look_by(text, |fields, values| {
            let (vote, choices) = fields.view_beside_choices(values)?;
            Some(look(vote, choices))
        })
    }

    #[inline(always)]
    fn look_by<T>(
        &self,
        text: &str,
        look: impl FnOnce(&Fields, &PlainValues<'_>) -> Option<T>,
    ) -> Option<T> {
        for layout in &self.layouts {
            let mut fields = Fields::default();
            if layout.fill(text, &mut fields).is_some() {
                let fields = &fields;
                return look(fields, &PlainValues { fields, text });
            }
        }
        None
    }

    #[cold]
    fn read_and_learn<'a>(&mut self, text: &'a str) -> Result<ParsedVote<'a>, Reason> {
        if self.layouts.len() < MAX_LAYOUTS
            && let Some(layout) = Layout::of(text, &self.paths)
            && let Some(vote) = layout.read(text, self.paths.distinct())
        {
            self.layouts.push(layout);
            return Ok(vote);
        }
        ParsedVote::parse(text.as_bytes(), &self.paths)
    }
}

/// The text that a record's value is.
///
/// # Errors
/// [`Reason::Malformed`] when it is not UTF-8.
#[inline(always)]
pub(crate) fn vote_text(value: &[u8]) -> Result<&str, Reason> {
    simdutf8::basic::from_utf8(value).map_err(|_| Reason::Malformed)
}

/// The text around the values of a vote, and what the values are.
#[derive(Debug, Default)]
struct Layout {
    parts: Vec<LayoutPart>,
}

/// Text that is the same in all votes, and a value behind it.
#[derive(Debug)]
struct LayoutPart {
    before: Between,
    value: Value,
    /// Where the value goes: the place of its field, or one behind them all.
    place: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Value {
    Text,
    Integer,
    Choices,
    /// More of the same text follows, or the end.
    Nothing,
}

/// The place of values that counting does not read.
const UNREAD: usize = PLACES;

impl Layout {
    /// The layout of a plain vote.
    fn of(text: &str, paths: &GroupPaths) -> Option<Layout> {
        let mut found = Vec::new();
        let mut fields = Fields::default();
        scan_fields(text, paths, &mut fields, |part| {
            if let Part::Value(value) = part {
                found.push(value);
            }
        })?;
        if found.len() > MAX_VALUES {
            return None;
        }
        let mut layout = Layout::default();
        let mut at = 0;
        for found in found {
            let (value, span) = match found {
                Plain::Text(span) => (Value::Text, span),
                Plain::Integer(_, span) => (Value::Integer, span),
                Plain::Choices(span) => (Value::Choices, span),
                Plain::Literal | Plain::Object => return None,
            };
            let field = fields.0[..PLACES]
                .iter()
                .position(|&field| field == Some(found));
            let before = text.as_bytes().get(at..span.start)?;
            layout.push(before, value, field.unwrap_or(UNREAD));
            at = span.end;
        }
        layout.push(text.as_bytes().get(at..)?, Value::Nothing, UNREAD);
        Some(layout)
    }

    fn push(&mut self, before: &[u8], value: Value, place: usize) {
        let mut chunks = before.chunks(MAX_BETWEEN);
        let last = chunks.next_back().unwrap_or_default();
        let whole = chunks.map(|chunk| (chunk, Value::Nothing, UNREAD));
        let parts = whole.chain([(last, value, place)]);
        self.parts
            .extend(parts.map(|(before, value, place)| LayoutPart {
                before: Between::new(before),
                value,
                place,
            }));
    }

    /// The vote, if it has this layout.
    #[inline(always)]
    fn read<'a>(&self, text: &'a str, groups: usize) -> Option<ParsedVote<'a>> {
        let mut fields = Fields::default();
        self.fill(text, &mut fields)?;
        fields.vote(text, groups)
    }

    /// Finds the fields of a text that has this layout.
    #[inline(always)]
    fn fill(&self, text: &str, fields: &mut Fields) -> Option<()> {
        let bytes = text.as_bytes();
        let mut at = 0;
        for part in &self.parts {
            at = part.before.end_in(bytes, at)?;
            let found = match part.value {
                Value::Text => {
                    let span = string(bytes, at)?;
                    at = span.end;
                    Plain::Text(span)
                }
                Value::Integer => {
                    let (number, span) = integer(bytes, at)?;
                    at = span.end;
                    Plain::Integer(number, span)
                }
                Value::Choices => {
                    let span = choices(bytes, at)?;
                    at = span.end;
                    Plain::Choices(span)
                }
                Value::Nothing => continue,
            };
            *fields.0.get_mut(part.place)? = Some(found);
        }
        (at == bytes.len()).then_some(())
    }
}

/// Text that is to be compared.
#[derive(Debug)]
struct Between {
    bytes: [u8x16; 2],
    /// All ones where `bytes` goes beyond the text.
    beyond: [u8x16; 2],
    len: usize,
}

impl Between {
    /// Text of at most [`MAX_BETWEEN`] bytes.
    fn new(text: &[u8]) -> Between {
        let mut bytes = [0; MAX_BETWEEN];
        bytes[..text.len()].copy_from_slice(text);
        let mut beyond = [u8::MAX; MAX_BETWEEN];
        beyond[..text.len()].fill(0);
        Between {
            bytes: vectors(&bytes),
            beyond: vectors(&beyond),
            len: text.len(),
        }
    }

    /// Where this text ends in another, if it stands there at this place.
    #[inline(always)]
    fn end_in(&self, text: &[u8], at: usize) -> Option<usize> {
        let rest = text.get(at..)?;
        let same = match rest.first_chunk() {
            Some(window) => {
                let [first, second] = vectors(window);
                let first = first.simd_eq(self.bytes[0]) | self.beyond[0];
                let second = second.simd_eq(self.bytes[1]) | self.beyond[1];
                (first & second).all()
            }
            // Near the end of the vote.
            None => self.is_start_of(rest),
        };
        same.then_some(at + self.len)
    }

    fn is_start_of(&self, text: &[u8]) -> bool {
        let bytes = self.bytes.iter().flat_map(|vector| vector.as_array());
        text.len() >= self.len && bytes.take(self.len).eq(&text[..self.len])
    }
}

#[inline(always)]
fn vectors(bytes: &[u8; MAX_BETWEEN]) -> [u8x16; 2] {
    let (chunks, _) = bytes.as_chunks::<VECTOR>();
    [u8x16::new(chunks[0]), u8x16::new(chunks[1])]
}

/// The object of `choices`, if its text is plain.
#[inline(never)]
fn choices(text: &[u8], start: usize) -> Option<Span> {
    (text.get(start) == Some(&b'{')).then_some(())?;
    let end = end_of_object(text, start)?;
    demand_plain(&text[start..end])?;
    Some(Span { start, end })
}

/// The string whose first byte is here. `None` if an escape or a control character comes before its end.
#[inline(always)]
fn string(text: &[u8], start: usize) -> Option<Span> {
    let mut at = start;
    loop {
        // The last look at a text goes back a little, so as not to go beyond its end.
        let from = at.min(text.len().checked_sub(VECTOR)?);
        let bytes = u8x16::new(*text.get(from..)?.first_chunk()?);
        let stops = bytes.simd_eq(u8x16::splat(b'"'))
            | bytes.simd_eq(u8x16::splat(b'\\'))
            | bytes.simd_eq(u8x16::splat(0x7f))
            | bytes.simd_eq(bytes.min(u8x16::splat(0x1f)));
        let stops = stops.to_bitmask() >> (at - from);
        if stops != 0 {
            let end = at + stops.trailing_zeros() as usize;
            return (text.get(end) == Some(&b'"')).then_some(Span { start, end });
        }
        at = from + VECTOR;
        if at == text.len() {
            return None;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::group_paths::tests::paths;
    use crate::sample_votes::{VOTES, edited, json};
    use proptest::prelude::*;

    #[test]
    fn a_vote_of_the_same_layout_is_read_by_it() {
        for vote in VOTES {
            let layout = Layout::of(vote, &paths()).unwrap();
            assert_eq!(
                layout.read(vote, paths().distinct()),
                ParsedVote::parse_json(vote.as_bytes(), &paths()).ok()
            );
        }
        let layout = Layout::of(VOTES[0], &paths()).unwrap();
        let other = VOTES[0]
            .replace("Cornwall", "Fife")
            .replace(":44,", ":7,")
            .replace(
                "Zoë",
                "A name that is a good deal longer than sixteen bytes",
            );
        let read = layout.read(&other, paths().distinct()).unwrap();
        assert_eq!(ParsedVote::parse_json(other.as_bytes(), &paths()), Ok(read));
    }

    #[test]
    fn only_so_many_layouts_are_remembered() {
        let mut reader = VoteReader::new(paths());
        for n in 0..2 * MAX_LAYOUTS {
            let vote = VOTES[0].replace("voter_name", &format!("name_{n}"));
            assert_eq!(
                reader.read(vote.as_bytes()),
                ParsedVote::parse_json(vote.as_bytes(), &paths())
            );
        }
        assert_eq!(reader.layouts.len(), MAX_LAYOUTS);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2_000))]

        #[test]
        fn whatever_is_read_by_a_layout_is_what_serde_json_reads(
            learned in edited(),
            votes in prop::collection::vec(edited(), 1..4),
        ) {
            let mut reader = VoteReader::new(paths());
            for vote in std::iter::once(&learned).chain(&votes) {
                prop_assert_eq!(reader.read(vote), ParsedVote::parse_json(vote, &paths()));
            }
        }

        #[test]
        fn values_of_any_kind_agree(
            field in prop::sample::select(&["voter_id", "candidate_id", "vote", "voting_time", "address", "gender", "registered_age", "credential", "choices", "other"][..]),
            values in prop::collection::vec(json(), 2..5),
        ) {
            let mut reader = VoteReader::new(paths());
            for value in values {
                let mut vote: serde_json::Value = serde_json::from_str(VOTES[0]).unwrap();
                vote[field] = value;
                let text = vote.to_string();
                prop_assert_eq!(reader.read(text.as_bytes()), ParsedVote::parse_json(text.as_bytes(), &paths()));
            }
        }

        #[test]
        fn text_of_any_length_is_read(
            texts in prop::collection::vec("[a-z]{0,70}", 1..5),
            rest in "[ }]{0,40}",
        ) {
            let mut reader = VoteReader::new(paths());
            for text in texts {
                let vote = format!(
                    r#"{{"voter_id":"v","vote":1,"voting_time":"2024-07-04 12:00:00","x":"{text}","candidate_id":"{text}"}}{rest}"#
                );
                prop_assert_eq!(reader.read(vote.as_bytes()), ParsedVote::parse_json(vote.as_bytes(), &paths()));
            }
        }
    }
}
