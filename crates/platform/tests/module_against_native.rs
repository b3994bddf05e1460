//! The compiled SmartModules against the rules they are compiled from: whatever lies in the log,
//! `vote-tally`, `vote-filter` and `vote-enrich` say in the engine exactly what `ballot` and `wire` say here.
#![cfg(feature = "embedded")]

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU32, Ordering};

use ballot::{
    Candidate, CredentialKey, Delta, ElectionDefinition, HashSeed, PARAM_CANDIDATES,
    PARAM_DUPLICATES, PARAM_MODE, Params, Partition, PartitionCounter, PollsWindow, Reason, Rules,
    VotingTime, partition_of,
};
use election_platform::embedded::EmbeddedPlatform;
use election_platform::{ModuleCall, NewRecord, Output, Platform, StreamRequest};
use evidence::ElectionKey;
use futures_util::StreamExt;
use proptest::prelude::*;
use proptest::sample::{Index, select};
use proptest::test_runner::{Config, TestCaseResult, TestRunner};
use serde_json::{Value, json};
use wire::{Disclosure, Enricher, offset_key};

/// Each case builds four chains, which costs far more than its records; so cases are few and large.
const CASES: u32 = 6;
const BATCHES: std::ops::Range<usize> = 15..35;
const RECORDS: std::ops::Range<usize> = 1..60;
/// Each verdict must fall so often at least, or the records prove nothing.
const LEAST: u64 = 20;
/// A case that fails is made smaller in so many steps at most.
const SHRINKS: u32 = 200;

/// Ids in the two forms that are kept differently, and odd ones.
const VOTERS: [&str; 12] = [
    "00112233-4455-6677-8899-aabbccddeeff",
    "00112233-4455-6677-8899-aabbccddeefe",
    "00112233-4455-6677-8899-AABBCCDDEEFF",
    "ffffffff-ffff-ffff-ffff-ffffffffffff",
    "v1",
    "v2",
    "v\"3\"\\",
    "選民",
    " v1",
    "",
    "nul\0nul",
    "c1\u{85}",
];
const CANDIDATES: [&str; 3] = ["c1", "c \"2\"", "候選人"];

fn candidates() -> Vec<Candidate> {
    CANDIDATES
        .iter()
        .map(|id| Candidate {
            candidate_id: (*id).into(),
            candidate_name: format!("{id} the \"Bold\"\n"),
            party_affiliation: "P".into(),
            biography: String::new(),
            campaign_platform: "More ☀".into(),
            photo_url: "/p.svg".into(),
        })
        .collect()
}

/// The key of the credentials, where they are required.
fn credential_key() -> CredentialKey {
    ElectionKey::from_bytes([7; 32]).credentials()
}

fn polls() -> PollsWindow {
    PollsWindow {
        open: VotingTime::parse("2024-07-04 07:00:00"),
        close: VotingTime::parse("2024-07-04 22:00:00"),
    }
}

/// One of two partitions: the one that the last voter votes in.
fn half() -> Partition {
    let (of, last) = (2, b"last");
    let number = partition_of(last, of);
    Partition { number, of }
}

fn rules() -> Rules {
    Rules::new(&candidates(), polls())
}

/// Three contests, one of them of a district, and a closed list of values.
const CITY: &str = r#"{
    "election": {"id": "city", "title": "City"},
    "precinct": [{"id": "p1", "title": "One"}, {"id": "p2", "title": "Two"}],
    "district": [{"id": "west", "title": "West", "precincts": ["p2"]}],
    "group": [
        {"name": "state", "path": "/address/state", "limit": 3},
        {"name": "gender", "path": "/gender", "values": ["female", "male"]},
        {"name": "age", "path": "/registered_age", "bands": [18, 65], "range": [0, 150]}
    ],
    "contest": [
        {"id": "mayor", "title": "Mayor", "method": {"kind": "plurality"},
         "candidates": [{"id": "c1", "name": "One"}, {"id": "c2", "name": "Two"}]},
        {"id": "council", "title": "Council", "method": {"kind": "vote-for"}, "seats": 2,
         "candidates": [{"id": "d1", "name": "D"}, {"id": "d2", "name": "E"}, {"id": "d3", "name": "F"}]},
        {"id": "fund", "title": "Fund", "method": {"kind": "score", "highest": 5}, "districts": ["west"],
         "candidates": [{"id": "pool", "name": "Pool"}, {"id": "park", "name": "Park"}]}
    ]
}"#;

/// What is voted on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ballots {
    Candidate,
    Contests,
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        any::<String>().prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 12, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::hash_map("state|city|\\PC{0,6}", inner, 0..4)
                .prop_map(|map| map.into_iter().collect()),
        ]
    })
}

/// Mostly what is expected, at times anything.
fn mostly(expected: impl Strategy<Value = Value> + 'static) -> BoxedStrategy<Value> {
    prop_oneof![60 => expected, 1 => any_json()].boxed()
}

fn text_of(texts: &'static [&'static str]) -> impl Strategy<Value = Value> {
    select(texts).prop_map(Value::from)
}

/// Few enough voters that many vote again.
fn voter() -> impl Strategy<Value = Value> {
    prop_oneof![
        1 => text_of(&VOTERS),
        2 => (0..400u32).prop_map(|n| format!("{n:08x}-0000-4000-8000-000000000000").into()),
        2 => (0..400u32).prop_map(|n| format!("v-{n}").into()),
    ]
}

/// Answers to the contests of [`CITY`], most of them of the right shape.
fn choices() -> impl Strategy<Value = Value> {
    let mayor = prop_oneof![
        4 => text_of(&["c1", "c2"]),
        1 => Just(Value::Null),
        1 => Just(json!(["c2", "c1"])),
    ];
    let members = prop::collection::vec(select(&["d1", "d2", "d3"][..]), 0..4);
    let points = prop::collection::btree_map("pool|park", 0..6u32, 0..3);
    let contests = (
        prop::option::of(mostly(mayor)),
        prop::option::of(mostly(members.prop_map(|ids| json!(ids)))),
        prop::option::weighted(0.3, mostly(points.prop_map(|points| json!(points)))),
        prop::option::weighted(0.02, ("mayor|nobody|", any_json())),
    );
    contests.prop_map(|(mayor, council, fund, other)| {
        let named = [("mayor", mayor), ("council", council), ("fund", fund)];
        let mut choices = serde_json::Map::new();
        for (contest, answer) in named {
            choices.extend(answer.map(|answer| (contest.to_owned(), answer)));
        }
        choices.extend(other);
        choices.into()
    })
}

/// What is marked, and where the voter lives: beside the candidate or in its place.
fn in_contests() -> impl Strategy<Value = Option<(Value, Option<Value>, bool)>> {
    let precinct = prop::option::weighted(0.9, mostly(text_of(&["p1", "p2", "p2", "p3"])));
    let one = (mostly(choices()), precinct, prop::bool::weighted(0.05));
    prop::option::weighted(0.95, one)
}

fn credential_of(voter: &Value) -> Option<Value> {
    let voter = voter.as_str()?;
    Some(credential_key().credential(voter).into())
}

/// The fields of a vote in some order, some missing, some there twice, some that mean nothing.
fn fields(ballots: Ballots) -> impl Strategy<Value = Vec<(String, Value)>> {
    let times = &[
        "2024-07-04 12:00:00",
        "2024-07-04 12:30:59",
        "2024-07-04 12:59:30",
        "2024-07-04 19:00:01",
        "2024-07-04 21:59:59",
        "2024-07-04 07:00:00",
        "2024-07-04 06:59:59",
        "2024-07-04 22:00:00",
        "0000-01-01 00:00:00",
        "9999-12-31 23:59:59",
        "2024-02-30 12:00:00",
        "2024-07-04T12:00:00",
    ];
    let states = &["Fife", "Kent", " Fife ", "", "Ynys Môn", "a\0b"];
    let genders = &["female", "male", "", "non-binary", "\u{7f}"];
    let candidates = &["c1", "c1", "c \"2\"", "候選人", "nobody"];
    let required = (
        mostly(voter()),
        mostly(text_of(candidates)),
        mostly(text_of(times)),
        mostly(prop_oneof![9 => Just(1), 1 => -2..3i64].prop_map(Value::from)),
    );
    let optional = (
        prop::option::of(mostly(text_of(genders))),
        prop::option::of(mostly((-1..200i64).prop_map(Value::from))),
        prop::option::of(mostly(
            (text_of(states), any_json())
                .prop_map(|(state, city)| json!({ "state": state, "city": city })),
        )),
        prop::collection::vec(("\\PC{0,8}|candidate_name|photo_url", any_json()), 0..3),
    );
    let fields = (required, optional).prop_map(
        |((voter, candidate, time, weight), (gender, age, address, others))| {
            let mut fields = vec![
                ("voter_id".to_owned(), voter),
                ("candidate_id".to_owned(), candidate),
                ("voting_time".to_owned(), time),
                ("vote".to_owned(), weight),
            ];
            for (name, value) in [
                ("gender", gender),
                ("registered_age", age),
                ("address", address),
            ] {
                fields.extend(value.map(|value| (name.to_owned(), value)));
            }
            fields.extend(others);
            fields
        },
    );
    // Mostly the voter's own credential.
    let credential = prop_oneof![
        20 => Just(None),
        1 => prop::option::of(any_json()).prop_map(Some),
        1 => voter().prop_map(|other| Some(credential_of(&other))),
    ];
    let fields = (fields, credential).prop_map(|(mut fields, credential)| {
        let credential = credential.unwrap_or_else(|| credential_of(&fields[0].1));
        fields.extend(credential.map(|credential| ("credential".to_owned(), credential)));
        fields
    });
    let fields = match ballots {
        Ballots::Candidate => fields.boxed(),
        Ballots::Contests => (fields, in_contests())
            .prop_map(|(mut fields, contests)| {
                if let Some((choices, precinct, and_candidate)) = contests {
                    if !and_candidate {
                        fields.retain(|(name, _)| name != "candidate_id");
                    }
                    fields.push(("choices".to_owned(), choices));
                    fields.extend(precinct.map(|precinct| ("precinct".to_owned(), precinct)));
                }
                fields
            })
            .boxed(),
    };
    let edits = prop_oneof![
        30 => Just(None),
        1 => any::<(Index, bool)>().prop_map(Some),
    ];
    (fields.prop_shuffle(), edits).prop_map(|(mut fields, edit)| {
        if let Some((at, twice)) = edit {
            let field = fields.remove(at.index(fields.len()));
            if twice {
                fields.push(field.clone());
                fields.push(field);
            }
        }
        fields
    })
}

/// The fields as JSON text: compact or with spaces, plain or with every letter of a text escaped.
fn written(fields: &[(String, Value)], spaces: bool, escapes: bool) -> Vec<u8> {
    let (comma, colon) = if spaces { (" ,\n", " :\t") } else { (",", ":") };
    let text = |value: &Value| match value {
        Value::String(text) if escapes => {
            let units = text.encode_utf16().map(|unit| format!("\\u{unit:04x}"));
            format!("\"{}\"", units.collect::<String>())
        }
        other => other.to_string(),
    };
    let fields: Vec<String> = fields
        .iter()
        .map(|(name, value)| format!("{}{colon}{}", text(&name.as_str().into()), text(value)))
        .collect();
    format!("{{{}}}", fields.join(comma)).into_bytes()
}

fn vote_text(ballots: Ballots) -> impl Strategy<Value = Vec<u8>> {
    let style = prop_oneof![
        6 => Just((false, false)),
        1 => Just((true, false)),
        1 => any::<(bool, bool)>(),
    ];
    (fields(ballots), style)
        .prop_map(|(fields, (spaces, escapes))| written(&fields, spaces, escapes))
}

/// A vote in which bytes were changed, left out, put in, or cut off.
fn mutated(ballots: Ballots) -> impl Strategy<Value = Vec<u8>> {
    let telling = select(b"{}[]\",:\\ 01e.\0\x1f\x7f\xc2\xff".to_vec());
    let byte = prop_oneof![telling, any::<u8>()];
    let change = (0..4u8, any::<Index>(), any::<Index>(), byte);
    (vote_text(ballots), prop::collection::vec(change, 1..4)).prop_map(|(mut text, changes)| {
        for (kind, at, to, byte) in changes {
            if text.is_empty() {
                break;
            }
            let (at, to) = (at.index(text.len()), to.index(text.len()));
            match kind {
                0 => text[at] = byte,
                1 => text.insert(at, byte),
                2 => text.truncate(at),
                _ => {
                    text.drain(at.min(to)..at.max(to));
                }
            }
        }
        text
    })
}

fn value(ballots: Ballots) -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        10 => vote_text(ballots),
        3 => mutated(ballots),
        1 => any_json().prop_map(|json| json.to_string().into_bytes()),
        1 => prop::collection::vec(any::<u8>(), 0..100),
    ]
}

fn record(ballots: Ballots) -> impl Strategy<Value = NewRecord> {
    let odd_key = prop_oneof![
        Just(None),
        Just(Some(vec![])),
        select(&VOTERS[..]).prop_map(|voter| Some(voter.as_bytes().to_vec())),
        prop::option::of(prop::collection::vec(any::<u8>(), 0..40)),
    ];
    let key = prop_oneof![7 => Just(None), 1 => odd_key.prop_map(Some)];
    (value(ballots), key).prop_map(|(value, odd_key)| NewRecord {
        key: odd_key.unwrap_or_else(|| own_key(&value)),
        value,
    })
}

/// The key that a vote should have.
fn own_key(value: &[u8]) -> Option<Vec<u8>> {
    let json: Value = serde_json::from_slice(value).ok()?;
    Some(json.get("voter_id")?.as_str()?.as_bytes().to_vec())
}

fn batches(ballots: Ballots) -> impl Strategy<Value = Vec<Vec<NewRecord>>> {
    prop::collection::vec(prop::collection::vec(record(ballots), RECORDS), BATCHES)
}

/// Two records at the end that each module has something to say about: when their outputs have come,
/// so have those of all before.
fn last_batch(ballots: Ballots) -> Vec<NewRecord> {
    let (field, marked) = match ballots {
        Ballots::Candidate => ("candidate_id", json!("c1")),
        Ballots::Contests => ("choices", json!({ "mayor": "c1" })),
    };
    let vote = json!({
        "voter_id": "last", field: marked, "voting_time": "2024-07-04 12:00:00", "vote": 1,
        "credential": credential_key().credential("last"),
    });
    let record = |value: String| NewRecord {
        key: Some(b"last".into()),
        value: value.into(),
    };
    vec![record(vote.to_string()), record("no vote".into())]
}

/// How many records were counted (`None`) or rejected, by reason.
type Verdicts = BTreeMap<Option<Reason>, u64>;

type Expected = Vec<(Option<Vec<u8>>, Vec<u8>)>;

async fn outputs(
    platform: &EmbeddedPlatform,
    topic: &str,
    module: &str,
    params: Params,
    count: usize,
) -> Vec<Output> {
    let request = StreamRequest {
        topic: topic.into(),
        partition: 0,
        from: 0,
        chain: vec![ModuleCall {
            module: module.into(),
            params,
        }],
    };
    let mut stream = platform.stream(request).await.unwrap();
    let mut outputs = Vec::new();
    while outputs.len() < count {
        outputs.extend(stream.next().await.unwrap().unwrap());
    }
    outputs
}

fn check_records(outputs: &[Output], expected: &Expected) -> TestCaseResult {
    for (output, (key, value)) in outputs.iter().zip(expected) {
        let (found, wanted) = (
            String::from_utf8_lossy(&output.value),
            String::from_utf8_lossy(value),
        );
        prop_assert!(output.value == value[..], "{found}\nagainst {wanted}");
        prop_assert_eq!(output.key.as_deref(), key.as_deref());
    }
    prop_assert_eq!(outputs.len(), expected.len());
    Ok(())
}

/// What the modules make of the records, against what the rules make of them.
async fn check(
    platform: &EmbeddedPlatform,
    topic: &str,
    rules: &Rules,
    batches: &[Vec<NewRecord>],
    seen: &mut Verdicts,
) -> TestCaseResult {
    platform.create_topic(topic, 1).await.unwrap();
    for batch in batches {
        platform.produce(topic, batch.clone()).await.unwrap();
    }
    let candidates = candidates();
    let enricher = Enricher::new(&candidates).unwrap();

    let mut counter = PartitionCounter::new(rules.clone());
    let mut deltas = Vec::new();
    let (mut accepted, mut rejected, mut enriched) = (Vec::new(), Vec::new(), Vec::new());
    let mut counted = Vec::new();
    let mut counted_and_enriched = Vec::new();
    let mut offset = 0;
    for batch in batches {
        let base_offset = offset;
        for NewRecord { key, value } in batch {
            let verdict = counter.count(offset, key.as_deref(), value);
            let every = if verdict.is_ok() {
                value.clone()
            } else {
                Vec::new()
            };
            let disclosure = Disclosure::blanking(rules.requires_credentials());
            let joined = match &verdict {
                Ok(ballot) if ballot.candidate_id().is_some() => enricher.enrich(value).unwrap(),
                Ok(_) => disclosure.publishable(value).into_owned(),
                Err(_) => Vec::new(),
            };
            let numbered = Some(offset_key(offset, key.as_deref()));
            counted.push((numbered.clone(), every));
            counted_and_enriched.push((numbered, joined));
            *seen.entry(verdict.err()).or_default() += 1;
            let parsed = rules.read(value);
            match rules.judge(key.as_deref(), value) {
                Ok(_) => accepted.push((key.clone(), value.clone())),
                Err(reason) => {
                    let shown = disclosure.publishable(value);
                    let rejection = json!({
                        "offset": offset,
                        "reason": reason.as_str(),
                        "voter_id": parsed.as_ref().map_or("", |vote| &vote.voter_id),
                        "value": String::from_utf8_lossy(&shown),
                    });
                    rejected.push((key.clone(), rejection));
                }
            }
            let joined = enricher.enrich(value);
            enriched.push((key.clone(), joined.unwrap_or_else(|| value.clone())));
            offset += 1;
        }
        deltas.push(Delta {
            base_offset,
            next_offset: offset,
            tally: counter.take_tally(),
            memory_bytes: 0,
        });
    }

    let params = rules.to_params();
    let found = outputs(platform, topic, "vote-tally", params.clone(), deltas.len()).await;
    prop_assert_eq!(found.len(), deltas.len(), "one output a batch");
    for (output, expected) in found.iter().zip(&deltas) {
        let mut delta: Delta = serde_json::from_slice(&output.value).unwrap();
        prop_assert!(delta.memory_bytes > 0);
        delta.memory_bytes = 0;
        prop_assert_eq!(&delta, expected);
    }

    let found = outputs(
        platform,
        topic,
        "vote-filter",
        params.clone(),
        accepted.len(),
    )
    .await;
    check_records(&found, &accepted)?;

    let mut reject = params;
    reject.insert(PARAM_MODE.into(), "rejected".into());
    let found = outputs(platform, topic, "vote-filter", reject, rejected.len()).await;
    prop_assert_eq!(found.len(), rejected.len());
    for (output, (key, rejection)) in found.iter().zip(&rejected) {
        let value: Value = serde_json::from_slice(&output.value).unwrap();
        prop_assert_eq!(&value, rejection);
        prop_assert_eq!(output.key.as_deref(), key.as_deref());
    }

    let mut every = rules.to_params();
    every.insert(PARAM_MODE.into(), "every".into());
    every.insert(PARAM_DUPLICATES.into(), "drop".into());
    let found = outputs(platform, topic, "vote-filter", every.clone(), counted.len()).await;
    check_records(&found, &counted)?;

    let listed = serde_json::to_string(&candidates).unwrap();
    every.insert(PARAM_CANDIDATES.into(), listed.clone());
    let found = outputs(platform, topic, "vote-enrich", every, counted.len()).await;
    check_records(&found, &counted_and_enriched)?;

    let params = [(PARAM_CANDIDATES.into(), listed)].into();
    let found = outputs(platform, topic, "vote-enrich", params, enriched.len()).await;
    check_records(&found, &enriched)
}

#[test]
fn the_modules_say_what_the_rules_say() {
    let others = [Reason::BadCredential, Reason::WrongPartition];
    let without = |reason: &Reason| !others.contains(reason);
    let reasons = Reason::ALL.into_iter().filter(without).collect();
    they_agree_on(&rules(), Ballots::Candidate, reasons);
}

#[test]
fn they_say_it_of_credentials_too() {
    let rules = rules().requiring(credential_key()).in_partition(half());
    they_agree_on(&rules, Ballots::Candidate, Reason::ALL.to_vec());
}

#[test]
fn they_say_it_of_several_contests_too() {
    let city = ElectionDefinition::from_json(CITY).unwrap();
    let rules = Rules::of(&city, polls()).requiring(credential_key());
    let rules = rules.in_partition(half()).seeded(HashSeed::random());
    they_agree_on(&rules, Ballots::Contests, Reason::ALL.to_vec());
}

/// For these reasons, votes are rejected.
fn they_agree_on(rules: &Rules, ballots: Ballots, reasons: Vec<Reason>) {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let directory = tempfile::tempdir().unwrap();
    let platform = runtime.block_on(async {
        let platform = EmbeddedPlatform::open(directory.path()).await.unwrap();
        for module in smartmodules::ALL {
            platform.deploy(module.name, module.wasm).await.unwrap();
        }
        platform
    });
    let case = AtomicU32::new(0);
    let seen = std::cell::RefCell::new(Verdicts::new());
    let mut runner = TestRunner::new(Config {
        cases: CASES,
        max_shrink_iters: SHRINKS,
        ..Config::default()
    });
    runner
        .run(&batches(ballots), |mut batches| {
            batches.push(last_batch(ballots));
            let topic = format!("case-{}", case.fetch_add(1, Ordering::Relaxed));
            let seen = &mut seen.borrow_mut();
            runtime.block_on(check(&platform, &topic, rules, &batches, seen))
        })
        .unwrap();
    runtime.block_on(platform.close()).unwrap();
    let seen = seen.into_inner();
    for verdict in reasons.into_iter().map(Some).chain([None]) {
        let records = seen.get(&verdict).copied().unwrap_or_default();
        assert!(
            records >= LEAST,
            "{records} records are {verdict:?}: {seen:?}"
        );
    }
}
