//! A partition, read from its beginning in blocks of records: however long the log is, one block is in
//! memory.

use anyhow::bail;
use futures_util::StreamExt;
use platform::{Output, OutputStream, Platform, StreamRequest};

/// Records of a block, about; the rows of a block are fetched together.
const RECORDS_PER_BLOCK: usize = 16 * 1024;

/// Bytes of a block's records, about: records may be large.
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
    /// Begins to read at offset 0. The log must have the records before `end`.
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

    /// The next block; `None` when all were read. It is never empty.
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
                self.next += 1;
                bytes += record.value.len();
                records.push(record);
            }
        }
        Ok((!records.is_empty()).then_some(records))
    }
}
