//! What is done for every vote, natively: `cargo bench -p election-ballot`.

use std::convert::Infallible;
use std::hint::black_box;

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use election_ballot::{
    FirstVotes, Group, GroupPaths, HashSeed, PARAM_CANDIDATES, ParsedVote, PartitionCounter,
    RecordRef, Rules, VoterRef,
};

const VOTES: u64 = 2_000;
/// So many that no cache holds them.
const VOTERS: u64 = 2_000_000;

fn voter_id(n: u64) -> String {
    // Spread like random ids; the multiplier is odd, so that no two are the same.
    let mixed = n.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    format!(
        "{:08x}-0000-4000-8000-{:012x}",
        mixed >> 32,
        mixed & 0xffff_ffff
    )
}

/// A vote as the producer writes them.
fn vote(n: u64) -> String {
    format!(
        r#"{{"voter_id":"{}","voter_name":"Voter Number {n}","date_of_birth":"1970-01-01T00:00:00Z","gender":"female","nationality":"British","registration_number":"R{n}","address":{{"street":"{n} High Street","city":"Town","state":"State {}","country":"United Kingdom","postcode":"AB1 2CD"}},"email":"voter.number.{n}@example.org","phone_number":"01632 960000","cell_number":"07700 900000","picture":"https://example.org/portraits/{n}.jpg","registered_age":40,"candidate_id":"11112222-3333-4444-8555-66667777888{}","voting_time":"2024-07-04 12:00:00","vote":1}}"#,
        voter_id(n),
        n % 50,
        n % 3,
    )
}

fn reading(c: &mut Criterion) {
    let votes: Vec<String> = (0..VOTES).map(vote).collect();
    let paths = GroupPaths::of(&Group::tutorial());
    let mut group = c.benchmark_group("read");
    group.throughput(Throughput::Elements(VOTES));
    group.bench_function("serde_json::Value", |b| {
        b.iter(|| {
            for vote in &votes {
                black_box(serde_json::from_str::<serde_json::Value>(vote).is_ok());
            }
        });
    });
    group.bench_function("ParsedVote::parse", |b| {
        b.iter(|| {
            for vote in &votes {
                black_box(ParsedVote::parse(vote.as_bytes(), &paths).is_ok());
            }
        });
    });
    group.finish();
}

fn counting(c: &mut Criterion) {
    let votes: Vec<_> = (0..VOTES).map(|n| (voter_id(n), vote(n))).collect();
    let records = votes.iter().zip(0..);
    let records = records.map(|((voter, vote), offset_delta)| RecordRef {
        offset_delta,
        timestamp_delta: 0,
        key: Some(voter.as_bytes()),
        value: vote.as_bytes(),
    });
    let records: Vec<Result<_, Infallible>> = records.map(Ok).collect();
    let candidates = (0..3).map(|n| format!(r#""11112222-3333-4444-8555-66667777888{n}""#));
    let candidates = format!("[{}]", candidates.collect::<Vec<_>>().join(","));
    let params = [(PARAM_CANDIDATES.to_owned(), candidates)];
    let rules = Rules::from_params(&params.into())
        .expect("invariant: a JSON array of ids is a list of candidates");
    let mut group = c.benchmark_group("count");
    group.throughput(Throughput::Elements(VOTES));
    group.bench_function("PartitionCounter::count_batch", |b| {
        b.iter_batched_ref(
            || PartitionCounter::new(rules.clone()),
            |counter| {
                let counted = counter.count_batch(0, VOTES as u32, records.iter().copied());
                counted.map(black_box).is_ok()
            },
            BatchSize::LargeInput,
        );
    });
    group.finish();
}

fn remembering(c: &mut Criterion) {
    let ids: Vec<String> = (0..VOTERS).map(voter_id).collect();
    let mut group = c.benchmark_group("remember");
    group.sample_size(10);
    group.throughput(Throughput::Elements(VOTERS));
    group.bench_function("FirstVotes::first_offset", |b| {
        b.iter_batched_ref(
            || FirstVotes::new(HashSeed::default()),
            |votes| {
                for (offset, id) in (0..).zip(&ids) {
                    black_box(votes.first_offset(&VoterRef::from(id.as_str()), offset));
                }
            },
            BatchSize::LargeInput,
        );
    });
    group.finish();
}

criterion_group!(hot, reading, counting, remembering);
criterion_main!(hot);
