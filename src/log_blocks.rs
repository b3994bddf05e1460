//! Reads a partition from its beginning, with one block of records in memory at a time.

use anyhow::bail;
use futures_util::StreamExt;
use platform::{Output, OutputStream, Platform, StreamRequest};

/// About how many records a block has; the rows of a block are fetched together.
const RECORDS_PER_BLOCK: usize = 16 * 1024;

/// About how many bytes the records of a block have, since records may be large.
const BYTES_PER_BLOCK: usize = 16 << 20;

/// The records of a partition before an offset, in order and without a gap.
pub(crate) struct LogBlocks {
    stream: Option<OutputStream>,
    topic: &'static str,
    partition: u32,
    next: i64,
    end: i64,
}

impl LogBlocks {
    /// Reads the records from offset 0 to `end`, which the log must have.
    pub(crate) async fn before(
        end: i64,
        platform: &dyn Platform,
        topic: &'static str,
        partition: u32,
    ) -> anyhow::Result<LogBlocks> {
        let request = StreamRequest {
            topic: topic.into(),
            partition,
            from: 0,
            chain: Vec::new(),
        };
        let stream = match end {
            0 => None,
            _ => Some(platform.stream(request).await?),
        };
        Ok(LogBlocks {
            stream,
            topic,
            partition,
            next: 0,
            end,
        })
    }

    /// The next block, which is never empty; `None` at the end.
    pub(crate) async fn next(&mut self) -> anyhow::Result<Option<Vec<Output>>> {
        let (mut records, mut bytes) = (Vec::new(), 0);
        while self.next < self.end
            && records.len() < RECORDS_PER_BLOCK
            && bytes < BYTES_PER_BLOCK
            && let Some(stream) = &mut self.stream
        {
            let Some(outputs) = stream.next().await else {
                bail!(
                    "the stream of `{}` partition {} ended at offset {}",
                    self.topic,
                    self.partition,
                    self.next
                );
            };
            for record in outputs?
                .into_iter()
                .filter(|record| record.offset < self.end)
            {
                if record.offset != self.next {
                    bail!(
                        "partition {} of `{}` has no record at offset {}, the next is at {}: the log \
                         is damaged; restore it",
                        self.partition,
                        self.topic,
                        self.next,
                        record.offset
                    );
                }
                self.next = record.next_offset();
                bytes += record.value.len();
                records.push(record);
            }
        }
        Ok((!records.is_empty()).then_some(records))
    }
}
