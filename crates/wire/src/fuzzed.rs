//! What holds for batches with any bytes in them. Fuzzing looks for counterexamples
//! (see fuzz/README.md), and a test checks those in its corpus.

use std::collections::HashMap;

use ballot::{
    Ballot, Delta, ElectionDefinition, Marked, OFFSET_LIMIT, PARAM_CANDIDATES, PARAM_POLLS_CLOSE,
    PARAM_POLLS_OPEN, Params, ParsedVote, PartitionCounter, PollsWindow, Reason, Rules, Tally,
};

use crate::RecordReader;

/// A batch (eight bytes of base offset before it) is refused, or counted as a plain reading counts it;
/// handed over again, it gives the same delta again.
///
/// # Panics
/// When that is not so.
pub fn batch(bytes: &[u8]) {
    let Some((base_offset, records)) = bytes.split_first_chunk() else {
        return;
    };
    let base_offset = i64::from_be_bytes(*base_offset);
    let tutorial = ElectionDefinition::tutorial(Vec::new());
    let several = several_contests();
    for (rules, definition) in [
        (Rules::default(), &tutorial),
        (narrow_rules(), &tutorial),
        (Rules::of(&several, PollsWindow::default()), &several),
    ] {
        let mut counter = PartitionCounter::new(rules.clone());
        let plainly = count_plainly(&rules, definition, base_offset, records);
        let counted = count(&mut counter, base_offset, records);
        assert_eq!(counted, plainly);
        if counted.is_some() {
            let again = count(&mut counter, base_offset, records);
            assert_eq!(again, plainly, "handed over again");
        }
    }
}

/// Counts a batch as it is counted everywhere else.
fn count(counter: &mut PartitionCounter, base_offset: i64, records: &[u8]) -> Option<Delta> {
    let records = RecordReader::new(records).ok()?;
    counter
        .count_batch(base_offset, records.remaining(), records)
        .ok()
}

fn narrow_rules() -> Rules {
    let params = [
        (PARAM_CANDIDATES, r#"["a","b"]"#),
        (PARAM_POLLS_OPEN, "2024-07-04 07:00:00"),
        (PARAM_POLLS_CLOSE, "2024-07-04 22:00:00"),
    ];
    let params: Params = params
        .map(|(name, value)| (name.into(), value.into()))
        .into();
    Rules::from_params(&params).expect("invariant: parameters as they are written")
}

fn several_contests() -> ElectionDefinition {
    ElectionDefinition::from_json(
        r#"{
            "election": {"id": "e", "title": "E"},
            "precinct": [{"id": "p1", "title": "P"}],
            "district": [{"id": "d", "title": "D", "precincts": ["p1"]}],
            "group": [{"name": "age", "path": "/registered_age", "bands": [30]}],
            "contest": [
                {"id": "mayor", "title": "Mayor", "method": {"kind": "plurality"},
                 "candidates": [{"id": "a", "name": "A"}, {"id": "b", "name": "B"}]},
                {"id": "fund", "title": "Fund", "method": {"kind": "score", "highest": 5},
                 "districts": ["d"], "candidates": [{"id": "x", "name": "X"}]}
            ]
        }"#,
    )
    .expect("invariant: a definition as it is written")
}

/// Counts a batch with nothing that is there for speed: no layouts, no scanner, no interned names, no
/// table of voters.
fn count_plainly(
    rules: &Rules,
    definition: &ElectionDefinition,
    base_offset: i64,
    records: &[u8],
) -> Option<Delta> {
    let mut first_votes = HashMap::new();
    let mut tally = Tally::default();
    let mut offset = base_offset;
    let (claimed, records) = decode_plainly(records)?;
    let end = base_offset.checked_add(i64::from(claimed))?;
    if base_offset < 0 || end > OFFSET_LIMIT {
        return None;
    }
    for record in records {
        let vote = ParsedVote::parse_json(record.value, rules.group_paths());
        let judged = vote.and_then(|vote| rules.judge_vote(record.key, vote));
        let judged = judged.and_then(|ballot| {
            let voter = ballot.voter_id.clone().into_owned();
            match *first_votes.entry(voter).or_insert(offset) == offset {
                true => Ok(ballot),
                false => Err(Reason::Duplicate),
            }
        });
        match judged {
            Ok(ballot) => add_plainly(&mut tally, rules, definition, &ballot),
            Err(reason) => *tally.rejected.entry(reason).or_default() += 1,
        }
        offset += 1;
    }
    if offset < end {
        *tally.rejected.entry(Reason::Malformed).or_default() += (end - offset) as u64;
    }
    Some(Delta {
        base_offset,
        next_offset: end,
        tally,
        memory_bytes: 0,
    })
}

/// Adds a ballot, name by name.
fn add_plainly(
    tally: &mut Tally,
    rules: &Rules,
    definition: &ElectionDefinition,
    ballot: &Ballot<'_>,
) {
    let selections: Vec<(&str, String)> = match &ballot.marked {
        Marked::Candidate { candidate_id, .. } => {
            vec![(&definition.contests[0].id, candidate_id.to_string())]
        }
        Marked::Contests(marked) => marked
            .iter()
            .map(|(contest, selection)| {
                let contest = &definition.contests[*contest as usize];
                (contest.id.as_str(), selection.to_string())
            })
            .collect(),
    };
    for (number, group) in rules.groups().iter().enumerate() {
        let value = ballot.group_value(rules, number).into_owned();
        tally.add_turnout(&group.name, &value, 1);
        for (contest, selection) in &selections {
            tally.add_selection(contest, (&group.name, &value), selection, 1);
        }
    }
}

struct PlainRecord<'a> {
    key: Option<&'a [u8]>,
    value: &'a [u8],
}

/// How many records a batch claims, and those that can be read, taken from the front of what is left of it.
fn decode_plainly(mut left: &[u8]) -> Option<(u32, Vec<PlainRecord<'_>>)> {
    let count = take(&mut left, 4)?.try_into().ok()?;
    let count = u32::try_from(i32::from_be_bytes(count)).ok()?;
    let records = (0..count).map_while(|_| record_plainly(&mut left));
    Some((count, records.collect()))
}

fn record_plainly<'a>(left: &mut &'a [u8]) -> Option<PlainRecord<'a>> {
    let _length = number(left)?;
    let _attributes = take(left, 1)?;
    let _timestamp_delta = number(left)?;
    let _offset_delta = number(left)?;
    let key = match take(left, 1)? {
        [0] => None,
        [1] => Some(bytes(left)?),
        _ => return None,
    };
    let value = bytes(left)?;
    let _headers = number(left)?;
    Some(PlainRecord { key, value })
}

fn take<'a>(left: &mut &'a [u8], len: usize) -> Option<&'a [u8]> {
    left.split_off(..len)
}

fn bytes<'a>(left: &mut &'a [u8]) -> Option<&'a [u8]> {
    let len = number(left)?;
    take(left, usize::try_from(len).ok()?)
}

/// A zigzag varint of at most ten bytes, of which 64 bits are taken.
fn number(left: &mut &[u8]) -> Option<i64> {
    let len = left.iter().take(10).position(|byte| byte & 0x80 == 0)? + 1;
    let bits = take(left, len)?
        .iter()
        .rev()
        .fold(0u128, |bits, byte| (bits << 7) | u128::from(byte & 0x7f));
    let bits = bits as u64;
    Some((bits >> 1) as i64 ^ -((bits & 1) as i64))
}

#[cfg(test)]
mod tests {
    use testing::for_each_kept_input;

    use super::*;

    #[test]
    fn the_corpus_holds() {
        for_each_kept_input("batch", batch);
    }
}
