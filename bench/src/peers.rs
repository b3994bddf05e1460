//! `election bench votes`: votes for other engines as files of JSON lines, and the right counts. `bench/peers/compare`
//! runs the engines.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;

use anyhow::Context;
use ballot::{Ballot, PartitionJudge, Rules};
use platform::partition_of;
use serde::Serialize;

use crate::VotesArgs;
use crate::workload::{self, DUPLICATES, VOTERS_PER_CHUNK, Votes};

/// The index of the group of locations among the tutorial's.
const LOCATIONS: usize = 0;

#[derive(Default, Serialize)]
struct Expected {
    /// Lines in all files.
    votes: u64,
    /// With each voter's second votes dropped.
    first_votes: Counts,
    all_votes: Counts,
}

#[derive(Default, Serialize)]
struct Counts {
    candidates: BTreeMap<String, u64>,
    locations: BTreeMap<String, u64>,
}

impl Counts {
    fn add(&mut self, rules: &Rules, ballot: &Ballot<'_>) {
        let candidate = ballot.choice(rules).into_owned();
        let location = ballot.group_value(rules, LOCATIONS).into_owned();
        *self.candidates.entry(candidate).or_default() += 1;
        *self.locations.entry(location).or_default() += 1;
    }
}

/// Writes valid votes, some of which are a voter's second.
pub(crate) fn write_votes(args: &VotesArgs) -> anyhow::Result<()> {
    let election = workload::election();
    let rules = election.rules();
    let mut parts = (0..args.partitions)
        .map(|number| {
            let file = create(&args.directory.join(format!("votes-{number}.jsonl")))?;
            Ok((file, PartitionJudge::new(rules.clone())))
        })
        .collect::<anyhow::Result<Vec<_>>>()?;
    let mut expected = Expected::default();
    let mut votes = Votes::new(&election, args.partitions, DUPLICATES, 0.0)?;
    while expected.votes < args.votes {
        for record in votes.chunk(VOTERS_PER_CHUNK)? {
            if expected.votes == args.votes {
                break;
            }
            let key = record.key.context("a vote without a key")?;
            let (file, judge) = &mut parts[partition_of(&key, args.partitions) as usize];
            file.write_all(&record.value)?;
            file.write_all(b"\n")?;
            let ballot = rules
                .judge(Some(&key), &record.value)
                .map_err(|reason| anyhow::anyhow!("an invalid vote: {reason}"))?;
            expected.all_votes.add(&rules, &ballot);
            if judge
                .judge(expected.votes.cast_signed(), Some(&key), &record.value)
                .is_ok()
            {
                expected.first_votes.add(&rules, &ballot);
            }
            expected.votes += 1;
        }
    }
    for (mut file, _) in parts {
        file.flush()?;
    }
    let mut file = create(&args.directory.join("expected.json"))?;
    serde_json::to_writer_pretty(&mut file, &expected)?;
    file.flush()?;
    Ok(())
}

fn create(path: &Path) -> anyhow::Result<BufWriter<File>> {
    let file = File::create(path).with_context(|| format!("cannot write {}", path.display()))?;
    Ok(BufWriter::new(file))
}
