//! The common data format (NIST SP 1500-103): what its JSON and its XML have in common.

use super::{Choice, Mark};

/// A selection of a contest: which candidate it is for.
pub(super) enum Selected {
    /// A candidate, by name.
    Candidate(String),
    /// A candidate who is not on the ballot.
    WriteIn,
}

/// A position of a selection on a ballot.
pub(super) struct Position {
    pub rank: Option<i64>,
    /// It has the text of a write-in.
    pub is_write_in: bool,
    /// `HasIndication` is not `no`: there is a mark.
    pub has_indication: bool,
    /// `IsAllocable` is not `no`: the mark counts.
    pub is_allocable: bool,
}

/// Adds the marks of a selection: at its own rank, or else at those of its positions. `false` if a rank is missing.
pub(super) fn add_marks<'a>(
    choice: Choice<'a>,
    rank: Option<i64>,
    positions: impl IntoIterator<Item = Position>,
    marks: &mut Vec<Mark<'a>>,
) -> bool {
    if let Some(rank) = rank {
        marks.push((rank, choice));
        return true;
    }
    let mut choice = choice;
    for position in positions {
        if position.is_write_in {
            choice = Choice::UndeclaredWriteIn;
        }
        if !position.has_indication || !position.is_allocable {
            continue;
        }
        match position.rank {
            Some(rank) => marks.push((rank, choice.clone())),
            None => return false,
        }
    }
    true
}
