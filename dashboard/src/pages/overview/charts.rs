//! The charts of the front page as SVG: bars, a ring and a line. The scripts move what is drawn here (`charts.js`);
//! without them it stands.

use super::parts::{self, CandidateRow};
use crate::model::{CandidateResult, GroupCount, Snapshot};
use crate::numbers::Numbers;

/// Bars that a chart has room for; slices, too, before the others.
const MAX_BARS: usize = 12;

/// What is left out between two slices of a ring, in percent of it.
const GAP: f64 = 0.4;

/// A bar with its name before it and its figure at its end.
pub(super) struct Bar<'a> {
    /// What it is known by to the scripts.
    pub(super) id: &'a str,
    /// Number of its colour; where there is none, it has the chart's.
    pub(super) key: Option<usize>,
    pub(super) name: &'a str,
    /// In percent of the longest.
    pub(super) width: String,
    pub(super) text: String,
    /// All that is known of it.
    pub(super) title: String,
}

/// A candidate's part of the ring, or that of all others.
pub(super) struct Slice {
    /// Number of its colour.
    pub(super) key: usize,
    /// In percent of the ring.
    pub(super) length: String,
    /// Where it begins, in percent from the top.
    pub(super) from: String,
}

/// Votes by party or by a group: a chart, and the table behind it.
pub(super) struct Group<'a> {
    pub(super) id: String,
    pub(super) title: String,
    pub(super) column: String,
    pub(super) label: String,
    pub(super) bars: Vec<Bar<'a>>,
    pub(super) rows: Vec<GroupRow<'a>>,
}

/// A row of the table behind a chart.
pub(super) struct GroupRow<'a> {
    pub(super) name: &'a str,
    pub(super) votes: u64,
    pub(super) votes_text: String,
    pub(super) share: f64,
    pub(super) share_text: String,
}

/// A bar for each candidate.
pub(super) fn vote_bars<'a>(rows: &[CandidateRow<'a>]) -> Vec<Bar<'a>> {
    let most = rows.iter().map(|row| row.result.total_votes).max();
    rows.iter()
        .take(MAX_BARS)
        .map(|row| Bar {
            id: &row.result.candidate_id,
            key: Some(row.key),
            name: &row.result.candidate_name,
            width: length(row.result.total_votes, most),
            text: row.votes.clone(),
            title: format!(
                "{}: {} ({})",
                row.result.candidate_name, row.votes, row.share
            ),
        })
        .collect()
}

/// The bars of the candidates in words.
pub(super) fn votes_label(rows: &[CandidateRow]) -> String {
    let words = rows.iter().take(MAX_BARS);
    let words = words.map(|row| format!("{} {}", row.result.candidate_name, row.votes));
    in_words("Votes per candidate", words.collect())
}

/// The share of the candidates that the ring has no slices for, where there are any.
pub(super) fn others(rows: &[CandidateRow]) -> Option<f64> {
    let others = rows.get(MAX_BARS..).filter(|others| !others.is_empty())?;
    Some(others.iter().map(|row| row.result.share).sum())
}

/// A slice for each candidate, one after the other, and one for all others.
pub(super) fn ring(rows: &[CandidateRow], others: Option<f64>) -> Vec<Slice> {
    let candidates = rows.iter().take(MAX_BARS);
    let candidates = candidates.map(|row| (row.key, row.result.share));
    let mut from = 0.0;
    candidates
        .chain(others.map(|share| (0, share)))
        .map(|(key, share)| {
            let part = share * 100.0;
            let slice = Slice {
                key,
                // Of a narrow one, half is left.
                length: format!("{:.2}", (part - GAP).max(part / 2.0)),
                from: format!("{from:.2}"),
            };
            from += part;
            slice
        })
        .collect()
}

/// The ring in words.
pub(super) fn share_label(rows: &[CandidateRow], others: Option<f64>, n: &Numbers) -> String {
    let words = rows.iter().take(MAX_BARS);
    let words = words.map(|row| format!("{} {}", row.result.candidate_name, row.share));
    let others = others.map(|share| format!("Others {}", n.percent(share, 1)));
    in_words("Share of the votes", words.chain(others).collect())
}

/// The points of a line, from left to right; the highest is at the top.
pub(super) fn line(values: &[u64]) -> String {
    let most = values.iter().max().copied().unwrap_or_default();
    let last = values.len().saturating_sub(1).max(1) as u64;
    let points = values.iter().enumerate().map(|(at, &value)| {
        let x = parts::share_of(at as u64, last);
        let y = 1.0 - parts::share_of(value, most);
        format!("{},{}", parts::width(x), parts::width(y))
    });
    points.collect::<Vec<_>>().join(" ")
}

/// Votes by each group but the places, and by party.
pub(super) fn groups<'a>(snapshot: &'a Snapshot, n: &Numbers) -> Vec<Group<'a>> {
    let turnout = &snapshot.turnout;
    let plain = |_: &str| None;
    let groups = turnout.groups.iter().map(|of| {
        let title = format!("Turnout by {}", of.group.replace('-', " "));
        group(
            (element_id(&of.group), title, parts::capitalised(&of.group)),
            &of.values,
            plain,
            n,
        )
    });
    let of_party = |party: &str| Some(party_key(&snapshot.candidates, party));
    let party = (
        "party".to_owned(),
        "Votes by party".to_owned(),
        "Party".to_owned(),
    );
    groups
        .chain([group(party, &turnout.parties, of_party, n)])
        .collect()
}

/// The id of a group's elements. Those of the tutorial's groups are their names; others could be those of
/// something else on the page.
fn element_id(group: &str) -> String {
    match group {
        "gender" | "age" => group.to_owned(),
        other => format!("group-{other}"),
    }
}

fn group<'a>(
    (id, title, column): (String, String, String),
    counts: &'a [GroupCount],
    key: impl Fn(&str) -> Option<usize>,
    n: &Numbers,
) -> Group<'a> {
    let most = counts.iter().map(|group| group.count).max();
    let rows = counts.iter().map(|group| GroupRow {
        name: &group.group,
        votes: group.count,
        votes_text: n.whole(group.count),
        share: group.share,
        share_text: n.percent(group.share, 1),
    });
    let rows: Vec<_> = rows.collect();
    let shown = &rows[..rows.len().min(MAX_BARS)];
    let bars = shown.iter().map(|row| Bar {
        id: row.name,
        key: key(row.name),
        name: row.name,
        width: length(row.votes, most),
        text: row.share_text.clone(),
        title: format!("{}: {} ({})", row.name, row.votes_text, row.share_text),
    });
    let words = shown
        .iter()
        .map(|row| format!("{} {} ({})", row.name, row.votes_text, row.share_text));
    Group {
        id,
        column,
        label: in_words(&title, words.collect()),
        title,
        bars: bars.collect(),
        rows,
    }
}

/// A party has the colour of its candidate; one with several has the first one's.
fn party_key(candidates: &[CandidateResult], party: &str) -> usize {
    let index = candidates
        .iter()
        .position(|candidate| candidate.party_affiliation == party);
    index.map_or(0, parts::colour)
}

/// The length of a bar, in percent of the longest.
fn length(votes: u64, most: Option<u64>) -> String {
    parts::width(parts::share_of(votes, most.unwrap_or_default()))
}

fn in_words(title: &str, words: Vec<String>) -> String {
    format!("{title}: {}", words.join("; "))
}
