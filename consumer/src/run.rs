//! The consumer as a whole: where each task goes on, that one failure ends all, and that what is done
//! is stored before it ends.

use std::sync::Arc;
use std::time::Duration;

use domain::{Candidate, Ledger, PollsWindow, Rules, topics};
use platform::Platform;
use store::{PERSIST, Store};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::checkpoints::Checkpoints;
use crate::persist_voters::persist_voters;
use crate::persist_votes::persist_votes;
use crate::pipeline::PipelinePublisher;
use crate::publish::Publisher;
use crate::rounds::in_rounds;
use crate::tally::{Ledgers, tally_partition};
use crate::{ConsumerError, Progress};

/// What the consumer does, and how often it tells others.
#[derive(Debug, Clone, Copy)]
pub struct ConsumerConfig {
    /// Whether it counts, publishes the aggregates and stores the tallies.
    pub tally: bool,
    /// Whether it turns voters and votes into rows.
    pub persist: bool,
    /// Shortest time between two publications of the aggregates, and of how far it is.
    pub publish_interval: Duration,
    /// Shortest time between two stored tallies.
    pub checkpoint_interval: Duration,
}

impl Default for ConsumerConfig {
    fn default() -> Self {
        ConsumerConfig {
            tally: true,
            persist: true,
            publish_interval: Duration::from_millis(100),
            checkpoint_interval: Duration::from_millis(500),
        }
    }
}

/// What is voted on.
#[derive(Debug, Clone)]
pub struct Election {
    /// Who stands.
    pub candidates: Vec<Candidate>,
    /// When votes may be cast.
    pub polls: PollsWindow,
}

/// Counts and persists until `stop`, then stores what is counted and returns.
///
/// # Errors
/// The first failure of any task; all others are stopped for it.
pub async fn run(
    platform: Arc<dyn Platform>,
    store: Store,
    election: Election,
    config: ConsumerConfig,
    progress: Progress,
    stop: CancellationToken,
) -> Result<(), ConsumerError> {
    let rules = Rules::new(&election.candidates, election.polls);
    let partitions = platform.partitions(topics::VOTES).await?;
    let voters = platform.partitions(topics::VOTERS).await?;
    if voters != partitions {
        return Err(ConsumerError::PartitionsDiffer {
            voters,
            votes: partitions,
        });
    }
    let mut ledgers = Vec::new();
    let mut stored = Vec::new();
    for partition in 0..partitions {
        let checkpoint = store.load_tally(partition).await?;
        let offset = checkpoint.as_ref().map_or(0, |(offset, _)| *offset);
        demand_log(&*platform, topics::VOTES, partition, offset).await?;
        progress.update(partition, |progress| progress.checkpointed = offset);
        ledgers.push(Ledger::new(checkpoint));
        stored.push(offset);
    }
    let ledgers = Ledgers::new(ledgers);

    // The streams stop first; then publisher and checkpoints, so that their last round has it all.
    let streams_stop = stop.child_token();
    let rounds_stop = CancellationToken::new();
    let mut streams = JoinSet::new();
    let mut rounds = JoinSet::new();
    for partition in 0..partitions {
        if config.tally {
            streams.spawn(tally_partition(
                platform.clone(),
                rules.clone(),
                partition,
                ledgers.clone(),
                progress.clone(),
                streams_stop.clone(),
            ));
        }
        if config.persist {
            let votes = persisted_up_to(&*platform, &store, topics::VOTES, partition).await?;
            let voters = persisted_up_to(&*platform, &store, topics::VOTERS, partition).await?;
            progress.update(partition, |progress| {
                progress.persisted = votes;
                progress.voters_persisted = voters;
            });
            streams.spawn(persist_votes(
                platform.clone(),
                store.clone(),
                rules.clone(),
                partition,
                votes,
                progress.clone(),
                streams_stop.clone(),
            ));
            streams.spawn(persist_voters(
                platform.clone(),
                store.clone(),
                partition,
                voters,
                progress.clone(),
                streams_stop.clone(),
            ));
        }
    }
    let pipeline =
        PipelinePublisher::new(platform.clone(), config, ledgers.clone(), progress.clone());
    rounds.spawn(in_rounds(
        pipeline,
        progress.clone(),
        config.publish_interval,
        rounds_stop.clone(),
    ));
    if config.tally {
        let publisher = Publisher::new(
            platform,
            election.candidates,
            ledgers.clone(),
            progress.clone(),
        );
        rounds.spawn(in_rounds(
            publisher,
            progress.clone(),
            config.publish_interval,
            rounds_stop.clone(),
        ));
        let checkpoints = Checkpoints::new(store, ledgers, progress.clone(), stored);
        rounds.spawn(in_rounds(
            checkpoints,
            progress,
            config.checkpoint_interval,
            rounds_stop.clone(),
        ));
    }

    let mut outcome = Ok(());
    loop {
        let ended = tokio::select! {
            Some(ended) = streams.join_next() => ended,
            Some(ended) = rounds.join_next() => ended,
            else => return outcome,
        };
        let ended = ended.unwrap_or_else(|error| Err(ConsumerError::Task(error.to_string())));
        if ended.is_err() {
            streams_stop.cancel();
            rounds_stop.cancel();
            match outcome {
                Ok(()) => outcome = ended,
                // What follows from the first failure; that one is returned.
                Err(_) => tracing::warn!(error = ?ended, "also failed"),
            }
        }
        if streams.is_empty() {
            rounds_stop.cancel();
        }
    }
}

/// Where persisting a partition goes on.
async fn persisted_up_to(
    platform: &dyn Platform,
    store: &Store,
    topic: &'static str,
    partition: u32,
) -> Result<i64, ConsumerError> {
    let stored = store.checkpoint(PERSIST, topic, partition).await?;
    demand_log(platform, topic, partition, stored).await?;
    Ok(stored)
}

/// The database can never be ahead of the log it was filled from.
async fn demand_log(
    platform: &dyn Platform,
    topic: &'static str,
    partition: u32,
    stored: i64,
) -> Result<(), ConsumerError> {
    let end = platform.end_offset(topic, partition).await?;
    if end < stored {
        return Err(ConsumerError::LogBehindStore {
            topic,
            partition,
            end,
            stored,
        });
    }
    Ok(())
}
