//! `election bench` tells every figure that its table promises, and `bench votes` writes votes that are
//! counted as it says.

use std::collections::BTreeMap;

use crate::support::{Process, election};
use ballot::{FirstVotes, HashSeed, Rules, VoterRef};
use serde_json::Value;

#[test]
fn every_figure_is_measured() {
    let bench = election(&[
        "bench",
        "--votes",
        "10000",
        "--latency-seconds",
        "1",
        "--json",
    ]);
    let report = Process::spawn(bench).wait().succeeds().json();
    let figures = &report["figures"];
    for key in [
        "produce",
        "native",
        "tally_per_core",
        "tally",
        "bytes_per_voter",
        "recount",
        "native_ranked",
        "tally_ranked",
        "rounds_80_thousand",
        "rounds_80_thousand_10_ranks",
        "rounds_1_million",
        "rounds_1_million_10_ranks",
        "persist_embedded",
        "register_million",
        "end_to_end",
        "end_to_end_persisted",
        "latency_p50_ms",
        "latency_p99_ms",
        "shown_p50_ms",
        "shown_p99_ms",
        "start_up",
    ] {
        let value = figures[key]["value"].as_f64();
        assert!(value.is_some_and(|value| value > 0.0), "{key}: {report}");
    }
    assert!(figures["tally_per_core"]["ratio"].is_f64(), "{report}");
    assert_eq!(figures["tally_per_core"]["target_ratio"], 0.5);
    assert!(figures["tally_ranked"]["ratio"].is_f64(), "{report}");
    assert_eq!(figures["tally_ranked"]["target_ratio"], 0.4);
    for (key, most) in [("rounds_80_thousand", 50.0), ("rounds_1_million", 300.0)] {
        assert!(figures[key]["ratio"].is_f64(), "one pass: {report}");
        assert_eq!(figures[key]["target"], most);
    }
    // Where there is no server, the figure says that it was skipped.
    assert!(figures["persist_server"].is_object(), "{report}");
}

#[test]
fn votes_for_other_engines_are_counted_as_expected() {
    let directory = tempfile::tempdir().unwrap();
    let mut bench = election(&["bench", "votes", "--votes", "3000", "--partitions", "2"]);
    bench.arg(directory.path());
    Process::spawn(bench).wait().succeeds();
    let expected = std::fs::read(directory.path().join("expected.json")).unwrap();
    let expected: Value = serde_json::from_slice(&expected).unwrap();
    assert_eq!(expected["votes"], 3_000);

    let mut all: BTreeMap<String, u64> = BTreeMap::new();
    let mut firsts = all.clone();
    let rules = Rules::default();
    let mut voted = FirstVotes::new(HashSeed::default());
    let mut line_number = 0;
    for file in ["votes-0.jsonl", "votes-1.jsonl"] {
        let lines = std::fs::read_to_string(directory.path().join(file)).unwrap();
        for line in lines.lines() {
            let vote = rules.read(line.as_bytes()).unwrap();
            let candidate_id = vote.candidate_id.unwrap().into_owned();
            let voter = VoterRef::from(vote.voter_id);
            if voted.first_offset(&voter, line_number) == line_number {
                *firsts.entry(candidate_id.clone()).or_default() += 1;
            }
            *all.entry(candidate_id).or_default() += 1;
            line_number += 1;
        }
    }
    assert_eq!(line_number, 3_000);
    assert!(voted.len() < 3_000);
    for (counts, found) in [("all_votes", all), ("first_votes", firsts)] {
        let counts = &expected[counts];
        assert_eq!(counts["candidates"], serde_json::json!(found));
        let by_location = counts["locations"].as_object().unwrap().values();
        let by_location: u64 = by_location.map(|count| count.as_u64().unwrap()).sum();
        assert_eq!(by_location, found.values().sum::<u64>());
    }
}
