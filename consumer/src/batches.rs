//! The records of a partition in batches, each for one transaction.

use evidence::{BatchHasher, Digest};
use platform::{Output, Platform};
use service::records::Records;
use service::whole_log::demand_end;
use tokio_util::sync::CancellationToken;

use crate::ConsumerError;

/// About how many records go into one transaction. Larger transactions gain little, and hold the embedded
/// database's one connection longer.
const RECORDS_PER_TRANSACTION: usize = 16 * 1024;

/// About how many bytes of values go into one transaction: records may be large, and they stay in memory until
/// the database has taken them.
const BYTES_PER_TRANSACTION: usize = 32 << 20;

/// The records of a partition, from an offset on.
pub(crate) struct Batches {
    records: Records,
    stop: CancellationToken,
}

impl Batches {
    /// Begins where the database stands.
    pub(crate) async fn begin(
        platform: &dyn Platform,
        topic: &'static str,
        partition: u32,
        stored: i64,
        stop: &CancellationToken,
    ) -> Result<Batches, ConsumerError> {
        demand_end(platform, topic, partition, stored).await?;
        Ok(Batches {
            records: Records::open(platform, topic, partition, stored).await?,
            stop: stop.clone(),
        })
    }

    /// Waits for records, and takes what else has arrived; `None` when it is stopped.
    pub(crate) async fn next(&mut self) -> Result<Option<Vec<Output>>, ConsumerError> {
        let records = &mut self.records;
        let Some(batch) = self.stop.run_until_cancelled(records.next_batch()).await else {
            return Ok(None);
        };
        let mut batch = batch?;
        let mut bytes = bytes_of(&batch);
        while batch.len() < RECORDS_PER_TRANSACTION && bytes < BYTES_PER_TRANSACTION {
            let Some(more) = records.arrived()? else {
                break;
            };
            bytes += bytes_of(&more);
            batch.extend(more);
        }
        Ok(Some(batch))
    }
}

fn bytes_of(records: &[Output]) -> usize {
    records.iter().map(|record| record.value.len()).sum()
}

/// The hash of records that follow each other, as they are in the log.
pub(crate) fn hash(records: &[Output]) -> Digest {
    let mut hasher = BatchHasher::default();
    for record in records {
        hash_record(&mut hasher, record);
    }
    hasher.finish()
}

/// Adds a record to the hash of its batch, as persisting and the audit do.
pub fn hash_record(hasher: &mut BatchHasher, record: &Output) {
    match record.offsets {
        1 => hasher.record(record.offset, record.key.as_deref(), &record.value),
        offsets => hasher.unreadable(record.offset, offsets),
    }
}

/// The offset after the last of these records, which follow on `next`.
pub(crate) fn end_of(records: &[Output], next: i64) -> i64 {
    records.last().map_or(next, Output::next_offset)
}

#[cfg(test)]
mod tests {
    use futures_util::{StreamExt, stream};
    use platform::{NO_TIMESTAMP, OutputStream};
    use wire::topics;

    use super::*;

    fn batches(stream: OutputStream, next: i64) -> Batches {
        Batches {
            records: Records::of(stream, topics::VOTES, 0, next),
            stop: CancellationToken::new(),
        }
    }

    /// A stream whose batches are all there already: so many records each, of so many bytes.
    fn ready(batches: i64, records: i64, bytes: usize) -> OutputStream {
        let first = Output {
            offset: 0,
            offsets: 1,
            key: None,
            value: vec![b'x'; bytes].into(),
            timestamp: NO_TIMESTAMP,
        };
        let batch = move |n| {
            let offsets = n * records..(n + 1) * records;
            let record = |offset| Output {
                offset,
                ..first.clone()
            };
            Ok(offsets.map(record).collect())
        };
        stream::iter((0..batches).map(batch))
            .chain(stream::pending())
            .boxed()
    }

    #[tokio::test]
    async fn a_transaction_takes_no_batch_once_its_bytes_are_reached() {
        const BYTES: usize = 5 << 20;
        let mut batches = batches(ready(10, 1, BYTES), 0);
        // The last batch begins below the limit, and is taken whole; the next waits for its turn.
        for expected in [BYTES_PER_TRANSACTION.div_ceil(BYTES), 3] {
            let taken = batches.next().await.unwrap().unwrap();
            assert_eq!(taken.len(), expected);
        }
    }

    #[tokio::test]
    async fn a_transaction_takes_no_batch_once_its_records_are_reached() {
        const RECORDS: usize = 1_000;
        let mut batches = batches(ready(20, RECORDS as i64, 0), 0);
        for expected in [RECORDS_PER_TRANSACTION.div_ceil(RECORDS), 3] {
            let taken = batches.next().await.unwrap().unwrap();
            assert_eq!(taken.len(), expected * RECORDS);
        }
    }

    #[tokio::test]
    async fn a_transaction_takes_no_record_but_the_one_that_is_due() {
        for due in [1, -1] {
            let gap = batches(ready(1, 1, 0), due).next().await;
            let gap = gap.unwrap_err();
            assert_eq!(service::restart::Failure::lost_at(&gap), Some(due), "{gap}");
        }
    }
}
