//! The mark of a record that the bridge has written to Kafka: where it comes from.

use std::fmt::Write as _;

use rdkafka::message::{BorrowedMessage, Headers, Message};

/// The header that holds the mark: `TOPIC/PARTITION/OFFSET/BEFORE/ELECTION`, the record's place on Fluvio,
/// the offset of the record sent before it (-1 if there was none), and the election that the log belongs to.
/// The bridge never carries records that have it back to Fluvio.
pub const MARK_HEADER: &str = "election-fluvio";

/// A record's place on Fluvio.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Mark<'a> {
    pub(crate) topic: &'a str,
    pub(crate) partition: u32,
    pub(crate) offset: i64,
    /// The offset of the record of that partition that was sent before.
    pub(crate) before: i64,
    /// The election that the log belongs to.
    pub(crate) election: &'a str,
}

impl<'a> Mark<'a> {
    fn parse(text: &'a [u8]) -> Option<Mark<'a>> {
        let mut parts = std::str::from_utf8(text).ok()?.split('/');
        let mark = Mark {
            topic: parts.next()?,
            partition: parts.next()?.parse().ok()?,
            offset: parts.next()?.parse().ok()?,
            before: parts.next()?.parse().ok()?,
            election: parts.next()?,
        };
        parts.next().is_none().then_some(mark)
    }

    /// The mark of a message, if it has one.
    pub(crate) fn of(message: &'a BorrowedMessage<'_>) -> Option<Mark<'a>> {
        let headers = message.headers()?;
        // The last one: a program that copies a record with its headers appends its own.
        let marks = headers.iter().filter(|header| header.key == MARK_HEADER);
        Mark::parse(marks.last()?.value?)
    }
}

/// Whether the bridge wrote the message, or a program copied one that the bridge wrote.
pub(crate) fn is_marked(message: &BorrowedMessage<'_>) -> bool {
    message
        .headers()
        .is_some_and(|headers| headers.iter().any(|header| header.key == MARK_HEADER))
}

/// Writes the marks of a partition's records, all into one buffer: there are as many as records.
pub(crate) struct Marks {
    mark: String,
    prefix_len: usize,
    suffix: String,
}

impl Marks {
    pub(crate) fn new(topic: &str, partition: u32, election: &str) -> Self {
        let mark = format!("{topic}/{partition}/");
        Marks {
            prefix_len: mark.len(),
            mark,
            suffix: format!("/{election}"),
        }
    }

    pub(crate) fn mark(&mut self, offset: i64, before: i64) -> &str {
        self.mark.truncate(self.prefix_len);
        write!(self.mark, "{offset}/{before}").expect("invariant: a string takes what is written");
        self.mark.push_str(&self.suffix);
        &self.mark
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_are_read_as_they_are_written() {
        let mut marks = Marks::new("votes", 1, "18c2");
        assert_eq!(marks.mark(29, 28), "votes/1/29/28/18c2");
        let text = marks.mark(30, -1);
        assert_eq!(text, "votes/1/30/-1/18c2");
        let mark = Mark::parse(text.as_bytes()).unwrap();
        assert_eq!(
            mark,
            Mark {
                topic: "votes",
                partition: 1,
                offset: 30,
                before: -1,
                election: "18c2"
            }
        );
        for other in ["", "votes/1/30/29", "votes/x/30/29/a", "votes/1/30/29/a/b"] {
            assert_eq!(Mark::parse(other.as_bytes()), None, "{other}");
        }
    }
}
