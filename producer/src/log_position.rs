//! How much of a partition's sequence is in the log already: what makes a run that was killed go on
//! exactly.
//!
//! The records of a partition are a fixed sequence, and they are appended in order. So the end
//! offset says how many of them are there, and the run passes over as many. The last of these are
//! compared with the log, lest an election be continued with another seed or roll.

use futures_util::StreamExt;
use platform::{NewRecord, Output, Platform, StreamRequest};

use crate::ProducerError;
use domain::{TIME_BYTES, TIME_FIELD};

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
        let mut position = LogPosition {
            topic,
            partition,
            in_log,
            passed: 0,
            last: Vec::new(),
        };
        let compared = in_log.min(COMPARED_RECORDS) as usize;
        if compared == 0 {
            return Ok(position);
        }
        let from = end - compared as i64;
        let request = StreamRequest {
            topic: topic.to_owned(),
            partition,
            from,
            chain: Vec::new(),
        };
        let mut stream = platform.stream(request).await?;
        while position.last.len() < compared {
            let batch = stream.next().await.ok_or_else(|| stream_ended(topic))??;
            for output in batch.into_iter().take(compared - position.last.len()) {
                let expected = from + position.last.len() as i64;
                check_offset(topic, partition, expected, output.offset)?;
                position.last.push(output);
            }
        }
        Ok(position)
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

    /// Passes over the next record of the sequence without making it, where it is in the log and
    /// not compared. Returns whether it was so.
    pub(crate) fn skip(&mut self) -> bool {
        let skipped = self.passed + (self.last.len() as u64) < self.in_log;
        self.passed += u64::from(skipped);
        skipped
    }

    /// Passes over the next record of the sequence. Returns whether it is in the log; if not, it is
    /// to be appended.
    pub(crate) fn pass(&mut self, record: &NewRecord) -> Result<bool, ProducerError> {
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

    /// To be called at the end of the sequence.
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

pub(crate) fn check_offset(
    topic: &'static str,
    partition: u32,
    expected: i64,
    found: i64,
) -> Result<(), ProducerError> {
    if expected == found {
        return Ok(());
    }
    Err(ProducerError::Gap {
        topic,
        partition,
        expected,
        found,
    })
}

pub(crate) fn stream_ended(topic: &str) -> ProducerError {
    ProducerError::Task(format!("the stream of `{topic}` ended"))
}

/// Whether a record of the sequence is the one in the log. When it was written, the clock showed
/// another time, and nothing else may differ.
fn same_but_for_time(record: &NewRecord, logged: &Output) -> bool {
    let (ours, theirs) = (record.value.as_slice(), &*logged.value);
    if record.key.as_deref() != logged.key.as_deref() || ours.len() != theirs.len() {
        return false;
    }
    // A vote's own time stands behind whatever the voter's fields hold.
    let time = ours
        .windows(TIME_FIELD.len())
        .rposition(|window| window == TIME_FIELD)
        .map_or(ours.len(), |at| at + TIME_FIELD.len());
    let after = (time + TIME_BYTES).min(ours.len());
    ours[..time] == theirs[..time] && ours[after..] == theirs[after..]
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
