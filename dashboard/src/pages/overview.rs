//! The front page: the race, the count, locations, turnout and the pipeline.

mod charts;
mod contests;
mod locations;
mod pipeline;

use askama::Template;
use ballot::Reason;

use self::charts::{
    Bar, Group, Slice, groups, line, others, ring, share_label, vote_bars, votes_label,
};
use self::contests::{ContestView, contests};
use self::locations::{Column, LocationRow, columns, location_row};
use self::pipeline::{
    BridgeRow, EvidenceRow, PartitionRow, accounted, accounted_words, bridge_row, evidence_row,
    partition_row, reason_words, seal_words,
};
use super::parts::{self, CandidateRow, Live};
use crate::assets::asset_url;
use crate::model::{Leader, Snapshot};
use crate::numbers::Numbers;
use crate::query::{LocationsPage, LocationsQuery};

/// Candidates that the style sheet shows beside the leader; all are in the table.
const STANDINGS: usize = 6;

/// Seconds of the history that its table shows.
const SPEED_ROWS: usize = 30;

#[derive(Template)]
#[template(path = "overview.html")]
struct Overview<'a> {
    snapshot: &'a Snapshot,
    live: Live<'a>,
    n: &'a Numbers,
    takes_votes: bool,
    leader: LeaderView<'a>,
    polls: String,
    contests: Vec<ContestView<'a>>,
    /// The contest that the page leads with, where there are several.
    race_title: Option<&'a str>,
    /// How many stand in it.
    all_candidates: String,
    /// Over the table of places.
    places_title: String,
    candidates: Vec<CandidateRow<'a>>,
    strip: Vec<StripPart<'a>>,
    rate: String,
    speed_label: String,
    /// The points of the line.
    speed_line: String,
    speed_rows: Vec<(usize, String)>,
    votes_label: String,
    vote_bars: Vec<Bar<'a>>,
    share_label: String,
    slices: Vec<Slice>,
    /// The share of the candidates that the ring has no slice for, where there are any.
    others: Option<f64>,
    query: &'a LocationsQuery,
    columns: Vec<Column>,
    locations: Vec<LocationRow<'a>>,
    page: LocationsPage<'a>,
    matching: String,
    previous: Option<String>,
    next: Option<String>,
    groups: Vec<Group<'a>>,
    rejected: Vec<(Reason, &'static str, u64)>,
    accounted: &'static str,
    accounted_words: String,
    checkpoint: String,
    partitions: Vec<PartitionRow>,
    bridge: Vec<BridgeRow<'a>>,
    evidence: Vec<EvidenceRow<'a>>,
    seal_words: String,
    /// When it was made, for programs and as text; empty while there is no seal.
    sealed_at: (&'a str, String),
}

/// Who leads; there without being shown while nobody does, for the scripts to fill.
#[derive(Default)]
struct LeaderView<'a> {
    is_there: bool,
    id: &'a str,
    key: usize,
    name: &'a str,
    party: &'a str,
    path: String,
    portrait: String,
    votes: u64,
    votes_text: String,
    share: f64,
    share_text: String,
    lead: u64,
    lead_text: String,
    margin: f64,
    margin_text: String,
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
    let candidates = parts::candidate_rows(snapshot, n);
    let others = others(&candidates);
    let page = query.apply(&snapshot.locations, &snapshot.candidates);
    let href = |query: LocationsQuery| format!("/?{}#locations", query.to_query_string(refresh));
    let (seal, sealed_at) = seal_words(snapshot);
    let view = Overview {
        live: Live {
            takes_refresh: true,
            kept: query.pairs(),
            ..Live::new(snapshot, refresh)
        },
        takes_votes,
        contests: contests(snapshot, n),
        race_title: match &*snapshot.contests {
            [first, _, ..] => Some(&first.title),
            _ => None,
        },
        all_candidates: n.whole(snapshot.candidates.len() as u64),
        places_title: places_title(snapshot),
        leader: leader_view(snapshot, n),
        polls: polls(snapshot),
        strip: strip(snapshot),
        rate: n.whole(snapshot.totals.votes_per_second.round() as u64),
        speed_label: format!(
            "Votes per second, now {}",
            n.whole(snapshot.totals.votes_per_second.round() as u64)
        ),
        speed_line: line(&snapshot.totals.votes_per_second_history),
        speed_rows: speed_rows(&snapshot.totals.votes_per_second_history, n),
        votes_label: votes_label(&candidates),
        vote_bars: vote_bars(&candidates),
        share_label: share_label(&candidates, others, n),
        slices: ring(&candidates, others),
        others,
        columns: columns(query, &snapshot.place_name, href),
        locations: page
            .rows
            .iter()
            .map(|location| location_row(location, snapshot, n))
            .collect(),
        matching: n.whole(page.matching as u64),
        previous: (page.page > 1).then(|| href(query.on_page(page.page - 1))),
        next: (page.page < page.pages).then(|| href(query.on_page(page.page + 1))),
        page,
        groups: groups(snapshot, n),
        rejected: snapshot
            .rejected
            .iter()
            .map(|rejected| {
                (
                    rejected.reason,
                    reason_words(rejected.reason),
                    rejected.count,
                )
            })
            .collect(),
        accounted: accounted(snapshot.pipeline.accounted),
        accounted_words: accounted_words(snapshot, n),
        checkpoint: snapshot
            .pipeline
            .last_checkpoint
            .as_deref()
            .map(parts::time_text)
            .unwrap_or_default(),
        partitions: snapshot
            .pipeline
            .partitions
            .iter()
            .map(|partition| partition_row(partition, n))
            .collect(),
        bridge: snapshot
            .pipeline
            .bridge
            .iter()
            .map(|topic| bridge_row(topic, n))
            .collect(),
        evidence: snapshot
            .pipeline
            .evidence
            .iter()
            .map(|at| evidence_row(at, n))
            .collect(),
        seal_words: seal,
        sealed_at: (sealed_at, parts::time_text(sealed_at)),
        snapshot,
        n,
        candidates,
        query,
    };
    view.render()
}

fn leader_view<'a>(snapshot: &'a Snapshot, n: &Numbers) -> LeaderView<'a> {
    let at = |leader: &Leader| parts::index_of(snapshot, &leader.candidate_id);
    let Some((leader, index)) = snapshot
        .leader
        .as_ref()
        .and_then(|leader| Some((leader, at(leader)?)))
    else {
        return LeaderView {
            path: "/".to_owned(),
            portrait: asset_url("icon.svg"),
            ..LeaderView::default()
        };
    };
    let candidate = &snapshot.candidates[index];
    LeaderView {
        is_there: true,
        id: &candidate.candidate_id,
        key: parts::colour(index),
        name: &candidate.candidate_name,
        party: &candidate.party_affiliation,
        path: parts::candidate_path(&candidate.candidate_id),
        portrait: candidate.photo_url.clone(),
        votes: candidate.total_votes,
        votes_text: n.whole(candidate.total_votes),
        share: candidate.share,
        share_text: n.percent(candidate.share, 1),
        lead: leader.lead,
        lead_text: n.whole(leader.lead),
        margin: leader.margin,
        margin_text: parts::points(leader.margin, n),
    }
}

fn places_title(snapshot: &Snapshot) -> String {
    match snapshot.place_name.as_str() {
        "" | "location" => "Locations of voters".to_owned(),
        place => format!("By {}", place.replace('-', " ")),
    }
}

fn polls(snapshot: &Snapshot) -> String {
    let election = &snapshot.election;
    match (&election.polls_open, &election.polls_close) {
        (Some(open), Some(close)) => {
            format!("Votes can be cast from {open} UTC until {close} UTC.")
        }
        (Some(open), None) => format!("Votes can be cast from {open} UTC."),
        (None, Some(close)) => format!("Votes can be cast until {close} UTC."),
        (None, None) => "Votes can be cast at any time.".to_owned(),
    }
}

/// The candidates' parts of all votes, one beside the other, in the order of registration.
fn strip(snapshot: &Snapshot) -> Vec<StripPart<'_>> {
    let mut x = 0.0;
    snapshot
        .candidates
        .iter()
        .enumerate()
        .map(|(index, candidate)| {
            let part = StripPart {
                key: parts::colour(index),
                candidate_id: &candidate.candidate_id,
                x: parts::width(x),
                width: parts::width(candidate.share),
            };
            x += candidate.share;
            part
        })
        .collect()
}

fn speed_rows(history: &[u64], n: &Numbers) -> Vec<(usize, String)> {
    let latest_first = history.iter().rev().take(SPEED_ROWS).enumerate();
    latest_first
        .map(|(ago, &votes)| (ago, n.whole(votes)))
        .collect()
}
