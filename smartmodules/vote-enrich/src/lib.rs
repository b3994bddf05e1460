//! `vote-enrich`: joins the candidate's fields into each vote, flat, as the tutorial's Spark job did.
//!
//! What is not a vote, or is for a candidate that is not listed, passes through untouched: an error
//! would stop the stream for everybody. Put `vote-filter` before it to have only valid votes.

#![cfg(target_arch = "wasm32")]
#![deny(missing_docs)]

use std::sync::OnceLock;

use domain::{Candidate, Enricher, PARAM_CANDIDATES, RecordRef, UNKNOWN_GROUP};
use fluvio_smartmodule::dataplane::smartmodule::SmartModuleExtraParams;
use fluvio_smartmodule::{Result, eyre, smartmodule};
use smartmodule_abi::{Kind, Outputs};

/// What the name of every candidate is where none is given: `fluvio consume` does not show a module's
/// errors, it waits in silence, so the votes themselves say what is missing.
const NONE_GIVEN: &str = "unknown: vote-enrich takes -e candidates=[{\"candidate_id\":…,\"candidate_name\":…,\"party_affiliation\":…}]";

static ENRICHER: OnceLock<Enricher> = OnceLock::new();

#[smartmodule(init)]
fn init(params: SmartModuleExtraParams) -> Result<()> {
    let enricher = match params.get(PARAM_CANDIDATES) {
        Some(json) => {
            let candidates: Vec<Candidate> = serde_json::from_str(json).map_err(|error| {
                eyre!("parameter `candidates`: takes a JSON array of candidates: {error}")
            })?;
            Enricher::new(&candidates)?
        }
        None => Enricher::new(&[])?.with_others(&Candidate {
            candidate_id: String::new(),
            candidate_name: NONE_GIVEN.into(),
            party_affiliation: UNKNOWN_GROUP.into(),
            biography: String::new(),
            campaign_platform: String::new(),
            photo_url: String::new(),
        })?,
    };
    ENRICHER
        .set(enricher)
        .map_err(|_| eyre!("initialised twice"))
}

smartmodule_abi::export!(map, |call| call.each_record(Kind::Map, join));

/// The vote with its candidate joined in.
fn join(_: i64, record: RecordRef<'_>, outputs: &mut Outputs) -> Result<()> {
    let enricher = ENRICHER.get().ok_or_else(|| eyre!("not initialised"))?;
    match enricher.enrich(record.value) {
        Some(enriched) => outputs.push_value(record, &enriched),
        None => outputs.push(record),
    }
    Ok(())
}
