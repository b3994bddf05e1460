//! The deltas of a partition of `votes`, from its first record on.
//!
//! They come from `vote-tally`, which runs inside the platform and is given a batch's records, but not what the batch's
//! head claims about them. The head of a hostile batch may claim more or fewer records than it holds, and its records may
//! be packed so that the platform cannot unpack them. So a delta is believed only once the log goes on, or ends, where the
//! delta does. If it does not, or the platform gives up on a batch, the partition is counted here instead: by the same
//! rule, from its first record on, and from batches as the log claims them.

use std::collections::VecDeque;

use ballot::{Delta, Partition, PartitionCounter, RecordRef, Rules};
use futures_util::StreamExt;
use platform::{
    ModuleCall, Output, OutputBatch, OutputStream, Platform, PlatformError, StreamRequest,
};
use service::records::{Records, RecordsError};
use wire::topics;

use crate::ConsumerError;
use crate::batches::end_of;

/// A delta, and when its batch was produced, in milliseconds since 1970 or [`platform::NO_TIMESTAMP`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TimedDelta {
    /// The delta.
    pub delta: Delta,
    /// The batch's time.
    pub timestamp: i64,
}

/// The deltas of a partition, in order and without a gap.
pub struct Deltas<'a> {
    platform: &'a dyn Platform,
    partition: Partition,
    rules: Rules,
    /// Where the next delta begins.
    next: i64,
    source: Source,
}

enum Source {
    /// `vote-tally`, and its deltas that are not believed yet.
    Module {
        stream: OutputStream,
        held: VecDeque<TimedDelta>,
    },
    /// Our own count; the counter is missing only while it counts.
    Here {
        records: Records,
        counter: Option<Box<PartitionCounter>>,
    },
}

/// A partition of `votes` from its beginning through the chain that counts: a stream of deltas.
pub fn tally_request(partition: Partition, chain: &[ModuleCall], rules: &Rules) -> StreamRequest {
    let params = rules.in_partition(partition).to_params();
    let with_rules = |call: &ModuleCall| {
        let mut call = call.clone();
        call.params.extend(params.clone());
        call
    };
    StreamRequest {
        topic: topics::VOTES.into(),
        partition: partition.number,
        from: 0,
        chain: chain.iter().map(with_rules).collect(),
    }
}

impl<'a> Deltas<'a> {
    /// Begins at offset 0.
    ///
    /// # Errors
    /// When there is no such partition or SmartModule, or the module refuses the rules.
    pub async fn open(
        platform: &'a dyn Platform,
        partition: Partition,
        chain: &[ModuleCall],
        rules: &Rules,
    ) -> Result<Deltas<'a>, PlatformError> {
        let request = tally_request(partition, chain, rules);
        Ok(Deltas {
            platform,
            partition,
            rules: rules.in_partition(partition),
            next: 0,
            source: Source::Module {
                stream: platform.stream(request).await?,
                held: VecDeque::new(),
            },
        })
    }

    /// Whether the partition is counted here, because the platform could not.
    pub fn are_counted_here(&self) -> bool {
        matches!(self.source, Source::Here { .. })
    }

    /// Waits for the next deltas; there is at least one.
    ///
    /// # Errors
    /// When the platform fails, or `vote-tally` puts out something else than deltas. After an error, and when this was
    /// cancelled, begin again.
    pub async fn next(&mut self) -> Result<Vec<TimedDelta>, ConsumerError> {
        loop {
            let deltas = match &mut self.source {
                Source::Module { stream, .. } => {
                    let outputs = stream.next().await;
                    match self.of_module(outputs).await? {
                        Ok(believed) => believed,
                        Err(problem) => {
                            self.begin_here(&problem).await?;
                            continue;
                        }
                    }
                }
                Source::Here { .. } => self.count_here().await?.into_iter().collect(),
            };
            if !deltas.is_empty() {
                return Ok(deltas);
            }
        }
    }

    /// The deltas that can be believed now; or why the module cannot count this log.
    async fn of_module(
        &mut self,
        outputs: Option<Result<OutputBatch, PlatformError>>,
    ) -> Result<Result<Vec<TimedDelta>, String>, ConsumerError> {
        let number = self.partition.number;
        let ended = || RecordsError::Ended {
            topic: topics::VOTES.into(),
            partition: number,
        };
        let outputs = match outputs.ok_or_else(ended)? {
            Ok(outputs) => outputs,
            Err(error) if error.is_of_a_batch() => return Ok(Err(error.to_string())),
            Err(error) => return Err(error.into()),
        };
        let Source::Module { held, .. } = &mut self.source else {
            return Ok(Ok(Vec::new()));
        };
        for output in outputs {
            let delta = serde_json::from_slice(&output.value);
            held.push_back(TimedDelta {
                delta: delta.map_err(|error| ConsumerError::NotADelta {
                    partition: number,
                    problem: error.to_string(),
                })?,
                timestamp: output.timestamp,
            });
        }
        let end = self.platform.end_offset(topics::VOTES, number).await?;
        let believed = believable(held, self.next, end)
            .map_err(|problem| format!("`votes` partition {number}: {problem}"));
        if let Ok(believed) = &believed {
            let last = believed.last();
            self.next = last.map_or(self.next, |last| last.delta.next_offset);
        }
        Ok(believed)
    }

    async fn begin_here(&mut self, problem: &str) -> Result<(), ConsumerError> {
        let number = self.partition.number;
        tracing::warn!(
            partition = number,
            "{problem}; the platform cannot count this partition any more, so the consumer does, by the same rule"
        );
        self.source = Source::Here {
            records: Records::open(self.platform, topics::VOTES, number, 0).await?,
            counter: Some(Box::new(PartitionCounter::new(self.rules.clone()))),
        };
        Ok(())
    }

    /// Counts the next batch; nothing if its delta is known from the module.
    async fn count_here(&mut self) -> Result<Option<TimedDelta>, ConsumerError> {
        let Source::Here { records, counter } = &mut self.source else {
            return Ok(None);
        };
        let batch = records.next_batch().await?;
        let (Some(first), Some(mut counting)) = (batch.first(), counter.take()) else {
            return Ok(None);
        };
        let (base_offset, timestamp) = (first.offset, first.timestamp);
        let counted = move || {
            let delta = count(&mut counting, base_offset, &batch);
            (counting, delta)
        };
        let (counting, delta) = tokio::task::spawn_blocking(counted).await?;
        *counter = Some(counting);
        let delta = delta.map_err(|error| ConsumerError::NotADelta {
            partition: self.partition.number,
            problem: error.to_string(),
        })?;
        if base_offset < self.next {
            return Ok(None);
        }
        self.next = delta.next_offset;
        Ok(Some(TimedDelta { delta, timestamp }))
    }
}

/// Takes those of the deltas that can be believed: the first begins at `next`, and the log ends at `end`. The last may have to wait
/// for the one after it.
fn believable(
    held: &mut VecDeque<TimedDelta>,
    mut next: i64,
    end: i64,
) -> Result<Vec<TimedDelta>, String> {
    let mut believed = Vec::new();
    while let Some(TimedDelta { delta, .. }) = held.front() {
        let (begins_at, ends_at) = (delta.base_offset, delta.next_offset);
        if begins_at != next {
            return Err(format!(
                "offset {next} is due, and the next batch begins at {begins_at}"
            ));
        }
        let goes_on_at = held.get(1).map(|next| next.delta.base_offset);
        if goes_on_at.is_none() && end > ends_at {
            // The delta of what follows is on its way, and will tell.
            break;
        }
        if goes_on_at.unwrap_or(end) != ends_at {
            return Err(format!(
                "the batch at offset {begins_at} does not hold as many records as it claims"
            ));
        }
        next = ends_at;
        believed.extend(held.pop_front());
    }
    Ok(believed)
}

/// Counts a batch as it is in the log.
fn count(
    counter: &mut PartitionCounter,
    base_offset: i64,
    batch: &[Output],
) -> Result<Delta, ballot::NoSuchOffsets> {
    // Cast: the log gives a batch at most 2^31 offsets.
    let offsets = (end_of(batch, base_offset) - base_offset) as u32;
    let readable = batch.iter().filter(|output| output.offsets == 1);
    let records = readable.map(|output| {
        Ok::<_, std::convert::Infallible>(RecordRef {
            offset_delta: output.offset - base_offset,
            timestamp_delta: 0,
            key: output.key.as_deref(),
            value: &output.value,
        })
    });
    counter.count_batch(base_offset, offsets, records)
}

#[cfg(test)]
mod tests {
    use ballot::Tally;

    use super::*;

    fn held(deltas: &[(i64, i64)]) -> VecDeque<TimedDelta> {
        let delta = |&(base_offset, next_offset): &(i64, i64)| TimedDelta {
            delta: Delta {
                base_offset,
                next_offset,
                tally: Tally::default(),
                memory_bytes: 0,
            },
            timestamp: 0,
        };
        deltas.iter().map(delta).collect()
    }

    #[test]
    fn a_delta_is_believed_once_the_log_goes_on_or_ends_where_it_does() {
        for (deltas, end, believed) in [
            (&[(5, 8)][..], 8, Some(1)),
            (&[(5, 8)], 9, Some(0)),
            (&[(5, 8), (8, 9)], 9, Some(2)),
            (&[(5, 8), (8, 9)], 12, Some(1)),
            // It holds more than it claims, and less.
            (&[(5, 8)], 7, None),
            (&[(5, 8), (7, 9)], 9, None),
            (&[(5, 8), (9, 10)], 10, None),
            // The one before did, and a delta is missing.
            (&[(4, 8)], 8, None),
            (&[(6, 8)], 8, None),
        ] {
            let found = believable(&mut held(deltas), 5, end);
            let found = found.ok().map(|believed| believed.len());
            assert_eq!(found, believed, "{deltas:?} in a log to {end}");
        }
    }
}
