//! `vote-tally`: validates votes, drops duplicates and counts; one output a batch, a
//! [`ballot::Delta`] as JSON.
//!
//! Fluvio's `aggregate` kind gives one output a record. This module is of the `array_map` kind, is
//! handed one whole batch (see [`smartmodule_abi`]), and gives back one record for it.

#![cfg(target_arch = "wasm32")]
#![deny(missing_docs)]

use std::sync::{Mutex, OnceLock};

use ballot::{PartitionCounter, Rules};
use fluvio_smartmodule::dataplane::smartmodule::SmartModuleExtraParams;
use fluvio_smartmodule::{Result, eyre, smartmodule};
use smartmodule_abi::{Kind, memory_bytes};
use wire::RecordReader;

/// The partition's count so far. The engine runs one instance on one thread; the mutex is what safe
/// Rust asks of a `static`, and is never contended.
static COUNTER: OnceLock<Mutex<PartitionCounter>> = OnceLock::new();

#[smartmodule(init)]
fn init(params: SmartModuleExtraParams) -> Result<()> {
    let rules = Rules::from_params(&ballot::module_params(|name| params.get(name).cloned()))?;
    COUNTER
        .set(Mutex::new(PartitionCounter::new(rules)))
        .map_err(|_| eyre!("initialised twice"))
}

smartmodule_abi::export!(array_map, |call| call.batch(Kind::ArrayMap, tally_batch));

/// Counts a batch: its delta as JSON.
fn tally_batch(base_offset: i64, records: &[u8]) -> Result<Vec<u8>> {
    let counter = COUNTER.get().ok_or_else(|| eyre!("not initialised"))?;
    let mut counter = counter
        .lock()
        .map_err(|_| eyre!("a batch before this one failed"))?;
    let records = RecordReader::new(records)?;
    let mut delta = counter.count_batch(base_offset, records.remaining(), records)?;
    delta.memory_bytes = memory_bytes();
    Ok(serde_json::to_vec(&delta)?)
}
