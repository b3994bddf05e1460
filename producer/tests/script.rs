//! The script, judged by the rules of the election.

use std::collections::BTreeMap;

use ballot::{ElectionDefinition, PartitionCounter, PollsWindow, Reason, Rules, VotingTime};
use evidence::ElectionKey;
use platform::{NewRecord, partition_of};
use producer::{CastPlan, NotAVoter, ProducerError, Script, candidates, choice, voter};
use proptest::prelude::*;
use serde_json::{Value, json};
use wire::Election;

const TIME: &str = "2024-07-04 12:00:00";
const PARTITIONS: u32 = 3;

fn plan(duplicates: f64, invalid: f64) -> CastPlan {
    CastPlan {
        seed: 5,
        duplicates,
        invalid,
        rate: 0,
        definition: ElectionDefinition::tutorial(candidates(5, 3)),
        polls: PollsWindow {
            open: VotingTime::parse("2024-07-04 07:00:00"),
            close: VotingTime::parse("2024-07-04 22:00:00"),
        },
        credentials: None,
        abstain: 0.0,
    }
}

/// The voters of partition 0, as records.
fn voters(count: u64) -> Vec<(String, Vec<u8>)> {
    (0..count)
        .map(|index| voter(5, index))
        .filter(|voter| partition_of(voter.voter_id.as_bytes(), PARTITIONS) == 0)
        .map(|voter| (voter.voter_id.clone(), serde_json::to_vec(&voter).unwrap()))
        .collect()
}

fn cast(plan: &CastPlan, voters: &[(String, Vec<u8>)]) -> Vec<NewRecord> {
    let mut script = Script::new(plan, 0, PARTITIONS).unwrap();
    let mut records = Vec::new();
    for (key, json) in voters {
        let before = records.len();
        script
            .voter(Some(key.as_bytes()), json, TIME, &mut records)
            .unwrap();
        assert!(records.len() > before);
    }
    while !script.finish(7, TIME, &mut records) {}
    assert!(script.finish(7, TIME, &mut records));
    records
}

fn rules(plan: &CastPlan) -> Rules {
    let election = Election {
        credentials: plan.credentials.clone(),
        ..Election::new(plan.definition.clone(), plan.polls)
    };
    election.rules()
}

fn count(plan: &CastPlan, records: &[NewRecord]) -> (PartitionCounter, BTreeMap<Reason, u64>) {
    let mut counter = PartitionCounter::new(rules(plan));
    let mut reasons = BTreeMap::new();
    for (offset, record) in (0..).zip(records) {
        let verdict = counter.count(offset, record.key.as_deref(), &record.value);
        if let Err(reason) = verdict {
            *reasons.entry(reason).or_default() += 1;
        }
    }
    (counter, reasons)
}

/// Reasons for which votes are injected: for all but duplicates, which are scripted on their own, and the wrong partition, into which
/// our client does not write. One of them is a bad credential, where credentials are required.
const INJECTED: usize = Reason::ALL.len() - 2;

#[test]
fn every_voter_counts_once_and_the_rest_is_rejected_as_injected() {
    injected_is_rejected(&plan(0.2, 0.1), INJECTED - 1);
}

#[test]
fn where_credentials_are_required_some_votes_have_a_bad_one() {
    let key = ElectionKey::from_bytes([7; 32]);
    let plan = CastPlan {
        credentials: Some(key.credentials()),
        ..plan(0.2, 0.1)
    };
    injected_is_rejected(&plan, INJECTED);
}

/// Invalid votes are of so many kinds.
fn injected_is_rejected(plan: &CastPlan, kinds: usize) {
    let voters = voters(60_000);
    let records = cast(plan, &voters);
    let (mut counter, reasons) = count(plan, &records);
    let tally = counter.take_tally();
    assert_eq!(tally.counted(), voters.len() as u64);
    assert_eq!(tally.cast(), records.len() as u64);
    let share = |reason| reasons[&reason] as f64 / voters.len() as f64;
    assert!((share(Reason::Duplicate) - 0.2).abs() < 0.01, "{reasons:?}");
    assert_eq!(reasons.len(), kinds + 1);
    for reason in Reason::ALL {
        if reason != Reason::Duplicate && reasons.contains_key(&reason) {
            let share = share(reason) - 0.1 / kinds as f64;
            assert!(share.abs() < 0.005, "{reason}: {reasons:?}");
        }
    }
    for record in &records {
        let key = record.key.as_deref().unwrap();
        assert_eq!(partition_of(key, PARTITIONS), 0);
    }
}

#[test]
fn the_vote_that_counts_is_the_voters_choice() {
    let plan = plan(0.5, 0.2);
    let voters = voters(3_000);
    let rules = Rules::of(&plan.definition, plan.polls);
    let mut counter = PartitionCounter::new(rules);
    let mut chosen = BTreeMap::new();
    for (offset, record) in (0..).zip(cast(&plan, &voters)) {
        if let Ok(ballot) = counter.count(offset, record.key.as_deref(), &record.value) {
            let candidate_id = ballot.candidate_id().unwrap().to_owned();
            chosen.insert(ballot.voter_id.into_owned(), candidate_id);
        }
    }
    for (id, json) in voters {
        let voter: ballot::Voter = serde_json::from_slice(&json).unwrap();
        let candidate = choice(5, &id, &voter.address.state, 3);
        assert_eq!(
            chosen[&id],
            plan.definition.contests[0].candidates[candidate].candidate_id
        );
    }
}

#[test]
fn half_the_second_votes_follow_at_once_and_half_much_later() {
    let plan = plan(0.3, 0.0);
    let rules = rules(&plan);
    let records = cast(&plan, &voters(60_000));
    let mut first = BTreeMap::new();
    let (mut at_once, mut later, mut others) = (0, 0, 0);
    for (offset, record) in records.iter().enumerate() {
        let choice = rules.read(&record.value).unwrap().candidate_id;
        if let Some((before, candidate)) = first.insert(&record.key, (offset, choice.clone())) {
            others += u32::from(candidate != choice);
            match offset - before {
                1 => at_once += 1,
                // Those cast after the last voter come a little sooner.
                2..1_000 if offset + 5_000 < records.len() => panic!("{before} and {offset}"),
                _ => later += 1,
            }
        }
    }
    assert!(at_once > 2_500 && later > 2_500, "{at_once}, {later}");
    assert!(others > 2_000, "{others} for somebody else");
}

#[test]
fn a_vote_is_the_voters_text_and_more() {
    let plan = plan(0.0, 0.0);
    let voters = voters(300);
    let records = cast(&plan, &voters);
    assert_eq!(records.len(), voters.len());
    for ((_, json), record) in voters.iter().zip(&records) {
        assert!(record.value.starts_with(&json[..json.len() - 1]));
        let vote: ballot::Vote = serde_json::from_slice(&record.value).unwrap();
        assert_eq!((vote.voting_time.as_str(), vote.vote), (TIME, 1));
        assert_eq!(serde_json::to_vec(&vote.voter).unwrap(), *json);
    }
}

#[test]
fn polls_closed_is_injected_only_where_polls_can_be_closed() {
    let voters = voters(5_000);
    let mut plan = plan(0.0, 1.0);
    plan.polls.open = None;
    let (_, reasons) = count(&plan, &cast(&plan, &voters));
    assert!(reasons[&Reason::PollsClosed] > 0, "after they close");
    plan.polls.close = None;
    let (mut counter, reasons) = count(&plan, &cast(&plan, &voters));
    assert!(!reasons.contains_key(&Reason::PollsClosed));
    assert_eq!(counter.take_tally().counted(), voters.len() as u64);
    assert_eq!(reasons.values().sum::<u64>(), voters.len() as u64);
}

/// Three contests: for one of two, for two of four, and points in a district.
fn city() -> ElectionDefinition {
    let candidates = |ids: &[&str]| -> Value {
        let candidate = |id: &&str| json!({ "id": id, "name": format!("Name of {id}") });
        ids.iter().map(candidate).collect()
    };
    let city = json!({
        "election": { "id": "city", "title": "City" },
        "precinct": [
            { "id": "p1", "title": "One" },
            { "id": "p2", "title": "Two" },
            { "id": "p3", "title": "Three" },
        ],
        "district": [{ "id": "west", "title": "West", "precincts": ["p1", "p2"] }],
        "contest": [
            { "id": "mayor", "title": "Mayor", "method": { "kind": "plurality" },
              "candidates": candidates(&["a", "b"]) },
            { "id": "council", "title": "Council", "method": { "kind": "vote-for" }, "seats": 2,
              "candidates": candidates(&["c", "d", "e", "f"]) },
            { "id": "fund", "title": "Fund", "method": { "kind": "score", "highest": 5 },
              "districts": ["west"], "candidates": candidates(&["park", "pool", "trees"]) },
        ],
    });
    ElectionDefinition::from_json(&city.to_string()).unwrap()
}

#[test]
fn ballots_in_several_contests_keep_the_rules_and_mark_all_that_can_be_marked() {
    let plan = CastPlan {
        definition: city(),
        ..plan(0.2, 0.0)
    };
    // Everybody lives somewhere, and a sixth nowhere that is known.
    let mut voters = voters(60_000);
    for ((_, json), precinct) in voters
        .iter_mut()
        .zip(["p1", "p2", "p3", "p1", "p2", "p9"].iter().cycle())
    {
        let mut voter: ballot::Voter = serde_json::from_slice(json).unwrap();
        voter.precinct = Some((*precinct).to_owned());
        *json = serde_json::to_vec(&voter).unwrap();
    }
    let records = cast(&plan, &voters);
    let (mut counter, reasons) = count(&plan, &records);
    let duplicates = (records.len() - voters.len()) as u64;
    assert!(duplicates > 0);
    assert_eq!(reasons, [(Reason::Duplicate, duplicates)].into());
    let tally = counter.take_tally();
    assert_eq!(tally.demand_balanced(), Ok(()));
    assert_eq!(tally.counted(), voters.len() as u64);
    let in_west: u64 = ["p1", "p2"]
        .iter()
        .map(|&p| tally.turnout_by("precinct")[p])
        .sum();
    for (contest, outcome) in tally.outcomes(&plan.definition) {
        let (has_overvotes, ballots) = match contest.id.as_str() {
            "fund" => (false, in_west),
            _ => (true, tally.counted()),
        };
        let (id, share) = (&contest.id, |votes: u64| votes as f64 / ballots as f64);
        assert_eq!(outcome.ballots, ballots, "{id}");
        assert!(
            (share(outcome.undervotes) - 0.03).abs() < 0.01,
            "{id}: {outcome:?}"
        );
        let overvotes = if has_overvotes { 0.01 } else { 0.0 };
        assert!(
            (share(outcome.overvotes) - overvotes).abs() < 0.005,
            "{id}: {outcome:?}"
        );
        assert_eq!(outcome.overvotes > 0, has_overvotes, "{id}: {outcome:?}");
        // Each candidate is somebody's choice.
        assert_eq!(outcome.choices.len(), contest.candidates.len());
        assert!(
            outcome.choices.iter().all(|choice| choice.total > 0),
            "{id}: {outcome:?}"
        );
    }
    let two = tally.selections_by("council", "precinct")["p1"].iter();
    let two: u64 = two
        .filter(|(text, _)| text.contains('+'))
        .map(|(_, votes)| votes)
        .sum();
    assert!(two > 0, "two of the council's seats are marked");
}

#[test]
fn of_several_contests_too_invalid_votes_are_of_every_kind() {
    let plan = CastPlan {
        definition: city(),
        ..plan(0.0, 1.0)
    };
    let voters = voters(20_000);
    let (mut counter, reasons) = count(&plan, &cast(&plan, &voters));
    assert_eq!(counter.take_tally().counted(), voters.len() as u64);
    assert_eq!(reasons.len(), INJECTED - 1, "{reasons:?}");
}

#[test]
fn one_candidate_is_enough_and_none_is_not() {
    let mut plan = plan(0.5, 0.0);
    plan.definition.contests[0].candidates.truncate(1);
    let voters = voters(500);
    let (mut counter, _) = count(&plan, &cast(&plan, &voters));
    assert_eq!(counter.take_tally().counted(), voters.len() as u64);
    plan.definition.contests[0].candidates.clear();
    let error = Script::new(&plan, 0, 1).unwrap_err();
    assert!(matches!(error, ProducerError::NoCandidates));
    for share in [-0.1, 1.1, f64::NAN] {
        let error = Script::new(&self::plan(share, 0.0), 0, 1).unwrap_err();
        assert!(error.to_string().contains("`duplicates`"), "{error}");
        assert!(Script::new(&self::plan(0.0, share), 0, 1).is_err());
    }
}

#[test]
fn what_is_no_voter_casts_nothing() {
    let mut script = Script::new(&plan(1.0, 1.0), 0, 1).unwrap();
    let mut records = Vec::new();
    let mut voter = |key: Option<&str>, json: &str| {
        script.voter(key.map(str::as_bytes), json.as_bytes(), TIME, &mut records)
    };
    for json in [
        "",
        "{",
        "{}",
        "[]",
        "null",
        r#"{"voter_id":""}"#,
        r#"{"voter_id":7}"#,
        r#"{"voter_id":"a"}}"#,
        r#"{"voter_id":"a","vote":null}"#,
        r#"{"voter_id":"a","candidate_id":"x"}"#,
        r#"{"voter_id":"a","gender":"x","gender":"y"}"#,
    ] {
        assert_eq!(voter(Some("a"), json), Err(NotAVoter::Malformed), "{json}");
    }
    let json = r#"{"voter_id":"a","address":null}"#;
    assert_eq!(voter(Some("b"), json), Err(NotAVoter::WrongKey));
    assert_eq!(voter(None, json), Err(NotAVoter::WrongKey));
    assert_eq!(voter(Some("a"), json), Ok(()));
    assert_eq!(voter(Some("a"), " {\"voter_id\":\"a\"} \n"), Ok(()));
    assert!(records.len() >= 2);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn any_voters_are_counted_exactly(
        ids in prop::collection::btree_set("[a-zA-Zé\"\\\\ ]{1,12}", 1..200),
        duplicates in 0.0..=1.0,
        invalid in 0.0..=1.0,
        seed: u64,
    ) {
        let mut plan = plan(duplicates, invalid);
        plan.seed = seed;
        let voters: Vec<_> = ids
            .into_iter()
            .map(|id| (id.clone(), serde_json::json!({"voter_id": id}).to_string().into_bytes()))
            .collect();
        let records = cast(&plan, &voters);
        prop_assert_eq!(&records, &cast(&plan, &voters));
        let (mut counter, _) = count(&plan, &records);
        prop_assert_eq!(counter.take_tally().counted(), voters.len() as u64);
    }
}
