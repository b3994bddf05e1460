//! The duels of a contest as a table: how many ballots prefer the candidate of the row to that of the column.

use std::collections::BTreeMap;

use ballot::counting::Outcome;

use crate::model::ContestResult;

/// Most candidates that are compared in the table, the first of the result.
const MOST: usize = 12;

pub(super) struct Duels<'a> {
    /// The candidates, in the order of the result.
    pub(super) names: Vec<&'a str>,
    pub(super) rows: Vec<DuelRow<'a>>,
}

pub(super) struct DuelRow<'a> {
    pub(super) name: &'a str,
    /// One for each candidate; `None` for the candidate's own.
    pub(super) cells: Vec<Option<Duel>>,
}

pub(super) struct Duel {
    pub(super) votes: u64,
    pub(super) wins: bool,
}

impl<'a> Duels<'a> {
    pub(super) fn of(contest: &'a ContestResult, outcome: &Outcome) -> Option<Duels<'a>> {
        if outcome.preferences.is_empty() {
            return None;
        }
        let preferences = outcome.preferences.iter();
        let votes: BTreeMap<(&str, &str), u64> = preferences
            .map(|it| ((&*it.candidate_id, &*it.over), it.votes))
            .collect();
        let prefer = |one: &str, other: &str| votes.get(&(one, other)).copied().unwrap_or(0);
        let shown = &contest.choices[..contest.choices.len().min(MOST)];
        let rows = shown.iter().map(|one| {
            let cells = shown.iter().map(|other| {
                let (one, other) = (&one.candidate_id, &other.candidate_id);
                let duel = Duel {
                    votes: prefer(one, other),
                    wins: prefer(one, other) > prefer(other, one),
                };
                (one != other).then_some(duel)
            });
            DuelRow {
                name: &one.candidate_name,
                cells: cells.collect(),
            }
        });
        Some(Duels {
            names: shown.iter().map(|it| &*it.candidate_name).collect(),
            rows: rows.collect(),
        })
    }
}
