//! Batches on a cluster's log as somebody writes them who does not use a client: whatever bytes, under whatever head.

use std::time::Duration;

use bytes::Bytes;
pub use fluvio::Compression;
use fluvio::Isolation;
use fluvio_protocol::api::{Request, RequestMessage};
use fluvio_protocol::link::ErrorCode;
use fluvio_protocol::record::{Batch, RawRecords, RecordSet};
use fluvio_protocol::{Decoder, Encoder};
use fluvio_spu_schema::produce::{
    DefaultPartitionRequest, DefaultProduceRequest, DefaultTopicRequest, ProduceResponse,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;
use wire::{RecordsBuilder, topics};

const LIMIT: Duration = Duration::from_secs(10);

/// A batch as it is to be written.
pub struct RawBatch {
    pub compression: Compression,
    /// The records, as they are compressed or not.
    pub records: Vec<u8>,
    /// The offset of the last one, as the head claims it.
    pub last_offset_delta: i32,
}

/// Records in Fluvio's encoding, at these offsets from the batch's.
pub fn encoded<'a>(records: impl IntoIterator<Item = (i64, &'a str, &'a [u8])>) -> Vec<u8> {
    let mut builder = RecordsBuilder::default();
    for (offset_delta, key, value) in records {
        builder.push_ref(ballot::RecordRef {
            offset_delta,
            timestamp_delta: 0,
            key: Some(key.as_bytes()),
            value,
        });
    }
    builder.finish(0)
}

/// Writes a batch into a partition of `votes` and returns what the SPU at `endpoint` makes of it.
pub async fn write(endpoint: &str, partition: u32, batch: RawBatch) -> ErrorCode {
    let mut written = Batch::<RawRecords>::default();
    written.header.last_offset_delta = batch.last_offset_delta;
    written.header.first_timestamp = 0;
    written.header.max_time_stamp = 0;
    written.header.set_compression(batch.compression);
    *written.mut_records() = RawRecords(Bytes::from(batch.records));
    let request = DefaultProduceRequest {
        isolation: Isolation::ReadCommitted,
        timeout: LIMIT,
        topics: vec![DefaultTopicRequest {
            name: topics::VOTES.to_owned(),
            partitions: vec![DefaultPartitionRequest {
                partition_index: partition,
                records: RecordSet {
                    batches: vec![written],
                },
            }],
            ..DefaultTopicRequest::default()
        }],
        ..DefaultProduceRequest::default()
    };
    let version = DefaultProduceRequest::DEFAULT_API_VERSION;
    let mut message = RequestMessage::new_request(request);
    message.header.set_api_version(version);
    let mut bytes = Vec::new();
    message.encode(&mut bytes, version).unwrap();

    let answer = async {
        let mut connection = TcpStream::connect(endpoint).await.unwrap();
        connection.write_u32(bytes.len() as u32).await.unwrap();
        connection.write_all(&bytes).await.unwrap();
        let length = connection.read_u32().await.unwrap();
        let mut answer = vec![0; length as usize];
        connection.read_exact(&mut answer).await.unwrap();
        answer
    };
    let answer = timeout(LIMIT, answer).await.unwrap();
    // A correlation number stands before it.
    let answer = ProduceResponse::decode_from(&mut &answer[4..], version).unwrap();
    let answer = answer.find_partition_response(topics::VOTES, partition);
    answer.unwrap().error_code.clone()
}
