//! The results of an election and whether every vote is accounted for, from what is stored.

use std::collections::BTreeMap;

use ballot::counting::Outcome;
use ballot::{ElectionDefinition, Group, Reason, Tally};
use producer::StoredElection;
use serde::Serialize;
use store::RowCounts;
use wire::{TurnoutByLocation, VotesPerCandidate};

use crate::backend::Backend;

/// What `--json` prints.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct Report {
    /// Registered voters; in a replay, which has no roll, the voters whose ballots are counted.
    pub(crate) voters: u64,
    /// Records in the log's `votes`.
    pub(crate) cast: u64,
    /// Votes that count.
    pub(crate) counted: u64,
    /// Votes that do not, by reason.
    pub(crate) rejected: BTreeMap<Reason, u64>,
    /// Rows of the table `votes`.
    pub(crate) rows_in_postgres: u64,
    /// Every contest and what it comes to.
    pub(crate) contests: Vec<ContestReport>,
    /// Totals per candidate, most votes first.
    pub(crate) candidates: Vec<VotesPerCandidate>,
    /// Votes counted per location.
    pub(crate) locations: Vec<TurnoutByLocation>,
    /// Votes per candidate and location.
    pub(crate) candidate_locations: Vec<CandidateLocation>,
    /// Whether log, tally and rows agree on every vote.
    pub(crate) accounted: bool,
    /// Seconds the command took, where that says something.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) elapsed_s: Option<f64>,
}

/// What a contest comes to.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct ContestReport {
    pub(crate) id: String,
    pub(crate) title: String,
    pub(crate) method: &'static str,
    /// What shares are of.
    #[serde(skip)]
    pub(crate) whole: u64,
    #[serde(flatten)]
    pub(crate) outcome: Outcome,
}

/// A cell of the result: what a candidate got in a location.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct CandidateLocation {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) contest_id: Option<String>,
    pub(crate) candidate_name: String,
    pub(crate) state: String,
    pub(crate) total_votes: u64,
}

impl Report {
    /// The results as they are stored.
    pub(crate) async fn of_stored(
        backend: &Backend,
        stored: &StoredElection,
    ) -> anyhow::Result<Report> {
        let tally = stored_tally(backend).await?;
        Report::of_tally(backend, stored, &tally).await
    }

    /// The results of a tally, whatever it was counted by, beside the log and the rows.
    pub(crate) async fn of_tally(
        backend: &Backend,
        stored: &StoredElection,
        tally: &Tally,
    ) -> anyhow::Result<Report> {
        let rows = backend.store.count_rows().await?;
        let cast = backend.votes_cast().await?;
        let is_replay = stored.plan.as_ref().is_some_and(|plan| plan.is_replay());
        let definition = &stored.election.definition;
        let contests = tally.outcomes(definition).into_iter();
        Ok(Report {
            contests: contests
                .map(|(contest, outcome)| ContestReport {
                    id: contest.id.clone(),
                    title: contest.title.clone(),
                    method: contest.method.name(),
                    whole: contest.whole_of(&outcome),
                    outcome,
                })
                .collect(),
            voters: if is_replay {
                tally.counted()
            } else {
                rows.voters
            },
            cast,
            counted: tally.counted(),
            rejected: tally.rejected.clone(),
            rows_in_postgres: rows.votes,
            candidates: votes_per_candidate(tally, definition),
            locations: locations(tally, definition),
            candidate_locations: candidate_locations(tally, definition),
            accounted: accounted(cast, tally, &rows),
            elapsed_s: None,
        })
    }

    pub(crate) fn rejected_total(&self) -> u64 {
        self.rejected.values().sum()
    }
}

/// The tally of all partitions, as it is stored.
pub(crate) async fn stored_tally(backend: &Backend) -> anyhow::Result<Tally> {
    let mut tally = Tally::default();
    for (_, _, partition) in backend.store.tallies().await? {
        tally.add(&partition);
    }
    Ok(tally)
}

/// Whether cast = counted + rejected, and the rows say the same as the tally.
fn accounted(cast: u64, tally: &Tally, rows: &RowCounts) -> bool {
    cast == tally.cast() && rows.votes == tally.counted() && rows.rejected == tally.rejected
}

fn votes_per_candidate(tally: &Tally, definition: &ElectionDefinition) -> Vec<VotesPerCandidate> {
    let is_tutorial = definition.is_tutorial();
    let mut totals = Vec::new();
    for (contest, outcome) in tally.outcomes(definition) {
        let listed = |id: &str| contest.candidates.iter().any(|it| it.candidate_id == id);
        for choice in outcome.choices {
            if !listed(&choice.candidate_id) {
                continue;
            }
            let candidate = contest.candidate(&choice.candidate_id);
            totals.push(VotesPerCandidate {
                candidate_id: candidate.candidate_id,
                candidate_name: candidate.candidate_name,
                party_affiliation: candidate.party_affiliation,
                photo_url: candidate.photo_url,
                total_votes: choice.total,
                contest_id: (!is_tutorial).then(|| contest.id.clone()),
            });
        }
    }
    totals
}

/// The group that results are broken down by: the precinct or the location.
fn place_group(definition: &ElectionDefinition) -> Option<Group> {
    definition.counted_groups().into_iter().next()
}

fn locations(tally: &Tally, definition: &ElectionDefinition) -> Vec<TurnoutByLocation> {
    let group = place_group(definition);
    let turnout = group.iter().flat_map(|group| tally.turnout_by(&group.name));
    turnout
        .map(|(state, &count)| TurnoutByLocation {
            state: state.clone(),
            count,
        })
        .collect()
}

fn candidate_locations(tally: &Tally, definition: &ElectionDefinition) -> Vec<CandidateLocation> {
    let Some(group) = place_group(definition) else {
        return Vec::new();
    };
    let is_tutorial = definition.is_tutorial();
    let mut cells = Vec::new();
    for contest in &definition.contests {
        let places: Vec<(&String, BTreeMap<String, u64>)> = tally
            .selections_by(&contest.id, &group.name)
            .iter()
            .map(|(place, selections)| (place, Tally::totals_of(contest, selections)))
            .collect();
        for candidate in &contest.candidates {
            for (state, totals) in &places {
                let total_votes = totals.get(&candidate.candidate_id).copied().unwrap_or(0);
                if total_votes > 0 {
                    cells.push(CandidateLocation {
                        contest_id: (!is_tutorial).then(|| contest.id.clone()),
                        candidate_name: candidate.candidate_name.clone(),
                        state: (*state).clone(),
                        total_votes,
                    });
                }
            }
        }
    }
    cells
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_vote_is_counted_or_rejected_and_has_its_row() {
        let rejected = |votes| -> BTreeMap<Reason, u64> { [(Reason::Malformed, votes)].into() };
        let mut tally = Tally {
            rejected: rejected(2),
            ..Tally::default()
        };
        tally.add_turnout("location", "Fife", 3);
        let rows = |votes, malformed| RowCounts {
            voters: 9,
            votes,
            rejected: rejected(malformed),
            rejected_voters: 0,
        };
        for (cast, rows, expected) in [
            (5, rows(3, 2), true),
            (6, rows(3, 2), false),
            (4, rows(3, 2), false),
            (5, rows(2, 2), false),
            (5, rows(4, 2), false),
            (5, rows(3, 1), false),
        ] {
            assert_eq!(accounted(cast, &tally, &rows), expected, "{cast}, {rows:?}");
        }
    }
}
