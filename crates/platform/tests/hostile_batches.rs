//! Batches from somebody who writes bytes, not votes: the compiled `vote-tally` in the engine and the rule say the same of each,
//! every offset is counted or rejected, and the cost follows the size.
#![cfg(feature = "embedded")]

mod module_and_rule;

use std::cell::RefCell;

use ballot::Reason;
use election_platform::embedded::engine::Chain;
use proptest::prelude::*;
use proptest::sample::{Index, select};
use proptest::test_runner::{Config, TestRunner};
use wire::RecordsBuilder;

use crate::module_and_rule::{ModuleAndRule, chain, rules, tally};

/// More by the environment variable `PROPTEST_CASES`.
const CASES: u32 = 10_000;
/// What stands in front of the records: how many there are.
const COUNT_BYTES: usize = 4;
/// Votes of a batch whose cost is measured.
const VOTES: usize = 2_000;

fn vote(voter: &str, candidate: &str, state: &str) -> Vec<u8> {
    format!(
        r#"{{"voter_id":"{voter}","candidate_id":"{candidate}","voting_time":"2024-07-04 12:00:00","vote":1,"gender":"female","registered_age":30,"address":{{"state":"{state}"}}}}"#
    )
    .into_bytes()
}

type Written = (Option<Vec<u8>>, Vec<u8>);

fn record() -> impl Strategy<Value = Written> {
    let voter = prop_oneof![
        (0..40u32).prop_map(|n| format!("{n:08x}-0000-4000-8000-000000000000")),
        (0..40u32).prop_map(|n| format!("v{n}")),
        "\\PC{0,3}",
    ];
    let vote = (voter, select(&["a", "b", "c"][..]), "[A-D]|\\PC{0,200}")
        .prop_map(|(voter, to, state)| (Some(voter.clone().into()), vote(&voter, to, &state)));
    let any = (
        prop::option::of(prop::collection::vec(any::<u8>(), 0..40)),
        prop::collection::vec(any::<u8>(), 0..60),
    );
    prop_oneof![9 => vote, 1 => any]
}

/// How the bytes of a batch are changed.
#[derive(Debug, Clone)]
enum Lie {
    None,
    Count(i32),
    Byte(Index, u8),
    Cut(Index),
    Appended(Vec<u8>),
}

fn lie() -> impl Strategy<Value = Lie> {
    let count = prop_oneof![0..20i32, any::<i32>(), Just(i32::MAX), Just(-1)];
    prop_oneof![
        3 => Just(Lie::None),
        3 => count.prop_map(Lie::Count),
        3 => any::<(Index, u8)>().prop_map(|(at, byte)| Lie::Byte(at, byte)),
        2 => any::<Index>().prop_map(Lie::Cut),
        1 => prop::collection::vec(any::<u8>(), 1..20).prop_map(Lie::Appended),
    ]
}

fn batch() -> impl Strategy<Value = Vec<u8>> {
    let offsets = prop_oneof![3 => Just(None), 1 => any::<i64>().prop_map(Some)];
    let honest = prop::collection::vec((record(), offsets), 0..12);
    let built = (honest, prop::collection::vec(lie(), 1..3)).prop_map(|(records, lies)| {
        let mut builder = RecordsBuilder::default();
        for (n, ((key, value), offset_delta)) in (0..).zip(&records) {
            builder.push_ref(ballot::RecordRef {
                offset_delta: offset_delta.unwrap_or(n),
                timestamp_delta: 0,
                key: key.as_deref(),
                value,
            });
        }
        let mut bytes = builder.finish(0);
        for lie in lies {
            match lie {
                Lie::None => {}
                Lie::Count(count) if bytes.len() >= COUNT_BYTES => {
                    bytes[..COUNT_BYTES].copy_from_slice(&count.to_be_bytes());
                }
                Lie::Byte(at, byte) if !bytes.is_empty() => {
                    let at = at.index(bytes.len());
                    bytes[at] = byte;
                }
                Lie::Cut(at) => bytes.truncate(at.index(bytes.len() + 1)),
                Lie::Appended(more) => bytes.extend(more),
                Lie::Count(_) | Lie::Byte(..) => {}
            }
        }
        bytes
    });
    prop_oneof![9 => built, 1 => prop::collection::vec(any::<u8>(), 0..80)]
}

#[test]
fn of_any_bytes_the_module_and_the_rule_say_the_same() {
    let cases = std::env::var("PROPTEST_CASES").ok();
    let mut runner = TestRunner::new(Config {
        cases: cases.map_or(CASES, |cases| cases.parse().unwrap()),
        failure_persistence: None,
        ..Config::default()
    });
    let both = RefCell::new(ModuleAndRule::new());
    let run = runner.run(&batch(), |records| {
        both.borrow_mut().check(&records);
        Ok(())
    });
    run.unwrap();
}

/// A module that has seen nothing, and what it has cost.
struct Metered {
    chain: Chain,
    next_offset: i64,
}

impl Metered {
    fn new() -> Metered {
        Metered {
            chain: chain(&rules()),
            next_offset: 0,
        }
    }

    /// Instructions for each byte of a batch.
    fn cost(&mut self, records: &[Written]) -> f64 {
        let mut builder = RecordsBuilder::default();
        for (key, value) in records {
            builder.push(key.as_deref(), value);
        }
        let bytes = builder.finish(0);
        let before = self.chain.fuel_used();
        let delta = tally(&mut self.chain, self.next_offset, &bytes).unwrap();
        self.next_offset = delta.next_offset;
        (self.chain.fuel_used() - before) as f64 / bytes.len() as f64
    }
}

/// Votes of voters from a number on, each with something else.
fn votes(first: usize, of: impl Fn(usize) -> (String, String)) -> Vec<Written> {
    let written = (first..first + VOTES).map(|n| {
        let (voter, state) = of(n);
        (Some(voter.clone().into_bytes()), vote(&voter, "a", &state))
    });
    written.collect()
}

fn uuid(n: usize) -> String {
    format!("{n:08x}-0000-4000-8000-000000000000")
}

/// A byte of whatever is written costs no more than `MOST` times the instructions of one of ordinary votes. Dearest are brackets
/// in brackets, each of which the JSON reader looks at, then a new place in each vote, because each is in the delta.
#[test]
fn a_hostile_byte_costs_about_as_much_as_an_ordinary_one() {
    const MOST: f64 = 6.0;
    type Of<'a> = &'a dyn Fn(usize) -> (String, String);
    // The second batch is measured, when the module's tables have begun to grow.
    let cost = |[first, second]: [Vec<Written>; 2]| {
        let mut module = Metered::new();
        module.cost(&first);
        module.cost(&second)
    };
    let pair = |of: Of<'_>| [votes(0, of), votes(VOTES, of)];
    let ordinary = cost(pair(&|n| (uuid(n), format!("State {}", n % 20))));
    let deep = "[".repeat(100) + &"]".repeat(100);
    let nested = vec![(None, format!(r#"{{"a":{deep},"voter_id":"x"}}"#).into()); VOTES];
    let fields = r#""credential":"x","#.repeat(20_000);
    let repeated = vec![(None, format!("{{{fields}\"a\":1}}").into())];
    for (what, pair) in [
        ("new places", pair(&|n| (uuid(n), format!("Nowhere {n}")))),
        (
            "long places",
            pair(&|n| (uuid(n), format!("{n}{}", "é".repeat(60)))),
        ),
        (
            "ids that are text",
            pair(&|n| (format!("voter number {n}, of this partition"), "A".into())),
        ),
        ("one voter", pair(&|_| (uuid(1), "A".into()))),
        ("deep values", [nested.clone(), nested]),
        ("fields that repeat", [repeated.clone(), repeated]),
    ] {
        let cost = cost(pair);
        eprintln!("{what}: {cost:.1} instructions a byte, ordinary {ordinary:.1}");
        assert!(cost < ordinary * MOST, "{what}: {cost} against {ordinary}");
    }
}

/// What was counted before does not make a small batch dearer.
#[test]
fn a_batch_does_not_cost_what_all_before_it_held() {
    let one = || vec![(Some(b"v".to_vec()), vote("v", "a", "A"))];
    let mut fresh = Metered::new();
    fresh.cost(&one());
    let expected = fresh.cost(&one());
    let mut used = Metered::new();
    used.cost(&one());
    for first in [0, VOTES] {
        used.cost(&votes(first, |n| (uuid(n), format!("Nowhere {n}"))));
    }
    let found = used.cost(&one());
    assert!(found < expected * 1.5, "{found} against {expected}");
}

#[test]
fn a_batch_that_claims_billions_costs_nothing() {
    let mut chain = chain(&rules());
    let before = chain.fuel_used();
    let delta = tally(&mut chain, 0, &i32::MAX.to_be_bytes()).unwrap();
    let malformed = [(Reason::Malformed, i32::MAX as u64)];
    assert_eq!(delta.tally.rejected, malformed.into());
    assert!(chain.fuel_used() - before < 1_000_000);
}
