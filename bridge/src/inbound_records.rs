//! Records on their way from Kafka: their key on Fluvio, and which of them have arrived there.

use std::borrow::Cow;
use std::collections::HashMap;

use platform::{NewRecord, Output};
use serde::Deserialize;

/// All that is read of a value. The count judges the rest.
#[derive(Deserialize)]
struct WithVoter<'a> {
    #[serde(borrow)]
    voter_id: Cow<'a, str>,
}

/// A message as a record for Fluvio, keyed by its `voter_id`: producers on Kafka hash keys in different
/// ways, or give none, but a voter's votes must be in one partition. A record without `voter_id` keeps its
/// key; the count rejects it in any case.
pub(crate) fn record(key: Option<&[u8]>, value: Option<&[u8]>) -> NewRecord {
    let value = value.unwrap_or_default();
    // Parses all of it: what stops being JSON after its first field is not a vote.
    let voter = serde_json::from_slice::<WithVoter<'_>>(value).ok();
    let key = match voter {
        Some(WithVoter { voter_id }) if !voter_id.is_empty() => {
            Some(voter_id.into_owned().into_bytes())
        }
        _ => key.map(<[u8]>::to_vec),
    };
    NewRecord {
        key,
        value: value.to_vec(),
    }
}

/// Records that may or may not be on Fluvio. Each record that is found there stands for one equal record
/// of ours, so a vote that was really sent twice stays two.
///
/// An equal record that another program wrote to Fluvio at the same time would be taken for ours. It would
/// have to be the same vote, byte for byte.
#[derive(Debug)]
pub(crate) struct Unsettled<'a> {
    records: &'a [NewRecord],
    /// Their numbers, by value, the last one first.
    numbers: HashMap<&'a [u8], Vec<usize>>,
    left: usize,
    arrived: Vec<bool>,
}

impl<'a> Unsettled<'a> {
    pub(crate) fn new(records: &'a [NewRecord]) -> Self {
        let mut numbers: HashMap<&[u8], Vec<usize>> = HashMap::new();
        for (number, record) in records.iter().enumerate().rev() {
            numbers.entry(&record.value).or_default().push(number);
        }
        Unsettled {
            records,
            numbers,
            left: records.len(),
            arrived: vec![false; records.len()],
        }
    }

    /// Whether all of them are found.
    pub(crate) fn is_settled(&self) -> bool {
        self.left == 0
    }

    /// A record that is on Fluvio.
    pub(crate) fn found(&mut self, output: &Output) {
        let Some(numbers) = self.numbers.get_mut(&*output.value) else {
            return;
        };
        let key = output.key.as_deref();
        let is_it = |&number: &usize| self.records[number].key.as_deref() == key;
        if let Some(at) = numbers.iter().rposition(is_it) {
            self.arrived[numbers.remove(at)] = true;
            self.left -= 1;
        }
    }

    /// Which of them are on Fluvio, by number.
    pub(crate) fn into_arrived(self) -> Vec<bool> {
        self.arrived
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keyed(key: Option<&str>, value: &str) -> Option<String> {
        let record = record(key.map(str::as_bytes), Some(value.as_bytes()));
        assert_eq!(record.value, value.as_bytes());
        record.key.map(|key| String::from_utf8(key).unwrap())
    }

    #[test]
    fn a_record_gets_its_voters_key() {
        let vote = r#"{"a": [1], "voter_id": "v\u0031", "vote": 1}"#;
        assert_eq!(keyed(None, vote).as_deref(), Some("v1"));
        assert_eq!(keyed(Some("other"), vote).as_deref(), Some("v1"));
        for no_vote in ["", "no", r#"{"voter_id": 7}"#, r#"{"voter_id":""}"#, "[]"] {
            assert_eq!(keyed(Some("k"), no_vote).as_deref(), Some("k"));
            assert_eq!(keyed(None, no_vote), None);
        }
        assert_eq!(record(Some(b"k"), None).value, b"");
    }

    #[test]
    fn each_found_record_stands_for_one() {
        let records: Vec<_> = ["a", "b", "a", "a"]
            .map(|value| NewRecord {
                key: None,
                value: value.into(),
            })
            .into();
        let output = |value: &'static str| Output {
            offset: 0,
            offsets: 1,
            key: None,
            value: value.as_bytes().into(),
            timestamp: platform::NO_TIMESTAMP,
        };
        let mut unsettled = Unsettled::new(&records);
        for found in ["a", "other", "a"] {
            unsettled.found(&output(found));
        }
        assert!(!unsettled.is_settled());
        assert_eq!(unsettled.into_arrived(), [true, false, true, false]);
    }

    #[test]
    fn a_found_record_stands_for_one_of_its_key() {
        let records = ["a", "b"].map(|key| NewRecord {
            key: Some(key.into()),
            value: "no vote".into(),
        });
        let mut unsettled = Unsettled::new(&records);
        unsettled.found(&Output {
            offset: 0,
            offsets: 1,
            key: Some(b"b".as_slice().into()),
            value: b"no vote".as_slice().into(),
            timestamp: platform::NO_TIMESTAMP,
        });
        assert_eq!(unsettled.into_arrived(), [false, true]);
    }
}
