//! The page of a candidate.

use std::cmp::Reverse;

use askama::Template;
use ballot::Candidate;
use service::public_url::portrait_path;

use super::parts::{self, Live};
use crate::counts::share;
use crate::model::{LocationResult, Snapshot};
use crate::numbers::Numbers;

/// Locations listed, those with most votes for the candidate first; the script lists as many.
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
    ahead: bool,
    distance: u64,
    rows: Vec<PlaceRow<'a>>,
    locations: usize,
}

struct PlaceRow<'a> {
    location: &'a LocationResult,
    votes: u64,
    share: f64,
}

/// The page of the candidate at place `index` of the snapshot.
pub(crate) fn candidate(
    snapshot: &Snapshot,
    candidate: &Candidate,
    index: usize,
    n: &Numbers,
) -> Result<String, askama::Error> {
    let result = &snapshot.candidates[index];
    let votes = result.total_votes;
    let others = snapshot.candidates.iter();
    let others = others.filter(|other| other.candidate_id != candidate.candidate_id);
    let best_other = others.map(|other| other.total_votes).max().unwrap_or(0);
    let rows = snapshot.locations.iter().map(|location| {
        let votes = location.votes_of(index);
        PlaceRow {
            location,
            votes,
            share: share(votes, location.count),
        }
    });
    let mut rows: Vec<_> = rows.collect();
    rows.sort_by_key(|row| Reverse(row.votes));
    rows.truncate(MAX_LOCATIONS);
    CandidatePage {
        live: Live::new(snapshot, None),
        n,
        candidate,
        key: parts::colour(index),
        portrait: portrait_path(&candidate.candidate_id),
        standing: match votes {
            0 => "Candidate",
            votes if votes > best_other => "Leading",
            votes if votes == best_other => "Level",
            _ => "Candidate",
        },
        votes,
        share: result.share,
        rank: parts::rank(snapshot, votes),
        of: snapshot.totals.candidates,
        ahead: votes > best_other,
        distance: votes.abs_diff(best_other),
        rows,
        locations: snapshot.locations.len(),
    }
    .render()
}
