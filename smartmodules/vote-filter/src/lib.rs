//! `vote-filter`: passes the votes that keep the rules for a single vote; with `mode=rejected` it
//! passes the others instead, each as an object with its reason.
//!
//! Duplicates are not its business: telling them takes memory of every voter, which `vote-tally` has.
//! It is compiled as Fluvio's `filter_map` kind, because a plain filter could not add the reason.

#![cfg(target_arch = "wasm32")]
#![deny(missing_docs)]

use std::sync::OnceLock;

use domain::{PARAM_MODE, ParsedVote, Reason, RecordRef, Rules};
use fluvio_smartmodule::dataplane::smartmodule::SmartModuleExtraParams;
use fluvio_smartmodule::{Result, eyre, smartmodule};
use smartmodule_abi::{Kind, Outputs};

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

smartmodule_abi::export!(filter_map, |call| call.each_record(Kind::FilterMap, judge));

/// The vote itself, its rejection, or nothing.
fn judge(offset: i64, record: RecordRef<'_>, outputs: &mut Outputs) -> Result<()> {
    let (rules, mode) = FILTER.get().ok_or_else(|| eyre!("not initialised"))?;
    let verdict = rules.judge(record.key, record.value);
    match (mode, verdict) {
        (Mode::Accepted, Ok(_)) => outputs.push(record),
        (Mode::Rejected, Err(reason)) => {
            let rejection = rejection(offset, record.value, reason);
            outputs.push_value(record, rejection.as_bytes());
        }
        _ => {}
    }
    Ok(())
}

fn rejection(offset: i64, value: &[u8], reason: Reason) -> String {
    let voter_id = ParsedVote::parse(value).map(|vote| vote.voter_id.into_owned());
    serde_json::json!({
        "offset": offset,
        "reason": reason,
        "voter_id": voter_id.unwrap_or_default(),
        "value": String::from_utf8_lossy(value),
    })
    .to_string()
}
