//! What every adapter of the port must do. Each function is one promise; topics are named after the
//! promise, so that a suite can run them all against one cluster.

mod same_answers;

use std::collections::BTreeMap;
use std::sync::Arc;

use ballot::{Delta, Params};
use election_platform::{
    ModuleCall, NewRecord, Output, OutputStream, Platform, PlatformError, StreamRequest,
    partition_of,
};
use futures_util::StreamExt;
use wire::RejectedVote;

/// Hands the names of all promises to a macro of the suite's.
#[macro_export]
macro_rules! every_promise {
    ($with:ident) => {
        $with!(
            topics_are_created_once,
            what_is_missing_is_named,
            records_come_back_in_order_by_key,
            keyless_records_take_turns,
            any_bytes_are_a_record,
            a_stream_waits_for_more,
            the_tally_is_contiguous_and_complete,
            chains_filter_then_enrich,
            a_long_parameter_is_whole,
            running_totals_for_a_terminal,
            a_bad_parameter_is_explained,
            every_module_answers_as_on_an_spu,
        );
    };
}

pub use same_answers::every_module_answers_as_on_an_spu;

pub type Adapter = Arc<dyn Platform>;

fn record(key: &str, value: impl Into<Vec<u8>>) -> NewRecord {
    NewRecord {
        key: Some(key.into()),
        value: value.into(),
    }
}

fn vote(voter: &str, candidate: &str) -> NewRecord {
    let value = serde_json::json!({
        "voter_id": voter, "candidate_id": candidate, "vote": 1,
        "voting_time": "2024-07-04 12:00:00", "gender": "female", "registered_age": 40,
        "address": { "state": "Fife" },
    });
    record(voter, value.to_string())
}

fn request(
    topic: &str,
    partition: u32,
    from: i64,
    chain: &[(&str, &[(&str, &str)])],
) -> StreamRequest {
    let params = |params: &[(&str, &str)]| -> Params {
        params
            .iter()
            .map(|&(name, value)| (name.into(), value.into()))
            .collect()
    };
    StreamRequest {
        topic: topic.into(),
        partition,
        from,
        chain: chain
            .iter()
            .map(|&(module, given)| ModuleCall {
                module: module.into(),
                params: params(given),
            })
            .collect(),
    }
}

async fn take(platform: &Adapter, request: StreamRequest, count: usize) -> Vec<Output> {
    let mut stream = platform.stream(request).await.unwrap();
    let mut outputs = Vec::new();
    while outputs.len() < count {
        outputs.extend(stream.next().await.expect("a stream has no end").unwrap());
    }
    outputs
}

async fn deploy_all(platform: &Adapter) {
    for module in smartmodules::ALL {
        platform.deploy(module.name, module.wasm).await.unwrap();
    }
}

pub async fn topics_are_created_once(platform: Adapter) {
    platform.create_topic("created-once", 3).await.unwrap();
    platform.create_topic("created-once", 3).await.unwrap();
    assert_eq!(platform.partitions("created-once").await.unwrap(), 3);
    assert_eq!(platform.end_offset("created-once", 2).await.unwrap(), 0);
    let other = platform.create_topic("created-once", 4).await;
    assert!(matches!(
        other,
        Err(PlatformError::OtherPartitions {
            existing: 3,
            wanted: 4,
            ..
        })
    ));
    for name in ["", "Votes", "votes_topic", "-votes", "votes-"] {
        let refused = platform.create_topic(name, 1).await;
        assert!(
            matches!(refused, Err(PlatformError::TopicName { .. })),
            "{name}"
        );
    }
}

pub async fn what_is_missing_is_named(platform: Adapter) {
    assert!(matches!(
        platform.partitions("absent").await,
        Err(PlatformError::NoTopic { .. })
    ));
    let produced = platform.produce("absent", vec![record("k", "v")]).await;
    assert!(matches!(produced, Err(PlatformError::NoTopic { .. })));
    platform.create_topic("missing", 1).await.unwrap();
    let offset = platform.end_offset("missing", 1).await;
    assert!(matches!(
        offset,
        Err(PlatformError::NoPartition { partitions: 1, .. })
    ));
    let stream = platform
        .stream(request("missing", 0, 0, &[("no-such-module", &[])]))
        .await;
    assert!(
        matches!(stream.err(), Some(PlatformError::NoModule { module }) if module == "no-such-module")
    );
    let text = platform.deploy("text", b"(module)").await;
    assert!(matches!(text, Err(PlatformError::Module { .. })));
    assert_eq!(platform.module("text").await.unwrap(), None);
    deploy_all(&platform).await;
    let deployed = platform.module(smartmodules::VOTE_TALLY.name).await;
    assert_eq!(
        deployed.unwrap().as_deref(),
        Some(smartmodules::VOTE_TALLY.wasm)
    );
}

pub async fn records_come_back_in_order_by_key(platform: Adapter) {
    platform.create_topic("in-order", 3).await.unwrap();
    let records: Vec<_> = (0..5_000)
        .map(|n| record(&format!("k{}", n % 700), format!("{n}")))
        .collect();
    for chunk in records.chunks(1_234) {
        platform.produce("in-order", chunk.to_vec()).await.unwrap();
    }
    for partition in 0..3 {
        let expected: Vec<&NewRecord> = records
            .iter()
            .filter(|record| partition_of(record.key.as_deref().unwrap(), 3) == partition)
            .collect();
        assert_eq!(
            platform.end_offset("in-order", partition).await.unwrap(),
            expected.len() as i64
        );
        let outputs = take(
            &platform,
            request("in-order", partition, 0, &[]),
            expected.len(),
        )
        .await;
        for (offset, (output, record)) in outputs.iter().zip(&expected).enumerate() {
            assert_eq!(output.offset, offset as i64);
            assert_eq!(output.key.as_deref(), record.key.as_deref());
            assert_eq!(&output.value[..], &record.value[..]);
        }
        let from = expected.len() as i64 / 2 + 1;
        let rest = take(&platform, request("in-order", partition, from, &[]), 1).await;
        assert_eq!(rest[0].offset, from);
    }
}

pub async fn keyless_records_take_turns(platform: Adapter) {
    platform.create_topic("keyless", 2).await.unwrap();
    let records = (0..10)
        .map(|n| NewRecord {
            key: None,
            value: vec![n],
        })
        .collect();
    platform.produce("keyless", records).await.unwrap();
    let mut ends = 0;
    for partition in 0..2 {
        let end = platform.end_offset("keyless", partition).await.unwrap();
        assert!(end > 0);
        ends += end;
    }
    assert_eq!(ends, 10);
}

pub async fn any_bytes_are_a_record(platform: Adapter) {
    platform.create_topic("any-bytes", 1).await.unwrap();
    let values = [
        vec![],
        vec![0xff, 0xfe, 0],
        vec![b'x'; 1_000_000],
        b"{".to_vec(),
    ];
    let records = values
        .iter()
        .map(|value| record("", value.clone()))
        .collect();
    platform.produce("any-bytes", records).await.unwrap();
    let outputs = take(&platform, request("any-bytes", 0, 0, &[]), values.len()).await;
    for (output, value) in outputs.iter().zip(&values) {
        assert_eq!(&output.value[..], &value[..]);
        assert_eq!(output.key.as_deref(), Some(&b""[..]));
    }
}

pub async fn a_stream_waits_for_more(platform: Adapter) {
    platform.create_topic("waits", 1).await.unwrap();
    let mut stream = platform.stream(request("waits", 0, 0, &[])).await.unwrap();
    for n in 0..3u8 {
        platform
            .produce("waits", vec![record("k", [n])])
            .await
            .unwrap();
        let outputs = stream.next().await.unwrap().unwrap();
        assert_eq!(
            (outputs[0].offset, &outputs[0].value[..]),
            (i64::from(n), &[n][..])
        );
    }
}

pub async fn the_tally_is_contiguous_and_complete(platform: Adapter) {
    deploy_all(&platform).await;
    platform.create_topic("tally", 1).await.unwrap();
    let mut next = 0;
    let mut stream = platform
        .stream(request(
            "tally",
            0,
            0,
            &[("vote-tally", &[("candidates", r#"["a","b"]"#)])],
        ))
        .await
        .unwrap();
    let mut tally = ballot::Tally::default();
    for round in 0..3 {
        let records = (0..400)
            .map(|n| {
                vote(
                    &format!("v{}", n + round * 300),
                    ["a", "b", "nobody"][n % 3],
                )
            })
            .collect();
        platform.produce("tally", records).await.unwrap();
        while next < (round as i64 + 1) * 400 {
            for output in stream.next().await.unwrap().unwrap() {
                let delta: Delta = serde_json::from_slice(&output.value).unwrap();
                assert_eq!(delta.base_offset, next);
                next = delta.next_offset;
                tally.add(&delta.tally);
            }
        }
    }
    assert_eq!(tally.cast(), 1_200);
    let rejected: BTreeMap<_, _> = tally
        .rejected
        .iter()
        .map(|(r, n)| (r.as_str(), *n))
        .collect();
    // 133 of each 400 are for nobody; of 1,000 different voters those whose every vote was count not.
    assert_eq!(rejected["unknown_candidate"], 3 * 133);
    assert_eq!(tally.demand_balanced(), Ok(()));
    let fife = [("Fife".to_owned(), tally.counted())];
    assert_eq!(tally.turnout_by("location"), &fife.into());
    // Module state is fresh with every stream: the same again from the start.
    let outputs = take(
        &platform,
        request(
            "tally",
            0,
            0,
            &[("vote-tally", &[("candidates", r#"["a","b"]"#)])],
        ),
        1,
    )
    .await;
    let first: Delta = serde_json::from_slice(&outputs[0].value).unwrap();
    assert_eq!(first.base_offset, 0);
}

pub async fn chains_filter_then_enrich(platform: Adapter) {
    deploy_all(&platform).await;
    platform.create_topic("chains", 1).await.unwrap();
    let mut heavy = vote("v2", "a");
    heavy.value = String::from_utf8(heavy.value)
        .unwrap()
        .replace("\"vote\":1", "\"vote\":2")
        .into();
    platform
        .produce("chains", vec![vote("v1", "a"), heavy, vote("v3", "a")])
        .await
        .unwrap();
    let candidates = r#"[{"candidate_id":"a","candidate_name":"Ada","party_affiliation":"P"}]"#;
    let chain: &[(&str, &[(&str, &str)])] = &[
        ("vote-filter", &[("candidates", candidates)]),
        ("vote-enrich", &[("candidates", candidates)]),
    ];
    let outputs = take(&platform, request("chains", 0, 0, chain), 2).await;
    assert_eq!(outputs.len(), 2);
    for (output, voter) in outputs.iter().zip(["v1", "v3"]) {
        let vote: serde_json::Value = serde_json::from_slice(&output.value).unwrap();
        assert_eq!(vote["voter_id"], voter);
        assert_eq!(vote["candidate_name"], "Ada");
        assert_eq!(vote["address"]["state"], "Fife");
        assert_eq!(output.key.as_deref(), Some(voter.as_bytes()));
    }
    let rejected = take(
        &platform,
        request("chains", 0, 0, &[("vote-filter", &[("mode", "rejected")])]),
        1,
    )
    .await;
    let mut rejected: serde_json::Value = serde_json::from_slice(&rejected[0].value).unwrap();
    rejected["partition"] = 0.into();
    rejected["value_bytes"] = rejected["value"].as_str().unwrap().len().into();
    let rejected: RejectedVote = serde_json::from_value(rejected).unwrap();
    assert_eq!((rejected.offset, rejected.voter_id.as_str()), (1, "v2"));
    assert_eq!(rejected.reason, ballot::Reason::InvalidWeight);
}

/// Candidates whose ids together are longer than the longest text that Fluvio passes.
const MANY_CANDIDATES: u32 = 2_000;

pub async fn a_long_parameter_is_whole(platform: Adapter) {
    deploy_all(&platform).await;
    platform.create_topic("long-parameter", 1).await.unwrap();
    let id = |number: u32| format!("candidate-number-{number:04}");
    let ids: Vec<String> = (0..MANY_CANDIDATES).map(id).collect();
    let candidates = serde_json::to_string(&ids).unwrap();
    assert!(candidates.len() > usize::from(u16::MAX) / 2);
    let votes = vec![
        vote("v1", &id(0)),
        vote("v2", "nobody"),
        vote("v3", &id(MANY_CANDIDATES - 1)),
    ];
    platform.produce("long-parameter", votes).await.unwrap();
    let chain: &[(&str, &[(&str, &str)])] = &[("vote-filter", &[("candidates", &candidates)])];
    let outputs = take(&platform, request("long-parameter", 0, 0, chain), 2).await;
    let voters: Vec<_> = outputs.iter().filter_map(|it| it.key.as_deref()).collect();
    assert_eq!(voters, [b"v1", b"v3"]);
}

pub async fn running_totals_for_a_terminal(platform: Adapter) {
    deploy_all(&platform).await;
    platform.create_topic("running-totals", 1).await.unwrap();
    let records = vec![
        vote("v1", "a"),
        vote("v2", "b"),
        record("x", "not a vote"),
        vote("v3", "a"),
    ];
    platform.produce("running-totals", records).await.unwrap();
    for (module, expected) in [
        ("votes-per-candidate", r#"{"a":2,"b":1}"#),
        ("turnout-by-location", r#"{"Fife":3}"#),
    ] {
        let outputs = take(
            &platform,
            request("running-totals", 0, 0, &[(module, &[])]),
            4,
        )
        .await;
        assert_eq!(outputs[3].value, expected);
    }
}

pub async fn a_bad_parameter_is_explained(platform: Adapter) {
    deploy_all(&platform).await;
    platform.create_topic("bad-parameter", 1).await.unwrap();
    let chain: &[(&str, &[(&str, &str)])] = &[("vote-tally", &[("polls_open", "noon")])];
    let Err(error) = platform.stream(request("bad-parameter", 0, 0, chain)).await else {
        panic!("`noon` was taken for a time");
    };
    let text = error.to_string();
    assert!(
        text.contains("vote-tally") && text.contains("polls_open") && text.contains("noon"),
        "{text}"
    );
}

/// Batches that a test of a stream without a reader has.
const BATCHES: usize = 100;

/// A stream of [`BATCHES`] records, each a batch, that was not read while others could be several times. Once
/// the platform closes, it has [`a_few_batches`].
pub async fn unread_stream(platform: &dyn Platform) -> OutputStream {
    let topic = "waits-for-its-reader";
    platform.create_topic(topic, 1).await.unwrap();
    for n in 0..BATCHES {
        let records = vec![record("k", format!("{n}"))];
        platform.produce(topic, records).await.unwrap();
    }
    let unread = platform.stream(request(topic, 0, 0, &[])).await.unwrap();
    for _ in 0..5 {
        let mut stream = platform.stream(request(topic, 0, 0, &[])).await.unwrap();
        let mut read = 0;
        while read < BATCHES {
            read += stream.next().await.unwrap().unwrap().len();
        }
    }
    unread
}

/// What waits for a slow reader stays in the log: to be called while the platform closes.
pub async fn a_few_batches(unread: OutputStream) {
    /// Four that wait, and one that is to be added.
    const AHEAD: usize = 5;
    let ahead: Vec<usize> = unread.map(|outputs| outputs.unwrap().len()).collect().await;
    assert!((1..=AHEAD).contains(&ahead.len()), "{ahead:?}");
    assert!(ahead.iter().sum::<usize>() < BATCHES, "{ahead:?}");
}
