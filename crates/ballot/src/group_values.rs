//! The values of a group as numbers: which value a vote is counted under.

use std::borrow::Cow;

use crate::names::{Names, has_control};
use crate::vote::GroupValueRef;
use crate::{Group, HashSeed, OTHER, UNKNOWN};

/// Longest value, in bytes. A vote's text becomes a key in tables and topics, so it is bounded.
const MAX_VALUE_BYTES: usize = 128;

/// The number of [`UNKNOWN`] in every group.
const UNKNOWN_NUMBER: usize = 0;

/// The number of [`OTHER`] in every group.
const OTHER_NUMBER: usize = 1;

/// Integers whose band is looked up in a table: all ages, for one.
const SMALL_INTEGERS: usize = 256;

/// Numbers a group's values: [`UNKNOWN`] and [`OTHER`], those that are known beforehand, then others as they come.
pub(crate) struct GroupValues {
    group: Group,
    names: Names,
    kind: Kind,
    /// The number of each small integer's band, where there are bands.
    small_integers: Vec<u32>,
}

#[derive(Clone, Copy)]
enum Kind {
    /// Text that is not known beforehand, up to so many names.
    Text { most_names: usize },
    /// Text of a closed list.
    List,
    /// Bands of integers.
    Bands,
}

impl GroupValues {
    pub(crate) fn of(group: &Group, seed: HashSeed) -> GroupValues {
        let known = group.known_values();
        let known_names = known.iter().map(String::as_str);
        let names = Names::of(seed, [UNKNOWN, OTHER].into_iter().chain(known_names));
        let kind = match (group.bands.is_empty(), known.is_empty()) {
            (false, _) => Kind::Bands,
            (true, false) => Kind::List,
            (true, true) => Kind::Text {
                most_names: group.limit.saturating_add(names.len()),
            },
        };
        let mut values = GroupValues {
            group: group.clone(),
            names,
            kind,
            small_integers: Vec::new(),
        };
        if let Kind::Bands = kind {
            let integers = 0..SMALL_INTEGERS as i64;
            values.small_integers = integers.map(|integer| values.band(integer)).collect();
        }
        values
    }

    /// The number of the value that a vote is counted under; `None` for a text that has none yet.
    #[inline(always)]
    pub(crate) fn known(&self, value: GroupValueRef<'_>) -> Option<u32> {
        Some(match (self.kind, value) {
            (Kind::Bands, GroupValueRef::Integer(integer)) => {
                let small = usize::try_from(integer).ok();
                match small.and_then(|small| self.small_integers.get(small)) {
                    Some(number) => *number,
                    None => self.band(integer),
                }
            }
            (Kind::Text { .. }, GroupValueRef::Text(text)) => {
                let number = self.names.number(value_of_text(text));
                return number
                    .or_else(|| self.is_full().then_some(OTHER_NUMBER))
                    .map(|it| it as u32);
            }
            (Kind::List, GroupValueRef::Text(text)) => {
                self.names
                    .number(value_of_text(text))
                    .unwrap_or(OTHER_NUMBER) as u32
            }
            _ => UNKNOWN_NUMBER as u32,
        })
    }

    /// The number of the value that a vote is counted under. A new text gets one, while there is room: so only
    /// votes that count may ask.
    pub(crate) fn number(&mut self, value: GroupValueRef<'_>) -> u32 {
        let known = self.known(value);
        known.unwrap_or_else(|| match (self.kind, value) {
            (Kind::Text { .. }, GroupValueRef::Text(text)) if !self.is_full() => {
                self.names.intern(value_of_text(text)) as u32
            }
            _ => OTHER_NUMBER as u32,
        })
    }

    /// Whether no text gets a number any more.
    fn is_full(&self) -> bool {
        matches!(self.kind, Kind::Text { most_names } if self.names.len() >= most_names)
    }

    #[cold]
    fn band(&self, integer: i64) -> u32 {
        // Bands follow on the two names that every group has.
        let number = self
            .group
            .band_of(integer)
            .map(|band| band + OTHER_NUMBER + 1);
        number.unwrap_or(UNKNOWN_NUMBER) as u32
    }

    /// Whether the number is of a value of its own, not of all that are unknown, or of all others.
    pub(crate) fn is_of_one_value(number: u32) -> bool {
        number as usize > OTHER_NUMBER
    }

    /// The group's name.
    pub(crate) fn name(&self) -> &str {
        &self.group.name
    }

    /// The value with this number.
    pub(crate) fn value(&self, number: usize) -> &str {
        self.names.name(number)
    }
}

/// The value that a vote is counted under, without regard to the limit of distinct values.
pub(crate) fn value_name<'v>(group: &Group, value: GroupValueRef<'v>) -> Cow<'v, str> {
    match value {
        GroupValueRef::Integer(integer) if !group.bands.is_empty() => {
            let band = group.band_of(integer);
            band.map_or(UNKNOWN.into(), |band| group.band_name(band).into())
        }
        GroupValueRef::Text(text) if group.bands.is_empty() => {
            let text = value_of_text(text);
            let known = &group.values;
            let is_listed =
                known.is_empty() || text == UNKNOWN || known.iter().any(|it| it == text);
            (if is_listed { text } else { OTHER }).into()
        }
        _ => UNKNOWN.into(),
    }
}

/// The value a free text stands for: itself, trimmed; [`UNKNOWN`] when it is empty, too long, or has control
/// characters (which Postgres and terminals would not take).
#[inline]
pub fn value_of_text(text: &str) -> &str {
    // Trimming decodes characters; most text has nothing to trim.
    let text = match text.as_bytes() {
        [b'!'..=b'~', .., b'!'..=b'~'] => text,
        _ => text.trim(),
    };
    if text.is_empty() || text.len() > MAX_VALUE_BYTES || has_control(text) {
        UNKNOWN
    } else {
        text
    }
}
