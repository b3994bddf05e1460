//! `vote-enrich`: joins the candidate's fields into each vote, flat, as the tutorial's Spark job did.
//!
//! What is not a vote, or is for a candidate that is not listed, passes through untouched: an error
//! would stop the stream for everybody. Put `vote-filter` before it to have only valid votes.

#![cfg(target_arch = "wasm32")]
#![deny(missing_docs)]

use std::collections::HashMap;
use std::sync::OnceLock;

use domain::{Candidate, PARAM_CANDIDATES, ParsedVote, RecordRef, enrich_vote};
use fluvio_smartmodule::dataplane::smartmodule::SmartModuleExtraParams;
use fluvio_smartmodule::{Result, eyre, smartmodule};
use smartmodule_abi::{Kind, Outputs};

static CANDIDATES: OnceLock<HashMap<String, Candidate>> = OnceLock::new();

#[smartmodule(init)]
fn init(params: SmartModuleExtraParams) -> Result<()> {
    let json = params.get(PARAM_CANDIDATES).ok_or_else(|| {
        eyre!("parameter `candidates` is missing: a JSON array of candidates, each with its fields")
    })?;
    let candidates: Vec<Candidate> = serde_json::from_str(json).map_err(|error| {
        eyre!("parameter `candidates`: takes a JSON array of candidates: {error}")
    })?;
    let by_id = candidates
        .into_iter()
        .map(|candidate| (candidate.candidate_id.clone(), candidate))
        .collect();
    CANDIDATES
        .set(by_id)
        .map_err(|_| eyre!("initialised twice"))
}

smartmodule_abi::export!(map, |call| call.each_record(Kind::Map, join));

/// The vote with its candidate joined in.
fn join(_: i64, record: RecordRef<'_>, outputs: &mut Outputs) -> Result<()> {
    let candidate = ParsedVote::parse(record.value)
        .ok()
        .and_then(|vote| CANDIDATES.get()?.get(&*vote.candidate_id));
    match candidate {
        Some(candidate) => outputs.push_value(record, &enrich_vote(record.value, candidate)?),
        None => outputs.push(record),
    }
    Ok(())
}
