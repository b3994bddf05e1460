//! The Fluvio adapter against a real cluster, which the tests start: the contract, and what only this
//! adapter promises. Without Fluvio's programs they are passed over.
#![cfg(feature = "fluvio")]

mod contract;

use std::io::Write;
use std::sync::Arc;
use std::time::{Duration, Instant};

use ballot::{Delta, Params};
use election_platform::fluvio::{
    ClusterAddress, ClusterConfig, FluvioPlatform, MAX_RECORD_BYTES, RAW_SLICE_BYTES,
};
use election_platform::{
    ModuleCall, NewRecord, Output, OutputBatch, OutputStream, Platform, PlatformError,
    StreamRequest, partition_of,
};
use futures_util::StreamExt;
use service_process::TemporaryCluster;

/// Starts a cluster, or says on the screen that a test is passed over. Not by `eprintln!`: of a test
/// that passes, that is not shown.
async fn cluster(spus: usize) -> Option<TemporaryCluster> {
    let cluster = TemporaryCluster::start(spus);
    if cluster.is_none() {
        let mut stderr = std::io::stderr().lock();
        writeln!(
            stderr,
            "SKIPPED: no Fluvio: neither in FLUVIO_BIN_DIR nor on PATH are `fluvio` and `fluvio-run`"
        )
        .unwrap();
    }
    cluster
}

/// All promises, one after the other, on one cluster.
#[tokio::test(flavor = "multi_thread")]
async fn the_contract() {
    let Some(cluster) = cluster(1).await else {
        return;
    };
    let platform = FluvioPlatform::connect(ClusterConfig::endpoint(cluster.endpoint()))
        .await
        .unwrap();
    let adapter: contract::Adapter = Arc::new(platform.clone());
    let mut broken = Vec::new();
    macro_rules! keep {
        ($($promise:ident),* $(,)?) => {$(
            let begun = Instant::now();
            let kept = tokio::spawn(contract::$promise(adapter.clone())).await;
            let name = stringify!($promise);
            eprintln!("{name}: {:?}", begun.elapsed());
            if kept.is_err() {
                broken.push(name);
            }
        )*};
    }
    every_promise!(keep);
    assert!(broken.is_empty(), "broken: {broken:?}");
    let unread = contract::unread_stream(&*adapter).await;
    drop(adapter);
    tokio::join!(platform.close(), contract::a_few_batches(unread));
}

/// How long a test waits for what must come.
const DEADLINE: Duration = Duration::from_secs(60);
/// The pause between two looks at a condition.
const PAUSE: Duration = Duration::from_millis(20);

async fn connect(cluster: &TemporaryCluster) -> FluvioPlatform {
    FluvioPlatform::connect(ClusterConfig::endpoint(cluster.endpoint()))
        .await
        .unwrap()
}

fn record(key: &str, value: impl Into<Vec<u8>>) -> NewRecord {
    NewRecord {
        key: Some(key.into()),
        value: value.into(),
    }
}

fn request(topic: &str, partition: u32, from: i64, module: Option<&str>) -> StreamRequest {
    let call = |module: &str| ModuleCall {
        module: module.into(),
        params: Params::new(),
    };
    StreamRequest {
        topic: topic.into(),
        partition,
        from,
        chain: module.map(call).into_iter().collect(),
    }
}

async fn next(stream: &mut OutputStream) -> Result<OutputBatch, PlatformError> {
    tokio::time::timeout(DEADLINE, stream.next())
        .await
        .expect("nothing came")
        .expect("a stream has no end")
}

async fn take(platform: &FluvioPlatform, request: StreamRequest, count: usize) -> Vec<Output> {
    let mut stream = platform.stream(request).await.unwrap();
    let mut outputs = Vec::new();
    while outputs.len() < count {
        outputs.extend(next(&mut stream).await.unwrap());
    }
    outputs
}

/// Runs `fluvio ARGS` to its end and returns what it says.
async fn fluvio<'a>(cluster: &TemporaryCluster, args: impl IntoIterator<Item = &'a str>) -> String {
    let mut command = cluster.fluvio(args);
    let ran = tokio::task::spawn_blocking(move || command.output());
    let ran = ran.await.unwrap().unwrap();
    let said = String::from_utf8_lossy(&ran.stdout).into_owned();
    let complained = String::from_utf8_lossy(&ran.stderr);
    assert!(ran.status.success(), "{said}{complained}");
    said
}

/// Bytes that cannot be compressed.
fn noise(bytes: usize, seed: u64) -> Vec<u8> {
    let mut state = seed | 1;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state as u8
    };
    (0..bytes).map(|_| next()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn fluvios_own_client_puts_keys_into_the_same_partitions() {
    let Some(cluster) = cluster(2).await else {
        return;
    };
    let platform = connect(&cluster).await;
    platform.create_topic("by-cli", 4).await.unwrap();
    let directory = tempfile::tempdir().unwrap();
    let lines: String = (0..500).map(|n| format!("voter-{n}:{n}\n")).collect();
    let file = directory.path().join("lines");
    std::fs::write(&file, lines).unwrap();
    let file = file.display().to_string();
    fluvio(
        &cluster,
        ["produce", "by-cli", "--key-separator", ":", "--file", &file],
    )
    .await;
    let mut seen = 0;
    for partition in 0..4 {
        let end = platform.end_offset("by-cli", partition).await.unwrap();
        let outputs = take(
            &platform,
            request("by-cli", partition, 0, None),
            end as usize,
        )
        .await;
        for output in &outputs {
            let key = output.key.as_deref().unwrap();
            assert_eq!(partition_of(key, 4), partition);
            assert!(output.timestamp > 1_700_000_000_000, "{}", output.timestamp);
        }
        seen += outputs.len();
    }
    assert_eq!(seen, 500);
}

#[tokio::test(flavor = "multi_thread")]
async fn fluvios_own_client_reads_what_we_write_through_what_we_deploy() {
    let Some(cluster) = cluster(1).await else {
        return;
    };
    let platform = connect(&cluster).await;
    for module in smartmodules::ALL {
        platform.deploy(module.name, module.wasm).await.unwrap();
    }
    platform.create_topic("votes", 1).await.unwrap();
    let vote = |n: u32| {
        let value = format!(
            r#"{{"voter_id":"v{n}","candidate_id":"a","vote":1,"voting_time":"2024-07-04 12:00:00"}}"#
        );
        record(&format!("v{n}"), value)
    };
    let votes = (0..1_000).map(vote).collect();
    platform.produce("votes", votes).await.unwrap();
    let consume = ["consume", "votes", "-B", "-d"];
    assert_eq!(fluvio(&cluster, consume).await.lines().count(), 1_000);
    let tally = consume.into_iter().chain(["--smartmodule", "vote-tally"]);
    let tally = fluvio(&cluster, tally).await;
    let delta: Delta = serde_json::from_str(tally.lines().next().unwrap()).unwrap();
    assert_eq!((delta.base_offset, delta.tally.cast()), (0, 1_000));
}

#[tokio::test(flavor = "multi_thread")]
async fn records_up_to_the_limit_are_taken_and_slices_may_cut_them() {
    let Some(cluster) = cluster(1).await else {
        return;
    };
    let platform = connect(&cluster).await;
    platform.create_topic("large", 1).await.unwrap();
    let refused = platform
        .produce("large", vec![record("", vec![0; MAX_RECORD_BYTES + 1])])
        .await;
    assert!(matches!(
        refused,
        Err(PlatformError::TooLarge {
            limit: MAX_RECORD_BYTES,
            ..
        })
    ));
    assert_eq!(platform.end_offset("large", 0).await.unwrap(), 0);
    // More than two slices of them.
    let records: Vec<_> = (1..=20)
        .map(|seed| record("", noise(MAX_RECORD_BYTES, seed)))
        .collect();
    assert!(records.len() * MAX_RECORD_BYTES > 2 * RAW_SLICE_BYTES as usize);
    platform.produce("large", records.clone()).await.unwrap();
    let outputs = take(&platform, request("large", 0, 0, None), records.len()).await;
    for (offset, (output, record)) in outputs.iter().zip(&records).enumerate() {
        assert_eq!(output.offset, offset as i64);
        assert!(output.value == record.value, "{offset}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_spu_ends_streams_and_nothing_is_lost() {
    let Some(mut cluster) = cluster(1).await else {
        return;
    };
    let platform = connect(&cluster).await;
    platform.create_topic("killed", 1).await.unwrap();
    let produce = async |n: u32| {
        let records = (0..100).map(|m| record("k", format!("{n} {m}"))).collect();
        platform.produce("killed", records).await
    };
    produce(0).await.unwrap();
    let mut stream = platform
        .stream(request("killed", 0, 0, None))
        .await
        .unwrap();
    assert_eq!(next(&mut stream).await.unwrap().len(), 100);
    cluster.kill_spu(0);
    let ended = next(&mut stream).await.unwrap_err();
    assert!(
        matches!(ended, PlatformError::ConnectionLost { .. }),
        "{ended}"
    );
    let none = tokio::time::timeout(DEADLINE, stream.next()).await.unwrap();
    assert!(none.is_none());
    let refused = produce(1).await.unwrap_err();
    assert!(
        matches!(refused, PlatformError::Unreachable { .. }),
        "{refused}"
    );
    let refused = platform
        .stream(request("killed", 0, 100, None))
        .await
        .err()
        .unwrap();
    assert!(
        matches!(refused, PlatformError::Unreachable { .. }),
        "{refused}"
    );
    cluster.start_spu(0).unwrap();
    // An SPU listens before it serves its partitions.
    let begun = Instant::now();
    while let Err(error) = produce(1).await {
        assert!(matches!(error, PlatformError::Moved { .. }), "{error}");
        assert!(begun.elapsed() < DEADLINE, "{error}");
        tokio::time::sleep(PAUSE).await;
    }
    let outputs = take(&platform, request("killed", 0, 0, None), 200).await;
    let expected: Vec<_> = (0..2)
        .flat_map(|n| (0..100).map(move |m| format!("{n} {m}").into_bytes()))
        .collect();
    assert_eq!(
        outputs
            .iter()
            .map(|output| output.value.to_vec())
            .collect::<Vec<_>>(),
        expected
    );
    assert_eq!(platform.end_offset("killed", 0).await.unwrap(), 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn records_go_on_without_the_controller_and_it_is_found_again() {
    let Some(mut cluster) = cluster(1).await else {
        return;
    };
    let platform = connect(&cluster).await;
    platform.create_topic("going-on", 1).await.unwrap();
    platform
        .produce("going-on", vec![record("k", "1")])
        .await
        .unwrap();
    let mut stream = platform
        .stream(request("going-on", 0, 0, None))
        .await
        .unwrap();
    assert_eq!(next(&mut stream).await.unwrap()[0].value, "1");
    cluster.kill_controller();
    platform
        .produce("going-on", vec![record("k", "2")])
        .await
        .unwrap();
    assert_eq!(next(&mut stream).await.unwrap()[0].value, "2");
    assert_eq!(platform.end_offset("going-on", 0).await.unwrap(), 2);
    let refused = platform.create_topic("new", 1).await.unwrap_err();
    let said = refused.to_string();
    assert!(said.contains(&cluster.endpoint()), "{said}");
    cluster.start_controller().unwrap();
    platform.create_topic("new", 1).await.unwrap();
    assert_eq!(platform.partitions("new").await.unwrap(), 1);
    platform
        .produce("going-on", vec![record("k", "3")])
        .await
        .unwrap();
    assert_eq!(next(&mut stream).await.unwrap()[0].value, "3");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_module_is_for_new_streams() {
    let Some(cluster) = cluster(1).await else {
        return;
    };
    let platform = connect(&cluster).await;
    let [filter, tally] = [smartmodules::VOTE_FILTER, smartmodules::VOTE_TALLY];
    platform.create_topic("replaced", 1).await.unwrap();
    platform.deploy("changing", tally.wasm).await.unwrap();
    let through = request("replaced", 0, 0, Some("changing"));
    let mut before = platform.stream(through.clone()).await.unwrap();
    let vote =
        r#"{"voter_id":"v","candidate_id":"a","vote":1,"voting_time":"2024-07-04 12:00:00"}"#;
    platform
        .produce("replaced", vec![record("v", vote)])
        .await
        .unwrap();
    let is_delta =
        |outputs: &OutputBatch| serde_json::from_slice::<Delta>(&outputs[0].value).is_ok();
    assert!(is_delta(&next(&mut before).await.unwrap()));
    // The same once more changes nothing; another is there at once.
    platform.deploy("changing", tally.wasm).await.unwrap();
    platform.deploy("changing", filter.wasm).await.unwrap();
    let mut after = platform.stream(through).await.unwrap();
    assert_eq!(next(&mut after).await.unwrap()[0].value, vote);
    platform
        .produce("replaced", vec![record("v", vote)])
        .await
        .unwrap();
    assert!(is_delta(&next(&mut before).await.unwrap()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dropped_stream_leaves_no_connection() {
    let Some(cluster) = cluster(1).await else {
        return;
    };
    let platform = connect(&cluster).await;
    platform.create_topic("dropped", 1).await.unwrap();
    let records = (0..50_000).map(|n| record("k", format!("{n}"))).collect();
    platform.produce("dropped", records).await.unwrap();
    let before = cluster.connections_to_spu(0);
    let mut streams = Vec::new();
    for _ in 0..5 {
        let mut stream = platform
            .stream(request("dropped", 0, 0, None))
            .await
            .unwrap();
        next(&mut stream).await.unwrap();
        streams.push(stream);
    }
    assert_eq!(cluster.connections_to_spu(0), before + 5);
    drop(streams);
    let begun = Instant::now();
    while cluster.connections_to_spu(0) > before {
        assert!(begun.elapsed() < DEADLINE, "streams are still there");
        tokio::time::sleep(PAUSE).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn clusters_are_found_by_profile_and_missing_ones_explained() {
    let Some(cluster) = cluster(1).await else {
        return;
    };
    let by_profile = |name: Option<&str>| ClusterConfig {
        address: ClusterAddress::Profile {
            name: name.map(Into::into),
            file: Some(cluster.profiles()),
        },
        ..ClusterConfig::default()
    };
    for name in [None, Some("temporary")] {
        let platform = FluvioPlatform::connect(by_profile(name)).await.unwrap();
        assert_eq!(platform.endpoint(), cluster.endpoint());
    }
    let absent = FluvioPlatform::connect(by_profile(Some("other")))
        .await
        .err()
        .unwrap();
    assert!(
        absent.to_string().contains("no profile `other`"),
        "{absent}"
    );
    let nobody = FluvioPlatform::connect(ClusterConfig::endpoint("127.0.0.1:1")).await;
    let nobody = nobody.err().unwrap().to_string();
    assert!(
        nobody.contains("127.0.0.1:1") && nobody.contains("is it running"),
        "{nobody}"
    );
}
