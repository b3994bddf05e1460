//! The results of an election and whether every vote is accounted for, from what is stored.

use std::collections::BTreeMap;

use ballot::{Candidate, Reason, Tally};
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

/// A cell of the result: what a candidate got in a location.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct CandidateLocation {
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
        let candidates = &stored.election.candidates;
        Ok(Report {
            voters: if is_replay {
                tally.counted()
            } else {
                rows.voters
            },
            cast,
            counted: tally.counted(),
            rejected: tally.rejected.clone(),
            rows_in_postgres: rows.votes,
            candidates: votes_per_candidate(tally, candidates),
            locations: tally
                .by_location()
                .into_iter()
                .map(|(state, count)| TurnoutByLocation {
                    state: state.to_owned(),
                    count,
                })
                .collect(),
            candidate_locations: candidate_locations(tally, candidates),
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

fn votes_per_candidate(tally: &Tally, candidates: &[Candidate]) -> Vec<VotesPerCandidate> {
    let mut totals: Vec<_> = candidates
        .iter()
        .map(|candidate| VotesPerCandidate {
            candidate_id: candidate.candidate_id.clone(),
            candidate_name: candidate.candidate_name.clone(),
            party_affiliation: candidate.party_affiliation.clone(),
            photo_url: candidate.photo_url.clone(),
            total_votes: tally.votes_for(&candidate.candidate_id),
        })
        .collect();
    totals.sort_by_key(|candidate| std::cmp::Reverse(candidate.total_votes));
    totals
}

fn candidate_locations(tally: &Tally, candidates: &[Candidate]) -> Vec<CandidateLocation> {
    let mut cells = Vec::new();
    for candidate in candidates {
        for (state, &total_votes) in tally
            .candidates
            .get(&candidate.candidate_id)
            .into_iter()
            .flatten()
        {
            cells.push(CandidateLocation {
                candidate_name: candidate.candidate_name.clone(),
                state: state.clone(),
                total_votes,
            });
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
        let tally = Tally {
            candidates: [("c1".into(), [("Fife".into(), 3)].into())].into(),
            rejected: rejected(2),
            ..Tally::default()
        };
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
