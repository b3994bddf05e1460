//! The embedded engine with modules written by hand: what it takes, what it refuses and how it says so,
//! and that no module holds it up.
#![cfg(feature = "embedded")]

use std::path::Path;
use std::time::Duration;

use ballot::Params;
use election_platform::embedded::EmbeddedPlatform;
use election_platform::embedded::engine::{Batch, Engine, EngineError, EngineSettings};
use election_platform::{ModuleCall, NewRecord, Platform, StreamRequest};
use futures_util::StreamExt;
use proptest::prelude::*;
use tokio_util::sync::CancellationToken;
use wire::RecordsBuilder;

/// What a module that is stopped takes at most, on a machine with much else to do.
const SOON: Duration = Duration::from_secs(30);

const IMPORT: &str = r#"(import "env" "copy_records" (func $copy_records (param i32 i32)))"#;
const MEMORY: &str = r#"(memory (export "memory") 64)"#;
const ALLOC: &str = r#"(func (export "alloc") (param i32) (result i32) i32.const 1024)"#;

/// Puts out the records of its input. They lie behind the base offset and their length, a big-endian
/// number; the byte behind them is the first of no parameters, zero, and so says: no error.
const ECHO: &str = "
    (local $length i32)
    (local.set $length (i32.or
        (i32.or
            (i32.shl (i32.load8_u offset=8 (local.get 0)) (i32.const 24))
            (i32.shl (i32.load8_u offset=9 (local.get 0)) (i32.const 16)))
        (i32.or
            (i32.shl (i32.load8_u offset=10 (local.get 0)) (i32.const 8))
            (i32.load8_u offset=11 (local.get 0)))))
    (call $copy_records
        (i32.add (local.get 0) (i32.const 12))
        (i32.add (local.get $length) (i32.const 1)))
    i32.const 0";

/// Never returns.
const SPIN: &str = "(loop (br 0)) unreachable";

fn wasm(parts: &[&str]) -> Vec<u8> {
    wat::parse_str(format!("(module {})", parts.concat())).unwrap()
}

/// A SmartModule of this kind, with this body of its entry.
fn module(kind: &str, body: &str) -> Vec<u8> {
    let entry = format!(r#"(func (export "{kind}") (param i32 i32 i32) (result i32) {body})"#);
    wasm(&[IMPORT, MEMORY, ALLOC, &entry])
}

fn records(values: &[(Option<Vec<u8>>, Vec<u8>)]) -> Vec<u8> {
    let mut records = RecordsBuilder::default();
    for (key, value) in values {
        records.push(key.as_deref(), value);
    }
    records.finish(0)
}

/// Sends records at offset 7 through a chain of modules.
fn process(modules: &[Vec<u8>], records: &[u8]) -> Result<Vec<u8>, EngineError> {
    let engine = Engine::new(EngineSettings::default()).unwrap();
    let modules: Vec<_> = modules
        .iter()
        .map(|wasm| (wasm.clone(), Params::new()))
        .collect();
    let mut chain = engine.chain(&modules, CancellationToken::new())?;
    let outputs = chain.process(&Batch {
        base_offset: 7,
        timestamp: 0,
        length: records.len(),
        write: &|room| {
            room.copy_from_slice(records);
            Ok(())
        },
    })?;
    Ok(outputs.into())
}

fn problem(modules: &[Vec<u8>]) -> String {
    let records = records(&[(None, b"v".to_vec())]);
    process(modules, &records).unwrap_err().to_string()
}

#[test]
fn what_is_not_a_smartmodule_is_refused_with_what_it_lacks() {
    let entry = r#"(func (export "map") (param i32 i32 i32) (result i32) i32.const 0)"#;
    for (lacks, parts) in [
        ("copy_records", [MEMORY, ALLOC, entry].as_slice()),
        ("memory", &[IMPORT, ALLOC, entry]),
        ("alloc", &[IMPORT, MEMORY, entry]),
        ("entry", &[IMPORT, MEMORY, ALLOC]),
    ] {
        let problem = problem(&[wasm(parts)]);
        assert!(problem.contains("not a SmartModule"), "{problem}");
        assert!(problem.contains(lacks), "`{lacks}` is not in: {problem}");
    }
    assert!(problem(&[b"\0asm".to_vec()]).contains("not a SmartModule"));
    let wasi = r#"(import "wasi_snapshot_preview1" "proc_exit" (func (param i32)))"#;
    let problem = problem(&[wasm(&[IMPORT, wasi, MEMORY, ALLOC, entry])]);
    assert!(problem.contains("wasi_snapshot_preview1"), "{problem}");
}

#[test]
fn how_a_module_breaks_off_is_told_with_the_offset() {
    for (said, body) in [
        ("unreachable", "unreachable"),
        (
            "memory",
            "(drop (memory.grow (i32.const 20000))) unreachable",
        ),
        ("without an output", "i32.const 1"),
        (
            "outside",
            "(call $copy_records (i32.const -1) (i32.const 9)) i32.const 1",
        ),
        // An output of four zeros is no records, and has no end.
        (
            "cannot be read",
            "(call $copy_records (i32.const 0) (i32.const 4)) i32.const 0",
        ),
        (
            "cannot be read",
            "(call $copy_records (i32.const 0) (i32.const 3)) i32.const 0",
        ),
        ("decode SmartModule record", "i32.const -22"),
    ] {
        let problem = problem(&[module("array_map", body)]);
        assert!(problem.contains("at offset 7"), "{problem}");
        assert!(problem.contains(said), "`{said}` is not in: {problem}");
        assert!(!problem.contains('\n'), "{problem}");
    }
    let outside = r#"(func (export "alloc") (param i32) (result i32) i32.const -8)"#;
    let entry = r#"(func (export "map") (param i32 i32 i32) (result i32) unreachable)"#;
    let problem = problem(&[wasm(&[IMPORT, MEMORY, outside, entry])]);
    assert!(problem.contains("`alloc`"), "{problem}");
}

#[test]
fn a_failing_init_is_told() {
    let init = r#"(func (export "init") (param i32 i32 i32) (result i32) i32.const -10)"#;
    let entry = r#"(func (export "map") (param i32 i32 i32) (result i32) unreachable)"#;
    let problem = problem(&[wasm(&[IMPORT, MEMORY, ALLOC, init, entry])]);
    assert!(problem.contains("decode SmartModule init"), "{problem}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]
    #[test]
    fn every_kind_passes_any_records_on(
        values in prop::collection::vec(
            (
                prop::option::of(prop::collection::vec(any::<u8>(), 0..20)),
                prop::collection::vec(any::<u8>(), 0..300),
            ),
            0..40,
        ),
    ) {
        let records = records(&values);
        let chain = ["filter", "map", "filter_map", "array_map"].map(|kind| module(kind, ECHO));
        prop_assert_eq!(process(&chain, &records).unwrap(), records);
    }
}

async fn open(directory: &Path) -> EmbeddedPlatform {
    EmbeddedPlatform::open(directory).await.unwrap()
}

fn through(module: &str) -> StreamRequest {
    let chain = vec![ModuleCall {
        module: module.into(),
        params: Params::new(),
    }];
    StreamRequest {
        topic: "votes".into(),
        partition: 0,
        from: 0,
        chain,
    }
}

async fn with_a_record(platform: &EmbeddedPlatform) {
    platform.create_topic("votes", 1).await.unwrap();
    let record = NewRecord {
        key: None,
        value: b"v".to_vec(),
    };
    platform.produce("votes", vec![record]).await.unwrap();
    let modules = [("spin", module("map", SPIN)), ("echo", module("map", ECHO))];
    for (name, wasm) in modules {
        platform.deploy(name, &wasm).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_module_that_never_returns_holds_up_its_own_stream_only() {
    let directory = tempfile::tempdir().unwrap();
    let platform = open(directory.path()).await;
    with_a_record(&platform).await;
    let spinning = platform.stream(through("spin")).await.unwrap();
    let dropped = platform.stream(through("spin")).await.unwrap();
    drop(dropped);
    // The end of one has interrupted the other, which goes on, and so does everything else.
    let mut echo = platform.stream(through("echo")).await.unwrap();
    assert_eq!(echo.next().await.unwrap().unwrap()[0].value, "v");
    let closed = tokio::time::timeout(SOON, platform.close()).await;
    closed
        .expect("closing ends a module that never returns")
        .unwrap();
    drop(spinning);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_module_that_never_returns_ends_with_its_stream() {
    let directory = tempfile::tempdir().unwrap();
    let platform = open(directory.path()).await;
    with_a_record(&platform).await;
    let mut streams = Vec::new();
    for _ in 0..3 {
        streams.push(platform.stream(through("spin")).await.unwrap());
    }
    drop(streams);
    let ended = tokio::time::timeout(SOON, async {
        while platform.streams() > 0 {
            tokio::task::yield_now().await;
        }
    });
    ended.await.expect("a stream ends when it is dropped");
}

#[test]
fn a_module_is_compiled_once_for_a_directory() {
    let directory = tempfile::tempdir().unwrap();
    let open = || {
        Engine::new(EngineSettings {
            compiled: Some(directory.path().join("compiled")),
            ..EngineSettings::default()
        })
        .unwrap()
    };
    let modules = [(module("map", ECHO), Params::new())];
    let engine = open();
    for _ in 0..2 {
        engine.chain(&modules, CancellationToken::new()).unwrap();
        assert_eq!(engine.compiled(), 1);
    }
    let engine = open();
    engine.chain(&modules, CancellationToken::new()).unwrap();
    assert_eq!(engine.compiled(), 0);
}
