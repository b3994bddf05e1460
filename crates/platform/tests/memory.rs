//! What waits for a slow reader is on the disk, and nothing of it in memory. Alone in its process, whose
//! memory it looks at.
#![cfg(all(feature = "embedded", target_os = "linux"))]

use election_platform::embedded::EmbeddedPlatform;
use election_platform::{NewRecord, Platform, StreamRequest};
use futures_util::StreamExt;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

const TOPIC: &str = "waits";
const RECORDS: u64 = 640;
/// All of them are 640 MB; the store's own buffers are 64 MB each.
const RECORD_BYTES: usize = 1_000_000;
const MOST: u64 = RECORDS * RECORD_BYTES as u64 / 2;

/// Memory of this process that is no file's, in bytes.
fn memory() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("RssAnon:"));
    let kib = line.and_then(|line| line.split_whitespace().nth(1));
    kib.unwrap().parse::<u64>().unwrap() << 10
}

#[tokio::test(flavor = "multi_thread")]
async fn what_waits_for_a_stream_that_nobody_reads_is_not_in_memory() {
    let directory = tempfile::tempdir().unwrap();
    let platform = EmbeddedPlatform::open(directory.path()).await.unwrap();
    platform.create_topic(TOPIC, 1).await.unwrap();
    let request = StreamRequest {
        topic: TOPIC.into(),
        partition: 0,
        from: 0,
        chain: vec![],
    };
    let mut random = StdRng::seed_from_u64(7);
    let mut incompressible = || {
        let mut value = vec![0; RECORD_BYTES];
        random.fill_bytes(&mut value);
        NewRecord { key: None, value }
    };
    let produce = |record| platform.produce(TOPIC, vec![record]);
    // More than a stream may be ahead, so that it waits in the middle of what it could read.
    for _ in 0..16 {
        produce(incompressible()).await.unwrap();
    }
    let mut unread = platform.stream(request).await.unwrap();
    let first = unread.next().await.unwrap().unwrap();
    assert_eq!(first[0].offset, 0);
    let before = memory();
    for _ in 16..RECORDS {
        produce(incompressible()).await.unwrap();
    }
    let grown = memory().saturating_sub(before);
    assert!(grown < MOST, "{grown} bytes more");
    let read = unread.take(RECORDS as usize - 1).count().await;
    assert_eq!(read as u64, RECORDS - 1);
    platform.close().await.unwrap();
}
