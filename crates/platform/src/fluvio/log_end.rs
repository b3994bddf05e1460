//! Where a partition ends.
//!
//! An SPU tells the end of what is committed. One that was killed between writing a batch and noting
//! that it is committed knows less of its own log when it is started again: the batch is there, it is
//! told to nobody, and it becomes visible with whatever is appended next, in front of that. A producer
//! that goes on where the log ends would write it a second time. So the first time that an SPU is
//! asked over a connection (a killed one takes all connections with it) we also look behind the end.
//!
//! Only where a partition has one copy: there, what is in the log stays in it. With several, what is not
//! committed may yet be taken back.

use std::time::Duration;

use fluvio::Isolation;
use fluvio::dataplane::record::{RawRecords, RecordSet, ReplicaKey};
use fluvio_spu_schema::fetch::{FetchPartition, FetchRequest, FetchableTopic};
use fluvio_spu_schema::server::fetch_offset::FetchOffsetsRequest;

use super::connection::Connection;
use super::stream::is_whole;
use super::topic::Topic;
use crate::PlatformError;

/// How long an SPU may take to say where a partition ends.
const ANSWER_LIMIT: Duration = Duration::from_secs(30);

/// Bytes that are looked at together behind the end: more than a batch can have.
const LOOK_BYTES: i32 = 16 << 20;

/// A connection over which a partition's end is asked for, and the end that was found by looking.
pub(super) struct Asking {
    connection: Connection,
    found: i64,
}

impl Asking {
    /// Over a new connection.
    pub(super) async fn begin(
        topic: &Topic,
        partition: u32,
        mut connection: Connection,
    ) -> Result<Asking, PlatformError> {
        let mut found = committed(topic, partition, &mut connection).await?;
        while topic.has_one_copy()
            && let Some(next) = behind(topic, partition, &mut connection, found).await?
        {
            found = next;
        }
        Ok(Asking { connection, found })
    }

    /// Itself, if the connection still stands.
    pub(super) fn if_it_stands(mut self) -> Option<Asking> {
        self.connection.stands().then_some(self)
    }

    /// The offset of the next record.
    pub(super) async fn end(
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
        .ok_or_else(|| PlatformError::Refused {
            doing: doing(),
            problem: "the answer is about something else".into(),
        })?;
    topic.check(partition, &offsets.error_code, doing)?;
    Ok(offsets.last_stable_offset)
}

/// Where the batches end that stand behind `end`; `None` when there are none.
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
    let Some(found) = partitions.next() else {
        return Err(PlatformError::Refused {
            doing: doing(),
            problem: "the answer is about something else".into(),
        });
    };
    topic.check(partition, &found.error_code, doing)?;
    let batches = found
        .records
        .batches
        .iter()
        .take_while(|batch| is_whole(batch));
    let next = batches.last().map(|batch| batch.computed_last_offset());
    Ok(next.filter(|next| *next > end))
}
