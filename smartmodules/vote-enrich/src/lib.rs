//! `vote-enrich`: joins the candidate's fields into each vote, flat, as the tutorial's Spark job did.
//!
//! What is not a vote, or is for a candidate that is not listed, passes through untouched: an error
//! would stop the stream for everybody. Put `vote-filter` before it to have only valid votes.

#![cfg(target_arch = "wasm32")]
#![deny(missing_docs)]

use std::collections::HashMap;
use std::sync::OnceLock;

use domain::{Candidate, PARAM_CANDIDATES, ParsedVote, RecordRef, UNKNOWN_GROUP, enrich_vote};
use fluvio_smartmodule::dataplane::smartmodule::SmartModuleExtraParams;
use fluvio_smartmodule::{Result, eyre, smartmodule};
use smartmodule_abi::{Kind, Outputs};

/// What the name of every candidate is where none is given: `fluvio consume` does not show a module's
/// errors, it waits in silence, so the votes themselves say what is missing.
const NONE_GIVEN: &str = "unknown: vote-enrich takes -e candidates=[{\"candidate_id\":…,\"candidate_name\":…,\"party_affiliation\":…}]";

enum Candidates {
    ById(HashMap<String, Candidate>),
    NotGiven(Candidate),
}

impl Candidates {
    fn get(&self, id: &str) -> Option<&Candidate> {
        match self {
            Candidates::ById(candidates) => candidates.get(id),
            Candidates::NotGiven(anybody) => Some(anybody),
        }
    }
}

static CANDIDATES: OnceLock<Candidates> = OnceLock::new();

#[smartmodule(init)]
fn init(params: SmartModuleExtraParams) -> Result<()> {
    let candidates = match params.get(PARAM_CANDIDATES) {
        Some(json) => {
            let candidates: Vec<Candidate> = serde_json::from_str(json).map_err(|error| {
                eyre!("parameter `candidates`: takes a JSON array of candidates: {error}")
            })?;
            let by_id = candidates
                .into_iter()
                .map(|candidate| (candidate.candidate_id.clone(), candidate));
            Candidates::ById(by_id.collect())
        }
        None => Candidates::NotGiven(Candidate {
            candidate_id: String::new(),
            candidate_name: NONE_GIVEN.into(),
            party_affiliation: UNKNOWN_GROUP.into(),
            biography: String::new(),
            campaign_platform: String::new(),
            photo_url: String::new(),
        }),
    };
    CANDIDATES
        .set(candidates)
        .map_err(|_| eyre!("initialised twice"))
}

smartmodule_abi::export!(map, |call| call.each_record(Kind::Map, join));

/// The vote with its candidate joined in.
fn join(_: i64, record: RecordRef<'_>, outputs: &mut Outputs) -> Result<()> {
    let candidate = ParsedVote::parse(record.value)
        .ok()
        .and_then(|vote| CANDIDATES.get()?.get(&vote.candidate_id));
    match candidate {
        Some(candidate) => outputs.push_value(record, &enrich_vote(record.value, candidate)?),
        None => outputs.push(record),
    }
    Ok(())
}
