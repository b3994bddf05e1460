//! The words of a contest's table.

use super::parts;
use crate::model::ContestResult;

/// What the totals of a contest are.
pub(super) fn unit(contest: &ContestResult) -> &'static str {
    match contest.method.as_str() {
        "score" => "Points",
        _ => "Votes",
    }
}

/// The method and the seats.
pub(super) fn method(contest: &ContestResult) -> String {
    let name = parts::capitalised(&contest.method);
    match contest.seats {
        1 => format!("{name}, one seat"),
        seats => format!("{name}, {seats} seats"),
    }
}
