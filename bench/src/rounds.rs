//! The rounds of a ranked contest, counted on one core: generated rankings, few and many ballots, few and many ranks.

use std::collections::HashMap;
use std::hint::black_box;
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use ballot::counting::Profile;
use ballot::{Contest, ElectionDefinition, Ranking, Selection};
use indicatif::HumanCount;
use rand::distr::weighted::WeightedIndex;
use rand::rngs::Xoshiro256PlusPlus;
use rand::{RngExt, SeedableRng};
use serde_json::json;

use crate::report::{Figure, Report, Unit};
use crate::workload::SEED;

/// Candidates, as many as stood for mayor of Minneapolis in 2013.
const CANDIDATES: usize = 35;
/// Ranks on the ballots of Minneapolis.
pub(crate) const RANKS: u32 = 3;

/// What is counted: ballots, ranks, the figure's key, and the most milliseconds on the two-core reference machine; see
/// docs/performance.md.
const CASES: [(u64, u32, &str, f64); 4] = [
    (80_000, RANKS, "rounds_80_thousand", 50.0),
    (80_000, 10, "rounds_80_thousand_10_ranks", 50.0),
    (1_000_000, RANKS, "rounds_1_million", 300.0),
    (1_000_000, 10, "rounds_1_million_10_ranks", 300.0),
];

/// With these 80,000 ballots of three ranks have some 7,000 distinct rankings, as had those of Minneapolis: a
/// candidate's popularity is 1 / place^POPULARITY, and so many voters end their ranking at each rank, or skip it.
const POPULARITY: f64 = 1.5;
const ENDS: f64 = 0.12;
const SKIPS: f64 = 0.005;

/// The median of so many runs is reported; of fewer where they take long.
const RUNS: usize = 5;
const LONG: Duration = Duration::from_secs(2);

/// Measures the rounds, and one pass over the same profile: a count of first preferences, less than one round takes.
pub(crate) async fn measure(report: &mut Report) -> anyhow::Result<()> {
    for (ballots, ranks, key, most) in CASES {
        let measured = tokio::task::spawn_blocking(move || measured(ballots, ranks)).await??;
        let name = format!(
            "rounds of {} ballots and {CANDIDATES} candidates, {ranks} ranks",
            HumanCount(ballots)
        );
        let figure = Figure::new(key, name, Unit::Milliseconds, measured.rounds_ms);
        report.add(
            figure
                .target(most)
                .compared_with_other(measured.pass_ms, "one pass"),
        );
    }
    Ok(())
}

struct Measured {
    rounds_ms: f64,
    pass_ms: f64,
}

fn measured(ballots: u64, ranks: u32) -> anyhow::Result<Measured> {
    let election = election(ranks)?;
    let contest = election.contests.first().context("a contest is defined")?;
    let profile = profile(contest, ballots, ranks as usize)?;
    let outcome = contest.method.tabulate(&profile, contest);
    ensure!(
        outcome.winners.len() == 1 && outcome.ballots == ballots,
        "of {ballots} ballots, {} were counted, and {} candidates are elected",
        outcome.ballots,
        outcome.winners.len()
    );
    Ok(Measured {
        rounds_ms: median_ms(|| drop(black_box(contest.method.tabulate(&profile, contest)))),
        pass_ms: median_ms(|| drop(black_box(first_preferences(&profile)))),
    })
}

/// The median of some runs, in milliseconds.
fn median_ms(run: impl Fn()) -> f64 {
    let began = Instant::now();
    let mut took = Vec::new();
    while took.is_empty() || (took.len() < RUNS && began.elapsed() < LONG) {
        let began = Instant::now();
        run();
        took.push(began.elapsed());
    }
    took.sort_unstable();
    took[took.len() / 2].as_secs_f64() * 1_000.0
}

fn first_preferences(profile: &Profile) -> HashMap<&str, u64> {
    let mut votes: HashMap<&str, u64> = HashMap::new();
    for (selection, ballots) in profile.selections() {
        if let Selection::Ranking(Ranking(ranks)) = selection
            && let Some(first) = ranks.iter().flatten().next()
        {
            *votes.entry(first).or_default() += ballots;
        }
    }
    votes
}

/// An election of one ranked contest, counted by location. All rounds are counted, down to two candidates.
pub(crate) fn election(ranks: u32) -> anyhow::Result<ElectionDefinition> {
    let candidates = (1..=CANDIDATES)
        .map(|number| json!({"id": format!("c{number}"), "name": format!("Candidate {number}")}));
    let definition = json!({
        "election": {"id": "bench", "title": "Ranked election"},
        "contest": [{
            "id": "mayor",
            "title": "Mayor",
            "method": {"kind": "irv", "tiebreak": "candidate-order", "continue_until_two": true},
            "rankings": ranks,
            "candidates": candidates.collect::<Vec<_>>(),
        }],
        "group": [{"name": "location", "path": "/address/state"}],
    });
    Ok(ElectionDefinition::from_json(&definition.to_string())?)
}

/// Ballots of voters who rank popular candidates more often, and most of them as many as they can.
fn profile(contest: &Contest, ballots: u64, ranks: usize) -> anyhow::Result<Profile> {
    let places = 1..=contest.candidates.len();
    let popular = WeightedIndex::new(places.map(|place| (place as f64).powf(-POPULARITY)))?;
    let mut draws = Xoshiro256PlusPlus::seed_from_u64(SEED);
    let mut counts: HashMap<Vec<Option<usize>>, u64> = HashMap::new();
    for _ in 0..ballots {
        let mut marked: Vec<Option<usize>> = Vec::with_capacity(ranks);
        while marked.len() < ranks.min(contest.candidates.len()) {
            if !marked.is_empty() && draws.random_bool(ENDS) {
                break;
            }
            if draws.random_bool(SKIPS) {
                marked.push(None);
                continue;
            }
            let candidate = Some(draws.sample(&popular));
            if !marked.contains(&candidate) {
                marked.push(candidate);
            }
        }
        *counts.entry(marked).or_default() += 1;
    }
    let selections = counts.into_iter().map(|(marked, ballots)| {
        let id = |candidate: usize| contest.candidates[candidate].candidate_id.clone();
        let marks = marked.into_iter();
        let marks = marks.map(|candidate| candidate.map(id).into_iter().collect());
        let ranking = Ranking::of_marks(marks.collect());
        (Selection::of_ranking(ranking), ballots)
    });
    Ok(selections.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rankings_are_as_many_as_those_of_a_real_election() {
        let election = election(RANKS).unwrap();
        let profile = profile(&election.contests[0], 80_000, RANKS as usize).unwrap();
        assert_eq!(profile.ballots(), 80_000);
        let distinct = profile.selections().count();
        assert!((6_000..8_500).contains(&distinct), "{distinct}");
        let outcome = election.contests[0]
            .method
            .tabulate(&profile, &election.contests[0]);
        assert!(
            outcome.rounds.len() >= CANDIDATES - 1,
            "one is eliminated at a time"
        );
        let firsts = first_preferences(&profile);
        let first_round = outcome.rounds[0].votes.iter();
        for votes in first_round {
            let counted = firsts.get(&*votes.candidate_id).copied().unwrap_or(0);
            assert_eq!(votes.votes.floor(), counted, "{}", votes.candidate_id);
        }
    }
}
