//! The page of a location.

use std::cmp::Reverse;

use askama::Template;

use super::parts::{self, Live};
use crate::model::{CandidateResult, LocationResult, Snapshot};
use crate::numbers::Numbers;

#[derive(Template)]
#[template(path = "location.html")]
struct LocationPage<'a> {
    live: Live<'a>,
    n: &'a Numbers,
    location: &'a LocationResult,
    kicker: &'static str,
    share: f64,
    leader_key: usize,
    leader: &'a str,
    lead: u64,
    margin: String,
    rows: Vec<HereRow<'a>>,
}

struct HereRow<'a> {
    key: usize,
    result: &'a CandidateResult,
    path: String,
    votes: u64,
    votes_text: String,
    share: f64,
    share_text: String,
    width: String,
}

/// What the location's voters chose.
pub(crate) fn location(
    snapshot: &Snapshot,
    location: &LocationResult,
    n: &Numbers,
) -> Result<String, askama::Error> {
    let (leader_key, leader) = parts::leader_words(snapshot, location.leader.as_ref());
    let mut rows: Vec<_> = snapshot
        .candidates
        .iter()
        .enumerate()
        .map(|(index, result)| {
            let votes = location.votes.get(index).copied().unwrap_or(0);
            let share = parts::share_of(votes, location.count);
            HereRow {
                key: parts::colour(index),
                result,
                path: parts::candidate_path(&result.candidate_id),
                votes,
                votes_text: n.whole(votes),
                share,
                share_text: n.percent(share, 1),
                width: parts::width(share),
            }
        })
        .collect();
    rows.sort_by_key(|row| Reverse(row.votes));
    LocationPage {
        live: Live::new(snapshot, None),
        n,
        location,
        kicker: "Location",
        share: parts::share_of(location.count, snapshot.totals.counted),
        leader_key,
        leader,
        lead: location.leader.as_ref().map_or(0, |leader| leader.lead),
        margin: parts::points(
            location.leader.as_ref().map_or(0.0, |leader| leader.margin),
            n,
        ),
        rows,
    }
    .render()
}
