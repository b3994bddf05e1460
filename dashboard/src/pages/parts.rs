//! What several pages show: candidates by votes, the frame of a live page, paths, times and bars.

use service::public_url::path_segment;

use crate::model::{CandidateResult, Leader, Snapshot};
use crate::numbers::{NO_NUMBER, Numbers};

/// Colours of candidates in the style sheet; after these they begin again.
const COLOURS: usize = 10;

/// Seconds after which a page without JavaScript loads itself again, where the reader does not say.
const DEFAULT_REFRESH_SECONDS: u16 = 5;

/// The frame of a page that keeps itself up to date.
pub(super) struct Live<'a> {
    /// When the figures are from, for programs.
    pub(super) generated_at: &'a str,
    /// The same for people, until the scripts write it in the reader's way.
    pub(super) generated_at_text: String,
    /// What the reader asked for.
    pub(super) refresh: Option<u16>,
    /// Whether the page's URL can ask for it.
    pub(super) takes_refresh: bool,
    /// Seconds after which the page loads itself again without JavaScript.
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
    pub(super) path: String,
    pub(super) votes: String,
    pub(super) share: String,
    /// Votes behind the first.
    pub(super) behind: u64,
    pub(super) behind_text: String,
}

/// Every candidate, most votes first; in a tie, as they were registered.
pub(super) fn candidate_rows<'a>(snapshot: &'a Snapshot, n: &Numbers) -> Vec<CandidateRow<'a>> {
    let mut order: Vec<_> = snapshot.candidates.iter().enumerate().collect();
    order.sort_by_key(|(_, candidate)| std::cmp::Reverse(candidate.total_votes));
    let most = order.first().map_or(0, |(_, first)| first.total_votes);
    order
        .into_iter()
        .map(|(index, result)| {
            let behind = most - result.total_votes;
            CandidateRow {
                key: colour(index),
                rank: rank(snapshot, result.total_votes),
                path: candidate_path(&result.candidate_id),
                votes: n.whole(result.total_votes),
                share: n.percent(result.share, 1),
                behind,
                behind_text: minus(behind, n),
                result,
            }
        })
        .collect()
}

/// The place of a candidate with so many votes: one more than have more.
pub(super) fn rank(snapshot: &Snapshot, votes: u64) -> usize {
    let ahead = |candidate: &&CandidateResult| candidate.total_votes > votes;
    1 + snapshot.candidates.iter().filter(ahead).count()
}

/// The colour of the candidate registered as number `index`, from 1.
pub(super) fn colour(index: usize) -> usize {
    index % COLOURS + 1
}

/// Where a candidate stands among the registered, if there.
pub(super) fn index_of(snapshot: &Snapshot, candidate_id: &str) -> Option<usize> {
    snapshot
        .candidates
        .iter()
        .position(|candidate| candidate.candidate_id == candidate_id)
}

/// Colour and name of a leader; colour 0 and a dash where there is none.
pub(super) fn leader_words<'a>(
    snapshot: &'a Snapshot,
    leader: Option<&Leader>,
) -> (usize, &'a str) {
    leader
        .and_then(|leader| index_of(snapshot, &leader.candidate_id))
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

/// Votes that one is behind, as a difference.
pub(super) fn minus(behind: u64, n: &Numbers) -> String {
    match behind {
        0 => NO_NUMBER.to_owned(),
        behind => format!("−{}", n.whole(behind)),
    }
}

/// Part of a whole, 0 to 1; of nothing it is 0.
pub(super) fn share_of(part: u64, whole: u64) -> f64 {
    match whole {
        0 => 0.0,
        whole => part as f64 / whole as f64,
    }
}

/// The length of a bar, in percent.
pub(super) fn width(share: f64) -> String {
    format!("{:.2}", share * 100.0)
}

/// A lead in points: percent of the votes, without the sign.
pub(super) fn points(margin: f64, n: &Numbers) -> String {
    n.decimal(margin * 100.0, 1)
}

/// `2026-05-07T21:04:33.120Z` as `2026-05-07 21:04:33 UTC`; anything else as it is.
pub(super) fn time_text(rfc3339: &str) -> String {
    match (rfc3339.get(..10), rfc3339.get(11..19)) {
        (Some(date), Some(time)) => format!("{date} {time} UTC"),
        _ => rfc3339.to_owned(),
    }
}

/// The name of a group or a method, as the head of a column or the start of a sentence.
pub(super) fn capitalised(name: &str) -> String {
    let name = name.replace('-', " ");
    let mut letters = name.chars();
    let first = letters.next().map(char::to_uppercase);
    first.into_iter().flatten().chain(letters).collect()
}
