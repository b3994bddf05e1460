//! The values of a manifest that are more than a number or a name: choices, sizes, times.

use std::time::Duration;

use bytesize::ByteSize;
use serde::Deserialize;
use toml::Value;

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
    /// None: every client reads it, and it takes the least processor time.
    #[default]
    None,
    /// gzip, which every client reads, too.
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

/// A number of bytes: a number, or text with a unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(try_from = "Value")]
pub(crate) struct Size(pub(crate) u64);

impl TryFrom<Value> for Size {
    type Error = &'static str;

    fn try_from(value: Value) -> Result<Self, Self::Error> {
        let bytes = match &value {
            Value::Integer(bytes) => u64::try_from(*bytes).ok(),
            Value::String(text) => text.trim_end().parse().ok().map(|ByteSize(bytes)| bytes),
            _ => None,
        };
        bytes
            // What overflows is parsed as the largest number.
            .filter(|bytes| *bytes < u64::MAX)
            .map(Size)
            .ok_or("expected a size such as \"512 MiB\", or a number of bytes")
    }
}

/// How long records are kept; `None` is forever.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(try_from = "Value")]
pub(crate) struct Retention(pub(crate) Option<Duration>);

impl TryFrom<Value> for Retention {
    type Error = &'static str;

    fn try_from(value: Value) -> Result<Self, Self::Error> {
        let text = value.as_str().unwrap_or_default();
        if text == "forever" {
            return Ok(Retention(None));
        }
        humantime::parse_duration(text)
            .map(|kept| Retention(Some(kept)))
            .map_err(|_| "expected \"forever\", or a time such as \"7 days\"")
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
            ("\"1.5 kB \"", 1_500),
            ("\"0 B\"", 0),
        ] {
            assert_eq!(read::<Size>(text), Ok(Size(bytes)), "{text}");
        }
        for text in [
            "\"1 gigabyte\"",
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
        assert_eq!(read::<Retention>("\"1 week\""), Ok(Retention(Some(days))));
        assert_eq!(read::<Retention>("\"forever\""), Ok(Retention(None)));
        for text in ["\"7\"", "7", "\"a week\"", "\"999999999999999 days\""] {
            let error = read::<Retention>(text).unwrap_err();
            assert!(
                error.contains("\"forever\", or a time such as \"7 days\""),
                "{text}: {error}"
            );
        }
    }
}
