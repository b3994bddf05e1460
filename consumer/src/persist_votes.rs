//! Persisting votes: one task a partition reads the records as they are, judges each by the same
//! rules, and turns them into rows, exactly once.
//!
//! It does not go through a SmartModule, because a cluster does not tell the offsets that a module's
//! outputs came from, and because a second, independent count is worth having: here the database's
//! unique key finds the duplicates, not the module's memory.

use std::sync::Arc;

use ballot::{Reason, Rules, VoteReader};
use evidence::{BatchHasher, ChainedTopic, Digest};
use futures_util::{FutureExt, StreamExt};
use platform::{NewRecord, Output, OutputStream, Platform, StreamRequest};
use store::{IngestVotes, PersistedVotes, RejectedRow, VoteRow};
use tokio_util::sync::CancellationToken;
use wire::{Disclosure, RejectedVote, topics};

use crate::ConsumerError;
use crate::context::{Context, Ours, demand_log};
use crate::rows::{named_voter, rejected_row, vote_row};

/// Records that go into one transaction, as many as are there, up to about this number. Larger
/// transactions gain little, and hold the embedded database's one connection longer.
pub(crate) const RECORDS_PER_TRANSACTION: usize = 16 * 1024;

/// Bytes of values that go into one transaction, about: records may be large, and this many are in memory
/// while the database takes them, or does not.
const BYTES_PER_TRANSACTION: usize = 32 << 20;

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
    let rules = Arc::new(context.rules.clone());
    let disclosure = Arc::new(context.disclosure.clone());
    let mut rows = Rows::count(context, partition).await?;
    let mut next = rows.next_offset;
    demand_log(context, topics::VOTES, partition, next).await?;
    let chain_end = store.chain_end(ChainedTopic::Votes, partition).await?;
    progress.update(partition, |progress| {
        progress.persisted = next;
        progress.chain_head = chain_end.map(|end| end.head);
    });
    let mut stream = stream(&**platform, topics::VOTES, partition, next).await?;
    while let Some(outputs) = stop
        .run_until_cancelled(gather(&mut stream, topics::VOTES, partition, next))
        .await
    {
        let outputs = Arc::new(outputs?);
        let judged = {
            let (outputs, rules, disclosure) = (outputs.clone(), rules.clone(), disclosure.clone());
            tokio::task::spawn_blocking(move || judge(&outputs, &rules, &disclosure))
                .await
                .map_err(|error| ConsumerError::Task(error.to_string()))?
        };
        let next_offset = next + outputs.len() as i64;
        let turn = context.turns.next().await;
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
                let output = outputs.get(usize::try_from(offset - next).ok()?)?;
                // Judged in the log's order.
                let accepted = &judged.accepted;
                let at = accepted.binary_search_by_key(offset, |row| row.offset);
                let voter_id = accepted[at.ok()?].voter_id.clone();
                Some(rejected_row(
                    &disclosure,
                    *offset,
                    Reason::Duplicate,
                    voter_id,
                    &output.value,
                ))
            })
            .collect();
        pending.reject(&duplicates).await?;
        let counted = judged.accepted.len() - duplicates.len();
        faults::at("consumer/reject").map_err(|_| ConsumerError::StreamEnded {
            topic: topics::VOTES,
            partition,
        })?;
        // Published before the commit: a crash in between publishes it again, never not at all. Who
        // reads the topic knows a repetition by partition and offset.
        publish_rejected(
            &**platform,
            partition,
            judged.rejected.iter().chain(&duplicates),
        )
        .await?;
        let chain_head = pending.chain_head();
        pending.commit().await?;
        drop(turn);
        next = next_offset;
        rows.add(context, next, counted as u64).await?;
        progress.update(partition, |progress| {
            progress.persisted = next;
            progress.chain_head = Some(chain_head);
        });
    }
    rows.end(context).await
}

/// A partition's rows, by the database's count and by ours.
struct Rows {
    partition: u32,
    /// Votes before this offset have a row.
    next_offset: i64,
    /// How many of the rows are votes that count.
    counted: u64,
    /// Where the checkpoint stood when they were counted in the database last.
    looked_at: i64,
}

impl Rows {
    /// Counts the rows, and demands one for each record.
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

    /// More rows were committed, up to an offset.
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
        // Whenever their number has doubled: however many there will be, each is counted twice at most.
        if next_offset / 2 >= self.looked_at {
            *self = Rows::count(context, self.partition).await?;
        }
        Ok(())
    }

    /// Nothing more is persisted: counts what was since the last time.
    async fn end(self, context: &Context) -> Result<(), ConsumerError> {
        if self.next_offset > self.looked_at {
            Rows::count(context, self.partition).await?;
        }
        Ok(())
    }
}

pub(crate) async fn stream(
    platform: &dyn Platform,
    topic: &str,
    partition: u32,
    from: i64,
) -> Result<OutputStream, ConsumerError> {
    let request = StreamRequest {
        topic: topic.into(),
        partition,
        from,
        chain: Vec::new(),
    };
    Ok(platform.stream(request).await?)
}

/// Waits for records, and takes what else has arrived, for one transaction.
pub(crate) async fn gather(
    stream: &mut OutputStream,
    topic: &'static str,
    partition: u32,
    next: i64,
) -> Result<Vec<Output>, ConsumerError> {
    let ended = || ConsumerError::StreamEnded { topic, partition };
    let mut records = stream.next().await.ok_or_else(ended)??;
    let mut bytes = bytes_of(&records);
    while records.len() < RECORDS_PER_TRANSACTION && bytes < BYTES_PER_TRANSACTION {
        match stream.next().now_or_never() {
            Some(more) => {
                let more = more.ok_or_else(ended)??;
                bytes += bytes_of(&more);
                records.extend(more);
            }
            None => break,
        }
    }
    for (expected, record) in (next..).zip(&records) {
        if record.offset != expected {
            return Err(ConsumerError::Gap {
                topic,
                partition,
                expected,
                found: record.offset,
            });
        }
    }
    Ok(records)
}

fn bytes_of(records: &[Output]) -> usize {
    records.iter().map(|record| record.value.len()).sum()
}

struct Judged {
    accepted: Vec<VoteRow>,
    rejected: Vec<RejectedRow>,
    batch_hash: Digest,
}

/// Judges records that follow on each other, and hashes them as they are in the log.
fn judge(outputs: &[Output], rules: &Rules, disclosure: &Disclosure) -> Judged {
    let mut accepted = Vec::with_capacity(outputs.len());
    let mut rejected = Vec::new();
    let mut hasher = BatchHasher::default();
    let mut reader = VoteReader::new(rules.group_paths().clone());
    for Output {
        offset, key, value, ..
    } in outputs
    {
        hasher.record(*offset, key.as_deref(), value);
        let vote = reader.read(value);
        match vote.and_then(|vote| rules.judge_vote(key.as_deref(), vote)) {
            Ok(ballot) => accepted.push(vote_row(rules, disclosure, *offset, ballot)),
            Err(reason) => {
                let voter_id = disclosure
                    .stored_voter_id(named_voter(rules, value))
                    .into_owned();
                rejected.push(rejected_row(disclosure, *offset, reason, voter_id, value));
            }
        }
    }
    Judged {
        accepted,
        rejected,
        batch_hash: hasher.finish(),
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

#[cfg(test)]
mod tests {
    use futures_util::stream;
    use platform::NO_TIMESTAMP;

    use super::*;

    /// A stream whose batches are all there already: so many records each, of so many bytes.
    fn ready(batches: i64, records: i64, bytes: usize) -> OutputStream {
        let first = Output {
            offset: 0,
            key: None,
            value: vec![b'x'; bytes].into(),
            timestamp: NO_TIMESTAMP,
        };
        let batch = move |n| {
            let offsets = n * records..(n + 1) * records;
            let record = |offset| Output {
                offset,
                ..first.clone()
            };
            Ok(offsets.map(record).collect())
        };
        stream::iter((0..batches).map(batch))
            .chain(stream::pending())
            .boxed()
    }

    #[tokio::test]
    async fn a_transaction_takes_no_batch_once_its_bytes_are_reached() {
        const BYTES: usize = 5 << 20;
        let mut stream = ready(10, 1, BYTES);
        let mut next = 0;
        // The last batch begins below the limit, and is taken whole; the next waits for its turn.
        for expected in [BYTES_PER_TRANSACTION.div_ceil(BYTES), 3] {
            let taken = gather(&mut stream, topics::VOTES, 0, next).await.unwrap();
            assert_eq!(taken.len(), expected);
            next += taken.len() as i64;
        }
    }

    #[tokio::test]
    async fn a_transaction_takes_no_batch_once_its_records_are_reached() {
        const RECORDS: usize = 1_000;
        let mut stream = ready(20, RECORDS as i64, 0);
        let mut next = 0;
        for batches in [RECORDS_PER_TRANSACTION.div_ceil(RECORDS), 3] {
            let taken = gather(&mut stream, topics::VOTES, 0, next).await.unwrap();
            assert_eq!(taken.len(), batches * RECORDS);
            next += taken.len() as i64;
        }
    }

    #[tokio::test]
    async fn a_transaction_takes_no_record_but_the_one_that_is_due() {
        for due in [1, -1] {
            let gap = gather(&mut ready(1, 1, 0), topics::VOTES, 0, due).await;
            let gap = gap.unwrap_err();
            assert_eq!(service::restart::Failure::lost_at(&gap), Some(due), "{gap}");
        }
    }
}
