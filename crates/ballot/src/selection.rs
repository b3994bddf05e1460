//! What a voter marked in a contest: the unit that is counted in the stream.
//!
//! A selection keeps the marks, not their meaning: who wins is for a
//! [counting method](crate::counting::CountingMethod) to say, over the sum of all selections.

use std::borrow::Cow;
use std::fmt;

use crate::Ranking;
use crate::choices::Answer;
use crate::contest::MAX_SELECTION_BYTES;
use crate::ranking::UNKNOWN_OVERVOTE;

/// The text of a selection without a mark.
pub const UNDERVOTE: &str = "undervote";

/// The text of a selection with more marks than the contest allows.
pub const OVERVOTE: &str = "overvote";

/// What a voter may mark in a contest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Marks {
    /// Up to so many candidates.
    Candidates {
        /// Most candidates; with more the vote is an overvote.
        most: u32,
    },
    /// Points for each candidate.
    Scores {
        /// Most points for a candidate.
        highest: u32,
    },
    /// Candidates in order of preference.
    Ranking {
        /// How many ranks there are.
        most: u32,
    },
}

/// What a voter marked in a contest.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Selection {
    /// Nothing.
    Undervote,
    /// More than the contest allows.
    Overvote,
    /// These candidates, by id and in the order of their ids.
    Candidates(Vec<String>),
    /// Points by candidate, in the order of their ids; candidates without points are left out.
    Scores(Vec<(String, u32)>),
    /// Candidates in order of preference; somebody is ranked.
    Ranking(Ranking),
}

/// Why a contest does not take an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadAnswer {
    /// It names somebody who does not stand.
    #[error("it names a candidate who does not stand")]
    UnknownCandidate,
    /// It is not of the shape that the contest takes.
    #[error("it is not what the contest takes")]
    Malformed,
}

/// What stands between the candidates of a selection's text.
const BETWEEN_CANDIDATES: char = '+';
/// What stands between a candidate and the points.
const BEFORE_POINTS: char = '=';
/// What stands between two candidates with points.
const BETWEEN_SCORES: char = ',';

impl Selection {
    /// The selection that an answer of `choices` makes. `stands` says who stands in the contest.
    ///
    /// # Errors
    /// When it is not what the contest takes.
    pub(crate) fn of_answer(
        marks: Marks,
        answer: &Answer<'_>,
        stands: impl Fn(&str) -> bool,
    ) -> Result<Selection, BadAnswer> {
        match (marks, answer) {
            (_, Answer::Nothing) => Ok(Selection::Undervote),
            (Marks::Candidates { most }, Answer::Candidate(id)) => {
                marked_candidates(std::slice::from_ref(id), most, stands)
            }
            (Marks::Candidates { most }, Answer::Candidates(ids)) => {
                marked_candidates(ids, most, stands)
            }
            (Marks::Scores { highest }, Answer::Scores(scores)) => {
                marked_scores(scores, highest, stands)
            }
            (Marks::Ranking { most }, Answer::Candidate(id)) => {
                marked_ranking(&[std::slice::from_ref(id)], most, stands)
            }
            (Marks::Ranking { most }, Answer::Candidates(ids)) => {
                let ranks: Vec<_> = ids.iter().map(std::slice::from_ref).collect();
                marked_ranking(&ranks, most, stands)
            }
            (Marks::Ranking { most }, Answer::Ranks(ranks)) => {
                let ranks: Vec<_> = ranks.iter().map(Vec::as_slice).collect();
                marked_ranking(&ranks, most, stands)
            }
            _ => Err(BadAnswer::Malformed),
        }
    }

    /// The selection of a ranking. One without a mark is an undervote. An overvote of unknown candidates alone is an
    /// overvote, and so is a ranking with so many marks that its text would be too long for a table.
    pub fn of_ranking(ranking: Ranking) -> Selection {
        let bytes = |rank: &Vec<String>| rank.iter().map(|id| id.len() + 1).sum::<usize>().max(1);
        if ranking.is_empty() {
            return Selection::Undervote;
        }
        if ranking.0.iter().map(bytes).sum::<usize>() > MAX_SELECTION_BYTES {
            return Selection::Overvote;
        }
        match &*ranking.0 {
            [only] if matches!(&**only, [mark] if mark == UNKNOWN_OVERVOTE) => Selection::Overvote,
            _ => Selection::Ranking(ranking),
        }
    }

    /// Reads a selection's text, as it stands in tables.
    pub fn from_text(marks: Marks, text: &str) -> Option<Selection> {
        match (text, marks) {
            (UNDERVOTE, _) => Some(Selection::Undervote),
            (OVERVOTE, _) => Some(Selection::Overvote),
            // An id of an election without a definition may hold any character.
            (id, Marks::Candidates { most: 1 }) => Some(Selection::Candidates(vec![id.to_owned()])),
            (ids, Marks::Candidates { .. }) => {
                let ids = ids.split(BETWEEN_CANDIDATES).map(str::to_owned);
                Some(Selection::Candidates(ids.collect()))
            }
            (ranking, Marks::Ranking { .. }) => {
                Some(Selection::of_ranking(Ranking::from_text(ranking)))
            }
            (scores, Marks::Scores { .. }) => scores
                .split(BETWEEN_SCORES)
                .map(|score| {
                    let (id, points) = score.split_once(BEFORE_POINTS)?;
                    Some((id.to_owned(), points.parse().ok()?))
                })
                .collect::<Option<_>>()
                .map(Selection::Scores),
        }
    }
}

fn marked_candidates(
    ids: &[Cow<'_, str>],
    most: u32,
    stands: impl Fn(&str) -> bool,
) -> Result<Selection, BadAnswer> {
    if !ids.iter().all(|id| stands(id)) {
        return Err(BadAnswer::UnknownCandidate);
    }
    let mut ids: Vec<&str> = ids.iter().map(|id| &**id).collect();
    ids.sort_unstable();
    ids.dedup();
    Ok(match ids.len() {
        0 => Selection::Undervote,
        marks if marks > most as usize => Selection::Overvote,
        _ => Selection::Candidates(ids.into_iter().map(str::to_owned).collect()),
    })
}

fn marked_scores(
    scores: &[(Cow<'_, str>, u32)],
    highest: u32,
    stands: impl Fn(&str) -> bool,
) -> Result<Selection, BadAnswer> {
    if scores.iter().any(|(_, points)| *points > highest) {
        return Err(BadAnswer::Malformed);
    }
    if !scores.iter().all(|(id, _)| stands(id)) {
        return Err(BadAnswer::UnknownCandidate);
    }
    let mut marked: Vec<(String, u32)> = scores
        .iter()
        .filter(|(_, points)| *points > 0)
        .map(|(id, points)| (id.clone().into_owned(), *points))
        .collect();
    marked.sort_unstable();
    Ok(if marked.is_empty() {
        Selection::Undervote
    } else {
        Selection::Scores(marked)
    })
}

fn marked_ranking(
    ranks: &[&[Cow<'_, str>]],
    most: u32,
    stands: impl Fn(&str) -> bool,
) -> Result<Selection, BadAnswer> {
    if ranks.len() > most as usize {
        return Err(BadAnswer::Malformed);
    }
    // A scanner may know that a rank is overvoted without knowing the candidates.
    let may_be_marked = |id: &Cow<'_, str>| stands(id) || *id == UNKNOWN_OVERVOTE;
    if !ranks.iter().copied().flatten().all(may_be_marked) {
        return Err(BadAnswer::UnknownCandidate);
    }
    let marks = |rank: &&[Cow<'_, str>]| rank.iter().map(|id| id.clone().into_owned()).collect();
    let ranking = Ranking::of_marks(ranks.iter().map(marks).collect());
    Ok(Selection::of_ranking(ranking))
}

/// The text that stands in deltas and tables: `c1`, `c1+c3`, `c1=5,c3=2`, `c1>>c3=c4`, `undervote`, `overvote`.
impl fmt::Display for Selection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Selection::Undervote => f.write_str(UNDERVOTE),
            Selection::Overvote => f.write_str(OVERVOTE),
            Selection::Candidates(ids) => {
                for (place, id) in ids.iter().enumerate() {
                    if place > 0 {
                        write!(f, "{BETWEEN_CANDIDATES}")?;
                    }
                    f.write_str(id)?;
                }
                Ok(())
            }
            Selection::Scores(scores) => {
                for (place, (id, points)) in scores.iter().enumerate() {
                    if place > 0 {
                        write!(f, "{BETWEEN_SCORES}")?;
                    }
                    write!(f, "{id}{BEFORE_POINTS}{points}")?;
                }
                Ok(())
            }
            Selection::Ranking(ranking) => ranking.fmt(f),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Choices;

    /// What an answer of this JSON makes in a contest of `a`, `b` and `c` with three ranks.
    fn ranked(answer: &str) -> Result<String, BadAnswer> {
        let vote = format!(r#"{{"x": {answer}}}"#);
        let choices: Choices<'_> = serde_json::from_str(&vote).unwrap();
        let marks = Marks::Ranking { most: 3 };
        let stands = |id: &str| ["a", "b", "c"].contains(&id);
        let selection = Selection::of_answer(marks, &choices.0[0].1, stands)?;
        let text = selection.to_string();
        assert_eq!(Selection::from_text(marks, &text), Some(selection));
        Ok(text)
    }

    #[test]
    fn a_ranking_is_answered_by_a_list() {
        for (answer, text) in [
            (r#"["c", "a"]"#, "c>a"),
            (r#"["c", null, "a"]"#, "c>>a"),
            (r#"[["c", "a"], "b"]"#, "a=c>b"),
            (r#"["a", ["b"], []]"#, "a>b"),
            (r#""b""#, "b"),
            (r#"["a", "a"]"#, "a>a"),
            ("[null, []]", UNDERVOTE),
            ("[]", UNDERVOTE),
            ("null", UNDERVOTE),
            (r#"["overvote", "a"]"#, "overvote>a"),
            (r#"[null, "overvote"]"#, ">overvote"),
            (r#"["overvote"]"#, OVERVOTE),
        ] {
            assert_eq!(ranked(answer).as_deref(), Ok(text), "{answer}");
        }
        assert_eq!(ranked(r#"["d"]"#), Err(BadAnswer::UnknownCandidate));
        assert_eq!(ranked(r#"["a", "b", "c", "a"]"#), Err(BadAnswer::Malformed));
        assert_eq!(ranked(r#"{"a": 1}"#), Err(BadAnswer::Malformed));
        for no_answer in [r#"["a", 1]"#, r#"[["a", null]]"#, r#"[[["a"]]]"#] {
            assert!(serde_json::from_str::<Answer<'_>>(no_answer).is_err());
        }
    }

    #[test]
    fn a_list_of_ranks_answers_nothing_but_a_ranking() {
        let answer: Answer<'_> = serde_json::from_str(r#"["a", null]"#).unwrap();
        let most = Marks::Candidates { most: 2 };
        let read = Selection::of_answer(most, &answer, |_| true);
        assert_eq!(read, Err(BadAnswer::Malformed));
    }

    #[test]
    fn a_ranking_that_is_too_long_for_a_table_is_an_overvote() {
        let id = |number: usize| format!("candidate-{number}");
        let all: Vec<String> = (0..20).map(id).collect();
        let of = |ranks: usize| Selection::of_ranking(Ranking(vec![all.clone(); ranks]));
        assert!(matches!(of(8), Selection::Ranking(_)));
        assert_eq!(of(9), Selection::Overvote);
        assert!(of(8).to_string().len() <= MAX_SELECTION_BYTES);
        let unknown = Ranking::from_text(UNKNOWN_OVERVOTE);
        assert_eq!(Selection::of_ranking(unknown), Selection::Overvote);
    }
}
