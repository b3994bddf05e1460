//! The page of a location.

use std::cmp::Reverse;

use askama::Template;

use super::parts::{self, Live};
use crate::counts::share;
use crate::model::{CandidateResult, LocationResult, Snapshot};
use crate::numbers::Numbers;

#[derive(Template)]
#[template(path = "location.html")]
struct LocationPage<'a> {
    live: Live<'a>,
    n: &'a Numbers,
    location: &'a LocationResult,
    share: f64,
    leader_key: usize,
    leader: &'a str,
    margin: f64,
    rows: Vec<CandidateHere<'a>>,
}

struct CandidateHere<'a> {
    key: usize,
    result: &'a CandidateResult,
    votes: u64,
    share: f64,
}

/// The location's votes by candidate.
pub(crate) fn location(
    snapshot: &Snapshot,
    location: &LocationResult,
    n: &Numbers,
) -> Result<String, askama::Error> {
    let leader = location.leader.as_ref();
    let (leader_key, leader_name) = parts::leader_words(snapshot, leader);
    let rows = snapshot.candidates.iter().enumerate();
    let rows = rows.map(|(index, result)| CandidateHere {
        key: parts::colour(index),
        result,
        votes: location.votes_of(index),
        share: share(location.votes_of(index), location.count),
    });
    let mut rows: Vec<_> = rows.collect();
    rows.sort_by_key(|row| Reverse(row.votes));
    LocationPage {
        live: Live::new(snapshot, None),
        n,
        location,
        share: share(location.count, snapshot.totals.counted),
        leader_key,
        leader: leader_name,
        margin: leader.map_or(0.0, |leader| leader.margin),
        rows,
    }
    .render()
}
