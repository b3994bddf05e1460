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
mod tests {
    use std::convert::Infallible;

    use super::*;
    use crate::definition::tests::city;
    use crate::{Candidate, ElectionDefinition, PollsWindow, TUTORIAL_CONTEST};

    fn vote(voter: &str, candidate: &str) -> String {
        format!(
            r#"{{"voter_id":"{voter}","candidate_id":"{candidate}","voting_time":"2024-07-04 12:00:00","vote":1,"gender":"female","registered_age":30,"address":{{"state":"Fife"}}}}"#
        )
    }

    fn votes_for(delta: &Delta, candidate: &str) -> u64 {
        let by_gender = delta.tally.selections_by(TUTORIAL_CONTEST, "gender");
        by_gender["female"].get(candidate).copied().unwrap_or(0)
    }

    /// Counts a batch of such votes.
    fn count(
        counter: &mut PartitionCounter,
        base_offset: i64,
        votes: &[(&str, &str)],
    ) -> Result<Delta, NoSuchOffsets> {
        let values: Vec<_> = votes.iter().map(|(voter, to)| vote(voter, to)).collect();
        let records = votes.iter().zip(&values).zip(0..);
        let records = records.map(|(((voter, _), value), offset_delta)| RecordRef {
            offset_delta,
            timestamp_delta: 0,
            key: Some(voter.as_bytes()),
            value: value.as_bytes(),
        });
        counter.count_batch(
            base_offset,
            votes.len() as u32,
            records.map(Ok::<_, Infallible>),
        )
    }

    #[test]
    fn the_first_vote_counts_in_whatever_batch_the_second_is() {
        let mut counter = PartitionCounter::new(Rules::default());
        let first = count(&mut counter, 0, &[("a", "x"), ("a", "y"), ("b", "y")]).unwrap();
        assert_eq!((first.base_offset, first.next_offset), (0, 3));
        assert_eq!(votes_for(&first, "x"), 1);
        assert_eq!(votes_for(&first, "y"), 1);
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
            let refused = NoSuchOffsets {
                base_offset,
                records: 2,
            };
            assert_eq!(count(&mut counter, base_offset, &votes), Err(refused));
        }
        let mut counter = PartitionCounter::new(Rules::default());
        let last = count(&mut counter, OFFSET_LIMIT - 2, &votes);
        assert_eq!(last.unwrap().tally.counted(), 2);
    }

    #[test]
    fn whatever_a_batch_holds_each_of_its_offsets_is_counted_or_malformed() {
        let values = ["a", "b", "c"].map(|voter| vote(voter, "x"));
        // The offsets that records say are not looked at.
        let record = |n: usize| RecordRef {
            offset_delta: 40 - n as i64,
            timestamp_delta: 0,
            key: Some(["a", "b", "c"][n].as_bytes()),
            value: values[n].as_bytes(),
        };
        let broken = || [Ok(record(0)), Err("unreadable"), Ok(record(1))].into_iter();
        let whole = || (0..3).map(|n| Ok::<_, &str>(record(n)));
        let claimed = i32::MAX as u32;
        for (offsets, delta, counted) in [
            (
                3,
                PartitionCounter::new(Rules::default()).count_batch(7, 3, broken()),
                1,
            ),
            (
                3,
                PartitionCounter::new(Rules::default()).count_batch(7, 3, whole()),
                3,
            ),
            (
                2,
                PartitionCounter::new(Rules::default()).count_batch(7, 2, whole()),
                2,
            ),
            (
                claimed,
                PartitionCounter::new(Rules::default()).count_batch(7, claimed, whole()),
                3,
            ),
        ] {
            let delta = delta.unwrap();
            let malformed = u64::from(offsets) - counted;
            assert_eq!(
                (delta.base_offset, delta.next_offset),
                (7, 7 + i64::from(offsets))
            );
            assert_eq!(delta.tally.counted(), counted);
            let rejected = delta.tally.rejected.get(&Reason::Malformed);
            assert_eq!(rejected.copied().unwrap_or(0), malformed);
        }
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

    #[test]
    fn a_ballot_counts_in_each_contest_of_its_precinct() {
        let mut counter = PartitionCounter::new(Rules::of(&city(), PollsWindow::default()));
        let mut cast = |voter: &str, fields: &str| {
            let vote = format!(
                r#"{{"voter_id":"{voter}","voting_time":"2024-07-04 12:00:00","vote":1,{fields}}}"#
            );
            let offset = voter.parse().unwrap();
            counter
                .count(offset, Some(voter.as_bytes()), vote.as_bytes())
                .map(drop)
        };
        let first = r#""precinct":"p1","address":{"city":"Ayr"},"choices":"#;
        let second = r#""precinct":"p2","choices":"#;
        for (offset, (fields, judged)) in [
            (
                format!(r#"{first}{{"mayor":"a","council":["d","c"]}}"#),
                Ok(()),
            ),
            (format!(r#"{first}{{"mayor":["a","b"]}}"#), Ok(())),
            (
                format!(r#"{second}{{"budget":{{"pool":3,"park":0}},"council":null}}"#),
                Ok(()),
            ),
            (
                format!(r#"{first}{{"budget":{{"pool":3}}}}"#),
                Err(Reason::UnknownCandidate),
            ),
            (
                format!(r#"{second}{{"mayor":"c"}}"#),
                Err(Reason::UnknownCandidate),
            ),
            (
                format!(r#"{second}{{"budget":{{"pool":6}}}}"#),
                Err(Reason::Malformed),
            ),
            (
                format!(r#"{second}{{"mayor":{{"a":1}}}}"#),
                Err(Reason::Malformed),
            ),
            (r#""candidate_id":"a""#.to_owned(), Err(Reason::Malformed)),
        ]
        .into_iter()
        .enumerate()
        {
            assert_eq!(cast(&offset.to_string(), &fields), judged, "{fields}");
        }
        let tally = counter.take_tally();
        assert_eq!(tally.demand_balanced(), Ok(()));
        assert_eq!((tally.counted(), tally.rejected_total()), (3, 5));
        let votes = |contest, precinct| tally.selections_by(contest, "precinct").get(precinct);
        assert_eq!(
            votes("mayor", "p1"),
            Some(&[("a".into(), 1), ("overvote".into(), 1)].into())
        );
        assert_eq!(
            votes("council", "p1"),
            Some(&[("c+d".into(), 1), ("undervote".into(), 1)].into())
        );
        assert_eq!(votes("budget", "p2"), Some(&[("pool=3".into(), 1)].into()));
        assert_eq!(votes("budget", "p1"), None);
        assert_eq!(
            tally.turnout_by("city"),
            &[("Ayr".into(), 2), ("unknown".into(), 1)].into()
        );
    }

    #[test]
    fn a_contest_for_several_marks_can_be_answered_by_one_candidate() {
        let mut definition =
            ElectionDefinition::tutorial(vec![Candidate::of_id("x"), Candidate::of_id("y")]);
        definition.contests[0].method = serde_json::from_str(r#"{"kind":"approval"}"#).unwrap();
        let mut counter = PartitionCounter::new(Rules::of(&definition, PollsWindow::default()));
        for (base, voter) in [(0, "a"), (1, "b")] {
            let delta = count(&mut counter, base, &[(voter, "y")]).unwrap();
            assert_eq!(votes_for(&delta, "y"), 1, "batch at {base}");
        }
    }

    /// The answer `{"budget":{"pool":3}}` is one in a precinct of the contest's district, and an error elsewhere.
    #[test]
    fn an_answer_read_before_means_what_it_means_in_the_voters_own_precinct() {
        let rules = Rules::of(&city(), PollsWindow::default());
        let answers = [
            r#"{"mayor":"a"}"#,
            r#"{"budget":{"pool":3}}"#,
            r#"{"council":["c","d"],"mayor":null}"#,
        ];
        let precincts = ["p1", "p2", "nowhere"];
        let votes: Vec<(String, String)> = (0..90)
            .map(|n| {
                let (precinct, answer) = (precincts[n / 2 % 3], answers[n % 3]);
                let vote = format!(
                    r#"{{"voter_id":"v{n:03}","precinct":"{precinct}","voting_time":"2024-07-04 12:00:00","vote":1,"choices":{answer}}}"#
                );
                (format!("v{n:03}"), vote)
            })
            .collect();
        let mut together = PartitionCounter::new(rules.clone());
        let mut one_by_one = PartitionCounter::new(rules);
        let mut base = 0;
        for batch in votes.chunks(15) {
            for (offset, (voter, vote)) in (base..).zip(batch) {
                let judged = one_by_one.count(offset, Some(voter.as_bytes()), vote.as_bytes());
                drop(judged);
            }
            let records = batch.iter().map(|(voter, vote)| {
                Ok::<_, Infallible>(RecordRef {
                    offset_delta: 0,
                    timestamp_delta: 0,
                    key: Some(voter.as_bytes()),
                    value: vote.as_bytes(),
                })
            });
            let delta = together.count_batch(base, batch.len() as u32, records);
            let tally = delta.unwrap().tally;
            assert_eq!(tally, one_by_one.take_tally());
            assert!(tally.counted() > 0 && tally.rejected_total() > 0);
            base += batch.len() as i64;
        }
    }

    #[test]
    fn duplicates_do_not_use_up_the_values_of_a_group() {
        let mut definition = ElectionDefinition::tutorial(vec![Candidate::of_id("x")]);
        definition.groups[0].limit = 2;
        let rules = Rules::of(&definition, PollsWindow::default());
        let votes: Vec<(&str, String)> = ["a", "a", "a", "a", "b"]
            .into_iter()
            .zip(0..)
            .map(|(voter, n)| {
                (
                    voter,
                    vote(voter, "x").replace("Fife", &format!("Place {n}")),
                )
            })
            .collect();
        let mut one_by_one = PartitionCounter::new(rules.clone());
        for (offset, (voter, vote)) in (0..).zip(&votes) {
            one_by_one
                .count(offset, Some(voter.as_bytes()), vote.as_bytes())
                .ok();
        }
        let records = votes
            .iter()
            .zip(0..)
            .map(|((voter, vote), offset_delta)| RecordRef {
                offset_delta,
                timestamp_delta: 0,
                key: Some(voter.as_bytes()),
                value: vote.as_bytes(),
            });
        let mut together = PartitionCounter::new(rules);
        let records = records.map(Ok::<_, Infallible>);
        let delta = together
            .count_batch(0, votes.len() as u32, records)
            .unwrap();
        assert_eq!(delta.tally, one_by_one.take_tally());
        let places = delta.tally.turnout_by("location");
        assert_eq!(
            places,
            &[("Place 0".into(), 1), ("Place 4".into(), 1)].into()
        );
    }
}
