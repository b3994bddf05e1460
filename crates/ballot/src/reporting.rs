//! How much of a contest is reported: its precincts, and the ballots that are still to come.

use crate::{BySelection, Contest, ElectionDefinition, PRECINCT_GROUP, Tally};

/// How much of a contest is reported.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Reporting {
    /// Precincts that vote in the contest.
    pub precincts: usize,
    /// Precincts with a ballot that is counted.
    pub reporting: usize,
    /// Precincts of which every ballot is counted. It takes the definition to say how many there are.
    pub reported: usize,
    /// Most ballots that are to come; `None` if the definition does not say how many there are, or too few, and if there
    /// are ballots of no known precinct.
    pub remaining: Option<u64>,
}

impl Reporting {
    /// How much of a contest is reported in this tally.
    pub fn of(definition: &ElectionDefinition, contest: &Contest, tally: &Tally) -> Reporting {
        let counted = tally.selections_by(&contest.id, PRECINCT_GROUP);
        let precincts = definition.precincts.iter();
        let ballots_of = |selections: &BySelection| selections.values().sum::<u64>();
        let mut elsewhere: u64 = counted.values().map(ballots_of).sum();
        let mut remaining = (!definition.precincts.is_empty()).then_some(0);
        let mut reporting = Reporting::default();
        for precinct in precincts.filter(|it| definition.votes_in(contest, &it.id)) {
            let selections = counted.get(&precinct.id);
            let ballots = selections.map_or(0, ballots_of);
            elsewhere -= ballots;
            let left = precinct.ballots.and_then(|most| most.checked_sub(ballots));
            reporting.precincts += 1;
            reporting.reporting += usize::from(ballots > 0);
            reporting.reported += usize::from(left == Some(0));
            remaining = remaining
                .zip(left)
                .map(|(sum, left): (u64, u64)| sum.saturating_add(left));
        }
        Reporting {
            // Of ballots without a known precinct nobody has said how many there are.
            remaining: remaining.filter(|_| elsewhere == 0),
            ..reporting
        }
    }

    /// Whether every ballot that there is, is counted.
    pub fn is_complete(&self) -> bool {
        self.precincts > 0 && self.reported == self.precincts
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::definition::tests::city;

    fn tally(ballots: &[(&str, u64)]) -> Tally {
        let mut tally = Tally::default();
        for &(precinct, votes) in ballots {
            tally.add_selection("mayor", (PRECINCT_GROUP, precinct), "a", votes);
        }
        tally
    }

    #[test]
    fn precincts_report_as_their_ballots_are_counted() {
        let mut city = city();
        let of = |city: &ElectionDefinition, ballots: &[(&str, u64)]| {
            let it = Reporting::of(city, &city.contests[0], &tally(ballots));
            (it.precincts, it.reporting, it.reported, it.remaining)
        };
        assert_eq!(of(&city, &[("p1", 3)]), (2, 1, 0, None));
        for (precinct, ballots) in city.precincts.iter_mut().zip([3, 2]) {
            precinct.ballots = Some(ballots);
        }
        assert_eq!(of(&city, &[]), (2, 0, 0, Some(5)));
        assert_eq!(of(&city, &[("p1", 3), ("p2", 1)]), (2, 2, 1, Some(1)));
        assert_eq!(of(&city, &[("p1", 3), ("p2", 2)]), (2, 2, 2, Some(0)));
        // More ballots than there were said to be: nothing can be said of those to come.
        assert_eq!(of(&city, &[("p1", 4)]), (2, 1, 0, None));
        assert_eq!(of(&city, &[("p1", 3), ("unknown", 1)]), (2, 1, 1, None));
    }
}
