//! Compares the count of a replay with what was replayed, cell by cell; a ranked one also round by round.

use std::collections::BTreeMap;

use ballot::counting::Outcome;
use ballot::{ElectionDefinition, Tally};
use cast_vote_records::RecordedBallots;
use cast_vote_records::report::SliceKind;
use cast_vote_records::tabulation::CONTEST_ID;

use crate::report::Report;

/// Where a replay's count differs from what was replayed.
pub(crate) struct Differences {
    cells: usize,
    /// The rounds of a ranked count.
    rounds: usize,
    list: Vec<String>,
}

impl Differences {
    /// Compares the count with the file's votes by (state, candidate).
    pub(crate) fn of_results(
        report: &Report,
        expected: &BTreeMap<(String, String), u64>,
    ) -> Differences {
        let cells = report.candidate_locations.iter();
        let counted = cells.map(|cell| {
            let key = (cell.state.clone(), cell.candidate_name.clone());
            (key, cell.total_votes)
        });
        Differences {
            cells: expected.len(),
            rounds: 0,
            list: of_cells(counted.collect(), expected),
        }
    }

    /// Compares the count with the records, by (precinct, ranking) and, where the definition counts them, by (batch,
    /// ranking); and the rounds with those of the records, summed up without the stream.
    pub(crate) fn of_records(
        report: &Report,
        tally: &Tally,
        definition: &ElectionDefinition,
        recorded: &RecordedBallots,
    ) -> Differences {
        let (mut cells, mut list) = (0, Vec::new());
        for kind in [SliceKind::Precinct, SliceKind::Batch] {
            let group = RecordedBallots::group(kind);
            let groups = definition.counted_groups();
            if !groups.iter().any(|counted| counted.name == group) {
                continue;
            }
            let by_value = tally.selections_by(CONTEST_ID, group).iter();
            let counted = by_value.flat_map(|(value, selections)| {
                let selections = selections.iter();
                selections.map(|(text, ballots)| ((value.clone(), text.clone()), *ballots))
            });
            let expected = recorded.cells(kind);
            cells += expected.len();
            list.extend(of_cells(counted.collect(), &expected));
        }
        let mut rounds = 0;
        let contests = definition.contests.iter().zip(&report.contests);
        for (contest, counted) in contests {
            let native = contest.method.tabulate(&recorded.profile(), contest);
            rounds += native.rounds.len();
            list.extend(of_outcome(&counted.outcome, &native));
        }
        Differences {
            cells,
            rounds,
            list,
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// The result in words; `replayed` is what was.
    pub(crate) fn verdict(&self, replayed: &str) -> String {
        let Differences {
            cells,
            rounds,
            list,
        } = self;
        if !list.is_empty() {
            return format!(
                "The count DIFFERS from {replayed} in {} places:\n  {}",
                list.len(),
                list.join("\n  ")
            );
        }
        let equal = format!("The count equals {replayed} in each of {cells} cells");
        match rounds {
            0 => format!("{equal}."),
            _ => format!("{equal}, and in each of {rounds} rounds."),
        }
    }
}

fn of_cells(
    mut counted: BTreeMap<(String, String), u64>,
    expected: &BTreeMap<(String, String), u64>,
) -> Vec<String> {
    let mut list = Vec::new();
    for (cell, &expected) in expected {
        let found = counted.remove(cell).unwrap_or(0);
        if found != expected {
            let (place, choice) = cell;
            list.push(format!(
                "{choice} in {place}: {expected} in the file, {found} counted"
            ));
        }
    }
    for ((place, choice), found) in counted {
        list.push(format!(
            "{choice} in {place}: not in the file, {found} counted"
        ));
    }
    list
}

fn of_outcome(counted: &Outcome, native: &Outcome) -> Option<String> {
    if counted == native {
        return None;
    }
    let (counted_rounds, native_rounds) = (&counted.rounds, &native.rounds);
    let both = counted_rounds.iter().zip(native_rounds);
    let place = match both.into_iter().position(|(left, right)| left != right) {
        Some(place) => format!("round {}", place + 1),
        None if counted_rounds.len() != native_rounds.len() => format!(
            "{} rounds instead of {}",
            counted_rounds.len(),
            native_rounds.len()
        ),
        None => "the outcome".to_owned(),
    };
    Some(format!(
        "{place} differs from a count of the records without the stream: {} elected instead of {}",
        named(&counted.winners),
        named(&native.winners)
    ))
}

fn named(ids: &[String]) -> String {
    match ids {
        [] => "nobody".to_owned(),
        ids => ids.join(", "),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cells(cells: &[(&str, &str, u64)]) -> BTreeMap<(String, String), u64> {
        let cells = cells.iter();
        let owned =
            cells.map(|&(place, choice, ballots)| ((place.to_owned(), choice.to_owned()), ballots));
        owned.collect()
    }

    #[test]
    fn each_cell_that_differs_is_told() {
        let expected = cells(&[("p1", "c1", 3), ("p1", "c2", 1), ("p2", "c1", 2)]);
        assert!(of_cells(expected.clone(), &expected).is_empty());
        let counted = cells(&[("p1", "c1", 4), ("p1", "c2", 1), ("p3", "c1", 2)]);
        assert_eq!(
            of_cells(counted, &expected),
            [
                "c1 in p1: 3 in the file, 4 counted",
                "c1 in p2: 2 in the file, 0 counted",
                "c1 in p3: not in the file, 2 counted"
            ]
        );
    }

    #[test]
    fn an_outcome_that_differs_is_told_with_its_round() {
        let native = Outcome {
            winners: vec!["c1".to_owned()],
            ..Outcome::default()
        };
        assert_eq!(of_outcome(&native.clone(), &native), None);
        let told = of_outcome(&Outcome::default(), &native).unwrap();
        assert!(told.starts_with("the outcome differs"), "{told}");
        assert!(told.ends_with("nobody elected instead of c1"), "{told}");
    }
}
