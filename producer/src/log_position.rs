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
const COMPARED_RECORDS: u64 = 256;

/// A partition's sequence against its log.
#[derive(Debug)]
pub(crate) struct LogPosition {
    topic: &'static str,
    partition: u32,
    in_log: u64,
    passed: u64,
    /// The last records in the log.
    last: Vec<Output>,
    /// If the log has others' records, too: what it holds and was not passed over. Then `in_log` is
    /// unknown, and stays 0.
    among_others: Option<VecDeque<u128>>,
}

impl LogPosition {
    /// Looks at the end of the log.
    pub(crate) async fn read(
        platform: &dyn Platform,
        topic: &'static str,
        partition: u32,
    ) -> Result<Self, ProducerError> {
        let end = platform.end_offset(topic, partition).await?;
        let in_log = u64::try_from(end).unwrap_or_default();
        let compared = in_log.min(COMPARED_RECORDS) as usize;
        let mut last = Vec::new();
        if compared > 0 {
            let from = end - compared as i64;
            let mut records = Records::open(platform, topic, partition, from).await?;
            while last.len() < compared {
                last.extend(records.next_batch().await?);
            }
            last.truncate(compared);
        }
        Ok(LogPosition {
            topic,
            partition,
            in_log,
            passed: 0,
            last,
            among_others: None,
        })
    }

    /// Looks at all of a log that others have written to, too.
    pub(crate) async fn read_among_others(
        platform: &dyn Platform,
        topic: &'static str,
        partition: u32,
    ) -> Result<Self, ProducerError> {
        let end = platform.end_offset(topic, partition).await?;
        let mut log = VecDeque::new();
        let mut records = Records::open(platform, topic, partition, 0).await?;
        while (log.len() as i64) < end {
            let batch = records.next_batch().await?;
            let digest =
                |output: &Output| digest_but_for_time(output.key.as_deref(), &output.value);
            log.extend(batch.iter().map(digest));
        }
        Ok(LogPosition {
            topic,
            partition,
            in_log: 0,
            passed: 0,
            last: Vec::new(),
            among_others: Some(log),
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
        let skipped = self.passed + (self.last.len() as u64) < self.in_log;
        self.passed += u64::from(skipped);
        skipped
    }

    /// Passes the next record of the sequence. Returns whether it is in the log; if not, it must be
    /// appended.
    pub(crate) fn pass(&mut self, record: &NewRecord) -> Result<bool, ProducerError> {
        if let Some(log) = &mut self.among_others {
            let ours = digest_but_for_time(record.key.as_deref(), &record.value);
            let found = log.iter().position(|logged| *logged == ours);
            // The sequence is in order, so everything after a missing record is others'.
            log.drain(..found.map_or(log.len(), |at| at + 1));
            return Ok(found.is_some());
        }
        if !self.is_behind() {
            return Ok(false);
        }
        let to_end = (self.in_log - self.passed) as usize;
        if let Some(at) = self.last.len().checked_sub(to_end)
            && !same_but_for_time(record, &self.last[at])
        {
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

/// Whether a record of the sequence is the one in the log. When it was written, the clock showed
/// another time, and nothing else may differ.
fn same_but_for_time(record: &NewRecord, logged: &Output) -> bool {
    let (ours, theirs) = (record.value.as_slice(), &*logged.value);
    if record.key.as_deref() != logged.key.as_deref() || ours.len() != theirs.len() {
        return false;
    }
    let (time, after) = around_time(ours);
    ours[..time] == theirs[..time] && ours[after..] == theirs[after..]
}

/// Where a vote's time begins and ends. It stands behind whatever the voter's fields hold.
fn around_time(vote: &[u8]) -> (usize, usize) {
    let time = vote
        .windows(TIME_FIELD.len())
        .rposition(|window| window == TIME_FIELD)
        .map_or(vote.len(), |at| at + TIME_FIELD.len());
    (time, (time + TIME_BYTES).min(vote.len()))
}

/// The same of two records that differ in their time at most.
fn digest_but_for_time(key: Option<&[u8]>, value: &[u8]) -> u128 {
    let (time, after) = around_time(value);
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
        let record = NewRecord {
            key: Some(b"v".to_vec()),
            value: ours.into(),
        };
        let logged = Output {
            offset: 0,
            key: Some(b"v".as_slice().into()),
            value: theirs.to_owned().into(),
            timestamp: 0,
        };
        same_but_for_time(&record, &logged)
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
            last: Vec::new(),
            among_others: Some(digests.collect()),
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
