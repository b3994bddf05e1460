//! The votes that are measured: a real election's, on an embedded platform in a temporary directory.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Context;
use ballot::{ElectionDefinition, PollsWindow, VotingTime};
use consumer::Election;
use evidence::Safeguards;
use futures_util::StreamExt;
use manifest::Manifest;
use platform::embedded::EmbeddedPlatform;
use platform::{NewRecord, Output, Platform, StreamRequest, partition_of};
use producer::Deployment;
use producer::{CastPlan, Script};
use serde_json::json;
use store::Store;
use wire::topics;

/// The seed of the measured election.
const SEED: u64 = 42;
/// Share of second votes, as in the demo: duplicates are checked for, and found.
const DUPLICATES: f64 = 0.02;
/// Share of invalid votes, as in the demo.
const INVALID: f64 = 0.01;
const CANDIDATES: usize = 3;
/// Voters whose votes are produced together: about a megabyte.
const VOTERS_PER_CHUNK: u64 = 2_000;
const POLLS_OPEN: &str = "2024-07-04 07:00:00";
const VOTING_TIME: &str = "2024-07-04 12:00:00";

/// A platform with votes in it.
pub(crate) struct Workload {
    platform: EmbeddedPlatform,
    pub(crate) election: Election,
    /// Records in `votes`, by partition.
    pub(crate) ends: Vec<i64>,
    /// Records produced a second, the time to make them up left out.
    pub(crate) produce_rate: f64,
}

/// A vote as it is in the log.
pub(crate) struct Vote {
    pub(crate) partition: u32,
    pub(crate) record: Output,
}

/// Makes up votes, chunk by chunk.
pub(crate) struct Votes {
    scripts: Vec<Script>,
    next_voter: u64,
}

impl Votes {
    /// With second and invalid votes among them, as in the demo.
    pub(crate) fn new(election: &Election, partitions: u32) -> anyhow::Result<Votes> {
        Votes::with(election, partitions, DUPLICATES, INVALID)
    }

    /// Such that each counts.
    pub(crate) fn that_count(election: &Election, partitions: u32) -> anyhow::Result<Votes> {
        Votes::with(election, partitions, 0.0, 0.0)
    }

    /// With second votes, and otherwise valid.
    pub(crate) fn with_duplicates(election: &Election, partitions: u32) -> anyhow::Result<Votes> {
        Votes::with(election, partitions, DUPLICATES, 0.0)
    }

    fn with(
        election: &Election,
        partitions: u32,
        duplicates: f64,
        invalid: f64,
    ) -> anyhow::Result<Votes> {
        let plan = CastPlan {
            seed: SEED,
            duplicates,
            invalid,
            rate: 0,
            definition: election.definition.clone(),
            polls: election.polls,
            credentials: None,
            abstain: 0.0,
        };
        let scripts = (0..partitions)
            .map(|partition| Script::new(&plan, partition, partitions))
            .collect::<Result<_, _>>()?;
        Ok(Votes {
            scripts,
            next_voter: 0,
        })
    }

    /// From the first voter on again: everybody votes once more.
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
            self.scripts[partition as usize].voter(
                Some(key),
                &serde_json::to_vec(&voter)?,
                VOTING_TIME,
                &mut records,
            )?;
        }
        self.next_voter += voters;
        Ok(records)
    }
}

/// The measured election.
pub(crate) fn election() -> Election {
    let candidates = producer::candidates(SEED, CANDIDATES);
    let candidates = producer::with_photos(&candidates, &[], &Default::default());
    let polls = PollsWindow {
        open: VotingTime::parse(POLLS_OPEN),
        close: None,
    };
    Election::new(ElectionDefinition::tutorial(candidates), polls)
}

/// Makes the tables, and stores the measured election.
pub(crate) async fn open_election(store: &Store, election: &Election) -> anyhow::Result<()> {
    store.migrate().await?;
    let polls = election.polls;
    store
        .open_election(&store::Election {
            plan: json!({}),
            polls,
            safeguards: Safeguards::default(),
            definition: None,
        })
        .await?;
    store.register_candidates(&election.candidates()).await?;
    Ok(())
}

/// An empty platform with topics and SmartModules, in a directory of its own.
pub(crate) async fn platform(
    directory: &Path,
    name: &str,
    partitions: u32,
) -> anyhow::Result<EmbeddedPlatform> {
    let platform = EmbeddedPlatform::open(&directory.join(name)).await?;
    let deployment = Deployment::of(&Manifest::built_in(), Some(partitions))?;
    deployment.deploy(&platform).await?;
    Ok(platform)
}

impl Workload {
    /// Produces the votes that tally and persist are measured with.
    pub(crate) async fn produce(
        directory: &Path,
        votes: u64,
        partitions: u32,
    ) -> anyhow::Result<Workload> {
        let election = election();
        let platform = platform(directory, WORKLOAD, partitions).await?;
        let mut script = Votes::new(&election, partitions)?;
        let (mut produced, mut took) = (0, Duration::ZERO);
        while produced < votes {
            let records = script.chunk(VOTERS_PER_CHUNK)?;
            produced += records.len() as u64;
            let began = Instant::now();
            platform.produce(topics::VOTES, records).await?;
            took += began.elapsed();
        }
        Workload::of(platform, election, produced as f64 / took.as_secs_f64()).await
    }

    /// The workload that was produced before.
    pub(crate) async fn reopen(directory: &Path) -> anyhow::Result<Workload> {
        let platform = EmbeddedPlatform::open(&directory.join(WORKLOAD)).await?;
        Workload::of(platform, election(), 0.0).await
    }

    async fn of(
        platform: EmbeddedPlatform,
        election: Election,
        produce_rate: f64,
    ) -> anyhow::Result<Workload> {
        let mut ends = Vec::new();
        for partition in 0..platform.partitions(topics::VOTES).await? {
            ends.push(platform.end_offset(topics::VOTES, partition).await?);
        }
        Ok(Workload {
            platform,
            election,
            ends,
            produce_rate,
        })
    }

    /// All votes, in memory.
    pub(crate) async fn votes(&self) -> anyhow::Result<Vec<Vote>> {
        let mut votes = Vec::new();
        for (partition, &end) in (0..).zip(&self.ends) {
            let mut stream = self
                .platform
                .stream(StreamRequest {
                    topic: topics::VOTES.into(),
                    partition,
                    from: 0,
                    chain: Vec::new(),
                })
                .await?;
            let mut left = end;
            while left > 0 {
                let outputs = stream.next().await.context("the log has ended early")??;
                left -= outputs.len() as i64;
                votes.extend(outputs.into_iter().map(|record| Vote { partition, record }));
            }
        }
        Ok(votes)
    }

    pub(crate) fn port(&self) -> Arc<dyn Platform> {
        Arc::new(self.platform.clone())
    }

    pub(crate) fn records(&self) -> u64 {
        self.ends.iter().map(|end| end.unsigned_abs()).sum()
    }

    pub(crate) async fn close(self) -> anyhow::Result<()> {
        Ok(self.platform.close().await?)
    }
}

const WORKLOAD: &str = "workload";
