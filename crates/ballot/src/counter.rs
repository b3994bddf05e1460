//! The counting rule: a partition's votes, in order, into deltas.

use serde::{Deserialize, Serialize};

use crate::names::Names;
use crate::{
    AgeBand, Ballot, OFFSET_LIMIT, PartitionJudge, Reason, RecordRef, Rules, Tally, VoteReader,
    VoterRef,
};

/// Valid votes of a batch that are looked up together.
const GROUP: usize = 64;

/// What one batch adds to the count: the output of the `vote-tally` SmartModule.
///
/// It carries its own offsets, since those that a consumer sees on a module's outputs are not the
/// batch's. Who adds deltas up demands that they follow on each other without a gap.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Delta {
    /// Offset of the batch's first record.
    pub base_offset: i64,
    /// Offset after its last record.
    pub next_offset: i64,
    /// What it adds.
    pub tally: Tally,
    /// Memory of the SmartModule after the batch, in bytes; no part of the count.
    #[serde(default)]
    pub memory_bytes: u64,
}

/// Why a batch cannot be counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CountError<E> {
    /// Its records cannot be read.
    #[error(transparent)]
    Record(#[from] E),
    /// Nothing in a log has such offsets.
    #[error("no log has {record_count} records at offset {base_offset}")]
    Offsets {
        /// The batch's offset, as it was given.
        base_offset: i64,
        /// Its number of records, as it was given.
        record_count: u32,
    },
    /// Its records do not follow on each other.
    #[error("a record's offset is {delta} from the batch's where {expected} was due")]
    Gap {
        /// The record's offset from the batch's.
        delta: i64,
        /// The one that follows on the record before.
        expected: i64,
    },
}

/// Counts one partition, from its first record on.
///
/// The result for a batch depends on the batch and on which voters were seen before it, and on
/// nothing else: the batch may be handed over twice and gives the same delta twice.
pub struct PartitionCounter {
    reader: VoteReader,
    judge: PartitionJudge,
    /// Those that the rules list, under the rules' numbers, and all others that are voted for.
    candidates: Names,
    locations: Names,
    genders: Names,
    batch: BatchCounts,
}

/// The counts of the batch at hand, by interned names: adding a vote allocates nothing and looks
/// nothing up.
#[derive(Default)]
struct BatchCounts {
    /// By location and candidate.
    cells: Vec<Vec<u64>>,
    genders: Vec<u64>,
    age_bands: [u64; AgeBand::ALL.len()],
    rejected: [u64; Reason::ALL.len()],
}

/// What a vote is counted for, by interned names.
#[derive(Clone, Copy)]
struct Groups {
    location: u32,
    candidate: u32,
    gender: u32,
    age_band: AgeBand,
}

/// A vote that is valid by itself, and counts if it is its voter's first.
struct Valid<'a> {
    offset: i64,
    voter: VoterRef<'a>,
    groups: Groups,
}

impl BatchCounts {
    #[inline(always)]
    fn add(&mut self, groups: Groups) {
        let cells = counts_at(&mut self.cells, groups.location as usize);
        *counts_at(cells, groups.candidate as usize) += 1;
        *counts_at(&mut self.genders, groups.gender as usize) += 1;
        self.age_bands[groups.age_band as usize] += 1;
    }

    #[inline(always)]
    fn reject(&mut self, reason: Reason) {
        self.rejected[reason as usize] += 1;
    }
}

/// The count of an interned name, new names included.
#[inline(always)]
fn counts_at<T: Default>(counts: &mut Vec<T>, at: usize) -> &mut T {
    if counts.len() <= at {
        counts.resize_with(at + 1, T::default);
    }
    &mut counts[at]
}

/// The counts that are not zero, each set to zero.
fn taken(counts: &mut [u64]) -> impl Iterator<Item = (usize, u64)> {
    counts
        .iter_mut()
        .map(std::mem::take)
        .enumerate()
        .filter(|&(_, votes)| votes > 0)
}

impl PartitionCounter {
    /// A counter that has seen nothing.
    pub fn new(rules: Rules) -> Self {
        PartitionCounter {
            reader: VoteReader::default(),
            candidates: rules.candidates(),
            judge: PartitionJudge::new(rules),
            locations: Names::default(),
            genders: Names::default(),
            batch: BatchCounts::default(),
        }
    }

    /// Judges the record at `offset` and counts it, either way.
    ///
    /// # Errors
    /// The reason it is rejected for.
    pub fn count<'a>(
        &mut self,
        offset: i64,
        key: Option<&[u8]>,
        value: &'a [u8],
    ) -> Result<Ballot<'a>, Reason> {
        let verdict = self.judge.judge(offset, key, value);
        match &verdict {
            Ok(ballot) => {
                let groups = self.groups_of(ballot);
                self.batch.add(groups);
            }
            Err(reason) => self.batch.reject(*reason),
        }
        verdict
    }

    #[inline(always)]
    fn groups_of(&mut self, ballot: &Ballot<'_>) -> Groups {
        let candidate = ballot.candidate_number;
        Groups {
            location: self.locations.intern(ballot.location()) as u32,
            candidate: candidate.unwrap_or_else(|| self.candidates.intern(&ballot.candidate_id))
                as u32,
            gender: self.genders.intern(ballot.gender()) as u32,
            age_band: ballot.age_band,
        }
    }

    /// What was counted since the last call (or the start).
    pub fn take_tally(&mut self) -> Tally {
        let mut tally = Tally::default();
        for (location, cells) in self.batch.cells.iter_mut().enumerate() {
            for (candidate, votes) in taken(cells) {
                tally
                    .candidates
                    .entry(self.candidates.name(candidate).to_owned())
                    .or_default()
                    .insert(self.locations.name(location).to_owned(), votes);
            }
        }
        for (gender, votes) in taken(&mut self.batch.genders) {
            let name = self.genders.name(gender).to_owned();
            tally.genders.insert(name, votes);
        }
        for (band, votes) in taken(&mut self.batch.age_bands) {
            tally.age_bands.insert(AgeBand::ALL[band], votes);
        }
        for (reason, votes) in taken(&mut self.batch.rejected) {
            tally.rejected.insert(Reason::ALL[reason], votes);
        }
        tally
    }

    /// Counts a whole batch of records: `record_count` of them, as its head says, from `base_offset` on.
    ///
    /// # Errors
    /// When a record cannot be read, or the offsets do not count up by one or are none of a log's.
    pub fn count_batch<'a, E>(
        &mut self,
        base_offset: i64,
        record_count: u32,
        records: impl Iterator<Item = Result<RecordRef<'a>, E>>,
    ) -> Result<Delta, CountError<E>> {
        let end = base_offset.checked_add(i64::from(record_count));
        if base_offset < 0 || end.is_none_or(|end| end > OFFSET_LIMIT) {
            return Err(CountError::Offsets {
                base_offset,
                record_count,
            });
        }
        let mut next_offset = base_offset;
        let mut valid = Vec::with_capacity(GROUP);
        for record in records {
            let record = record?;
            if base_offset.checked_add(record.offset_delta) != Some(next_offset) {
                return Err(CountError::Gap {
                    delta: record.offset_delta,
                    expected: next_offset - base_offset,
                });
            }
            let vote = self.reader.read(record.value);
            match vote.and_then(|vote| self.judge.rules().judge_vote(record.key, vote)) {
                Ok(ballot) => {
                    valid.push(Valid {
                        offset: next_offset,
                        groups: self.groups_of(&ballot),
                        voter: VoterRef::from(ballot.voter_id),
                    });
                    if valid.len() == GROUP {
                        self.count_valid(&mut valid);
                    }
                }
                Err(reason) => self.batch.reject(reason),
            }
            next_offset += 1;
        }
        self.count_valid(&mut valid);
        Ok(Delta {
            base_offset,
            next_offset,
            tally: self.take_tally(),
            memory_bytes: 0,
        })
    }

    /// Counts those that are their voter's first vote.
    fn count_valid(&mut self, votes: &mut Vec<Valid<'_>>) {
        // A partition's voters are more than a cache holds, and waiting for one after the other costs more
        // than all the rest. So memory is asked for a whole group's before the first is needed.
        self.judge.expect(votes.iter().map(|vote| &vote.voter));
        for vote in votes.drain(..) {
            match self.judge.judge_voter(vote.offset, &vote.voter) {
                Ok(()) => self.batch.add(vote.groups),
                Err(reason) => self.batch.reject(reason),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use super::*;

    fn vote(voter: &str, candidate: &str) -> String {
        format!(
            r#"{{"voter_id":"{voter}","candidate_id":"{candidate}","voting_time":"2024-07-04 12:00:00","vote":1,"gender":"female","registered_age":30,"address":{{"state":"Fife"}}}}"#
        )
    }

    /// Counts a batch of such votes.
    fn count(
        counter: &mut PartitionCounter,
        base_offset: i64,
        votes: &[(&str, &str)],
    ) -> Result<Delta, CountError<Infallible>> {
        let values: Vec<_> = votes.iter().map(|(voter, to)| vote(voter, to)).collect();
        let records = votes.iter().zip(&values).zip(0..);
        let records = records.map(|(((voter, _), value), offset_delta)| RecordRef {
            offset_delta,
            timestamp_delta: 0,
            key: Some(voter.as_bytes()),
            value: value.as_bytes(),
        });
        counter.count_batch(base_offset, votes.len() as u32, records.map(Ok))
    }

    #[test]
    fn the_first_vote_counts_in_whatever_batch_the_second_is() {
        let mut counter = PartitionCounter::new(Rules::default());
        let first = count(&mut counter, 0, &[("a", "x"), ("a", "y"), ("b", "y")]).unwrap();
        assert_eq!((first.base_offset, first.next_offset), (0, 3));
        assert_eq!(first.tally.votes_for("x"), 1);
        assert_eq!(first.tally.votes_for("y"), 1);
        assert_eq!(first.tally.rejected, [(Reason::Duplicate, 1)].into());
        let second = count(&mut counter, 3, &[("b", "x"), ("c", "x")]).unwrap();
        assert_eq!(second.tally.counted(), 1);
        assert_eq!(second.tally.rejected, [(Reason::Duplicate, 1)].into());
    }

    #[test]
    fn a_batch_processed_again_gives_the_same_delta() {
        let mut counter = PartitionCounter::new(Rules::default());
        let votes = [("a", "x"), ("a", "y"), ("b", "y")];
        let delta = count(&mut counter, 7, &votes).unwrap();
        assert_eq!(count(&mut counter, 7, &votes), Ok(delta));
    }

    #[test]
    fn a_batch_at_an_offset_that_no_log_has_is_refused() {
        let votes = [("a", "x"), ("b", "x")];
        for base_offset in [i64::MIN, -1, OFFSET_LIMIT - 1, i64::MAX] {
            let mut counter = PartitionCounter::new(Rules::default());
            let record_count = 2;
            let refused = CountError::Offsets {
                base_offset,
                record_count,
            };
            assert_eq!(count(&mut counter, base_offset, &votes), Err(refused));
        }
        let mut counter = PartitionCounter::new(Rules::default());
        let last = count(&mut counter, OFFSET_LIMIT - 2, &votes);
        assert_eq!(last.unwrap().tally.counted(), 2);
    }

    #[test]
    fn a_batch_with_a_gap_or_an_unreadable_record_is_refused() {
        let record = |offset_delta| RecordRef {
            offset_delta,
            timestamp_delta: 0,
            key: None,
            value: b"",
        };
        let mut counter = PartitionCounter::new(Rules::default());
        let gap = [Ok(record(0)), Ok(record(2)), Err("unreadable")];
        let refused = counter.count_batch(7, 3, gap.into_iter());
        assert_eq!(
            refused,
            Err(CountError::Gap {
                delta: 2,
                expected: 1
            })
        );
        let unreadable = [Ok(record(0)), Err("unreadable")];
        let refused = counter.count_batch(7, 2, unreadable.into_iter());
        assert_eq!(refused, Err(CountError::Record("unreadable")));
    }

    #[test]
    fn an_invalid_vote_does_not_use_up_the_voter() {
        let mut counter = PartitionCounter::new(Rules::default());
        let bad = vote("a", "x").replace("\"vote\":1", "\"vote\":2");
        assert_eq!(
            counter.count(0, Some(b"a"), bad.as_bytes()),
            Err(Reason::InvalidWeight)
        );
        assert!(
            counter
                .count(1, Some(b"a"), vote("a", "x").as_bytes())
                .is_ok()
        );
        assert_eq!(counter.take_tally().cast(), 2);
    }
}
