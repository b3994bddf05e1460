//! The front page: the race, the count, locations, turnout and the pipeline.

mod charts;
mod locations;
mod pipeline;

use askama::Template;

use self::charts::{Group, MAX_BARS, Slice, groups, line, others, ring};
use self::locations::{Column, columns};
use super::parts::{self, CandidateRow, Live};
use crate::assets::asset_url;
use crate::counts;
use crate::model::{CandidateResult, Leader, Snapshot};
use crate::numbers::Numbers;
use crate::query::{LocationsPage, LocationsQuery};

/// Candidates that the style sheet shows beside the leader; all are in the table.
const STANDINGS: usize = 6;

/// Candidates that the style sheet shows in the table before all are asked for.
const SHOWN_FIRST: usize = 12;

#[derive(Template)]
#[template(path = "overview.html")]
struct Overview<'a> {
    snapshot: &'a Snapshot,
    live: Live<'a>,
    n: &'a Numbers,
    takes_votes: bool,
    leader: LeaderView,
    candidates: Vec<CandidateRow<'a>>,
    strip: Vec<StripPart<'a>>,
    /// The points of the line of votes per second.
    speed_line: String,
    /// Candidates with a bar: those with votes, as far as there is room.
    bars: usize,
    slices: Vec<Slice>,
    /// The share of the candidates without a slice of the ring, where there are any.
    others: Option<f64>,
    query: &'a LocationsQuery,
    columns: Vec<Column>,
    page: LocationsPage<'a>,
    previous: Option<String>,
    next: Option<String>,
    groups: Vec<Group<'a>>,
}

/// The leader. While there is none it is empty and hidden, for the scripts to fill.
struct LeaderView {
    is_there: bool,
    key: usize,
    result: CandidateResult,
    leader: Leader,
}

/// A candidate's part of the strip that shows all votes.
struct StripPart<'a> {
    key: usize,
    candidate_id: &'a str,
    x: String,
    width: String,
}

/// The front page.
pub(crate) fn overview(
    snapshot: &Snapshot,
    query: &LocationsQuery,
    refresh: Option<u16>,
    n: &Numbers,
    takes_votes: bool,
) -> Result<String, askama::Error> {
    let candidates = parts::candidate_rows(snapshot);
    let others = others(&candidates);
    let page = query.apply(&snapshot.locations, &snapshot.candidates);
    let href = |query: LocationsQuery| format!("/?{}#locations", query.to_query_string(refresh));
    Overview {
        live: Live {
            takes_refresh: true,
            kept: query.pairs(),
            ..Live::new(snapshot, refresh)
        },
        takes_votes,
        leader: leader_view(snapshot),
        strip: strip(snapshot),
        speed_line: line(&snapshot.totals.votes_per_second_history),
        bars: charts::bars(&candidates),
        slices: ring(&candidates, others),
        others,
        columns: columns(query, &snapshot.place_name, href),
        previous: (page.page > 1).then(|| href(query.on_page(page.page - 1))),
        next: (page.page < page.pages).then(|| href(query.on_page(page.page + 1))),
        page,
        groups: groups(snapshot),
        snapshot,
        n,
        candidates,
        query,
    }
    .render()
}

fn leader_view(snapshot: &Snapshot) -> LeaderView {
    let leader = snapshot.leader.clone().unwrap_or_default();
    match snapshot.index_of(&leader.candidate_id) {
        Some(index) => LeaderView {
            is_there: true,
            key: parts::colour(index),
            result: snapshot.candidates[index].clone(),
            leader,
        },
        None => LeaderView {
            is_there: false,
            key: 0,
            result: CandidateResult {
                photo_url: asset_url("icon.svg"),
                ..CandidateResult::default()
            },
            leader: Leader::default(),
        },
    }
}

/// The candidates' parts of all votes, side by side, in the order of registration.
fn strip(snapshot: &Snapshot) -> Vec<StripPart<'_>> {
    let mut x = 0.0;
    let candidates = snapshot.candidates.iter().enumerate();
    let parts = candidates.map(|(index, candidate)| {
        let part = StripPart {
            key: parts::colour(index),
            candidate_id: &candidate.candidate_id,
            x: parts::width(x),
            width: parts::width(candidate.share),
        };
        x += candidate.share;
        part
    });
    parts.collect()
}
