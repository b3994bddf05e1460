//! What a hostile writer costs: logs of made-up ids, places and sizes through the real engine, byte for byte against ordinary
//! votes.

use std::path::Path;
use std::sync::LazyLock;

use anyhow::Context;
use ballot::Vote;
use platform::{NewRecord, Platform};
use wire::topics;

use crate::report::{Figure, Report};
use crate::workload::{self, Workload};
use crate::{HostileArgs, tally};

/// The target for the mixed log: its bytes cost at most twice as much as ordinary ones.
const TARGET: f64 = 0.5;
const MIXED: &str = "hostile_mixed";
/// One partition, which one core counts.
const PARTITIONS: u32 = 1;
/// About how many bytes of records are made up and produced together.
const CHUNK_BYTES: usize = 4 << 20;
/// About the bytes of an ordinary vote.
const VOTE_BYTES: u64 = 600;
/// A record that is as large as a hundred votes.
const LARGE_BYTES: usize = 64 << 10;

/// What a hostile writer writes: the n-th record.
type Write = fn(u64) -> NewRecord;

/// Kinds of records: the figure's key, its name, and the records. The first is what the others are compared with.
const KINDS: [(&str, &str, Write); 6] = [
    ("ordinary", "ordinary votes", ordinary),
    (
        "hostile_ids",
        "votes with ids of 250 bytes, alike but for the last ten",
        long_ids,
    ),
    (
        "hostile_places",
        "votes from places of 120 bytes, never the same",
        places,
    ),
    (
        "hostile_duplicates",
        "votes of one voter, again and again",
        one_voter,
    ),
    (
        "hostile_sizes",
        "as many bytes in records of 1 byte and of 64 KiB of brackets",
        sizes,
    ),
    (MIXED, "all of these in turn", mixed),
];

/// Measures and prints.
pub(crate) async fn measure(args: HostileArgs) -> anyhow::Result<()> {
    let directory = tempfile::tempdir().context("cannot create a temporary directory")?;
    let mut report = Report::new("Of ordinary votes");
    let mut ordinary = None;
    for (key, name, write) in KINDS {
        let rate = rate(directory.path(), key, args.votes, write).await?;
        let figure = Figure::rate(key, name, rate);
        report.add(match ordinary {
            None => figure,
            Some(ordinary) if key == MIXED => figure.compared_with(ordinary).target_ratio(TARGET),
            Some(ordinary) => figure.compared_with(ordinary),
        });
        ordinary.get_or_insert(rate);
    }
    report.print(args.json, serde_json::json!({ "votes": args.votes }))
}

/// Votes' worth of bytes a second, of a log that has as many bytes as so many ordinary votes.
async fn rate(directory: &Path, name: &str, votes: u64, write: Write) -> anyhow::Result<f64> {
    let log = workload::empty_log(directory, name, PARTITIONS).await?;
    let bytes = votes * VOTE_BYTES;
    let (mut written, mut records) = (0, 0);
    while written < bytes {
        let (mut chunk, mut size) = (Vec::new(), 0);
        while size < CHUNK_BYTES {
            let record = write(records);
            size += record.value.len();
            records += 1;
            chunk.push(record);
        }
        written += size as u64;
        log.produce(topics::VOTES, chunk).await?;
    }
    log.close().await?;
    let workload = Workload::open(directory, name, workload::election()).await?;
    let rate = tally::rate(&workload, &[0]).await?;
    workload.close().await?;
    Ok(rate * written as f64 / records as f64 / VOTE_BYTES as f64)
}

/// The vote of the n-th voter, with an id and from a place.
fn vote(n: u64, id: Option<String>, place: Option<String>) -> NewRecord {
    static CANDIDATE: LazyLock<String> = LazyLock::new(|| {
        let candidates = workload::election().candidates();
        candidates[0].candidate_id.clone()
    });
    let mut voter = producer::voter(workload::SEED, n);
    if let Some(id) = id {
        voter.voter_id = id;
    }
    if let Some(place) = place {
        voter.address.state = place;
    }
    let key = voter.voter_id.clone().into_bytes();
    let vote = Vote {
        voter,
        candidate_id: CANDIDATE.clone(),
        voting_time: "2024-07-04 12:00:00".into(),
        vote: 1,
    };
    NewRecord {
        key: Some(key),
        value: serde_json::to_vec(&vote).expect("invariant: a vote has a JSON form"),
    }
}

fn ordinary(n: u64) -> NewRecord {
    vote(n, None, None)
}

fn long_ids(n: u64) -> NewRecord {
    vote(n, Some(format!("{}{n:010}", "v".repeat(240))), None)
}

fn places(n: u64) -> NewRecord {
    vote(n, None, Some(format!("{}{n:010}", "p".repeat(110))))
}

fn one_voter(_: u64) -> NewRecord {
    vote(0, None, None)
}

fn sizes(n: u64) -> NewRecord {
    let value = match n % 2 {
        0 => "{".to_owned(),
        _ => format!("{{\"a\":[{}1]}}", "[1],".repeat(LARGE_BYTES / 4)),
    };
    NewRecord {
        key: None,
        value: value.into(),
    }
}

/// A tenth of the bytes are of the large ones.
fn mixed(n: u64) -> NewRecord {
    match n % 1_000 {
        0 | 1 => sizes(n),
        _ => [long_ids, places, one_voter][(n % 3) as usize](n),
    }
}
