//! A writer on a cluster who keeps to no client: whatever stands in the log, the count goes on, the stream and the rows agree,
//! and every offset is accounted for.

use ballot::partition_of;
use fluvio_protocol::link::ErrorCode;
use serde_json::Value;

use crate::cluster::installation::Installation;
use crate::cluster::raw_batches::{Compression, RawBatch, encoded};
use crate::support::number;

const PARTITIONS: u32 = 2;
const VOTERS: u64 = 400;
/// Offsets that a batch of a few bytes claims.
const BILLION: i32 = 1_000_000_000;

/// A voter who belongs to a partition, the n-th of those with such a name.
fn voter(partition: u32, name: &str, n: usize) -> String {
    let names = (0..).map(|k| format!("{name} {k}"));
    let mut of_partition = names.filter(|it| partition_of(it.as_bytes(), PARTITIONS) == partition);
    of_partition.nth(n).unwrap()
}

fn vote(voter: &str, candidate: &str) -> Vec<u8> {
    format!(
        r#"{{"voter_id":"{voter}","candidate_id":"{candidate}","voting_time":"2036-07-04 12:00:00","vote":1}}"#
    )
    .into_bytes()
}

/// So many votes of voters of a partition, at these offsets.
fn votes(partition: u32, name: &str, candidate: &str, offsets: &[i64]) -> Vec<u8> {
    let votes: Vec<_> = (0..offsets.len())
        .map(|n| voter(partition, name, n))
        .map(|voter| (vote(&voter, candidate), voter))
        .collect();
    let records = votes.iter().zip(offsets);
    encoded(records.map(|((vote, voter), &offset)| (offset, &**voter, &**vote)))
}

fn lz4(records: &[u8], last_offset_delta: i32) -> RawBatch {
    RawBatch {
        compression: Compression::Lz4,
        records: Compression::Lz4.compress(records).unwrap().into(),
        last_offset_delta,
    }
}

/// What is written, how many of its votes count, and how many of its offsets do not.
struct Attack {
    name: &'static str,
    batch: RawBatch,
    counted: u64,
    rejected: u64,
}

fn attacks(partition: u32, candidate: &str) -> Vec<Attack> {
    let votes = |name, offsets: &[i64]| votes(partition, name, candidate, offsets);
    let attack = |name, batch, counted, rejected| Attack {
        name,
        batch,
        counted,
        rejected,
    };
    let stranger = voter(1 - partition, "stranger", 0);
    let strange = vote(&stranger, candidate);
    let mut claims_a_hundred = votes("counter", &[0]);
    claims_a_hundred[..4].copy_from_slice(&100i32.to_be_bytes());
    let no_lz4 = RawBatch {
        records: b"this is no lz4 frame".to_vec(),
        ..lz4(b"", 4)
    };
    let unpacks_far = vec![0; 100 << 20];
    vec![
        attack(
            "another partition's voter",
            lz4(&encoded([(0, &*stranger, &*strange)]), 0),
            0,
            1,
        ),
        attack(
            "offsets that do not count up",
            lz4(&votes("jumper", &[7, 3, 3]), 2),
            3,
            0,
        ),
        attack(
            "a number of records that lies",
            lz4(&claims_a_hundred, 0),
            1,
            0,
        ),
        attack(
            "fewer records than the head claims",
            lz4(&votes("few", &[0, 1]), 9),
            2,
            8,
        ),
        attack(
            "more records than the head claims",
            lz4(&votes("many", &[0, 1, 2]), 0),
            1,
            0,
        ),
        attack("no lz4", no_lz4, 0, 5),
        attack("a batch that unpacks far", lz4(&unpacks_far, 0), 0, 1),
        attack(
            "a billion records",
            lz4(&votes("claim", &[0]), BILLION - 1),
            1,
            BILLION as u64 - 1,
        ),
    ]
}

fn totals(report: &Value) -> (u64, u64) {
    let rejected = report["rejected"].as_object().unwrap().values();
    let rejected = rejected.map(|votes| votes.as_u64().unwrap()).sum();
    (number(report, "counted"), rejected)
}

#[test]
fn whatever_is_written_to_votes_the_count_goes_on() {
    let Some(installation) = Installation::start() else {
        return;
    };
    let demo = format!(
        "demo --voters {VOTERS} --partitions {PARTITIONS} --invalid 0 --duplicates 0 --once --json --port 0"
    );
    let report = installation.run("election", &demo).succeeds().json();
    assert_eq!(totals(&report), (VOTERS, 0));
    let candidate = report["candidates"][0]["candidate_id"].as_str().unwrap();

    for compression in [Compression::None, Compression::Gzip, Compression::Zstd] {
        let batch = RawBatch {
            compression,
            ..lz4(b"", 0)
        };
        let refused = installation.write_raw(0, batch);
        assert_eq!(refused, ErrorCode::CompressionError, "{compression:?}");
    }

    let mut expected = (VOTERS, 0);
    for (n, attack) in attacks(1, candidate).into_iter().enumerate() {
        let Attack {
            name,
            batch,
            counted,
            rejected,
        } = attack;
        assert_eq!(installation.write_raw(1, batch), ErrorCode::None, "{name}");
        // An ordinary vote after it, which must count.
        let after = votes(1, &format!("after {n}"), candidate, &[0]);
        assert_eq!(installation.write_raw(1, lz4(&after, 0)), ErrorCode::None);
        expected = (expected.0 + counted + 1, expected.1 + rejected);

        installation.run("consumer", "--once").succeeds();
        let report = installation.results();
        assert_eq!(totals(&report), expected, "after {name}");
        assert_eq!(report["accounted"], true, "after {name}");
        assert_eq!(number(&report, "rows_in_postgres"), expected.0, "{name}");
        installation.run("election", "audit").succeeds();
        let recounted = installation.run("election", "recount --json").succeeds();
        assert_eq!(
            totals(&recounted.json()),
            expected,
            "recounted after {name}"
        );
    }
}
