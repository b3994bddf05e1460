//! What the SmartModules cost: fuel, which the engine takes for every WebAssembly instruction. It depends on
//! the module and on its input and on nothing else, so that a change which makes a module do more is seen
//! on any machine, however busy.
#![cfg(feature = "embedded")]

use domain::{CredentialKey, Delta, ElectionKey, PARAM_CREDENTIAL_KEY, RecordsBuilder};
use fluvio_smartengine::{
    SmartEngine, SmartModuleChainBuilder, SmartModuleChainInstance, SmartModuleConfig,
};
use fluvio_smartmodule::dataplane::smartmodule::SmartModuleInput;
use smartmodules::{SmartModule, VOTE_ENRICH, VOTE_TALLY};

/// Fuel for a vote of 600 bytes, as measured and a tenth more. Lower these when a module does less.
const VOTE_TALLY_FUEL: u64 = 8_800;
const VOTE_ENRICH_FUEL: u64 = 12_400;
/// The same where each vote carries a credential, which is checked.
const VOTE_TALLY_CREDENTIAL_FUEL: u64 = 12_200;

const CANDIDATES: &str = r#"[{"candidate_id":"c1","candidate_name":"Ada","party_affiliation":"Tech"},
    {"candidate_id":"c2","candidate_name":"Bo","party_affiliation":"Arts"}]"#;
const VOTES: u64 = 1_000;

/// The votes of so many voters, the first of them this one; with credentials under a key.
fn batch(first: u64, key: Option<&CredentialKey>) -> Vec<u8> {
    let mut records = RecordsBuilder::default();
    for n in first..first + VOTES {
        let voter = format!("{n:08x}-0000-4000-8000-000000000000");
        let candidate = ["c1", "c2"][(n % 2) as usize];
        let credential = key.map_or_else(String::new, |key| {
            format!(r#""credential":"{}","#, key.credential(&voter))
        });
        let vote = format!(
            r#"{{"voter_id":"{voter}","voter_name":"Voter Number {n}","date_of_birth":"1970-01-01T00:00:00Z","gender":"female","nationality":"British","registration_number":"R{n}","address":{{"street":"{n} High Street","city":"Town","state":"State {}","country":"United Kingdom","postcode":"AB1 2CD"}},"email":"voter.number.{n}@example.org","phone_number":"01632 960{n:03}","cell_number":"07700 900{n:03}","picture":"https://example.org/portraits/{n}.jpg","registered_age":40,{credential}"candidate_id":"{candidate}","voting_time":"2024-07-04 12:00:00","vote":1}}"#,
            n % 20,
        );
        records.push(Some(voter.as_bytes()), vote.as_bytes());
    }
    records.finish(0)
}

fn chain(module: &SmartModule, key: Option<&CredentialKey>) -> SmartModuleChainInstance {
    let mut config = SmartModuleConfig::builder();
    config.smartmodule_names(vec![module.name.to_owned()]);
    config.param("candidates", CANDIDATES);
    if let Some(key) = key {
        config.param(PARAM_CREDENTIAL_KEY, key.to_hex());
    }
    let mut builder = SmartModuleChainBuilder::default();
    builder.add_smart_module(config.build().unwrap(), module.wasm.to_vec());
    builder.initialize(&SmartEngine::new()).unwrap()
}

/// Fuel a vote, when the module has seen votes before.
fn fuel_per_vote(module: &SmartModule, key: Option<&CredentialKey>) -> u64 {
    let mut chain = chain(module, key);
    let mut fuel = 0;
    for number in 0..2 {
        let first = number * VOTES;
        let input = SmartModuleInput::new(batch(first, key), first.cast_signed(), 0);
        let output = chain.process(input).unwrap();
        assert!(output.error.is_none(), "{:?}", output.error);
        if module.name == VOTE_TALLY.name {
            let delta: Delta = serde_json::from_slice(&output.successes[0].value).unwrap();
            assert_eq!(delta.tally.counted(), VOTES);
        } else {
            assert_eq!(output.successes.len() as u64, VOTES);
        }
        // Taking them sets them to zero. The engine (0.50) adds what a call has taken twice.
        fuel = chain.metrics_export()[module.name].fuel_used() / 2;
    }
    fuel / VOTES
}

#[test]
fn a_vote_costs_no_more_than_it_did() {
    let key = ElectionKey::from_bytes([7; 32]).credentials();
    for (module, key, most) in [
        (VOTE_TALLY, None, VOTE_TALLY_FUEL),
        (VOTE_ENRICH, None, VOTE_ENRICH_FUEL),
        (VOTE_TALLY, Some(&key), VOTE_TALLY_CREDENTIAL_FUEL),
    ] {
        let fuel = fuel_per_vote(&module, key);
        println!("{}: {fuel} a vote", module.name);
        assert!(
            fuel <= most,
            "{}: {fuel} a vote, {most} at most",
            module.name
        );
        assert!(
            fuel > most / 2,
            "{}: {fuel} a vote; lower the limit",
            module.name
        );
    }
}
