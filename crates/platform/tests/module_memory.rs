//! The SmartModules' memory in the engine: it does not grow with the votes that go through. A module
//! that keeps anything of a batch ends every long stream at the engine's limit.
#![cfg(feature = "embedded")]

use std::time::Instant;

use ballot::{PARAM_CANDIDATES, Params};
use election_platform::embedded::engine::{Batch, Engine, EngineSettings, MEMORY_LIMIT};
use smartmodules::SmartModule;
use tokio_util::sync::CancellationToken;
use wire::{RecordReader, RecordsBuilder};

const CANDIDATES: &str = r#"[{"candidate_id":"c1","candidate_name":"Ada","party_affiliation":"Tech"},
    {"candidate_id":"c2","candidate_name":"Bo","party_affiliation":"Arts"}]"#;

/// What a module has when it starts (most of it is its stack), rounded up.
const LEAST_MEMORY: usize = 2 << 20;
/// A module that needs more for batches as small as these is not measured but mended.
const MOST_MEMORY: usize = 64 << 20;
const VOTES_PER_BATCH: u64 = 300;
const BATCHES: u64 = 25;

/// Modules, each with a parameter or two beyond the candidates.
type Calls<'a> = &'a [(SmartModule, &'a [(&'a str, &'a str)])];

/// A batch in which every tenth vote is rejected.
fn batch(votes: u64) -> Vec<u8> {
    let mut records = RecordsBuilder::default();
    for n in 0..votes {
        let voter = format!("{n:08x}-0000-4000-8000-000000000000");
        let candidate = ["c1", "c2"][(n % 2) as usize];
        let weight = if n % 10 == 9 { 2 } else { 1 };
        let vote = format!(
            r#"{{"voter_id":"{voter}","voter_name":"Voter {n}","date_of_birth":"1970-01-01","gender":"female","nationality":"British","address":{{"street":"{n} High Street","city":"Town","state":"State {}","country":"United Kingdom","postcode":"AB1 2CD"}},"registered_age":40,"candidate_id":"{candidate}","voting_time":"2024-07-04 12:00:00","vote":{weight}}}"#,
            n % 20,
        );
        records.push(Some(voter.as_bytes()), vote.as_bytes());
    }
    records.finish(0)
}

/// Sends batches through a chain whose modules may take so much memory each, and returns how many
/// outputs it gave and how many bytes they are.
fn run(
    calls: Calls,
    memory_limit: usize,
    records: &[u8],
    batches: u64,
) -> Result<(u64, u64), String> {
    let engine = Engine::new(EngineSettings {
        memory_limit,
        ..EngineSettings::default()
    })
    .unwrap();
    let modules: Vec<_> = calls
        .iter()
        .map(|&(module, params)| {
            let params = [(PARAM_CANDIDATES, CANDIDATES)].iter().chain(params);
            let params: Params = params
                .map(|&(name, value)| (name.into(), value.into()))
                .collect();
            (module.wasm.to_vec(), params)
        })
        .collect();
    let mut chain = engine
        .chain(&modules, CancellationToken::new())
        .map_err(|error| error.to_string())?;
    let (mut outputs, mut bytes) = (0, 0);
    let mut base_offset = 0;
    for n in 0..batches {
        let output = chain
            .process(&Batch {
                base_offset,
                timestamp: 0,
                length: records.len(),
                write: &|room| {
                    room.copy_from_slice(records);
                    Ok(())
                },
            })
            .map_err(|error| format!("batch {n}: {error}"))?;
        base_offset += i64::from(u32::from_be_bytes(*records.first_chunk().unwrap()));
        for record in RecordReader::new(&output).unwrap() {
            outputs += 1;
            bytes += record.unwrap().value.len() as u64;
        }
    }
    Ok((outputs, bytes))
}

fn memory_does_not_grow(calls: Calls) {
    let records = batch(VOTES_PER_BATCH);
    let mut memory = LEAST_MEMORY;
    while let Err(problem) = run(calls, memory, &records, BATCHES) {
        memory *= 2;
        assert!(memory <= MOST_MEMORY, "{problem}");
    }
    let (outputs, bytes) = run(calls, memory, &records, 10 * BATCHES)
        .unwrap_or_else(|problem| panic!("{memory} bytes were enough at first: {problem}"));
    let moved = 10 * BATCHES * records.len() as u64 + bytes;
    assert!(outputs > 0);
    assert!(
        moved > 4 * memory as u64,
        "too little to tell: {moved} bytes through {memory}"
    );
}

#[test]
fn vote_filter_keeps_nothing() {
    memory_does_not_grow(&[(smartmodules::VOTE_FILTER, &[])]);
    memory_does_not_grow(&[(smartmodules::VOTE_FILTER, &[("mode", "rejected")])]);
}

#[test]
fn vote_enrich_keeps_nothing() {
    memory_does_not_grow(&[(smartmodules::VOTE_ENRICH, &[])]);
}

#[test]
fn a_chain_keeps_nothing() {
    memory_does_not_grow(&[
        (smartmodules::VOTE_FILTER, &[]),
        (smartmodules::VOTE_ENRICH, &[]),
    ]);
}

#[test]
fn vote_tally_keeps_nothing_but_its_voters() {
    memory_does_not_grow(&[(smartmodules::VOTE_TALLY, &[])]);
}

#[test]
fn running_totals_keep_nothing() {
    memory_does_not_grow(&[(smartmodules::VOTES_PER_CANDIDATE, &[])]);
    memory_does_not_grow(&[(smartmodules::TURNOUT_BY_LOCATION, &[])]);
}

/// `cargo test --release -p election-platform --test module_memory -- --ignored --nocapture`
#[test]
#[ignore = "takes minutes: five million votes through each module, for the figures"]
fn five_million_votes() {
    const VOTES: u64 = 5_000_000;
    const VOTES_PER_BATCH: u64 = 2_500;
    let records = batch(VOTES_PER_BATCH);
    let chains: [Calls; 6] = [
        &[(smartmodules::VOTE_FILTER, &[])],
        &[(smartmodules::VOTE_ENRICH, &[])],
        &[
            (smartmodules::VOTE_FILTER, &[]),
            (smartmodules::VOTE_ENRICH, &[]),
        ],
        &[(smartmodules::VOTE_TALLY, &[])],
        &[(smartmodules::VOTES_PER_CANDIDATE, &[])],
        &[(smartmodules::TURNOUT_BY_LOCATION, &[])],
    ];
    let mut failed = Vec::new();
    for calls in chains {
        let names: Vec<_> = calls.iter().map(|(module, _)| module.name).collect();
        let names = names.join(" | ");
        let begun = Instant::now();
        match run(calls, MEMORY_LIMIT, &records, VOTES / VOTES_PER_BATCH) {
            Ok((outputs, _)) => {
                let rate = VOTES as f64 / begun.elapsed().as_secs_f64();
                eprintln!("{names}: {rate:.0} votes/s, {outputs} outputs");
            }
            Err(problem) => failed.push(format!("{names}: {problem}")),
        }
    }
    assert!(failed.is_empty(), "{}", failed.join("\n"));
}
