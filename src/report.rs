//! The stored results of an election, and whether every vote is accounted for.

use std::collections::BTreeMap;

use ballot::counting::Outcome;
use ballot::{Contest, ElectionDefinition, Reason, Tally};
use producer::StoredElection;
use serde::Serialize;
use store::RowCounts;
use wire::{TurnoutByLocation, VotesPerCandidate};

use crate::backend::Backend;

/// The results, as `--json` prints them.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct Report {
    /// Registered voters; in a replay, which has no roll, the voters whose ballots are counted.
    pub(crate) voters: u64,
    /// Records in the log's `votes`.
    pub(crate) cast: u64,
    /// Votes that count.
    pub(crate) counted: u64,
    /// Rejected votes by reason.
    pub(crate) rejected: BTreeMap<Reason, u64>,
    /// Rows of the table `votes`.
    pub(crate) rows_in_postgres: u64,
    /// The outcome of every contest.
    pub(crate) contests: Vec<ContestReport>,
    /// Totals per candidate, most votes first.
    pub(crate) candidates: Vec<VotesPerCandidate>,
    /// Votes counted per location.
    pub(crate) locations: Vec<TurnoutByLocation>,
    /// Votes per candidate and location.
    pub(crate) candidate_locations: Vec<CandidateLocation>,
    /// Whether log, tally and rows agree on every vote.
    pub(crate) accounted: bool,
    /// Seconds that the demo took.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) elapsed_s: Option<f64>,
}

/// The outcome of a contest.
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

/// A candidate's votes in a location.
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

    /// The results of a tally, compared with the log and the rows.
    pub(crate) async fn of_tally(
        backend: &Backend,
        stored: &StoredElection,
        tally: &Tally,
    ) -> anyhow::Result<Report> {
        let rows = backend.store.count_rows().await?;
        let cast = backend.votes_cast().await?;
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
            voters: match is_replay(stored) {
                true => tally.counted(),
                false => rows.voters,
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

/// The stored tally of all partitions.
pub(crate) async fn stored_tally(backend: &Backend) -> anyhow::Result<Tally> {
    let mut tally = Tally::default();
    for (_, _, partition) in backend.store.tallies().await? {
        tally.add(&partition);
    }
    Ok(tally)
}

/// Whether the votes replay official results, so that there is no roll.
pub(crate) fn is_replay(stored: &StoredElection) -> bool {
    stored.plan.as_ref().is_some_and(|plan| plan.is_replay())
}

/// What each candidate of a contest got, by place.
pub(crate) fn totals_by_place(
    tally: &Tally,
    definition: &ElectionDefinition,
    contest: &Contest,
) -> BTreeMap<String, BTreeMap<String, u64>> {
    let Some(group) = definition.place_group() else {
        return BTreeMap::new();
    };
    let places = tally.selections_by(&contest.id, &group.name).iter();
    places
        .map(|(place, selections)| (place.clone(), Tally::totals_of(contest, selections)))
        .collect()
}

/// Whether cast = counted + rejected, and the rows say the same as the tally.
fn accounted(cast: u64, tally: &Tally, rows: &RowCounts) -> bool {
    cast == tally.cast() && rows.votes == tally.counted() && rows.rejected == tally.rejected
}

fn votes_per_candidate(tally: &Tally, definition: &ElectionDefinition) -> Vec<VotesPerCandidate> {
    let is_tutorial = definition.is_tutorial();
    let mut totals = Vec::new();
    for (contest, outcome) in tally.outcomes(definition) {
        for choice in outcome.choices {
            let mut listed = contest.candidates.iter();
            let Some(candidate) = listed.find(|it| it.candidate_id == choice.candidate_id) else {
                continue;
            };
            let candidate = candidate.clone();
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

fn locations(tally: &Tally, definition: &ElectionDefinition) -> Vec<TurnoutByLocation> {
    let Some(group) = definition.place_group() else {
        return Vec::new();
    };
    let turnout = tally.turnout_by(&group.name).iter();
    turnout
        .map(|(state, &count)| TurnoutByLocation {
            state: state.clone(),
            count,
        })
        .collect()
}

fn candidate_locations(tally: &Tally, definition: &ElectionDefinition) -> Vec<CandidateLocation> {
    let is_tutorial = definition.is_tutorial();
    let mut cells = Vec::new();
    for contest in &definition.contests {
        let places = totals_by_place(tally, definition, contest);
        for candidate in &contest.candidates {
            for (state, totals) in &places {
                let total_votes = totals.get(&candidate.candidate_id).copied().unwrap_or(0);
                if total_votes > 0 {
                    cells.push(CandidateLocation {
                        contest_id: (!is_tutorial).then(|| contest.id.clone()),
                        candidate_name: candidate.candidate_name.clone(),
                        state: state.clone(),
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
