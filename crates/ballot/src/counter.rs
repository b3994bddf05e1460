//! The counting rule: a partition's votes, in order, into deltas.

use serde::{Deserialize, Serialize};

use crate::ballot_paper::PaperContest;
use crate::contest_counts::{ContestCounts, DenseCells, taken, turnout_of};
use crate::definition::MAX_GROUPS;
use crate::group_values::GroupValues;
use crate::known_answers::{AnswerSelections, KnownAnswers};
use crate::vote::GroupValuesOf;
use crate::vote_reader::vote_text;
use crate::voter_table::OFFSET_LIMIT;
use crate::{
    Ballot, Marked, PartitionJudge, Reason, RecordRef, Rules, Tally, VoteReader, VoterRef,
};

/// The only column of the turnout's cells.
const TURNOUT: u32 = 0;

/// Valid votes of a batch that are looked up together.
const VOTES_AT_ONCE: usize = 64;

/// What one batch adds to the count: the output of the `vote-tally` SmartModule.
///
/// It carries its own offsets, since those that a consumer sees on a module's outputs are not the
/// batch's. A ledger adds deltas up and demands that they follow on each other without a gap.
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

/// No log has a batch at such offsets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("no log has {records} records at offset {base_offset}")]
pub struct NoSuchOffsets {
    /// The batch's offset, as it was given.
    pub base_offset: i64,
    /// Its number of records, as it was given.
    pub records: u32,
}

/// Counts one partition, from its first record on.
///
/// The result for a batch depends on the batch and on which voters and values were seen before it, and on
/// nothing else: the batch may be handed over twice and gives the same delta twice.
pub struct PartitionCounter {
    reader: VoteReader,
    judge: PartitionJudge,
    groups: Vec<GroupValues>,
    /// Where each group's value is among a vote's.
    places: Vec<usize>,
    contests: Vec<ContestCounts>,
    /// Votes by group and value, where no contest tells them: each is put to some districts only.
    turnout: Option<Vec<DenseCells>>,
    /// The number of a contest that is put to everybody: its selections are the turnout.
    everybodys: usize,
    /// Answers to several contests, and to a ranked one.
    answers: KnownAnswers,
    rejected: [u64; Reason::ALL.len()],
}

/// A vote's values, by group.
type ValueNumbers = [u32; MAX_GROUPS];

/// What a vote is counted for.
enum Selections {
    /// In the only contest.
    One(u32),
    /// By contest.
    Several(AnswerSelections),
    /// Of an answer that was read before.
    Known(u32),
}

/// A vote that is valid by itself, and counts if it is its voter's first.
struct Valid {
    offset: i64,
    voter: VoterRef<'static>,
    values: ValueNumbers,
    selections: Selections,
}

/// The numbers of a vote's values; nothing if one is new.
#[inline(always)]
fn known_values(
    groups: &[GroupValues],
    places: &[usize],
    values: &impl GroupValuesOf,
) -> Option<ValueNumbers> {
    let mut numbers = ValueNumbers::default();
    for (number, (group, &place)) in numbers.iter_mut().zip(groups.iter().zip(places)) {
        *number = group.known(values.value(place))?;
    }
    Some(numbers)
}

#[inline(always)]
fn add_several(
    contests: &mut [ContestCounts],
    values: &ValueNumbers,
    selections: &AnswerSelections,
) {
    for &(contest, selection) in selections {
        contests[contest as usize].add(values, selection);
    }
}

/// The selection of a candidate in the only contest.
#[inline(always)]
fn selection_of(
    contests: &mut [ContestCounts],
    candidate_id: &str,
    number: Option<usize>,
) -> Selections {
    let number = number.unwrap_or_else(|| contests[0].selections.intern(candidate_id));
    Selections::One(number as u32)
}

/// The selections of a ballot.
fn selections_of(contests: &mut [ContestCounts], marked: &Marked<'_>) -> Selections {
    let marked = match marked {
        Marked::Candidate {
            candidate_id,
            number,
        } => return selection_of(contests, candidate_id, *number),
        Marked::Contests(marked) => marked,
    };
    let numbers = marked.iter().map(|(contest, selection)| {
        let names = &mut contests[*contest as usize].selections;
        (*contest, names.intern(&selection.to_string()) as u32)
    });
    Selections::Several(numbers.collect())
}

impl PartitionCounter {
    /// A counter that has seen nothing.
    pub fn new(rules: Rules) -> Self {
        let seed = rules.hash_seed();
        let groups = rules.groups().iter();
        let groups: Vec<_> = groups.map(|it| GroupValues::of(it, seed)).collect();
        let contests = rules.paper().contests.iter();
        let contests = contests.map(|contest| ContestCounts::of(contest, groups.len(), seed));
        let everybodys = rules
            .paper()
            .contests
            .iter()
            .position(PaperContest::is_everybodys);
        PartitionCounter {
            reader: VoteReader::new(rules.group_paths().clone()),
            contests: contests.collect(),
            turnout: everybodys
                .is_none()
                .then(|| vec![DenseCells::default(); groups.len()]),
            everybodys: everybodys.unwrap_or_default(),
            answers: KnownAnswers::new(seed),
            rejected: [0; Reason::ALL.len()],
            places: rules.group_paths().places().to_vec(),
            groups,
            judge: PartitionJudge::new(rules),
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
        let judged = self.judge.judge(offset, key, value);
        match &judged {
            Ok(ballot) => {
                let places = self.groups.iter_mut().zip(&self.places);
                let mut values = ValueNumbers::default();
                for (number, (group, &place)) in values.iter_mut().zip(places) {
                    *number = group.number(ballot.values.value(place));
                }
                let selections = selections_of(&mut self.contests, &ballot.marked);
                self.add(&values, &selections);
            }
            Err(reason) => self.reject(*reason),
        }
        judged
    }

    #[inline(always)]
    fn add(&mut self, values: &ValueNumbers, selections: &Selections) {
        if let Some(turnout) = &mut self.turnout {
            for (cells, &value) in turnout.iter_mut().zip(values) {
                cells.add(value, TURNOUT);
            }
        }
        match selections {
            Selections::One(selection) => self.contests[0].add(values, *selection),
            Selections::Several(selections) => add_several(&mut self.contests, values, selections),
            Selections::Known(number) => {
                let selections = self.answers.selections(*number);
                add_several(&mut self.contests, values, selections);
            }
        }
    }

    #[inline(always)]
    fn reject(&mut self, reason: Reason) {
        self.rejected[reason as usize] += 1;
    }

    /// What was counted since the last call (or the start).
    pub fn take_tally(&mut self) -> Tally {
        let mut tally = Tally::default();
        for contest in &mut self.contests {
            let groups = contest.take(&self.groups);
            if !groups.is_empty() {
                tally.contests.insert(contest.id.to_string(), groups);
            }
        }
        match &mut self.turnout {
            None => {
                let id = &*self.contests[self.everybodys].id;
                tally.turnout = tally.contests.get(id).map(turnout_of).unwrap_or_default();
            }
            Some(turnout) => {
                for (group, cells) in self.groups.iter().zip(turnout) {
                    cells.take(|value, _, votes| {
                        tally.add_turnout(group.name(), group.value(value), votes);
                    });
                }
            }
        }
        for (reason, votes) in taken(&mut self.rejected) {
            tally.rejected.insert(Reason::ALL[reason], votes);
        }
        if self.answers.is_full() || self.contests.iter().any(ContestCounts::is_full) {
            self.answers.clear();
            self.contests
                .iter_mut()
                .for_each(ContestCounts::forget_selections);
        }
        tally
    }

    /// Counts what cannot be read of a batch, and returns the reason that it is rejected for.
    pub fn count_unreadable(&mut self, records: u32) -> Reason {
        self.rejected[Reason::Malformed as usize] += u64::from(records);
        Reason::Malformed
    }

    /// Counts a whole batch that the log gave so many offsets. A record's place decides its offset, whatever the record
    /// says: so does every client of Fluvio's. From the first record that is missing or cannot be read, the batch is malformed.
    ///
    /// # Errors
    /// When no log has such offsets.
    pub fn count_batch<'a, E>(
        &mut self,
        base_offset: i64,
        offsets: u32,
        records: impl Iterator<Item = Result<RecordRef<'a>, E>>,
    ) -> Result<Delta, NoSuchOffsets> {
        let end = base_offset.checked_add(i64::from(offsets));
        let end =
            end.filter(|end| (0..=OFFSET_LIMIT).contains(&base_offset) && *end <= OFFSET_LIMIT);
        let end = end.ok_or(NoSuchOffsets {
            base_offset,
            records: offsets,
        })?;
        let mut next_offset = base_offset;
        let mut valid = Vec::with_capacity(VOTES_AT_ONCE);
        for record in records.take(offsets as usize).map_while(Result::ok) {
            match self.valid(next_offset, &record) {
                Ok(Some(vote)) => {
                    valid.push(vote);
                    if valid.len() == VOTES_AT_ONCE {
                        self.count_valid(&mut valid);
                    }
                }
                // Only a vote that counts gives a value its number: a voter's duplicates could use up a group's
                // limit.
                Ok(None) => {
                    self.count_valid(&mut valid);
                    self.count(next_offset, record.key, record.value).ok();
                }
                Err(reason) => self.reject(reason),
            }
            next_offset += 1;
        }
        self.count_valid(&mut valid);
        // Cast: what is left of a `u32`.
        self.count_unreadable((end - next_offset) as u32);
        Ok(Delta {
            base_offset,
            next_offset: end,
            tally: self.take_tally(),
            memory_bytes: 0,
        })
    }

    /// The vote of a record, if it is valid by itself; nothing if a group's value is new.
    #[inline(always)]
    fn valid(&mut self, offset: i64, record: &RecordRef<'_>) -> Result<Option<Valid>, Reason> {
        let text = vote_text(record.value)?;
        let rules = self.judge.rules();
        let plain = self.reader.look(text, |vote| {
            let number = rules.verdict(record.key, &vote)?.candidate_number();
            let values = known_values(&self.groups, &self.places, vote.values);
            Ok(values.map(|values| Valid {
                offset,
                voter: VoterRef::owned(vote.voter_id),
                values,
                selections: selection_of(
                    &mut self.contests,
                    vote.candidate_id.unwrap_or_default(),
                    number,
                ),
            }))
        });
        plain.unwrap_or_else(|| self.valid_with_choices(offset, record.key, text))
    }

    /// As [`PartitionCounter::valid`], for votes with `choices`.
    #[inline(never)]
    fn valid_with_choices(
        &mut self,
        offset: i64,
        key: Option<&[u8]>,
        text: &str,
    ) -> Result<Option<Valid>, Reason> {
        let rules = self.judge.rules();
        let mut unread = None;
        let known = self.reader.look_beside_choices(text, |vote, choices| {
            let values = known_values(&self.groups, &self.places, vote.values)?;
            let precinct = match rules.paper().has_precincts() {
                true => Some(values[0]).filter(|it| GroupValues::is_of_one_value(*it))?,
                false => 0,
            };
            let Some(number) = self.answers.number(precinct, choices) else {
                // Where it stands, since the view ends here.
                let start = choices.as_ptr().addr() - text.as_ptr().addr();
                unread = Some((precinct, start..start + choices.len()));
                return None;
            };
            Some(
                rules
                    .verdict_on(key, &vote, Ok(number))
                    .map(|number| Valid {
                        offset,
                        voter: VoterRef::owned(vote.voter_id),
                        values,
                        selections: Selections::Known(number),
                    }),
            )
        });
        if let Some(judged) = known.flatten() {
            return judged.map(Some);
        }
        let valid = self.valid_of_any_layout(offset, key, text)?;
        if let Some((precinct, place)) = unread
            && let Some(Valid {
                selections: Selections::Several(selections),
                ..
            }) = &valid
        {
            self.answers.add(precinct, &text[place], selections);
        }
        Ok(valid)
    }

    /// As [`PartitionCounter::valid`], for votes that do not look like those before, and answers that none of those gave.
    #[inline(never)]
    fn valid_of_any_layout(
        &mut self,
        offset: i64,
        key: Option<&[u8]>,
        text: &str,
    ) -> Result<Option<Valid>, Reason> {
        let vote = self.reader.read_text(text)?;
        let ballot = self.judge.rules().judge_vote(key, vote)?;
        let values = known_values(&self.groups, &self.places, &ballot.values);
        Ok(values.map(|values| Valid {
            offset,
            voter: VoterRef::owned(&ballot.voter_id),
            values,
            selections: selections_of(&mut self.contests, &ballot.marked),
        }))
    }

    /// Counts those that are their voter's first vote.
    fn count_valid(&mut self, votes: &mut Vec<Valid>) {
        // A partition's voters are more than a cache holds, and waiting for one after the other costs more
        // than all the rest. So memory is asked for all of these votes before the first is needed.
        self.judge.expect(votes.iter().map(|vote| &vote.voter));
        for vote in votes.drain(..) {
            match self.judge.judge_voter(vote.offset, &vote.voter) {
                Ok(()) => self.add(&vote.values, &vote.selections),
                Err(reason) => self.reject(reason),
            }
        }
    }
}

#[cfg(test)]
mod tests;
