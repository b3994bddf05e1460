//! The embedded adapter: the contract, and what only it promises (durability, one owner).
#![cfg(feature = "embedded")]

mod contract;

use std::sync::Arc;

use election_platform::embedded::{EmbeddedPlatform, MAX_RECORD_BYTES};
use election_platform::{NewRecord, Platform, PlatformError, StreamRequest};
use futures_util::StreamExt;

macro_rules! contract {
    ($($promise:ident),* $(,)?) => {$(
        #[tokio::test(flavor = "multi_thread")]
        async fn $promise() {
            let directory = tempfile::tempdir().unwrap();
            let platform = EmbeddedPlatform::open(directory.path()).await.unwrap();
            contract::$promise(Arc::new(platform.clone())).await;
            platform.close().await.unwrap();
        }
    )*};
}

every_promise!(contract);

fn records(count: usize) -> Vec<NewRecord> {
    (0..count)
        .map(|n| NewRecord {
            key: Some(format!("k{n}").into()),
            value: vec![n as u8; 700],
        })
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_produced_is_there_after_reopening() {
    let directory = tempfile::tempdir().unwrap();
    let platform = EmbeddedPlatform::open(directory.path()).await.unwrap();
    platform.create_topic("kept", 2).await.unwrap();
    platform.produce("kept", records(5_000)).await.unwrap();
    let before = [
        platform.end_offset("kept", 0).await.unwrap(),
        platform.end_offset("kept", 1).await.unwrap(),
    ];
    platform.close().await.unwrap();

    let platform = EmbeddedPlatform::open(directory.path()).await.unwrap();
    assert_eq!(platform.partitions("kept").await.unwrap(), 2);
    for partition in 0..2 {
        let end = platform.end_offset("kept", partition).await.unwrap();
        assert_eq!(end, before[partition as usize]);
        let request = StreamRequest {
            topic: "kept".into(),
            partition,
            from: 0,
            chain: vec![],
        };
        let mut stream = platform.stream(request).await.unwrap();
        let mut next = 0;
        while next < end {
            for output in stream.next().await.unwrap().unwrap() {
                assert_eq!(output.offset, next);
                next += 1;
            }
        }
    }
    platform.produce("kept", records(1)).await.unwrap();
    platform.close().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_directory_has_one_owner() {
    let directory = tempfile::tempdir().unwrap();
    let owner = EmbeddedPlatform::open(directory.path()).await.unwrap();
    let second = EmbeddedPlatform::open(directory.path()).await;
    assert!(matches!(second.err(), Some(PlatformError::InUse { .. })));
    owner.close().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_record_beyond_the_limit_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let platform = EmbeddedPlatform::open(directory.path()).await.unwrap();
    platform.create_topic("limit", 1).await.unwrap();
    let large = NewRecord {
        key: None,
        value: vec![0; MAX_RECORD_BYTES + 1],
    };
    let refused = platform.produce("limit", vec![large]).await;
    assert!(matches!(
        refused,
        Err(PlatformError::TooLarge {
            limit: MAX_RECORD_BYTES,
            ..
        })
    ));
    assert_eq!(platform.end_offset("limit", 0).await.unwrap(), 0);
    platform.close().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_that_nobody_reads_is_a_few_batches_ahead() {
    let directory = tempfile::tempdir().unwrap();
    let platform = EmbeddedPlatform::open(directory.path()).await.unwrap();
    let unread = contract::unread_stream(&platform).await;
    // From here on nothing more is read.
    let (closed, ()) = tokio::join!(platform.close(), contract::a_few_batches(unread));
    closed.unwrap();
}

/// The batches this crate writes are Fluvio's own, byte for byte.
#[test]
fn records_are_in_fluvios_encoding() {
    use fluvio_protocol::Encoder;
    use fluvio_protocol::record::Record;

    let values: [(Option<&[u8]>, Vec<u8>); 3] = [
        (Some(b"key"), vec![1; 5_000]),
        (None, vec![]),
        (Some(b""), b"{}".to_vec()),
    ];
    let mut builder = wire::RecordsBuilder::default();
    let mut fluvio = Vec::new();
    for (n, (key, value)) in values.iter().enumerate() {
        builder.push(*key, value);
        let mut record = match key {
            Some(key) => Record::new_key_value(key.to_vec(), value.clone()),
            None => Record::new(value.clone()),
        };
        record.preamble.set_offset_delta(n as i64);
        fluvio.push(record);
    }
    let mut expected = Vec::new();
    fluvio.encode(&mut expected, 0).unwrap();
    assert_eq!(builder.finish(0), expected);
}
