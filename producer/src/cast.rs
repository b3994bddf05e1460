//! Casting the votes of the registered voters, each partition on its own.

use std::collections::VecDeque;
use std::sync::Arc;

use ballot::{CredentialKey, ElectionDefinition, PollsWindow, VotingTime};
use platform::{Output, Platform};
use service::records::Records;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use wire::topics::{VOTERS, VOTES};

use crate::log_position::LogPosition;
use crate::pacing::Pacing;
use crate::pump::{CHUNK_BYTES, Chunk, ChunkSource, on_blocking_thread, pump};
use crate::script::Script;
use crate::{ProducerError, Progress, clock};

/// The most votes that a voter leads to: one, perhaps a second and an invalid one, and now and then another
/// voter's delayed second vote.
const VOTES_OF_A_VOTER: usize = 4;

/// What is to be cast.
#[derive(Debug, Clone)]
pub struct CastPlan {
    /// Determines all choices, and which voters vote twice or invalidly.
    pub seed: u64,
    /// Share of voters who cast a second vote, 0 to 1.
    pub duplicates: f64,
    /// Share of voters beside whose vote an invalid record is cast, 0 to 1.
    pub invalid: f64,
    /// Share of voters who cast nothing, 0 to 1.
    pub abstain: f64,
    /// Votes a second over all partitions; 0 for flat out.
    pub rate: u64,
    /// What is voted on.
    pub definition: ElectionDefinition,
    /// When the polls are open. Votes are cast now in any case.
    pub polls: PollsWindow,
    /// The key of voters' credentials, if votes must carry one.
    pub credentials: Option<CredentialKey>,
}

impl CastPlan {
    pub(crate) fn check(&self) -> Result<(), ProducerError> {
        if self.definition.candidates().next().is_none() {
            return Err(ProducerError::NoCandidates);
        }
        for (name, value) in [
            ("duplicates", self.duplicates),
            ("invalid", self.invalid),
            ("abstain", self.abstain),
        ] {
            if !(0.0..=1.0).contains(&value) {
                return Err(ProducerError::Share { name, value });
            }
        }
        Ok(())
    }
}

/// Casts the votes of all voters registered so far, except for those that an earlier run has cast. Returns
/// how many records it produced; fewer than there are when it was stopped.
///
/// # Errors
/// When the plan is invalid, no voter is registered, `votes` holds another election, or the platform
/// fails; then the run can be repeated, and continues where this one ended.
pub async fn cast_votes(
    platform: &Arc<dyn Platform>,
    plan: CastPlan,
    progress: &Arc<Progress>,
    stop: &CancellationToken,
) -> Result<u64, ProducerError> {
    plan.check()?;
    let partitions = platform.partitions(VOTERS).await?;
    let votes = platform.partitions(VOTES).await?;
    if votes != partitions {
        return Err(ProducerError::PartitionsDiffer {
            voters: partitions,
            votes,
        });
    }
    let mut ends = Vec::new();
    for partition in 0..partitions {
        ends.push(platform.end_offset(VOTERS, partition).await?);
    }
    let voters: i64 = ends.iter().sum();
    if voters == 0 {
        return Err(ProducerError::NoVoters);
    }
    progress.begin(voters.unsigned_abs());
    let now = VotingTime::parse(&clock::voting_time_now());
    if now.is_some_and(|now| !plan.polls.contains(now)) {
        tracing::warn!("the polls are closed now: every vote will be rejected as polls_closed");
    }

    // A partition that fails stops the others, but not the caller's token.
    let stop = stop.child_token();
    let mut tasks = JoinSet::new();
    // Voters with credentials may have voted elsewhere.
    let others_vote = plan.credentials.is_some();
    let pacings = Pacing::shared(plan.rate, ends.len());
    for ((partition, end), pacing) in (0..).zip(ends).zip(pacings) {
        let script = Script::new(&plan, partition, partitions)?;
        let platform = Arc::clone(platform);
        let progress = Arc::clone(progress);
        let stop = stop.clone();
        tasks.spawn(async move {
            let position = if others_vote {
                LogPosition::read_among_others(platform.as_ref(), VOTES, partition).await?
            } else {
                LogPosition::read(platform.as_ref(), VOTES, partition).await?
            };
            let source = PartitionVotes {
                voters: Records::open(platform.as_ref(), VOTERS, partition, 0).await?,
                left: end,
                waiting: VecDeque::new(),
                waiting_bytes: 0,
                behind: position.behind(),
                caster: Some(Caster {
                    script,
                    position,
                    partition,
                    unusable: 0,
                }),
                finished: false,
            };
            pump(platform.as_ref(), VOTES, source, pacing, &progress, &stop).await
        });
    }
    let mut produced = 0;
    let mut failure = None;
    while let Some(ended) = tasks.join_next().await {
        match ended.map_err(ProducerError::from).flatten() {
            Ok(records) => produced += records,
            Err(error) => {
                stop.cancel();
                failure.get_or_insert(error);
            }
        }
    }
    failure.map_or(Ok(produced), Err)
}

/// The sequence of one partition of `votes`, made from the same partition of `voters`.
struct PartitionVotes {
    voters: Records,
    /// How many voters are still to be read.
    left: i64,
    /// Voters that were read and have not voted.
    waiting: VecDeque<Output>,
    /// Bytes of their values.
    waiting_bytes: usize,
    caster: Option<Caster>,
    /// How many votes of this sequence in the log are still to be skipped: no rate applies to these.
    behind: u64,
    finished: bool,
}

impl PartitionVotes {
    async fn receive(&mut self) -> Result<(), ProducerError> {
        let mut batch = self.voters.next_batch().await?;
        batch.truncate(usize::try_from(self.left).unwrap_or(usize::MAX));
        self.left -= batch.len() as i64;
        self.waiting_bytes += batch.iter().map(|voter| voter.value.len()).sum::<usize>();
        self.waiting.extend(batch);
        Ok(())
    }

    fn take(&mut self, limit: usize) -> Vec<Output> {
        let mut voters = Vec::with_capacity(self.waiting.len().min(limit));
        let mut bytes = 0;
        while voters.len() < limit
            && bytes < CHUNK_BYTES
            && let Some(voter) = self.waiting.pop_front()
        {
            bytes += voter.value.len();
            voters.push(voter);
        }
        self.waiting_bytes -= bytes;
        voters
    }
}

impl ChunkSource for PartitionVotes {
    async fn next_chunk(&mut self, limit: usize) -> Result<Option<Chunk>, ProducerError> {
        let behind = usize::try_from(self.behind).unwrap_or(usize::MAX);
        let voters_limit = limit.max(behind / VOTES_OF_A_VOTER);
        // These voters are in the log, so a full chunk of them will come.
        while self.left > 0 && self.waiting.len() < voters_limit && self.waiting_bytes < CHUNK_BYTES
        {
            self.receive().await?;
        }
        let voters = self.take(voters_limit);
        if voters.is_empty() {
            if self.finished {
                return Ok(None);
            }
            let limit = limit.max(behind);
            let (chunk, finished) =
                on_blocking_thread(&mut self.caster, move |caster| caster.finish(limit)).await?;
            self.behind = self.behind.saturating_sub(chunk.already);
            self.finished = finished;
            return Ok(Some(chunk));
        }
        let chunk =
            on_blocking_thread(&mut self.caster, move |caster| caster.cast(&voters)).await?;
        self.behind = self.behind.saturating_sub(chunk.already);
        Ok(Some(chunk))
    }
}

/// The script and the position in the log, which run on a blocking thread.
struct Caster {
    script: Script,
    position: LogPosition,
    partition: u32,
    /// Records of `voters` that are not usable voters.
    unusable: u64,
}

impl Caster {
    /// The votes of some voters.
    fn cast(&mut self, voters: &[Output]) -> Result<Chunk, ProducerError> {
        let voting_time = clock::voting_time_now();
        let mut records = Vec::with_capacity(voters.len() + voters.len() / 8);
        for voter in voters {
            let cast = self.script.voter(
                voter.key.as_deref(),
                &voter.value,
                &voting_time,
                &mut records,
            );
            if let Err(reason) = cast {
                if self.unusable == 0 {
                    tracing::warn!(
                        partition = self.partition,
                        offset = voter.offset,
                        "skipped a record of `voters`: {reason}"
                    );
                }
                self.unusable += 1;
            }
        }
        self.chunk(records, voters.len())
    }

    /// Up to `limit` of what remains after the last voter, and whether that was all.
    fn finish(&mut self, limit: usize) -> Result<(Chunk, bool), ProducerError> {
        let mut records = Vec::new();
        let voting_time = clock::voting_time_now();
        let finished = self.script.finish(limit, &voting_time, &mut records);
        let chunk = self.chunk(records, 0)?;
        if finished {
            self.position.finish()?;
            if self.unusable > 0 {
                tracing::warn!(
                    partition = self.partition,
                    records = self.unusable,
                    "skipped records of `voters` that are not usable voters"
                );
            }
        }
        Ok((chunk, finished))
    }

    fn chunk(
        &mut self,
        mut records: Vec<platform::NewRecord>,
        assumed: usize,
    ) -> Result<Chunk, ProducerError> {
        let mut already = 0;
        for record in &records {
            if !self.position.skip() && !self.position.pass(record)? {
                break;
            }
            already += 1;
        }
        records.drain(..already);
        Ok(Chunk {
            records,
            already: already as u64,
            assumed: assumed as u64,
        })
    }
}
