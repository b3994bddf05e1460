//! Casting the votes of the registered voters, each partition on its own.

use std::collections::VecDeque;
use std::sync::Arc;

use ballot::{CredentialKey, ElectionDefinition, PollsWindow, VotingTime};
use futures_util::StreamExt;
use platform::{Output, OutputStream, Platform, StreamRequest};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use wire::topics::{VOTERS, VOTES};

use crate::log_position::{LogPosition, check_offset, stream_ended};
use crate::pacing::Pacing;
use crate::pump::{CHUNK_BYTES, Chunk, ChunkSource, on_blocking_thread, pump};
use crate::script::Script;
use crate::{ProducerError, Progress, clock};

/// A voter has a vote, and perhaps a second and an invalid one; now and then another's second vote is
/// due.
const VOTES_OF_A_VOTER: usize = 4;

/// What is to be cast.
#[derive(Debug, Clone)]
pub struct CastPlan {
    /// Decides who votes for whom, who votes twice, and what is invalid.
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
    /// When the polls are open. Votes are cast now, whether they are or not.
    pub polls: PollsWindow,
    /// What each voter's credential follows from, where votes must carry one.
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

/// Casts the votes of all voters registered by now, but for those a former run has cast. Returns how
/// many records it produced; fewer than there are when it was stopped.
///
/// # Errors
/// When the plan cannot be, nobody is registered, `votes` holds another election, or the platform
/// fails; then the run can be repeated, and goes on where this one ended.
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

    // One that fails stops the others; the caller's token stays as it is.
    let stop = stop.child_token();
    let mut tasks = JoinSet::new();
    // A voter with a credential may have voted elsewhere.
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
                platform: Arc::clone(&platform),
                partition,
                next: 0,
                end,
                stream: None,
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
        let ended = ended.unwrap_or_else(|error| Err(ProducerError::Task(error.to_string())));
        match ended {
            Ok(records) => produced += records,
            Err(error) => {
                stop.cancel();
                failure.get_or_insert(error);
            }
        }
    }
    failure.map_or(Ok(produced), Err)
}

/// The sequence of one partition of `votes`, made of the same partition of `voters`.
struct PartitionVotes {
    platform: Arc<dyn Platform>,
    partition: u32,
    /// Offset of the next voter to come from the stream.
    next: i64,
    /// Offset after the last voter.
    end: i64,
    stream: Option<OutputStream>,
    /// Voters that came and have not voted.
    waiting: VecDeque<Output>,
    /// Bytes of their values.
    waiting_bytes: usize,
    caster: Option<Caster>,
    /// How many votes of this sequence the log still holds that were not passed over: to these, no rate
    /// applies.
    behind: u64,
    finished: bool,
}

impl PartitionVotes {
    async fn receive(&mut self) -> Result<(), ProducerError> {
        let stream = match &mut self.stream {
            Some(stream) => stream,
            none => {
                let request = StreamRequest {
                    topic: VOTERS.to_owned(),
                    partition: self.partition,
                    from: self.next,
                    chain: Vec::new(),
                };
                none.insert(self.platform.stream(request).await?)
            }
        };
        let batch = stream.next().await.ok_or_else(|| stream_ended(VOTERS))??;
        for output in batch {
            if self.next == self.end {
                break;
            }
            check_offset(VOTERS, self.partition, self.next, output.offset)?;
            self.next += 1;
            self.waiting_bytes += output.value.len();
            self.waiting.push_back(output);
        }
        if self.next == self.end {
            self.stream = None;
        }
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
        // Those up to `end` are in the log, so waiting for a full chunk of them is not in vain.
        while self.next < self.end
            && self.waiting.len() < voters_limit
            && self.waiting_bytes < CHUNK_BYTES
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

/// What runs on a blocking thread: the script, against the log.
struct Caster {
    script: Script,
    position: LogPosition,
    partition: u32,
    /// Records of `voters` that nobody can vote with.
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
                        "a record of `voters` is passed over: {reason}"
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
                    "records of `voters` were passed over, for nobody can vote with them"
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
