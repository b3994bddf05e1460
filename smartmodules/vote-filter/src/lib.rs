//! `vote-filter`: passes the votes that keep the rules; with `mode=rejected` the others instead, each as
//! an object with its reason; with `mode=every` one output for every record, so that a reader
//! can see that none is missing.
//!
//! A voter's second vote passes, unless `duplicates=drop` is given: telling it takes memory of every
//! voter, and a stream that starts at offset 0.
//! It is compiled as Fluvio's `filter_map` kind, because a plain filter could not add the reason.

#![cfg(target_arch = "wasm32")]
#![deny(missing_docs)]

use std::sync::{Mutex, OnceLock, PoisonError};

use ballot::{Judge, PARAM_MODE, Reason, RecordRef, Rules};
use fluvio_smartmodule::dataplane::smartmodule::SmartModuleExtraParams;
use fluvio_smartmodule::{Result, eyre, smartmodule};
use smartmodule_abi::{Kind, Outputs};
use wire::{Disclosure, offset_key};

enum Mode {
    Accepted,
    Rejected,
    Every,
}

/// The engine runs one instance on one thread; the mutex is what safe Rust asks of a `static`, and is never
/// contended.
static FILTER: OnceLock<(Mutex<Judge>, Mode)> = OnceLock::new();

#[smartmodule(init)]
fn init(params: SmartModuleExtraParams) -> Result<()> {
    let mode = match params.get(PARAM_MODE).map(String::as_str) {
        None | Some("accepted") => Mode::Accepted,
        Some("rejected") => Mode::Rejected,
        Some("every") => Mode::Every,
        Some(other) => {
            return Err(eyre!(
                "parameter `mode`: takes `accepted`, `rejected` or `every`, not `{other}`"
            ));
        }
    };
    let judge = Judge::from_params(|name| params.get(name).cloned())?;
    FILTER
        .set((Mutex::new(judge), mode))
        .map_err(|_| eyre!("initialised twice"))
}

smartmodule_abi::export!(filter_map, |call| call.each_record(Kind::FilterMap, filter));

/// The vote itself, its rejection, or nothing; in `mode=every` always something.
fn filter(offset: i64, record: RecordRef<'_>, outputs: &mut Outputs) -> Result<()> {
    let (judge, mode) = FILTER.get().ok_or_else(|| eyre!("not initialised"))?;
    let mut judge = judge.lock().unwrap_or_else(PoisonError::into_inner);
    let verdict = judge.judge(offset, record.key, record.value);
    match (mode, verdict) {
        (Mode::Accepted, Ok(_)) => outputs.push(record),
        (Mode::Rejected, Err(reason)) => {
            let rejection = rejection(judge.rules(), offset, record.value, reason);
            outputs.push_value(record, rejection.as_bytes());
        }
        (Mode::Every, verdict) => {
            let key = offset_key(offset, record.key);
            outputs.push(RecordRef {
                key: Some(&key),
                value: if verdict.is_ok() { record.value } else { &[] },
                ..record
            });
        }
        _ => {}
    }
    Ok(())
}

fn rejection(rules: &Rules, offset: i64, value: &[u8], reason: Reason) -> String {
    let disclosure = Disclosure::blanking(rules.requires_credentials());
    let voter_id = rules.read(value).map(|vote| vote.voter_id.into_owned());
    serde_json::json!({
        "offset": offset,
        "reason": reason,
        "voter_id": voter_id.unwrap_or_default(),
        "value": String::from_utf8_lossy(&disclosure.publishable(value)),
    })
    .to_string()
}
