//! Reading the records of a partition as they are in the log: in order, and none left out.

use futures_util::{FutureExt, StreamExt};
use platform::{OutputBatch, OutputStream, Platform, PlatformError, StreamRequest};

use crate::restart::Failure;

/// A failure to read records.
#[derive(Debug, thiserror::Error)]
pub enum RecordsError {
    /// The streaming platform failed.
    #[error(transparent)]
    Platform(#[from] PlatformError),
    /// The stream ended without an error.
    #[error("the stream of `{topic}` partition {partition} ended")]
    Ended {
        /// The topic.
        topic: String,
        /// The partition.
        partition: u32,
    },
    /// Records are missing from the stream.
    #[error(
        "`{topic}` partition {partition}: expected the record at offset {expected}, got the one at {found}; nothing was skipped"
    )]
    Gap {
        /// The topic.
        topic: String,
        /// The partition.
        partition: u32,
        /// The offset that was due.
        expected: i64,
        /// The offset that came.
        found: i64,
    },
}

impl Failure for RecordsError {
    fn is_transient(&self) -> bool {
        match self {
            RecordsError::Platform(error) => error.is_transient(),
            RecordsError::Ended { .. } | RecordsError::Gap { .. } => true,
        }
    }

    fn lost_at(&self) -> Option<i64> {
        match self {
            RecordsError::Gap { expected, .. } => Some(*expected),
            RecordsError::Platform(_) | RecordsError::Ended { .. } => None,
        }
    }
}

/// The records of a partition, from some offset on.
pub struct Records {
    topic: String,
    partition: u32,
    next: i64,
    stream: OutputStream,
}

impl Records {
    /// Begins to read at an offset.
    ///
    /// # Errors
    /// What the platform fails with.
    pub async fn open(
        platform: &dyn Platform,
        topic: &str,
        partition: u32,
        from: i64,
    ) -> Result<Records, PlatformError> {
        let request = StreamRequest {
            topic: topic.to_owned(),
            partition,
            from,
            chain: Vec::new(),
        };
        let stream = platform.stream(request).await?;
        Ok(Records::of(stream, topic, partition, from))
    }

    /// Reads a stream that begins at an offset.
    pub fn of(stream: OutputStream, topic: &str, partition: u32, from: i64) -> Records {
        Records {
            topic: topic.to_owned(),
            partition,
            next: from,
            stream,
        }
    }

    /// Waits for the next records. Cancelling it loses none.
    ///
    /// # Errors
    /// When the stream fails, ends, or leaves out a record.
    pub async fn next_batch(&mut self) -> Result<OutputBatch, RecordsError> {
        let batch = self.stream.next().await;
        self.check(batch)
    }

    /// The next records, if some have arrived already.
    ///
    /// # Errors
    /// As [`Records::next_batch`].
    pub fn arrived(&mut self) -> Result<Option<OutputBatch>, RecordsError> {
        let arrived = self.stream.next().now_or_never();
        arrived.map(|batch| self.check(batch)).transpose()
    }

    fn check(
        &mut self,
        batch: Option<Result<OutputBatch, PlatformError>>,
    ) -> Result<OutputBatch, RecordsError> {
        let batch = batch.ok_or_else(|| RecordsError::Ended {
            topic: self.topic.clone(),
            partition: self.partition,
        })??;
        for record in &batch {
            if record.offset != self.next {
                return Err(RecordsError::Gap {
                    topic: self.topic.clone(),
                    partition: self.partition,
                    expected: self.next,
                    found: record.offset,
                });
            }
            self.next = record.next_offset();
        }
        Ok(batch)
    }
}
