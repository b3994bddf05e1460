//! The ballot paper: which contests a voter answers, who stands in them, and what may be marked. An
//! election definition, prepared for reading votes.

use std::collections::HashSet;

use foldhash::fast::FixedState;

use crate::choices::Choices;
use crate::definition::PRECINCT_GROUP;
use crate::group_paths::GroupPaths;
use crate::group_values::value_of_text;
use crate::names::Names;
use crate::selection::{BadAnswer, OVERVOTE, UNDERVOTE};
use crate::vote::{GroupValueRef, GroupValuesOf, usable_id};
use crate::{ElectionDefinition, Group, HashSeed, Marks, Selection};

/// A definition, prepared for reading votes.
#[derive(Debug, Clone)]
pub(crate) struct BallotPaper {
    pub(crate) contests: Vec<PaperContest>,
    numbers: Names,
    pub(crate) groups: Vec<Group>,
    pub(crate) paths: GroupPaths,
    /// Whether the first group is the precinct.
    has_precincts: bool,
}

/// A contest, prepared for reading votes.
#[derive(Debug, Clone)]
pub(crate) struct PaperContest {
    pub(crate) id: Box<str>,
    pub(crate) marks: Marks,
    /// Who stands, in the order of the ballot; `None` where anybody does.
    pub(crate) candidates: Option<Names>,
    /// The precincts that vote in it; `None` where all do.
    precincts: Option<HashSet<Box<str>, FixedState>>,
}

/// What a voter marked, by the number of the contest. Contests of other districts are not in it.
pub(crate) type MarkedContests = Vec<(u32, Selection)>;

/// Names of the definition, to which none is added: whose they are is known, so that the seed need be no secret.
fn numbered<'a>(names: impl Iterator<Item = &'a str>) -> Names {
    Names::of(HashSeed::default(), names)
}

impl BallotPaper {
    /// The paper of a definition. `anybody_stands` where the election has no list of candidates.
    pub(crate) fn of(definition: &ElectionDefinition, anybody_stands: bool) -> BallotPaper {
        let contests: Vec<PaperContest> = definition
            .contests
            .iter()
            .map(|contest| PaperContest {
                id: contest.id.as_str().into(),
                marks: contest.marks(),
                candidates: (!anybody_stands).then(|| {
                    let ids = contest.candidates.iter();
                    numbered(ids.map(|candidate| candidate.candidate_id.as_str()))
                }),
                precincts: (!contest.districts.is_empty()).then(|| {
                    let ids = definition
                        .precincts
                        .iter()
                        .map(|precinct| precinct.id.as_str());
                    ids.filter(|id| definition.votes_in(contest, id))
                        .map(Box::from)
                        .collect()
                }),
            })
            .collect();
        let groups = definition.counted_groups();
        BallotPaper {
            numbers: numbered(contests.iter().map(|contest| &*contest.id)),
            contests,
            paths: GroupPaths::of(&groups),
            has_precincts: groups
                .first()
                .is_some_and(|group| group.name == PRECINCT_GROUP),
            groups,
        }
    }

    /// The only contest, if it can be answered by a candidate's id alone.
    #[inline(always)]
    pub(crate) fn only_contest(&self) -> Option<&PaperContest> {
        match &*self.contests {
            [
                contest @ PaperContest {
                    precincts: None,
                    marks: Marks::Candidates { .. },
                    ..
                },
            ] => Some(contest),
            _ => None,
        }
    }

    /// Whether the first group is the precinct, on which the contests of a ballot may depend.
    pub(crate) fn has_precincts(&self) -> bool {
        self.has_precincts
    }

    /// The precinct that a vote names, where there are any.
    pub(crate) fn precinct<'v>(&self, values: &'v impl GroupValuesOf) -> Option<&'v str> {
        match (self.has_precincts, values.value(0)) {
            (true, GroupValueRef::Text(precinct)) => Some(value_of_text(precinct)),
            _ => None,
        }
    }

    /// What a voter of this precinct marked in each contest that is put to them. A contest without an
    /// answer has no mark.
    #[inline(never)]
    pub(crate) fn marked(
        &self,
        choices: &Choices<'_>,
        precinct: Option<&str>,
    ) -> Result<MarkedContests, BadAnswer> {
        let mut marked: MarkedContests = (0..)
            .zip(&self.contests)
            .filter(|(_, contest)| contest.is_voted_in(precinct))
            .map(|(number, _)| (number, Selection::Undervote))
            .collect();
        let mut unknown = false;
        for (id, answer) in &choices.0 {
            let number = self
                .numbers
                .number(id)
                .and_then(|number| u32::try_from(number).ok());
            let at = number.and_then(|number| {
                marked
                    .binary_search_by_key(&number, |(number, _)| *number)
                    .ok()
            });
            // Nobody stands for a voter to whom the contest is not put.
            let Some((number, selection)) = at.map(|at| &mut marked[at]) else {
                unknown = true;
                continue;
            };
            let contest = &self.contests[*number as usize];
            let stands = |id: &str| contest.stands(id);
            match Selection::of_answer(contest.marks, answer, stands) {
                Ok(read) => *selection = read,
                Err(BadAnswer::UnknownCandidate) => unknown = true,
                Err(BadAnswer::Malformed) => return Err(BadAnswer::Malformed),
            }
        }
        if unknown {
            Err(BadAnswer::UnknownCandidate)
        } else {
            Ok(marked)
        }
    }
}

impl PaperContest {
    /// Whether it is put to every voter.
    pub(crate) fn is_everybodys(&self) -> bool {
        self.precincts.is_none()
    }

    fn is_voted_in(&self, precinct: Option<&str>) -> bool {
        match (&self.precincts, precinct) {
            (None, _) => true,
            (Some(precincts), Some(precinct)) => precincts.contains(precinct),
            (Some(_), None) => false,
        }
    }

    fn stands(&self, candidate_id: &str) -> bool {
        match &self.candidates {
            Some(candidates) => candidates.number(candidate_id).is_some(),
            // Anybody does whose id is one, and no word of the count.
            None => usable_id(candidate_id) && ![UNDERVOTE, OVERVOTE].contains(&candidate_id),
        }
    }
}
