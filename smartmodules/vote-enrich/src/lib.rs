//! `vote-enrich`: joins the candidate's fields into each vote, flat, as the tutorial's Spark job did.
//!
//! What is not a vote, or is for a candidate that is not listed, passes through untouched: an error
//! would stop the stream for everybody. Put `vote-filter` before it to have only valid votes; or give
//! `mode=every`, then a record that does not count has an empty output, and each output's key begins
//! with the record's offset. The engine hands a batch from module to module byte by byte, so one module
//! is faster than two.

#![cfg(target_arch = "wasm32")]
#![deny(missing_docs)]

use std::sync::{Mutex, OnceLock, PoisonError};

use ballot::{Candidate, Judge, PARAM_CANDIDATES, PARAM_MODE, RecordRef, UNKNOWN, whole_param};
use fluvio_smartmodule::dataplane::smartmodule::SmartModuleExtraParams;
use fluvio_smartmodule::{Result, eyre, smartmodule};
use smartmodule_abi::{Kind, Outputs};
use wire::{Disclosure, Enricher, VoteText, offset_key};

/// What the name of every candidate is where none is given: `fluvio consume` does not show a module's
/// errors, it waits in silence, so the votes themselves say what is missing.
const NONE_GIVEN: &str = "unknown: vote-enrich takes -e candidates=[{\"candidate_id\":…,\"candidate_name\":…,\"party_affiliation\":…}]";

struct State {
    enricher: Enricher,
    /// In `mode=every`. The engine runs one instance on one thread; the mutex is what safe Rust asks of a
    /// `static`, and is never contended.
    judge: Option<Mutex<Judge>>,
}

static STATE: OnceLock<State> = OnceLock::new();

#[smartmodule(init)]
fn init(params: SmartModuleExtraParams) -> Result<()> {
    let enricher = match whole_param(|name| params.get(name).cloned(), PARAM_CANDIDATES) {
        Some(json) => {
            let candidates: Vec<Candidate> = serde_json::from_str(&json).map_err(|error| {
                eyre!("parameter `candidates`: takes a JSON array of candidates: {error}")
            })?;
            Enricher::new(&candidates)?
        }
        None => Enricher::new(&[])?.with_others(&Candidate {
            candidate_id: String::new(),
            candidate_name: NONE_GIVEN.into(),
            party_affiliation: UNKNOWN.into(),
            biography: String::new(),
            campaign_platform: String::new(),
            photo_url: String::new(),
        })?,
    };
    let judge = match params.get(PARAM_MODE).map(String::as_str) {
        None => None,
        Some("every") => Some(Judge::from_params(|name| params.get(name).cloned())?.into()),
        Some(other) => return Err(eyre!("parameter `mode`: takes `every`, not `{other}`")),
    };
    STATE
        .set(State { enricher, judge })
        .map_err(|_| eyre!("initialised twice"))
}

smartmodule_abi::export!(map, |call| call.each_record(Kind::Map, join));

/// The vote with its candidate joined in; in `mode=every` empty where it does not count.
fn join(offset: i64, record: RecordRef<'_>, outputs: &mut Outputs) -> Result<()> {
    let State { enricher, judge } = STATE.get().ok_or_else(|| eyre!("not initialised"))?;
    let Some(judge) = judge else {
        match enricher.enrich(record.value) {
            Some(enriched) => outputs.push_value(record, &enriched),
            None => outputs.push(record),
        }
        return Ok(());
    };
    let mut judge = judge.lock().unwrap_or_else(PoisonError::into_inner);
    let read = VoteText::read(record.value, judge.rules().group_paths());
    let enriched = read.and_then(|(vote, text)| {
        let ballot = judge.judge_vote(offset, record.key, vote)?;
        // It counts, even if nothing is known of the candidate, or it answers several contests.
        Ok(ballot
            .candidate_id()
            .and_then(|candidate_id| enricher.join(text, candidate_id))
            .unwrap_or_else(|| {
                let disclosure = Disclosure::blanking(judge.rules().requires_credentials());
                disclosure.publishable(record.value).into_owned()
            }))
    });
    let key = offset_key(offset, record.key);
    outputs.push(RecordRef {
        key: Some(&key),
        value: match &enriched {
            Ok(enriched) => enriched,
            Err(_) => &[],
        },
        ..record
    });
    Ok(())
}
