//! What the dashboard knows: the count, the position of every consumer, the evidence. A [`Snapshot`] is made from it.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;

use ballot::{Candidate, ElectionDefinition, PollsWindow, Reason, Tally};
use chrono::{DateTime, SecondsFormat, Utc};
use evidence::Seal;
use service::restart::note_problem;
use wire::{ChangedTotals, PersistPosition, PipelineRecord, TallyPosition};

use crate::accounting::{Accounting, Comparison};
use crate::bridge_lag::BridgeLag;
use crate::counts::{Counts, share};
use crate::evidence::Evidence;
use crate::model::{ElectionState, PartitionState, Pipeline, RejectedCount, Snapshot, Totals};
use crate::rate::Rate;

/// Everything known, mutable.
#[derive(Debug, Default)]
pub(crate) struct Board {
    /// `None` until an election is set up.
    polls: Option<PollsWindow>,
    counts: Counts,
    /// When the election was set up, in microseconds since 1970: tells its totals from another's.
    set_up_at: i64,
    partitions: BTreeMap<u32, Partition>,
    accounting: Accounting,
    bridge: BridgeLag,
    evidence: Evidence,
    problems: BTreeMap<String, String>,
    rate: Rate,
    sequence: u64,
    has_begun_anew: bool,
    /// Whether there is something that was not shown yet.
    has_news: bool,
    /// Whether the stored tallies were read.
    is_loaded: bool,
    /// Whether the database has said that there is no election.
    is_known_empty: bool,
}

#[derive(Debug, Default)]
struct Partition {
    votes_end: i64,
    voters_end: i64,
    tally: TallyPosition,
    persist: PersistPosition,
}

impl Partition {
    /// Votes cast: the log's end. What is counted was cast, even if the end that is known is older.
    fn cast(&self) -> i64 {
        self.votes_end
            .max(self.tally.counted_to)
            .max(self.persist.votes_to)
    }
}

impl Board {
    /// Forgets the election. Only the sequence continues.
    pub(crate) fn begin_anew(&mut self) {
        *self = Board {
            sequence: self.sequence,
            has_begun_anew: true,
            has_news: true,
            ..Board::default()
        };
    }

    /// Sets what is voted on, when the polls are open, and when the election was set up.
    pub(crate) fn set_election(
        &mut self,
        polls: PollsWindow,
        definition: ElectionDefinition,
        set_up_at: i64,
    ) {
        self.has_news = true;
        self.is_known_empty = false;
        self.polls = Some(polls);
        self.set_up_at = set_up_at;
        self.counts.set_definition(definition);
    }

    /// Every candidate, in the order of the ballot.
    pub(crate) fn candidates(&self) -> Vec<Candidate> {
        self.counts.candidates()
    }

    pub(crate) fn apply_totals(&mut self, value: &[u8]) -> serde_json::Result<()> {
        let record: ChangedTotals = serde_json::from_slice(value)?;
        if record.election == self.set_up_at {
            self.has_news |= self.counts.raise(&record.totals);
        }
        Ok(())
    }

    /// The stored tallies, added up.
    pub(crate) fn apply_stored(&mut self, total: &Tally) {
        self.has_news |= !self.is_loaded;
        self.is_loaded = true;
        self.has_news |= self.counts.raise(total);
    }

    pub(crate) fn apply_pipeline(&mut self, value: &[u8]) -> serde_json::Result<()> {
        match serde_json::from_slice(value)? {
            PipelineRecord::Tally(position) => self.apply_tally_position(position),
            PipelineRecord::Persist(position) => {
                self.has_news |= self.evidence.apply_heads(&position);
                let known = &mut self.partition(position.partition).persist;
                self.has_news |= replace(known, position);
            }
            PipelineRecord::Bridge(position) => self.has_news |= self.bridge.apply(position),
        }
        Ok(())
    }

    pub(crate) fn apply_tally_position(&mut self, mut position: TallyPosition) {
        let known = &mut self.partition(position.partition).tally;
        position.checkpointed_at = position.checkpointed_at.or(known.checkpointed_at);
        position.cast_to_counted_ms = position.cast_to_counted_ms.or(known.cast_to_counted_ms);
        self.has_news |= replace(known, position);
    }

    /// Where a stored tally ends, if the topic has not said so (yet).
    pub(crate) fn apply_stored_position(&mut self, position: TallyPosition) {
        if position.checkpointed_to > self.partition(position.partition).tally.checkpointed_to {
            self.apply_tally_position(position);
        }
    }

    /// How far persisting is, as stored.
    pub(crate) fn apply_stored_rows(&mut self, stored: PersistPosition) {
        self.has_news |= self.evidence.apply_heads(&stored);
        let known = &mut self.partition(stored.partition).persist;
        let position = PersistPosition {
            partition: stored.partition,
            votes_to: known.votes_to.max(stored.votes_to),
            voters_to: known.voters_to.max(stored.voters_to),
            ..PersistPosition::default()
        };
        self.has_news |= replace(known, position);
    }

    /// The latest seal, of all partitions; empty when there is none.
    pub(crate) fn set_seal(&mut self, seal: Vec<Seal>) {
        self.has_news |= self.evidence.apply_seal(seal);
    }

    pub(crate) fn set_ends(&mut self, votes: &[i64], voters: &[i64]) {
        for (partition, (&votes, &voters)) in (0..).zip(votes.iter().zip(voters)) {
            let known = self.partition(partition);
            let votes_moved = replace(&mut known.votes_end, votes);
            let voters_moved = replace(&mut known.voters_end, voters);
            self.has_news |= votes_moved || voters_moved;
        }
    }

    fn partition(&mut self, partition: u32) -> &mut Partition {
        self.partitions.entry(partition).or_default()
    }

    /// Notes that a source fails, or (`None`) works again; returns whether that is new.
    pub(crate) fn set_problem(&mut self, source: &str, problem: Option<String>) -> bool {
        let is_news = note_problem(&mut self.problems, source, problem);
        self.has_news |= is_news;
        is_news
    }

    /// Whether everything cast is counted, stored and persisted, and the rows were not compared since.
    pub(crate) fn wants_comparison(&self) -> bool {
        let at_rest = self.partitions.values().all(|partition| {
            partition.tally.checkpointed_to >= partition.cast()
                && partition.persist.votes_to >= partition.cast()
                && partition.persist.voters_to >= partition.voters_end
        });
        !self.partitions.is_empty()
            && at_rest
            && self
                .accounting
                .wants_comparison(self.cast(), self.voter_records())
    }

    pub(crate) fn set_comparison(&mut self, comparison: Comparison) {
        self.accounting.set(comparison, Instant::now());
        self.has_news = true;
    }

    pub(crate) fn sample_rate(&mut self, now: Instant) {
        if !self.is_loaded {
            return;
        }
        let decided = self.partitions.values().map(|p| p.tally.counted_to).sum();
        self.has_news |= self.rate.sample(decided, now);
    }

    /// Whether there is something new to show since the last call. Until the stored tallies are read there is not,
    /// unless they cannot be read: a part of them would look like a count that goes back.
    pub(crate) fn take_news(&mut self) -> bool {
        let is_known = self.is_loaded || self.is_known_empty || !self.problems.is_empty();
        is_known && std::mem::take(&mut self.has_news)
    }

    pub(crate) fn set_empty(&mut self) {
        self.has_news |= !self.is_known_empty;
        self.is_known_empty = true;
    }

    /// Votes cast: records in the log.
    pub(crate) fn cast(&self) -> u64 {
        self.partitions
            .values()
            .map(|p| p.cast().unsigned_abs())
            .sum()
    }

    pub(crate) fn voter_records(&self) -> u64 {
        self.partitions
            .values()
            .map(|p| p.voters_end.unsigned_abs())
            .sum()
    }

    /// The names of the locations that have changed since the last call; `None` when everything has.
    pub(crate) fn take_changed_locations(&mut self) -> Option<BTreeSet<String>> {
        let changed = self.counts.take_changed_places();
        (!std::mem::take(&mut self.has_begun_anew)).then_some(changed)
    }

    pub(crate) fn snapshot(&mut self, now: DateTime<Utc>) -> Snapshot {
        self.sequence += 1;
        self.counts.tabulate();
        let race = self.counts.race();
        let polls = self.polls.unwrap_or_default();
        let rejected = self.rejected();
        Snapshot {
            sequence: self.sequence,
            generated_at: rfc3339(now),
            election: ElectionState {
                is_set_up: self.polls.is_some() && !race.candidates.is_empty(),
                polls_open: polls.open.map(|time| time.to_string()),
                polls_close: polls.close.map(|time| time.to_string()),
            },
            totals: self.totals(rejected.iter().map(|at| at.count).sum()),
            leader: race.leader(),
            contests: self.counts.contests(),
            outcomes: self.counts.outcomes(),
            turnout: self.counts.turnout(),
            rejected,
            place_name: self.counts.place_name(),
            locations: self.counts.places(&race),
            candidates: race.candidates,
            pipeline: self.pipeline(),
        }
    }

    fn totals(&self, rejected: u64) -> Totals {
        let counted = self.counts.counted();
        let no_voters = self.accounting.records_without_a_voter();
        let voters = self.voter_records().saturating_sub(no_voters);
        let voters = (voters > 0 || counted == 0).then_some(voters);
        Totals {
            voters,
            candidates: self.candidates().len() as u64,
            // The count is published more often than the positions in the log.
            cast: self.cast().max(counted + rejected),
            counted,
            rejected,
            turnout: voters.map(|voters| share(counted, voters)),
            votes_per_second: self.rate.per_second(),
            votes_per_second_history: self.rate.history(),
        }
    }

    fn rejected(&self) -> Vec<RejectedCount> {
        let count = |reason| {
            let partitions = self.partitions.values();
            let counts = partitions.filter_map(|at| at.tally.rejected.get(&reason));
            RejectedCount {
                reason,
                count: counts.sum(),
            }
        };
        Reason::ALL.map(count).into()
    }

    fn pipeline(&self) -> Pipeline {
        let known = self.partitions.iter();
        let partitions = known.map(|(&partition, at)| PartitionState {
            partition,
            cast: at.cast(),
            counted_to: at.tally.counted_to,
            checkpointed_to: at.tally.checkpointed_to,
            persisted_to: at.persist.votes_to,
            lag: behind(at.tally.counted_to, at.cast()),
            module_bytes: at.tally.module_bytes,
        });
        let partitions: Vec<_> = partitions.collect();
        let unpersisted = partitions.iter().map(|at| behind(at.persisted_to, at.cast));
        let tallies = || self.partitions.values().map(|at| &at.tally);
        let cast_to_counted_ms = tallies().filter_map(|tally| tally.cast_to_counted_ms);
        let last_checkpoint = tallies().filter_map(|tally| tally.checkpointed_at);
        let (accounted, difference) = (self.accounting).verdict(self.cast(), self.voter_records());
        Pipeline {
            accounted,
            difference,
            uncounted: partitions.iter().map(|at| at.lag).sum(),
            unpersisted: unpersisted.sum(),
            cast_to_counted_ms: cast_to_counted_ms.max().map(|ms| ms as f64),
            last_checkpoint: last_checkpoint
                .max()
                .and_then(DateTime::from_timestamp_millis)
                .map(rfc3339),
            partitions,
            bridge: self.bridge.topics(),
            evidence: self.evidence.partitions(),
            problems: self.problems.values().cloned().collect(),
        }
    }
}

/// Replaces a value. Returns whether it is another one.
fn replace<T: PartialEq>(known: &mut T, value: T) -> bool {
    let is_new = *known != value;
    *known = value;
    is_new
}

fn behind(position: i64, end: i64) -> u64 {
    u64::try_from(end - position).unwrap_or(0)
}

pub(crate) fn rfc3339(time: DateTime<Utc>) -> String {
    time.to_rfc3339_opts(SecondsFormat::Millis, true)
}

#[cfg(test)]
mod tests;
