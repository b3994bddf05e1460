//! Persisting votes: one task a partition reads the records as they are, judges each by the same
//! rules, and turns them into rows, exactly once.
//!
//! It does not use a SmartModule, because a cluster does not report the offsets that a module's outputs
//! came from, and because a second, independent count is worth having: here the database's unique key
//! finds the duplicates, not the module's memory.

use std::sync::Arc;

use ballot::{Reason, Rules, VoteReader};
use evidence::{ChainedTopic, Digest};
use platform::{NewRecord, Output, Platform};
use service::records::RecordsError;
use store::{IngestVotes, PersistedVotes, RejectedRow, VoteRow};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use wire::{Disclosure, RejectedVote, topics};

use crate::ConsumerError;
use crate::batches::{Batches, end_of, hash};
use crate::context::{Context, Ours};
use crate::counting_first::let_counting_go_first;
use crate::rows::{named_voter, rejected_row, vote_row};

pub(crate) async fn persist_votes(
    context: &Context,
    ours: Ours,
    stop: &CancellationToken,
) -> Result<(), ConsumerError> {
    let Context {
        platform,
        store,
        progress,
        ..
    } = context;
    let Ours { partition, lease } = ours;
    let rules = Arc::new(context.rules.in_partition(context.partition(partition)));
    let disclosure = Arc::new(context.disclosure.clone());
    let mut rows = Rows::count(context, partition).await?;
    let mut next = rows.next_offset;
    let mut batches = Batches::begin(&**platform, topics::VOTES, partition, next, stop).await?;
    let chain_end = store.chain_end(ChainedTopic::Votes, partition).await?;
    progress.update(partition, |progress| {
        progress.persisted = next;
        progress.chain_head = chain_end.map(|end| end.head);
    });
    while let Some(outputs) = batches.next().await? {
        let began = Instant::now();
        let outputs = Arc::new(outputs);
        let judged = {
            let (outputs, rules, disclosure) = (outputs.clone(), rules.clone(), disclosure.clone());
            tokio::task::spawn_blocking(move || judge(&outputs, &rules, &disclosure)).await?
        };
        let next_offset = end_of(&outputs, next);
        let mut pending = store
            .begin_votes(IngestVotes {
                partition,
                base_offset: next,
                next_offset,
                accepted: &judged.accepted,
                rejected: &judged.rejected,
                batch_hash: judged.batch_hash,
                lease,
            })
            .await?;
        let duplicates: Vec<RejectedRow> = pending
            .duplicates()
            .iter()
            .filter_map(|offset| {
                // Both are in the log's order.
                let at = outputs.binary_search_by_key(offset, |output| output.offset);
                let output = &outputs[at.ok()?];
                let accepted = &judged.accepted;
                let at = accepted.binary_search_by_key(offset, |row| row.offset);
                let voter_id = accepted[at.ok()?].voter_id.clone();
                Some(rejected_row(
                    &disclosure,
                    output,
                    Reason::Duplicate,
                    voter_id,
                ))
            })
            .collect();
        pending.reject(&duplicates).await?;
        let counted = judged.accepted.len() - duplicates.len();
        faults::at("consumer/reject").map_err(|_| RecordsError::Ended {
            topic: topics::VOTES.into(),
            partition,
        })?;
        // Published before the commit: a crash in between publishes them again, but never loses them.
        // Readers of the topic recognise a repetition by partition and offset.
        let rejected = judged.rejected.iter().chain(&duplicates);
        publish_rejected(&**platform, partition, rejected).await?;
        let chain_head = pending.chain_head();
        pending.commit().await?;
        next = next_offset;
        rows.add(context, next, counted as u64).await?;
        progress.update(partition, |progress| {
            progress.persisted = next;
            progress.chain_head = Some(chain_head);
        });
        let pause = let_counting_go_first(progress, began.elapsed());
        stop.run_until_cancelled(pause).await;
    }
    rows.end(context).await
}

/// The number of a partition's rows, by the database's count and by ours.
struct Rows {
    partition: u32,
    /// Votes before this offset have a row.
    next_offset: i64,
    /// How many of the rows are votes that count.
    counted: u64,
    /// Where the checkpoint stood when the database counted them last.
    looked_at: i64,
}

impl Rows {
    /// Counts the rows, and checks that there is one for each record.
    async fn count(context: &Context, partition: u32) -> Result<Rows, ConsumerError> {
        let PersistedVotes {
            next_offset: offset,
            votes,
            rejected,
        } = context.store.persisted_votes(partition).await?;
        if u64::try_from(offset) != Ok(votes + rejected) {
            return Err(ConsumerError::RowsMissing {
                partition,
                offset,
                votes,
                rejected,
            });
        }
        context.ledgers.set_rows(partition, offset, votes)?;
        Ok(Rows {
            partition,
            next_offset: offset,
            counted: votes,
            looked_at: offset,
        })
    }

    /// Adds rows that were committed, up to an offset.
    async fn add(
        &mut self,
        context: &Context,
        next_offset: i64,
        counted: u64,
    ) -> Result<(), ConsumerError> {
        self.next_offset = next_offset;
        self.counted += counted;
        context
            .ledgers
            .set_rows(self.partition, next_offset, self.counted)?;
        // Whenever their number has doubled: so the database counts each row twice at most.
        if next_offset / 2 >= self.looked_at {
            *self = Rows::count(context, self.partition).await?;
        }
        Ok(())
    }

    /// Counts once more at the end, if rows were added since the last count.
    async fn end(self, context: &Context) -> Result<(), ConsumerError> {
        if self.next_offset > self.looked_at {
            Rows::count(context, self.partition).await?;
        }
        Ok(())
    }
}

struct Judged {
    accepted: Vec<VoteRow>,
    rejected: Vec<RejectedRow>,
    batch_hash: Digest,
}

/// Judges records that follow each other, and hashes them as they are in the log.
fn judge(outputs: &[Output], rules: &Rules, disclosure: &Disclosure) -> Judged {
    let mut accepted = Vec::with_capacity(outputs.len());
    let mut rejected = Vec::new();
    let mut reader = VoteReader::new(rules.group_paths().clone());
    for output in outputs {
        let vote = reader.read(&output.value);
        match vote.and_then(|vote| rules.judge_vote(output.key.as_deref(), vote)) {
            Ok(ballot) => accepted.push(vote_row(rules, disclosure, output.offset, ballot)),
            Err(reason) => {
                let voter_id = disclosure
                    .stored_voter_id(named_voter(rules, &output.value))
                    .into_owned();
                rejected.push(rejected_row(disclosure, output, reason, voter_id));
            }
        }
    }
    Judged {
        accepted,
        rejected,
        batch_hash: hash(outputs),
    }
}

async fn publish_rejected(
    platform: &dyn Platform,
    partition: u32,
    rows: impl Iterator<Item = &RejectedRow>,
) -> Result<(), ConsumerError> {
    let records: Vec<_> = rows
        .map(|row| {
            let rejected = RejectedVote {
                partition,
                offset: row.offset,
                reason: row.reason,
                records: row.records,
                voter_id: row.voter_id.clone(),
                value: String::from_utf8_lossy(&row.value).into_owned(),
                value_bytes: row.value_bytes,
            };
            NewRecord {
                key: Some(row.voter_id.clone().into_bytes()),
                value: serde_json::to_vec(&rejected)
                    .expect("invariant: a struct of text and numbers has a JSON form"),
            }
        })
        .collect();
    if !records.is_empty() {
        platform.produce(topics::REJECTED_VOTES, records).await?;
    }
    Ok(())
}
