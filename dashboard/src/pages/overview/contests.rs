//! Every contest on the ballot, as a table each.

use ballot::counting::unit;

use super::parts;
use crate::model::{CandidateResult, ContestResult, Snapshot};
use crate::numbers::Numbers;

/// A contest and its rows.
pub(super) struct ContestView<'a> {
    pub(super) result: &'a ContestResult,
    /// The method and the seats in words.
    pub(super) method: String,
    /// What its totals are.
    pub(super) unit: &'static str,
    pub(super) rows: Vec<ChoiceRow<'a>>,
}

/// What a candidate has in a contest.
pub(super) struct ChoiceRow<'a> {
    pub(super) result: &'a CandidateResult,
    pub(super) wins: bool,
    pub(super) votes: String,
    pub(super) share: String,
}

/// The contests, in the order of the ballot.
pub(super) fn contests<'a>(snapshot: &'a Snapshot, n: &Numbers) -> Vec<ContestView<'a>> {
    let view = |result: &'a ContestResult| ContestView {
        method: method(result),
        unit: unit(&result.method),
        rows: result
            .choices
            .iter()
            .map(|choice| row(result, choice, n))
            .collect(),
        result,
    };
    snapshot.contests.iter().map(view).collect()
}

fn row<'a>(contest: &ContestResult, choice: &'a CandidateResult, n: &Numbers) -> ChoiceRow<'a> {
    ChoiceRow {
        result: choice,
        wins: contest.winners.contains(&choice.candidate_id),
        votes: n.whole(choice.total_votes),
        share: n.percent(choice.share, 1),
    }
}

fn method(contest: &ContestResult) -> String {
    let name = parts::capitalised(&contest.method);
    match contest.seats {
        1 => format!("{name}, one seat"),
        seats => format!("{name}, {seats} seats"),
    }
}
