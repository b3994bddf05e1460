//! Noticing that Kafka acknowledges nothing: librdkafka retries for ever, and silently if a broker's answer
//! (such as `UNKNOWN_PRODUCER_ID`) is the cause.

use std::time::Duration;

use tokio::time::Instant;

/// After so long without an acknowledgement for the records on their way, that is a problem.
pub(crate) const LIMIT: Duration = Duration::from_secs(10);

/// Since when the records on their way have waited at the same offset.
#[derive(Debug)]
pub(crate) struct Unacknowledged {
    waits_at: Option<i64>,
    since: Instant,
}

impl Unacknowledged {
    pub(crate) fn new() -> Self {
        Unacknowledged {
            waits_at: None,
            since: Instant::now(),
        }
    }

    /// Takes the offset from which on records are on their way now (`None` if there are none), and returns the
    /// problem if it has been the same for [`LIMIT`].
    pub(crate) fn look(&mut self, waits_at: Option<i64>, now: Instant) -> Option<String> {
        if self.waits_at != waits_at {
            *self = Unacknowledged {
                waits_at,
                since: now,
            };
        }
        let offset = waits_at.filter(|_| now - self.since >= LIMIT)?;
        let seconds = LIMIT.as_secs();
        Some(format!(
            "Kafka has acknowledged nothing for {seconds} s; records from offset {offset} on wait"
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_waits_at_one_offset_for_long_is_told() {
        let mut waiting = Unacknowledged::new();
        let begin = waiting.since;
        let mut look = |seconds, waits_at| {
            let problem = waiting.look(waits_at, begin + Duration::from_secs(seconds));
            problem.is_some()
        };
        for second in 0..30 {
            assert!(!look(second, None), "nothing is on its way");
        }
        assert!(!look(30, Some(7)), "it has just been sent");
        assert!(!look(39, Some(7)));
        assert!(look(40, Some(7)));
        assert!(look(50, Some(7)));
        assert!(!look(51, Some(8)), "something was acknowledged");
        for second in 52..80 {
            assert!(!look(second, Some(second as i64)), "it goes on");
        }
        assert!(!look(80, None));
    }
}
