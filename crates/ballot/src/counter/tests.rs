//! The counting rule: batches of votes, ballots of several contests, and whatever else a batch may hold.

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
