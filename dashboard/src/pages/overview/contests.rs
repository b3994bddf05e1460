//! The words of a contest's table.

use super::parts;
use crate::model::ContestResult;

/// The method and the seats.
pub(super) fn method(contest: &ContestResult) -> String {
    let name = parts::capitalised(&contest.method);
    match contest.seats {
        1 => format!("{name}, one seat"),
        seats => format!("{name}, {seats} seats"),
    }
}
