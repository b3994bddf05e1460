//! What the SmartModules cost: fuel, which a metered engine takes for every WebAssembly instruction. It depends on
//! the module and on its input and on nothing else, so that a change which makes a module do more is seen
//! on any machine, however busy.
#![cfg(feature = "embedded")]

use ballot::{CredentialKey, Delta, PARAM_CANDIDATES, PARAM_CREDENTIAL_KEY, Params};
use election_platform::embedded::engine::{Batch, Chain, Engine, EngineSettings};
use evidence::ElectionKey;
use smartmodules::{SmartModule, VOTE_ENRICH, VOTE_TALLY};
use tokio_util::sync::CancellationToken;
use wire::{RecordReader, RecordsBuilder};

/// Fuel for a vote of 600 bytes, as measured and a tenth more. Lower these when a module does less.
const VOTE_TALLY_FUEL: u64 = 9_700;
const VOTE_ENRICH_FUEL: u64 = 13_400;
/// The same where each vote carries a credential, which is checked.
const VOTE_TALLY_CREDENTIAL_FUEL: u64 = 13_100;

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

fn chain(module: &SmartModule, key: Option<&CredentialKey>) -> Chain {
    let engine = Engine::new(EngineSettings {
        metered: true,
        ..EngineSettings::default()
    })
    .unwrap();
    let mut params = Params::from([(PARAM_CANDIDATES.into(), CANDIDATES.into())]);
    params.extend(key.map(|key| (PARAM_CREDENTIAL_KEY.into(), key.to_hex())));
    let modules = [(module.wasm.to_vec(), params)];
    engine.chain(&modules, CancellationToken::new()).unwrap()
}

/// Fuel a vote, when the module has seen votes before.
fn fuel_per_vote(module: &SmartModule, key: Option<&CredentialKey>) -> u64 {
    let mut chain = chain(module, key);
    let mut fuel = 0;
    for number in 0..2 {
        let first = number * VOTES;
        let records = batch(first, key);
        let before = chain.fuel_used();
        let outputs = chain
            .process(&Batch {
                base_offset: first.cast_signed(),
                timestamp: 0,
                length: records.len(),
                write: &|room| {
                    room.copy_from_slice(&records);
                    Ok(())
                },
            })
            .unwrap();
        fuel = chain.fuel_used() - before;
        let mut outputs = RecordReader::new(&outputs).unwrap();
        if module.name == VOTE_TALLY.name {
            let output = outputs.next().unwrap().unwrap();
            let delta: Delta = serde_json::from_slice(output.value).unwrap();
            assert_eq!(delta.tally.counted(), VOTES);
        } else {
            assert_eq!(u64::from(outputs.remaining()), VOTES);
        }
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
