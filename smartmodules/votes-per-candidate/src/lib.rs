//! `votes-per-candidate`: the textbook running total, one output a record: a JSON object of
//! candidate id to votes.
//!
//! Made for a look at a terminal (`fluvio consume votes --smartmodule votes-per-candidate`). It starts
//! anew with every stream and does not know duplicates: the count that counts is `vote-tally`'s.

#![cfg(target_arch = "wasm32")]
#![deny(missing_docs)]

use std::sync::OnceLock;

use domain::{Rules, running_total};
use fluvio_smartmodule::dataplane::smartmodule::SmartModuleExtraParams;
use fluvio_smartmodule::{RecordData, Result, SmartModuleRecord, eyre, smartmodule};

static RULES: OnceLock<Rules> = OnceLock::new();

#[smartmodule(init)]
fn init(params: SmartModuleExtraParams) -> Result<()> {
    let rules = Rules::from_params(&domain::module_params(|name| params.get(name).cloned()))?;
    RULES.set(rules).map_err(|_| eyre!("initialised twice"))
}

/// The totals with this vote added, if it keeps the rules.
#[smartmodule(aggregate)]
pub fn aggregate(accumulator: RecordData, record: &SmartModuleRecord) -> Result<RecordData> {
    let rules = RULES.get().ok_or_else(|| eyre!("not initialised"))?;
    let key = record.key().map(|key| key.as_ref());
    let value = record.value().as_ref();
    let totals = running_total(rules, accumulator.as_ref(), key, value, |ballot| {
        &ballot.candidate_id
    })?;
    Ok(totals.into())
}
