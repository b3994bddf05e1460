//! The votes that are measured: those of a demo's election, made up and put into an embedded log.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Context;
use ballot::{ElectionDefinition, PollsWindow, VotingTime};
use evidence::{ElectionKey, Safeguards};
use futures_util::StreamExt;
use manifest::Manifest;
use platform::embedded::EmbeddedPlatform;
use platform::{NewRecord, Output, Platform, PlatformError, StreamRequest, partition_of};
use producer::{CastPlan, Deployment, Script};
use serde_json::json;
use store::Store;
use wire::{Election, topics};

/// The seed of the measured election.
pub(crate) const SEED: u64 = 42;
/// Share of second votes, as in the demo: duplicates are checked for, and found.
pub(crate) const DUPLICATES: f64 = 0.02;
/// Share of invalid votes, as in the demo.
pub(crate) const INVALID: f64 = 0.01;
/// Voters whose votes are made up together: about a megabyte.
pub(crate) const VOTERS_PER_CHUNK: u64 = 2_000;
const CANDIDATES: usize = 3;
const POLLS_OPEN: &str = "2024-07-04 07:00:00";
const VOTING_TIME: &str = "2024-07-04 12:00:00";
/// The log's directory.
const WORKLOAD: &str = "workload";

/// A log with votes in it.
pub(crate) struct Workload {
    pub(crate) log: EmbeddedPlatform,
    pub(crate) election: Election,
    /// Records in `votes`, by partition.
    pub(crate) ends: Vec<i64>,
}

/// Makes up votes, chunk by chunk.
pub(crate) struct Votes {
    scripts: Vec<Script>,
    next_voter: u64,
}

impl Votes {
    pub(crate) fn new(
        election: &Election,
        partitions: u32,
        duplicates: f64,
        invalid: f64,
    ) -> anyhow::Result<Votes> {
        let plan = cast_plan(election, duplicates, invalid);
        let scripts = (0..partitions).map(|partition| Script::new(&plan, partition, partitions));
        Ok(Votes {
            scripts: scripts.collect::<Result<_, _>>()?,
            next_voter: 0,
        })
    }

    /// Every voter votes once more, from the first one on.
    pub(crate) fn start_over(&mut self) {
        self.next_voter = 0;
    }

    /// The votes of the next voters.
    pub(crate) fn chunk(&mut self, voters: u64) -> anyhow::Result<Vec<NewRecord>> {
        let mut records = Vec::new();
        for index in self.next_voter..self.next_voter + voters {
            let voter = producer::voter(SEED, index);
            let key = voter.voter_id.as_bytes();
            let partition = partition_of(key, self.scripts.len() as u32);
            let voter = serde_json::to_vec(&voter)?;
            let script = &mut self.scripts[partition as usize];
            script.voter(Some(key), &voter, VOTING_TIME, &mut records)?;
        }
        self.next_voter += voters;
        Ok(records)
    }
}

/// Casting as fast as possible, with these shares of second and of invalid votes.
pub(crate) fn cast_plan(election: &Election, duplicates: f64, invalid: f64) -> CastPlan {
    CastPlan {
        seed: SEED,
        duplicates,
        invalid,
        rate: 0,
        definition: election.definition.clone(),
        polls: election.polls,
        credentials: None,
        abstain: 0.0,
    }
}

/// The measured election.
pub(crate) fn election() -> Election {
    let candidates = producer::candidates(SEED, CANDIDATES);
    let candidates = producer::with_photos(&candidates, &[], &Default::default());
    election_of(ElectionDefinition::tutorial(candidates))
}

/// An election of this definition, whose polls are open when the measured votes are cast.
pub(crate) fn election_of(definition: ElectionDefinition) -> Election {
    let polls = PollsWindow {
        open: VotingTime::parse(POLLS_OPEN),
        close: None,
    };
    Election::new(definition, polls)
}

/// Makes the tables and sets the measured election up. With a key, votes need credentials.
pub(crate) async fn open_election(
    store: &Store,
    key: Option<&ElectionKey>,
) -> anyhow::Result<Election> {
    let election = election();
    store.migrate().await?;
    store
        .open_election(&store::ElectionRow {
            plan: json!({}),
            polls: election.polls,
            safeguards: Safeguards::new(key.is_some(), false, key)?,
            definition: None,
        })
        .await?;
    store.register_candidates(&election.candidates()).await?;
    Ok(store.running_election(key).await?)
}

/// An empty log with topics and SmartModules, in a directory of its own.
pub(crate) async fn empty_log(
    directory: &Path,
    name: &str,
    partitions: u32,
) -> anyhow::Result<EmbeddedPlatform> {
    let log = EmbeddedPlatform::open(&directory.join(name)).await?;
    let deployment = Deployment::of(&Manifest::built_in(), Some(partitions))?;
    deployment.deploy(&log).await?;
    Ok(log)
}

/// The number of records in each partition of a topic.
pub(crate) async fn ends(platform: &dyn Platform, topic: &str) -> Result<Vec<i64>, PlatformError> {
    let mut ends = Vec::new();
    for partition in 0..platform.partitions(topic).await? {
        ends.push(platform.end_offset(topic, partition).await?);
    }
    Ok(ends)
}

/// The votes of a partition up to about this offset, as they are in the log.
pub(crate) async fn read_votes(
    platform: &dyn Platform,
    partition: u32,
    to: i64,
) -> anyhow::Result<Vec<Output>> {
    let request = StreamRequest {
        topic: topics::VOTES.into(),
        partition,
        from: 0,
        chain: Vec::new(),
    };
    let mut stream = platform.stream(request).await?;
    let mut votes = Vec::new();
    while (votes.len() as i64) < to {
        let batch = stream.next().await;
        votes.extend(batch.context("the stream of votes ended early")??);
    }
    Ok(votes)
}

impl Workload {
    /// Produces the votes that are counted, persisted and bridged. Returns also how many were produced a second; the
    /// time to make them up is not counted.
    pub(crate) async fn produce(
        directory: &Path,
        votes: u64,
        partitions: u32,
    ) -> anyhow::Result<(Workload, f64)> {
        Workload::produce_of(directory, WORKLOAD, election(), votes, partitions).await
    }

    /// The same of any election, in a log of this name.
    pub(crate) async fn produce_of(
        directory: &Path,
        name: &str,
        election: Election,
        votes: u64,
        partitions: u32,
    ) -> anyhow::Result<(Workload, f64)> {
        let log = empty_log(directory, name, partitions).await?;
        let mut script = Votes::new(&election, partitions, DUPLICATES, INVALID)?;
        let (mut produced, mut took) = (0, Duration::ZERO);
        while produced < votes {
            let records = script.chunk(VOTERS_PER_CHUNK)?;
            produced += records.len() as u64;
            let began = Instant::now();
            log.produce(topics::VOTES, records).await?;
            took += began.elapsed();
        }
        // Reopened, so that the log is at rest: what producing leaves it to do in the background would slow
        // down what is measured next.
        log.close().await?;
        let workload = Workload::open(directory, name, election).await?;
        Ok((workload, produced as f64 / took.as_secs_f64()))
    }

    /// The workload that was produced before.
    pub(crate) async fn reopen(directory: &Path) -> anyhow::Result<Workload> {
        Workload::open(directory, WORKLOAD, election()).await
    }

    /// A log of this name that was produced before.
    pub(crate) async fn open(
        directory: &Path,
        name: &str,
        election: Election,
    ) -> anyhow::Result<Workload> {
        let log = EmbeddedPlatform::open(&directory.join(name)).await?;
        Ok(Workload {
            ends: ends(&log, topics::VOTES).await?,
            log,
            election,
        })
    }

    /// All votes by partition, in memory.
    pub(crate) async fn votes(&self) -> anyhow::Result<Vec<Vec<Output>>> {
        let mut votes = Vec::new();
        for (partition, &end) in (0..).zip(&self.ends) {
            votes.push(read_votes(&self.log, partition, end).await?);
        }
        Ok(votes)
    }

    pub(crate) fn platform(&self) -> Arc<dyn Platform> {
        Arc::new(self.log.clone())
    }

    pub(crate) fn records(&self) -> u64 {
        self.ends.iter().map(|end| end.unsigned_abs()).sum()
    }

    pub(crate) async fn close(self) -> anyhow::Result<()> {
        Ok(self.log.close().await?)
    }
}
