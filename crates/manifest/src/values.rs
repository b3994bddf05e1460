//! The values of a manifest that are more than a number or a name: sizes, times, choices.

use std::fmt;
use std::num::NonZeroU32;
use std::time::Duration;

use serde::Deserialize;
use serde::de::{Deserializer, Error, Unexpected, Visitor};

/// Which way records go between a Fluvio topic and a Kafka topic.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Direction {
    /// From Fluvio to Kafka.
    ToKafka,
    /// From Kafka to Fluvio.
    FromKafka,
}

/// How records that go to Kafka are compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum KafkaCompression {
    /// Not at all: what every client reads, and what costs least processor time of those that it does.
    #[default]
    None,
    /// gzip, which every client reads by itself, too.
    Gzip,
    /// Snappy.
    Snappy,
    /// lz4.
    Lz4,
    /// Zstandard.
    Zstd,
}

impl KafkaCompression {
    /// All there are.
    pub const ALL: [KafkaCompression; 5] = [
        KafkaCompression::None,
        KafkaCompression::Gzip,
        KafkaCompression::Snappy,
        KafkaCompression::Lz4,
        KafkaCompression::Zstd,
    ];

    /// Its name in the manifest, and in the settings of Kafka's clients.
    pub fn name(self) -> &'static str {
        match self {
            KafkaCompression::None => "none",
            KafkaCompression::Gzip => "gzip",
            KafkaCompression::Snappy => "snappy",
            KafkaCompression::Lz4 => "lz4",
            KafkaCompression::Zstd => "zstd",
        }
    }
}

/// A number of things, at least one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Count(pub(crate) u32);

/// A number of bytes: a number, or text with a unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Size(pub(crate) u64);

/// How long records are kept; `None` is for ever.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Retention(pub(crate) Option<Duration>);

const SIZE_UNITS: [(&str, u64); 7] = [
    ("B", 1),
    ("kB", 1_000),
    ("MB", 1_000_000),
    ("GB", 1_000_000_000),
    ("KiB", 1 << 10),
    ("MiB", 1 << 20),
    ("GiB", 1 << 30),
];

const TIME_UNITS: [(&str, u64); 4] = [
    ("second", 1),
    ("minute", 60),
    ("hour", 60 * 60),
    ("day", 24 * 60 * 60),
];

const FOR_EVER: &str = "forever";

/// A number and its unit, multiplied.
fn with_unit(text: &str, unit_of: impl Fn(&str) -> Option<u64>) -> Option<u64> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at(digits);
    number
        .parse::<u64>()
        .ok()?
        .checked_mul(unit_of(unit.trim())?)
}

impl<'de> Deserialize<'de> for Count {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct CountVisitor;
        impl Visitor<'_> for CountVisitor {
            type Value = Count;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "a number from 1 to {}", u32::MAX)
            }
            fn visit_i64<E: Error>(self, number: i64) -> Result<Count, E> {
                u32::try_from(number)
                    .ok()
                    .and_then(NonZeroU32::new)
                    .map(|number| Count(number.get()))
                    .ok_or_else(|| E::invalid_value(Unexpected::Signed(number), &self))
            }
        }
        deserializer.deserialize_any(CountVisitor)
    }
}

impl<'de> Deserialize<'de> for Size {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct SizeVisitor;
        impl Visitor<'_> for SizeVisitor {
            type Value = Size;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                let units: Vec<_> = SIZE_UNITS.iter().map(|(name, _)| *name).collect();
                let units = units.join(", ");
                write!(
                    f,
                    "a size such as \"512 MiB\" ({units}), or a number of bytes"
                )
            }
            fn visit_i64<E: Error>(self, number: i64) -> Result<Size, E> {
                u64::try_from(number)
                    .map(Size)
                    .map_err(|_| E::invalid_value(Unexpected::Signed(number), &self))
            }
            fn visit_str<E: Error>(self, text: &str) -> Result<Size, E> {
                let unit_of = |unit: &str| {
                    let known = SIZE_UNITS.iter().find(|(name, _)| *name == unit);
                    known.map(|(_, bytes)| *bytes)
                };
                with_unit(text, unit_of)
                    .map(Size)
                    .ok_or_else(|| E::invalid_value(Unexpected::Str(text), &self))
            }
        }
        deserializer.deserialize_any(SizeVisitor)
    }
}

impl<'de> Deserialize<'de> for Retention {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct RetentionVisitor;
        impl Visitor<'_> for RetentionVisitor {
            type Value = Retention;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                let units: Vec<_> = TIME_UNITS
                    .iter()
                    .map(|(name, _)| format!("{name}s"))
                    .collect();
                let units = units.join(", ");
                write!(f, "\"{FOR_EVER}\", or a time such as \"7 days\" ({units})")
            }
            fn visit_str<E: Error>(self, text: &str) -> Result<Retention, E> {
                if text == FOR_EVER {
                    return Ok(Retention(None));
                }
                let unit_of = |unit: &str| {
                    let unit = unit.strip_suffix('s').unwrap_or(unit);
                    let known = TIME_UNITS.iter().find(|(name, _)| *name == unit);
                    known.map(|(_, seconds)| *seconds)
                };
                with_unit(text, unit_of)
                    .map(|seconds| Retention(Some(Duration::from_secs(seconds))))
                    .ok_or_else(|| E::invalid_value(Unexpected::Str(text), &self))
            }
        }
        deserializer.deserialize_any(RetentionVisitor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Deserialize)]
    struct One<T> {
        value: T,
    }

    fn read<T: for<'de> Deserialize<'de>>(value: &str) -> Result<T, String> {
        toml::from_str::<One<T>>(&format!("value = {value}"))
            .map(|one| one.value)
            .map_err(|error| error.message().to_owned())
    }

    #[test]
    fn sizes_have_units() {
        for (text, bytes) in [
            ("1000", 1_000),
            ("\"1 GiB\"", 1 << 30),
            ("\"512MB\"", 512_000_000),
            ("\"0 B\"", 0),
        ] {
            assert_eq!(read::<Size>(text), Ok(Size(bytes)), "{text}");
        }
        for text in [
            "\"1 gb\"",
            "\"GB\"",
            "-1",
            "true",
            "\"99999999999999 GB\"",
            "1.5",
        ] {
            let error = read::<Size>(text).unwrap_err();
            assert!(
                error.contains("a size such as \"512 MiB\""),
                "{text}: {error}"
            );
        }
    }

    #[test]
    fn times_have_units() {
        let days = Duration::from_secs(7 * 24 * 60 * 60);
        assert_eq!(read::<Retention>("\"7 days\""), Ok(Retention(Some(days))));
        assert_eq!(read::<Retention>("\"1 day\"").unwrap().0.unwrap() * 7, days);
        assert_eq!(read::<Retention>("\"forever\""), Ok(Retention(None)));
        for text in ["\"7\"", "7", "\"a week\"", "\"2 weeks\""] {
            let error = read::<Retention>(text).unwrap_err();
            assert!(
                error.contains("\"forever\", or a time such as \"7 days\""),
                "{text}: {error}"
            );
        }
    }

    #[test]
    fn counts_start_at_1() {
        assert_eq!(read::<Count>("3"), Ok(Count(3)));
        for text in ["0", "-1", "4294967296", "\"3\"", "1.0"] {
            let error = read::<Count>(text).unwrap_err();
            assert!(
                error.contains("a number from 1 to 4294967295"),
                "{text}: {error}"
            );
        }
    }
}
