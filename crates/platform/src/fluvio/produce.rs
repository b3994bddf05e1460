//! Producing: records are put into batches by partition, and each request with a partition's batches waits until the one
//! before is acknowledged. So what is stored after an error is always a prefix.

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use fluvio::dataplane::link::ErrorCode;
use fluvio::dataplane::record::{Batch, RawRecords, RecordSet};
use fluvio::metadata::topic::CompressionAlgorithm;
use fluvio::{Compression, Isolation};
use fluvio_spu_schema::produce::{
    DefaultPartitionRequest, DefaultProduceRequest, DefaultTopicRequest,
};
use futures_util::future::join_all;
use wire::RecordsBuilder;

use super::UNRELATED_ANSWER;
use super::topic::Topic;
use crate::checks::check_sizes;
use crate::partitioning::by_partition;
use crate::{NewRecord, PlatformError, blocking};

/// The largest batch before compression (a larger record is a batch of its own). A chain of SmartModules gets one batch
/// at a time, and an SPU silently skips a batch whose outputs are larger than a slice: see `CHAIN_SLICE_BYTES`.
pub const BATCH_BYTES: usize = 128 << 10;

/// Largest record, key and value together: a batch on an SPU has at most 2 MiB with its head.
pub const MAX_RECORD_BYTES: usize = (2 << 20) - (4 << 10);

/// About how many bytes of a partition's batches, compressed, are sent in one request, so that there are few
/// acknowledgements to wait for.
const REQUEST_BYTES: usize = 4 << 20;

/// How long the SPU may take until all copies have the batch.
const COMMIT_LIMIT: Duration = Duration::from_secs(20);
/// How long it may take to answer at all.
const ANSWER_LIMIT: Duration = Duration::from_secs(30);

/// Appends records to a topic; returns when all are acknowledged.
pub(super) async fn produce(
    topic: &Arc<Topic>,
    records: Vec<NewRecord>,
) -> Result<(), PlatformError> {
    check_sizes(&topic.name, &records, MAX_RECORD_BYTES)?;
    let shares = by_partition(records, topic.partitions(), topic.keyless());
    let appended = (0..)
        .zip(shares)
        .filter(|(_, share)| !share.is_empty())
        .map(|(partition, share)| append(topic, partition, share));
    // Not `try_join_all`: one partition's failure must not cancel another's request.
    join_all(appended).await.into_iter().collect()
}

async fn append(
    topic: &Topic,
    partition: u32,
    records: Vec<NewRecord>,
) -> Result<(), PlatformError> {
    // Locked before the batches are made, so that calls keep their order.
    let mut slot = topic.partition(partition)?.appending.lock().await;
    let compression = topic.compression.clone();
    let batches = blocking(move || batches(&records, &compression)).await?;
    let doing = || format!("producing to `{}` partition {partition}", topic.name);
    let batches = batches.map_err(|problem| PlatformError::refused(doing(), problem))?;
    let mut connection = topic.take(&mut slot, partition).await?;
    for batches in requests(batches) {
        let request = request(&topic.name, partition, batches);
        let response = connection.request(request, doing, ANSWER_LIMIT).await?;
        let answer = response
            .find_partition_response(&topic.name, partition)
            .ok_or_else(|| PlatformError::refused(doing(), UNRELATED_ANSWER))?;
        if answer.error_code == ErrorCode::MessageTooLarge {
            let problem = format!(
                "a batch is too large for this cluster, which must accept {MAX_RECORD_BYTES} bytes"
            );
            return Err(PlatformError::refused(doing(), problem));
        }
        topic.check(partition, &answer.error_code, doing)?;
    }
    *slot = Some(connection);
    Ok(())
}

fn request(topic: &str, partition: u32, batches: Vec<Batch<RawRecords>>) -> DefaultProduceRequest {
    DefaultProduceRequest {
        isolation: Isolation::ReadCommitted,
        timeout: COMMIT_LIMIT,
        topics: vec![DefaultTopicRequest {
            name: topic.to_owned(),
            partitions: vec![DefaultPartitionRequest {
                partition_index: partition,
                records: RecordSet { batches },
            }],
            ..DefaultTopicRequest::default()
        }],
        ..DefaultProduceRequest::default()
    }
}

/// Puts batches together that fit into a request.
fn requests(batches: Vec<Batch<RawRecords>>) -> Vec<Vec<Batch<RawRecords>>> {
    let mut requests = Vec::new();
    let mut bytes = usize::MAX;
    for batch in batches {
        let size = batch.records().0.len();
        if bytes.saturating_add(size) > REQUEST_BYTES {
            requests.push(Vec::new());
            bytes = 0;
        }
        bytes += size;
        requests
            .last_mut()
            .expect("invariant: the first batch opens a request")
            .push(batch);
    }
    requests
}

fn batches(
    records: &[NewRecord],
    compression: &CompressionAlgorithm,
) -> Result<Vec<Batch<RawRecords>>, String> {
    let mut batches = Vec::new();
    let mut builder = RecordsBuilder::default();
    for record in records {
        if !builder.is_empty() && builder.size() + record.size() > BATCH_BYTES {
            batches.push(batch(std::mem::take(&mut builder), compression)?);
        }
        builder.push(record.key.as_deref(), &record.value);
    }
    if !builder.is_empty() {
        batches.push(batch(builder, compression)?);
    }
    Ok(batches)
}

fn batch(
    records: RecordsBuilder,
    compression: &CompressionAlgorithm,
) -> Result<Batch<RawRecords>, String> {
    let last = records.len() as i32 - 1;
    let raw = records.finish(0);
    let (used, bytes) = compress(raw, compression)?;
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |time| time.as_millis() as i64);
    let mut batch = Batch::<RawRecords>::default();
    batch.header.last_offset_delta = last;
    batch.header.first_timestamp = now;
    batch.header.max_time_stamp = now;
    batch.header.set_compression(used);
    *batch.mut_records() = RawRecords(bytes);
    Ok(batch)
}

fn compress(raw: Vec<u8>, wanted: &CompressionAlgorithm) -> Result<(Compression, Bytes), String> {
    let compression = match wanted {
        CompressionAlgorithm::None => Compression::None,
        CompressionAlgorithm::Gzip => Compression::Gzip,
        CompressionAlgorithm::Snappy => Compression::Snappy,
        CompressionAlgorithm::Lz4 | CompressionAlgorithm::Any => Compression::Lz4,
        CompressionAlgorithm::Zstd => Compression::Zstd,
    };
    if compression == Compression::None {
        return Ok((compression, raw.into()));
    }
    let compressed = compression
        .compress(&raw)
        .map_err(|error| error.to_string())?;
    // A batch that does not compress must not grow beyond the limit.
    if *wanted == CompressionAlgorithm::Any && compressed.len() >= raw.len() {
        return Ok((Compression::None, raw.into()));
    }
    Ok((compression, compressed))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(bytes: usize) -> NewRecord {
        NewRecord {
            key: Some(b"k".to_vec()),
            value: vec![b'x'; bytes],
        }
    }

    #[test]
    fn batches_keep_to_their_size() {
        let records: Vec<_> = [100, BATCH_BYTES - 200, 300, MAX_RECORD_BYTES, 1]
            .map(record)
            .into();
        let batches = batches(&records, &CompressionAlgorithm::None).unwrap();
        let counts: Vec<_> = batches.iter().map(Batch::records_len).collect();
        assert_eq!(counts, [2, 1, 1, 1]);
        assert!(
            batches
                .iter()
                .all(|batch| batch.records().0.len() <= 2 << 20)
        );
        assert_eq!(requests(batches).len(), 1);
    }

    #[test]
    fn what_cannot_be_compressed_is_left() {
        let mut state = 1u64;
        let mut noise = || {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            (state >> 56) as u8
        };
        let noise: Vec<u8> = (0..5_000).map(|_| noise()).collect();
        let (used, bytes) = compress(noise.clone(), &CompressionAlgorithm::Any).unwrap();
        assert_eq!((used, bytes.len()), (Compression::None, noise.len()));
        let (used, bytes) = compress(vec![7; 5_000], &CompressionAlgorithm::Any).unwrap();
        assert_eq!(used, Compression::Lz4);
        assert!(bytes.len() < 500);
    }
}
