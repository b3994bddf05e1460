//! The groups that turnout is counted by: names from free text, and age bands.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The group of votes that do not say (or do not say usably) what they belong to.
pub const UNKNOWN_GROUP: &str = "unknown";

/// Longest group name, in bytes. A vote's text becomes a key in tables and topics, so it is bounded.
const MAX_GROUP_BYTES: usize = 128;

/// The group a free-text field stands for: itself, trimmed; [`UNKNOWN_GROUP`] when it is empty, too
/// long, or has control characters (which Postgres and terminals would not take).
#[inline]
pub fn group_name(text: &str) -> &str {
    // Trimming decodes characters, which costs too much for what most often has nothing to be trimmed.
    let text = match text.as_bytes() {
        [b'!'..=b'~', .., b'!'..=b'~'] => text,
        _ => text.trim(),
    };
    if text.is_empty() || text.len() > MAX_GROUP_BYTES || has_control(text) {
        UNKNOWN_GROUP
    } else {
        text
    }
}

/// Whether the text has a control character. Most have none, and no byte that could be part of one;
/// that is told without decoding them.
#[inline]
pub(crate) fn has_control(text: &str) -> bool {
    let suspicious = text.bytes().fold(false, |suspicious, byte| {
        suspicious | !(0x20..0x7f).contains(&byte)
    });
    suspicious && text.chars().any(char::is_control)
}

/// Age bands, by `registered_age` in full years.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum AgeBand {
    /// Under 18.
    #[serde(rename = "under 18")]
    Under18,
    /// 18 to 24.
    #[serde(rename = "18-24")]
    From18,
    /// 25 to 34.
    #[serde(rename = "25-34")]
    From25,
    /// 35 to 44.
    #[serde(rename = "35-44")]
    From35,
    /// 45 to 54.
    #[serde(rename = "45-54")]
    From45,
    /// 55 to 64.
    #[serde(rename = "55-64")]
    From55,
    /// 65 and over.
    #[serde(rename = "65+")]
    From65,
    /// No age given, or none a person can have.
    #[serde(rename = "unknown")]
    Unknown,
}

impl AgeBand {
    /// Every band, youngest first.
    pub const ALL: [AgeBand; 8] = [
        AgeBand::Under18,
        AgeBand::From18,
        AgeBand::From25,
        AgeBand::From35,
        AgeBand::From45,
        AgeBand::From55,
        AgeBand::From65,
        AgeBand::Unknown,
    ];

    /// The band of an age in years.
    pub fn of(age: Option<i64>) -> AgeBand {
        match age {
            Some(0..=17) => AgeBand::Under18,
            Some(18..=24) => AgeBand::From18,
            Some(25..=34) => AgeBand::From25,
            Some(35..=44) => AgeBand::From35,
            Some(45..=54) => AgeBand::From45,
            Some(55..=64) => AgeBand::From55,
            Some(65..=150) => AgeBand::From65,
            _ => AgeBand::Unknown,
        }
    }

    /// The name on the wire and in tables.
    pub fn as_str(self) -> &'static str {
        match self {
            AgeBand::Under18 => "under 18",
            AgeBand::From18 => "18-24",
            AgeBand::From25 => "25-34",
            AgeBand::From35 => "35-44",
            AgeBand::From45 => "45-54",
            AgeBand::From55 => "55-64",
            AgeBand::From65 => "65+",
            AgeBand::Unknown => UNKNOWN_GROUP,
        }
    }

    /// The band with this name on the wire, if there is one.
    pub fn from_name(name: &str) -> Option<AgeBand> {
        AgeBand::ALL.into_iter().find(|band| band.as_str() == name)
    }
}

impl fmt::Display for AgeBand {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
