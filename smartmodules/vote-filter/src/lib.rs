//! `vote-filter`: passes the votes that keep the rules for a single vote; with `mode=rejected` it
//! passes the others instead, each as an object with its reason.
//!
//! Duplicates are not its business: telling them takes memory of every voter, which `vote-tally` has.
//! It is compiled as Fluvio's `filter_map` kind, because a plain filter could not add the reason.

#![cfg(target_arch = "wasm32")]
#![deny(missing_docs)]

use std::sync::OnceLock;

use domain::{PARAM_MODE, ParsedVote, Reason, Rules};
use fluvio_smartmodule::dataplane::smartmodule::SmartModuleExtraParams;
use fluvio_smartmodule::{RecordData, Result, SmartModuleRecord, eyre, smartmodule};

enum Mode {
    Accepted,
    Rejected,
}

static FILTER: OnceLock<(Rules, Mode)> = OnceLock::new();

#[smartmodule(init)]
fn init(params: SmartModuleExtraParams) -> Result<()> {
    let mode = match params.get(PARAM_MODE).map(String::as_str) {
        None | Some("accepted") => Mode::Accepted,
        Some("rejected") => Mode::Rejected,
        Some(other) => {
            return Err(eyre!(
                "parameter `mode`: takes `accepted` or `rejected`, not `{other}`"
            ));
        }
    };
    let rules = Rules::from_params(&domain::module_params(|name| params.get(name).cloned()))?;
    FILTER
        .set((rules, mode))
        .map_err(|_| eyre!("initialised twice"))
}

/// The vote itself, its rejection, or nothing.
#[smartmodule(filter_map)]
pub fn filter_map(record: &SmartModuleRecord) -> Result<Option<(Option<RecordData>, RecordData)>> {
    let (rules, mode) = FILTER.get().ok_or_else(|| eyre!("not initialised"))?;
    let key = record.key().map(|key| key.as_ref());
    let verdict = rules.judge(key, record.value().as_ref());
    let passed = match (mode, verdict) {
        (Mode::Accepted, Ok(_)) => Some((record.key().cloned(), record.value().clone())),
        (Mode::Rejected, Err(reason)) => Some((record.key().cloned(), with_reason(record, reason))),
        _ => None,
    };
    Ok(passed)
}

fn with_reason(record: &SmartModuleRecord, reason: Reason) -> RecordData {
    let value: &[u8] = record.value().as_ref();
    let voter_id = ParsedVote::parse(value).map(|vote| vote.voter_id.into_owned());
    serde_json::json!({
        "offset": record.offset(),
        "reason": reason,
        "voter_id": voter_id.unwrap_or_default(),
        "value": String::from_utf8_lossy(value),
    })
    .to_string()
    .into()
}
