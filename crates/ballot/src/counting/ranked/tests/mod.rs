//! Small elections, counted by hand: one for each rule.

mod always;
mod instant_runoff;
mod other_tabulator;
mod transferable;

use std::fmt::Write;

use super::*;

/// Candidates `a`, `b`, `c`, … so many, of whom a method fills seats.
pub(in crate::counting) fn contest(method: &str, seats: u32, candidates: &str) -> Contest {
    let candidates: Vec<String> = candidates
        .split(' ')
        .map(|id| format!(r#"{{"id": "{id}", "name": "Name of {id}"}}"#))
        .collect();
    let json = format!(
        r#"{{"id": "x", "title": "X", "method": {method}, "seats": {seats}, "candidates": [{}]}}"#,
        candidates.join(",")
    );
    serde_json::from_str(&json).unwrap()
}

pub(in crate::counting) fn profile(ballots: &[(&str, u64)]) -> Profile {
    let selection = |text: &str| Selection::of_ranking(Ranking::from_text(text));
    ballots
        .iter()
        .map(|&(text, ballots)| (selection(text), ballots))
        .collect()
}

pub(super) fn rounds(contest: &Contest, ballots: &[(&str, u64)]) -> Rounds {
    contest
        .method
        .ranked(contest)
        .unwrap()
        .rounds(&profile(ballots))
}

/// A count, a line for each round: `a 5, b 3, c 2, exhausted_choices 1: +a`. Elected have `+`, eliminated `-`.
pub(super) fn told(rounds: &Rounds) -> Vec<String> {
    rounds.rounds.iter().map(round_told).collect()
}

fn round_told(round: &Round) -> String {
    let mut figures: Vec<String> = (round.votes.iter())
        .map(|votes| format!("{} {}", votes.candidate_id, votes.votes))
        .collect();
    let inactive = Cause::ALL.map(|cause| (format!("{cause:?}"), round.inactive.of(cause)));
    let lost = [
        ("FinalSurplus".to_owned(), round.final_surplus),
        ("Residual".to_owned(), round.residual_surplus),
    ];
    for (name, votes) in inactive.into_iter().chain(lost) {
        if votes.is_positive() {
            figures.push(format!("{name} {votes}"));
        }
    }
    let mut line = figures.join(", ");
    let decisions = (round.elected.iter().map(|it| ('+', it)))
        .chain(round.eliminated.iter().map(|it| ('-', it)));
    for (place, (sign, decision)) in decisions.enumerate() {
        line.push_str(if place == 0 { ": " } else { " " });
        write!(line, "{sign}{}", decision.candidate_id).unwrap();
    }
    line
}

/// The count of an IRV contest for one seat.
pub(super) fn irv(rules: &str, ballots: &[(&str, u64)]) -> Vec<String> {
    told(&rounds(
        &contest(&method("irv", rules), 1, "a b c"),
        ballots,
    ))
}

pub(super) fn method(kind: &str, rules: &str) -> String {
    match rules {
        "" => format!(r#"{{"kind": "{kind}"}}"#),
        rules => format!(r#"{{"kind": "{kind}", {rules}}}"#),
    }
}
