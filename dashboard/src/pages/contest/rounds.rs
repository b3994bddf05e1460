//! The rounds of a ranked count, as a table and in words.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use ballot::counting::{Cause, Decision, Destination, Outcome, Round, Tie, TieBroken, Votes};

use super::flows::Flows;
use crate::model::ContestResult;
use crate::numbers::Numbers;

/// A pass: the rounds that follow each other. A count in several passes fills a seat in each.
pub(super) struct Pass {
    /// Its number, where there are several.
    pub(super) number: Option<u32>,
    pub(super) flows: Flows,
    pub(super) heads: Vec<Head>,
    pub(super) rows: Vec<Row>,
    pub(super) words: Vec<String>,
}

/// The head of a round's column.
pub(super) struct Head {
    pub(super) round: u32,
    pub(super) threshold: String,
}

/// What a candidate, or the inactive ballots, have in each round.
pub(super) struct Row {
    pub(super) name: String,
    pub(super) is_candidate: bool,
    pub(super) cells: Vec<Cell>,
}

/// What is held in a round. Empty where the candidate is no longer in the count.
#[derive(Default)]
pub(super) struct Cell {
    pub(super) votes: String,
    /// Since the round before.
    pub(super) change: Option<String>,
    /// `elected`, `eliminated`, or nothing.
    pub(super) fate: &'static str,
}

/// The passes of a count.
pub(super) fn passes(contest: &ContestResult, outcome: &Outcome, n: &Numbers) -> Vec<Pass> {
    let passes = outcome.rounds.chunk_by(|one, next| one.pass == next.pass);
    let passes: Vec<&[Round]> = passes.collect();
    let several = passes.len() > 1;
    let passes = passes.into_iter().map(|rounds| {
        let teller = Teller(contest);
        let heads = rounds.iter().map(|round| Head {
            round: round.round,
            threshold: n.exact(round.threshold),
        });
        let words = rounds.iter().map(|round| teller.words(round, n));
        Pass {
            number: several.then_some(rounds[0].pass),
            flows: Flows::of(contest, rounds, n),
            heads: heads.collect(),
            rows: rows(contest, rounds, n),
            words: words.collect(),
        }
    });
    passes.collect()
}

fn rows(contest: &ContestResult, rounds: &[Round], n: &Numbers) -> Vec<Row> {
    let held: Vec<BTreeMap<&str, Votes>> = (rounds.iter())
        .map(|round| {
            let votes = round.votes.iter();
            votes.map(|it| (&*it.candidate_id, it.votes)).collect()
        })
        .collect();
    let candidates = contest.choices.iter().filter(|choice| {
        let id = &*choice.candidate_id;
        held.first().is_some_and(|first| first.contains_key(id))
    });
    let candidates = candidates.map(|choice| {
        let id = &*choice.candidate_id;
        let series = held.iter().map(|round| round.get(id).copied());
        Row {
            name: choice.candidate_name.clone(),
            is_candidate: true,
            cells: cells(series, n, |at| fate(&rounds[at], id)),
        }
    });
    let inactive = Cause::ALL.into_iter().map(|cause| {
        let series = rounds.iter().map(|round| Some(round.inactive.of(cause)));
        Row {
            name: cause_words(cause).to_owned(),
            is_candidate: false,
            cells: cells(series, n, |_| ""),
        }
    });
    let surplus = rounds
        .iter()
        .map(|round| Some(round.final_surplus + round.residual_surplus));
    let surplus = Row {
        name: "Surplus not transferred".to_owned(),
        is_candidate: false,
        cells: cells(surplus, n, |_| ""),
    };
    let not_zero = |row: &Row| {
        let zero = n.exact(Votes::ZERO);
        row.is_candidate || row.cells.iter().any(|cell| cell.votes != zero)
    };
    let others = inactive.chain([surplus]).filter(not_zero);
    candidates.chain(others).collect()
}

fn cells(
    series: impl Iterator<Item = Option<Votes>>,
    n: &Numbers,
    fate: impl Fn(usize) -> &'static str,
) -> Vec<Cell> {
    let mut before = None;
    let cells = series.enumerate().map(|(at, votes)| {
        let Some(votes) = votes else {
            return Cell::default();
        };
        let change = before
            .replace(votes)
            .and_then(|before| change(before, votes, n));
        Cell {
            votes: n.exact(votes),
            change,
            fate: fate(at),
        }
    });
    cells.collect()
}

fn change(before: Votes, votes: Votes, n: &Numbers) -> Option<String> {
    match before.cmp(&votes) {
        std::cmp::Ordering::Less => Some(format!("+{}", n.exact(votes - before))),
        std::cmp::Ordering::Greater => Some(format!("−{}", n.exact(before - votes))),
        std::cmp::Ordering::Equal => None,
    }
}

fn fate(round: &Round, candidate_id: &str) -> &'static str {
    let is_in = |decisions: &[Decision]| decisions.iter().any(|it| it.candidate_id == candidate_id);
    if is_in(&round.elected) {
        "elected"
    } else if is_in(&round.eliminated) {
        "eliminated"
    } else {
        ""
    }
}

pub(super) fn cause_words(cause: Cause) -> &'static str {
    match cause {
        Cause::Undervotes => "Undervotes",
        Cause::ExhaustedChoices => "Exhausted",
        Cause::Overvotes => "Overvotes",
        Cause::SkippedRankings => "Skipped ranks",
        Cause::RepeatedRankings => "Repeated candidates",
    }
}

/// A contest whose rounds are told.
struct Teller<'a>(&'a ContestResult);

impl Teller<'_> {
    /// What happens in a round.
    fn words(&self, round: &Round, n: &Numbers) -> String {
        let elected = round.elected.iter().map(|it| (it, "is elected"));
        let eliminated = round.eliminated.iter().map(|it| (it, "is eliminated"));
        let sentences = elected.chain(eliminated);
        let sentences = sentences.map(|(decision, fate)| self.decision(decision, fate, n));
        let sentences: Vec<String> = sentences.collect();
        match sentences.is_empty() {
            true => "Nobody is elected or eliminated.".to_owned(),
            false => sentences.join(" "),
        }
    }

    fn decision(&self, decision: &Decision, fate: &str, n: &Numbers) -> String {
        let mut text = format!("{} {fate}", self.0.name_of(&decision.candidate_id));
        if let Some(tie) = &decision.tie {
            text.push_str(&self.tie(tie, n));
        }
        text.push('.');
        let mut transfers: Vec<_> = decision.transfers.iter().collect();
        transfers.sort_by_key(|transfer| Reverse(transfer.votes));
        let transfers: Vec<String> = (transfers.iter())
            .map(|transfer| {
                let votes = n.exact(transfer.votes);
                match &transfer.to {
                    Destination::Candidate(id) => format!("{votes} to {}", self.0.name_of(id)),
                    Destination::Inactive(cause) => {
                        format!("{votes} inactive ({})", cause_words(*cause).to_lowercase())
                    }
                    Destination::FinalSurplus | Destination::ResidualSurplus => {
                        format!("{votes} not transferred")
                    }
                }
            })
            .collect();
        if !transfers.is_empty() {
            text.push_str(&format!(" Votes go: {}.", transfers.join(", ")));
        }
        text
    }

    fn tie(&self, tie: &Tie, n: &Numbers) -> String {
        let among: Vec<&str> = tie.among.iter().map(|id| self.0.name_of(id)).collect();
        let broken_by = match tie.broken_by {
            TieBroken::EarlierRound(round) => {
                format!("by round {}", n.whole(u64::from(round)))
            }
            TieBroken::Random => "by a draw from the seed".to_owned(),
            TieBroken::CandidateOrder => "by the order on the ballot".to_owned(),
            TieBroken::DrawnOrder => "by the order drawn before the count".to_owned(),
            TieBroken::Decided => "by people".to_owned(),
        };
        format!(" (a tie of {}, broken {broken_by})", among.join(" and "))
    }
}
