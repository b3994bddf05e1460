//! `turnout-by-location`: the textbook running total, one output a record: a JSON object of
//! location to votes.
//!
//! Made for a look at a terminal (`fluvio consume votes --smartmodule turnout-by-location`). It starts
//! anew with every stream and does not know duplicates: the count that counts is `vote-tally`'s.

#![cfg(target_arch = "wasm32")]
#![deny(missing_docs)]

use std::sync::OnceLock;

use ballot::{RecordRef, Rules, running_total};
use fluvio_smartmodule::dataplane::smartmodule::SmartModuleExtraParams;
use fluvio_smartmodule::{Result, eyre, smartmodule};

/// The group that is counted.
const LOCATION: &str = "location";

/// The totals before the first vote, where `--aggregate-initial` gives none.
const NO_VOTES: &[u8] = b"{}";

static RULES: OnceLock<Rules> = OnceLock::new();

#[smartmodule(init)]
fn init(params: SmartModuleExtraParams) -> Result<()> {
    let rules = Rules::from_params(&ballot::module_params(|name| params.get(name).cloned()))?;
    RULES.set(rules).map_err(|_| eyre!("initialised twice"))
}

smartmodule_abi::export!(aggregate, |call| call.fold(add_vote));

/// The totals with this vote added, if it keeps the rules.
fn add_vote(totals: &[u8], vote: RecordRef<'_>) -> Result<Vec<u8>> {
    let rules = RULES.get().ok_or_else(|| eyre!("not initialised"))?;
    let totals = if totals.is_empty() { NO_VOTES } else { totals };
    Ok(running_total(
        rules,
        totals,
        vote.key,
        vote.value,
        |ballot| {
            // Of an election without locations, the first group it has.
            let groups = rules.groups().iter();
            let location = groups
                .map(|group| group.name.as_str())
                .position(|name| name == LOCATION);
            vec![(ballot.group_value(rules, location.unwrap_or(0)), 1)]
        },
    )?)
}
