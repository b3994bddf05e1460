//! What several pages show: candidates by votes, the frame of a live page, paths, times and bars.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use service::public_url::path_segment;

use crate::model::{CandidateResult, ContestResult, Leader, Snapshot};
use crate::numbers::NO_NUMBER;

/// Colours of candidates in the style sheet; after these they repeat.
const COLOURS: usize = 10;

/// Seconds after which a page without JavaScript reloads, unless the reader chooses.
const DEFAULT_REFRESH_SECONDS: u16 = 5;

/// The frame of a page that keeps itself up to date.
pub(super) struct Live<'a> {
    /// When the figures are from, for programs.
    pub(super) generated_at: &'a str,
    /// The same for people, until the scripts write it in the reader's way.
    pub(super) generated_at_text: String,
    /// The refresh that the reader chose.
    pub(super) refresh: Option<u16>,
    /// Whether the page's URL can have one.
    pub(super) takes_refresh: bool,
    /// Seconds after which the page reloads without JavaScript.
    pub(super) refresh_seconds: u16,
    /// Other parameters of the URL, kept when the refresh is changed.
    pub(super) kept: Vec<(&'static str, String)>,
}

impl<'a> Live<'a> {
    pub(super) fn new(snapshot: &'a Snapshot, refresh: Option<u16>) -> Live<'a> {
        Live {
            generated_at: &snapshot.generated_at,
            generated_at_text: time_text(&snapshot.generated_at),
            refresh,
            takes_refresh: false,
            refresh_seconds: refresh.unwrap_or(DEFAULT_REFRESH_SECONDS),
            kept: Vec::new(),
        }
    }
}

/// A candidate's row, wherever candidates are listed.
pub(super) struct CandidateRow<'a> {
    /// Number of the colour.
    pub(super) key: usize,
    /// From 1; candidates with as many votes share it.
    pub(super) rank: usize,
    pub(super) result: &'a CandidateResult,
    /// Votes behind the first.
    pub(super) behind: u64,
}

/// Every candidate, most votes first; in a tie, as they were registered.
pub(super) fn candidate_rows(snapshot: &Snapshot) -> Vec<CandidateRow<'_>> {
    let most = snapshot.candidates.iter().map(|at| at.total_votes).max();
    let rows = snapshot.candidates.iter().enumerate();
    let rows = rows.map(|(index, result)| CandidateRow {
        key: colour(index),
        rank: rank(snapshot, result.total_votes),
        behind: most.unwrap_or(0) - result.total_votes,
        result,
    });
    let mut rows: Vec<_> = rows.collect();
    rows.sort_by_key(|row| Reverse(row.result.total_votes));
    rows
}

/// The rank of a candidate with this many votes.
pub(super) fn rank(snapshot: &Snapshot, votes: u64) -> usize {
    let ahead = |candidate: &&CandidateResult| candidate.total_votes > votes;
    1 + snapshot.candidates.iter().filter(ahead).count()
}

/// The colour of the candidate at this place in the order of registration, from 1.
pub(super) fn colour(index: usize) -> usize {
    index % COLOURS + 1
}

/// The colours of a contest's choices, by their ids. Each has that of its place on the ballot, unless a choice with more
/// votes has it already: then another that is free. When none is left the rest have nobody's, 0.
pub(super) fn choice_colours(contest: &ContestResult) -> BTreeMap<&str, usize> {
    let mut free: BTreeSet<usize> = (1..=COLOURS).collect();
    let choices = contest.choices.iter().map(|choice| {
        let own = colour(choice.place);
        let key = match free.contains(&own) {
            true => own,
            false => free.first().copied().unwrap_or(0),
        };
        free.remove(&key);
        (&*choice.candidate_id, key)
    });
    choices.collect()
}

/// The page of a contest.
pub(super) fn contest_path(contest_id: &str) -> String {
    format!("/contests/{}", path_segment(contest_id))
}

/// The method and the seats of a contest.
pub(super) fn method_words(contest: &ContestResult) -> String {
    let name = match contest.method.as_str() {
        "irv" => "Instant runoff".to_owned(),
        "stv" => "Single transferable vote".to_owned(),
        "star" => "STAR".to_owned(),
        "borda" => "Borda count".to_owned(),
        name => capitalised(name),
    };
    match contest.seats {
        1 => format!("{name}, one seat"),
        seats => format!("{name}, {seats} seats"),
    }
}

/// How a winner is called.
pub(super) fn winner_word(contest: &ContestResult) -> &'static str {
    match contest.elected {
        true => "elected",
        false => "ahead",
    }
}

/// Colour and name of a leader; colour 0 and a dash where there is none.
pub(super) fn leader_words<'a>(
    snapshot: &'a Snapshot,
    leader: Option<&Leader>,
) -> (usize, &'a str) {
    leader
        .and_then(|leader| snapshot.index_of(&leader.candidate_id))
        .map_or((0, NO_NUMBER), |index| {
            (colour(index), &snapshot.candidates[index].candidate_name)
        })
}

/// The page of a candidate.
pub(super) fn candidate_path(candidate_id: &str) -> String {
    format!("/candidates/{}", path_segment(candidate_id))
}

/// The page of a location.
pub(super) fn location_path(state: &str) -> String {
    format!("/locations/{}", path_segment(state))
}

/// The length of a bar, in percent.
pub(super) fn width(share: f64) -> String {
    format!("{:.2}", share * 100.0)
}

/// `2026-05-07T21:04:33.120Z` as `2026-05-07 21:04:33 UTC`; anything else as it is.
pub(super) fn time_text(rfc3339: &str) -> String {
    match (rfc3339.get(..10), rfc3339.get(11..19)) {
        (Some(date), Some(time)) => format!("{date} {time} UTC"),
        _ => rfc3339.to_owned(),
    }
}

/// The name of a group or a method as the head of a column or the start of a sentence.
pub(super) fn capitalised(name: &str) -> String {
    let name = name.replace('-', " ");
    let mut letters = name.chars();
    let first = letters.next().map(char::to_uppercase);
    first.into_iter().flatten().chain(letters).collect()
}
