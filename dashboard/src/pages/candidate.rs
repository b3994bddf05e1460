//! The page of a candidate.

use std::cmp::Reverse;

use askama::Template;
use ballot::Candidate;
use service::public_url::portrait_path;

use super::parts::{self, Live};
use crate::model::{LocationResult, Snapshot};
use crate::numbers::Numbers;

/// Locations listed, those with most votes for the candidate; the script lists as many.
const MAX_LOCATIONS: usize = 100;

#[derive(Template)]
#[template(path = "candidate.html")]
struct CandidatePage<'a> {
    live: Live<'a>,
    n: &'a Numbers,
    candidate: &'a Candidate,
    key: usize,
    portrait: String,
    standing: &'static str,
    votes: u64,
    share: f64,
    rank: usize,
    of: u64,
    distance_title: &'static str,
    distance: u64,
    rows: Vec<PlaceRow<'a>>,
    more: usize,
    locations: u64,
}

struct PlaceRow<'a> {
    state: &'a str,
    path: String,
    votes: u64,
    votes_text: String,
    share: f64,
    share_text: String,
    width: String,
}

/// Who the candidate is, and where the votes come from.
pub(crate) fn candidate(
    snapshot: &Snapshot,
    candidate: &Candidate,
    n: &Numbers,
) -> Result<String, askama::Error> {
    let index = parts::index_of(snapshot, &candidate.candidate_id);
    let result = index.map(|index| &snapshot.candidates[index]);
    let votes = result.map_or(0, |result| result.total_votes);
    let rank = parts::rank(snapshot, votes);
    let others = snapshot
        .candidates
        .iter()
        .filter(|other| other.candidate_id != candidate.candidate_id);
    let best_other = others.map(|other| other.total_votes).max().unwrap_or(0);
    let ahead = votes > best_other;
    let mut rows: Vec<_> = snapshot
        .locations
        .iter()
        .map(|location| place_row(location, index, n))
        .collect();
    rows.sort_by_key(|row| Reverse(row.votes));
    let more = rows.len().saturating_sub(MAX_LOCATIONS);
    rows.truncate(MAX_LOCATIONS);
    CandidatePage {
        live: Live::new(snapshot, None),
        n,
        candidate,
        key: index.map_or(0, parts::colour),
        portrait: portrait_path(&candidate.candidate_id),
        standing: match (votes, ahead, votes == best_other) {
            (0, _, _) => "Candidate",
            (_, true, _) => "Leading",
            (_, _, true) => "Level",
            _ => "Candidate",
        },
        votes,
        share: result.map_or(0.0, |result| result.share),
        rank,
        of: snapshot.totals.candidates,
        distance_title: if ahead { "Ahead by" } else { "Behind by" },
        distance: votes.abs_diff(best_other),
        rows,
        more,
        locations: snapshot.locations.len() as u64,
    }
    .render()
}

fn place_row<'a>(location: &'a LocationResult, index: Option<usize>, n: &Numbers) -> PlaceRow<'a> {
    let votes = index
        .and_then(|index| location.votes.get(index))
        .copied()
        .unwrap_or(0);
    let share = parts::share_of(votes, location.count);
    PlaceRow {
        state: &location.state,
        path: parts::location_path(&location.state),
        votes,
        votes_text: n.whole(votes),
        share,
        share_text: n.percent(share, 1),
        width: parts::width(share),
    }
}
