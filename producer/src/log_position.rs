//! How much of a partition's sequence is in the log already, so that a run continues exactly after a
//! kill.
//!
//! The records of a partition are a fixed sequence, and they are appended in order. So the end offset
//! says how many of them are in the log, and the run skips as many. The last of these are compared with
//! the log, so that no election is continued with another seed or roll.
//!
//! If voters with credentials vote elsewhere, their votes stand among the sequence's. Then the whole log
//! is read, and records outside the sequence are skipped.

use std::collections::VecDeque;
use std::hash::Hasher;

use platform::{NewRecord, Output, Platform};
use service::records::Records;
use siphasher::sip128::{Hasher128, SipHasher13};
use wire::{TIME_BYTES, TIME_FIELD};

use crate::ProducerError;

/// How many of the last records in the log are compared with the sequence. With another seed, the
/// first one differs; with other options, one of them does, most likely.
const COMPARED_RECORDS: i64 = 256;

/// A partition's sequence against its log.
#[derive(Debug)]
pub(crate) struct LogPosition {
    topic: &'static str,
    partition: u32,
    /// Records in the log; 0 among others' records, where the number of our own is unknown.
    in_log: u64,
    passed: u64,
    /// Digests of the last records in the log; among others' records, of all that are still to be passed.
    logged: VecDeque<u128>,
    /// Whether the log has others' records, too.
    among_others: bool,
}

impl LogPosition {
    /// Looks at the end of the log.
    pub(crate) async fn read(
        platform: &dyn Platform,
        topic: &'static str,
        partition: u32,
    ) -> Result<Self, ProducerError> {
        let end = platform.end_offset(topic, partition).await?;
        let from = (end - COMPARED_RECORDS).max(0);
        let mut logged = digests(platform, topic, partition, from, end).await?;
        logged.truncate((end - from) as usize);
        Ok(LogPosition {
            topic,
            partition,
            in_log: end.unsigned_abs(),
            passed: 0,
            logged,
            among_others: false,
        })
    }

    /// Looks at all of a log that others have written to, too.
    pub(crate) async fn read_among_others(
        platform: &dyn Platform,
        topic: &'static str,
        partition: u32,
    ) -> Result<Self, ProducerError> {
        let end = platform.end_offset(topic, partition).await?;
        Ok(LogPosition {
            topic,
            partition,
            in_log: 0,
            passed: 0,
            logged: digests(platform, topic, partition, 0, end).await?,
            among_others: true,
        })
    }

    /// How many records of the sequence the log holds.
    pub(crate) fn in_log(&self) -> u64 {
        self.in_log
    }

    /// How many records of the sequence, from the next one on, are in the log.
    pub(crate) fn behind(&self) -> u64 {
        self.in_log - self.passed
    }

    fn is_behind(&self) -> bool {
        self.behind() > 0
    }

    /// Skips the next record of the sequence without making it, if it is in the log and need not be compared.
    /// Returns whether it did.
    pub(crate) fn skip(&mut self) -> bool {
        let skipped = self.passed + (self.logged.len() as u64) < self.in_log;
        self.passed += u64::from(skipped);
        skipped
    }

    /// Passes the next record of the sequence. Returns whether it is in the log; if not, it must be
    /// appended.
    pub(crate) fn pass(&mut self, record: &NewRecord) -> Result<bool, ProducerError> {
        if self.logged.is_empty() {
            return Ok(false);
        }
        let ours = digest_but_for_time(record.key.as_deref(), &record.value);
        if self.among_others {
            let found = self.logged.iter().position(|logged| *logged == ours);
            // The sequence is in order, so everything after a missing record is others'.
            let passed = found.map_or(self.logged.len(), |at| at + 1);
            self.logged.drain(..passed);
            return Ok(found.is_some());
        }
        if self.logged.pop_front() != Some(ours) {
            let offset = self.passed;
            return Err(self.other(format!(
                "the record at offset {offset} is not the one this run would have written"
            )));
        }
        self.passed += 1;
        Ok(true)
    }

    /// Checks, at the end of the sequence, that the log holds no more of it.
    pub(crate) fn finish(&self) -> Result<(), ProducerError> {
        if self.is_behind() {
            let (in_log, sequence) = (self.in_log, self.passed);
            return Err(self.other(format!(
                "it has {in_log} records, and this run would have written {sequence}"
            )));
        }
        Ok(())
    }

    fn other(&self, problem: String) -> ProducerError {
        ProducerError::OtherElection {
            topic: self.topic,
            partition: self.partition,
            problem,
        }
    }
}

/// Digests of the records from an offset on, at least up to another.
async fn digests(
    platform: &dyn Platform,
    topic: &'static str,
    partition: u32,
    from: i64,
    end: i64,
) -> Result<VecDeque<u128>, ProducerError> {
    let mut digests = VecDeque::new();
    if from == end {
        return Ok(digests);
    }
    let digest = |output: &Output| digest_but_for_time(output.key.as_deref(), &output.value);
    let mut records = Records::open(platform, topic, partition, from).await?;
    while from + (digests.len() as i64) < end {
        digests.extend(records.next_batch().await?.iter().map(digest));
    }
    Ok(digests)
}

/// A digest of a record without the time that it was cast at: a later run writes another.
fn digest_but_for_time(key: Option<&[u8]>, value: &[u8]) -> u128 {
    // The time follows the voter's fields, whatever these hold.
    let time = value
        .windows(TIME_FIELD.len())
        .rposition(|window| window == TIME_FIELD)
        .map_or(value.len(), |at| at + TIME_FIELD.len());
    let after = (time + TIME_BYTES).min(value.len());
    let mut hasher = SipHasher13::new();
    for part in [key.unwrap_or_default(), &value[..time], &value[after..]] {
        hasher.write_usize(part.len());
        hasher.write(part);
    }
    hasher.finish128().as_u128()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn same(ours: &str, theirs: &str) -> bool {
        let digest = |value: &str| digest_but_for_time(Some(b"v"), value.as_bytes());
        digest(ours) == digest(theirs)
    }

    #[test]
    fn among_others_the_sequence_is_found_up_to_its_end() {
        let record = |text: &str, time: &str| NewRecord {
            key: Some(b"v".to_vec()),
            value: format!(r#"{{"a":"{text}","voting_time":"2024-07-04 {time}","vote":1}}"#).into(),
        };
        let log = ["x", "a", "y", "b", "z"].map(|text| record(text, "12:00:00"));
        let digests = log
            .iter()
            .map(|at| digest_but_for_time(at.key.as_deref(), &at.value));
        let mut position = LogPosition {
            topic: "votes",
            partition: 0,
            in_log: 0,
            passed: 0,
            logged: digests.collect(),
            among_others: true,
        };
        for (text, is_there) in [("a", true), ("b", true), ("c", false), ("d", false)] {
            assert!(!position.skip() && position.behind() == 0);
            let found = position.pass(&record(text, "13:59:01")).unwrap();
            assert_eq!(found, is_there, "{text}");
        }
        position.finish().unwrap();
    }

    #[test]
    fn only_the_time_may_differ() {
        let vote = r#"{"a":1,"voting_time":"2024-07-04 12:00:00","vote":1}"#;
        assert!(same(vote, vote));
        assert!(same(vote, &vote.replace("12:00:00", "13:59:01")));
        assert!(!same(vote, &vote.replace("\"vote\":1", "\"vote\":2")));
        assert!(!same(vote, &vote.replace("\"a\":1", "\"a\":3")));
        assert!(!same(vote, &vote[..30]));
        assert!(same(&vote[..25], &vote[..25].replace("202", "199")));
        assert!(same("{}", "{}"));
        assert!(!same("{}", "[]"));
    }
}
