//! The end of a partition.
//!
//! An SPU tells the end of what is committed. One that was killed between writing a batch and noting the commit does not
//! know the end of its own log when it restarts: the batch is there but hidden, and becomes visible in front of whatever is
//! appended next. A producer that continues at the end it was told would write the batch a second time. So
//! the first time that an SPU is asked over a connection (a killed one closes all connections) we also look behind the
//! end.
//!
//! Only where a partition has one copy, from which nothing is taken back. With several, uncommitted records may be.

use std::time::Duration;

use fluvio::Isolation;
use fluvio::dataplane::record::{RawRecords, RecordSet, ReplicaKey};
use fluvio_spu_schema::fetch::{FetchPartition, FetchRequest, FetchableTopic};
use fluvio_spu_schema::server::fetch_offset::FetchOffsetsRequest;

use super::UNRELATED_ANSWER;
use super::connection::Connection;
use super::stream::is_whole;
use super::topic::Topic;
use crate::PlatformError;

/// How long an SPU may take for an answer.
const ANSWER_LIMIT: Duration = Duration::from_secs(30);

/// How many bytes behind the end are read at once: more than a batch can have.
const LOOK_BYTES: i32 = 16 << 20;

/// A connection that asks for a partition's end, and the end that was found by looking.
pub(super) struct LogEnd {
    connection: Connection,
    found: i64,
}

impl LogEnd {
    /// Looks for the end over a new connection.
    pub(super) async fn find(
        topic: &Topic,
        partition: u32,
        mut connection: Connection,
    ) -> Result<LogEnd, PlatformError> {
        let mut found = committed(topic, partition, &mut connection).await?;
        while topic.has_one_copy()
            && let Some(next) = behind(topic, partition, &mut connection, found).await?
        {
            found = next;
        }
        Ok(LogEnd { connection, found })
    }

    /// Itself, if the connection is still open.
    pub(super) fn if_open(mut self) -> Option<LogEnd> {
        self.connection.is_open().then_some(self)
    }

    /// The offset of the next record.
    pub(super) async fn poll(
        &mut self,
        topic: &Topic,
        partition: u32,
    ) -> Result<i64, PlatformError> {
        let committed = committed(topic, partition, &mut self.connection).await?;
        Ok(committed.max(self.found))
    }
}

async fn committed(
    topic: &Topic,
    partition: u32,
    connection: &mut Connection,
) -> Result<i64, PlatformError> {
    let doing = || format!("asking where `{}` partition {partition} ends", topic.name);
    let request = FetchOffsetsRequest::new(topic.name.clone(), partition);
    let response = connection.request(request, doing, ANSWER_LIMIT).await?;
    let offsets = response
        .find_partition(&ReplicaKey::new(topic.name.clone(), partition))
        .ok_or_else(|| PlatformError::refused(doing(), UNRELATED_ANSWER))?;
    topic.check(partition, &offsets.error_code, doing)?;
    Ok(offsets.last_stable_offset)
}

/// The end of the batches behind `end`, if there are any.
async fn behind(
    topic: &Topic,
    partition: u32,
    connection: &mut Connection,
    end: i64,
) -> Result<Option<i64>, PlatformError> {
    let doing = || {
        format!(
            "looking behind the end of `{}` partition {partition}",
            topic.name
        )
    };
    let request = FetchRequest::<RecordSet<RawRecords>> {
        max_bytes: LOOK_BYTES,
        isolation_level: Isolation::ReadUncommitted,
        topics: vec![FetchableTopic {
            name: topic.name.clone(),
            fetch_partitions: vec![FetchPartition {
                partition_index: partition,
                fetch_offset: end,
                max_bytes: LOOK_BYTES,
                ..FetchPartition::default()
            }],
        }],
        ..FetchRequest::default()
    };
    let response = connection.request(request, doing, ANSWER_LIMIT).await?;
    let mut partitions = response.topics.iter().flat_map(|topic| &topic.partitions);
    let found = partitions
        .next()
        .ok_or_else(|| PlatformError::refused(doing(), UNRELATED_ANSWER))?;
    topic.check(partition, &found.error_code, doing)?;
    let batches = found
        .records
        .batches
        .iter()
        .take_while(|batch| is_whole(batch));
    let next = batches.last().map(|batch| batch.computed_last_offset());
    Ok(next.filter(|next| *next > end))
}
