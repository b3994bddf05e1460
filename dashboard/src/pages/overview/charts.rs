//! The charts of the front page as SVG: bars, a ring and a line. The scripts (`charts.js`) update what is drawn here.

use super::parts::{self, CandidateRow};
use crate::counts::share;
use crate::model::{CandidateResult, GroupCount, Snapshot};
use crate::numbers::Numbers;

/// Most bars of a chart, and most slices of the ring before the one of all others.
const MAX_BARS: usize = 12;

/// The gap between two slices of a ring, in percent of it.
const GAP: f64 = 0.4;

/// A bar with its name before it and its figure at its end.
pub(super) struct Bar<'a> {
    /// The key for the scripts.
    pub(super) id: &'a str,
    /// Number of its colour; without one it has the chart's.
    pub(super) key: Option<usize>,
    pub(super) name: &'a str,
    /// In percent of the longest.
    pub(super) width: String,
    pub(super) text: String,
    /// Name and all figures.
    pub(super) title: String,
}

/// A slice of the ring: a candidate's, or that of all others.
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
    pub(super) rows: &'a [GroupCount],
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

/// The bars of the candidates as text.
pub(super) fn votes_label(rows: &[CandidateRow]) -> String {
    let words = rows.iter().take(MAX_BARS);
    let words = words.map(|row| format!("{} {}", row.result.candidate_name, row.votes));
    in_words("Votes per candidate", words.collect())
}

/// The share of the candidates without a slice of the ring, where there are any.
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
                // A narrow one keeps half of its length.
                length: format!("{:.2}", (part - GAP).max(part / 2.0)),
                from: format!("{from:.2}"),
            };
            from += part;
            slice
        })
        .collect()
}

/// The ring as text.
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
        let x = share(at as u64, last);
        let y = 1.0 - share(value, most);
        format!("{},{}", parts::width(x), parts::width(y))
    });
    points.collect::<Vec<_>>().join(" ")
}

/// Votes by each group but the places, and by party.
pub(super) fn groups<'a>(snapshot: &'a Snapshot, n: &Numbers) -> Vec<Group<'a>> {
    let turnout = &snapshot.turnout;
    let groups = turnout.groups.iter().map(|of| {
        let title = format!("Turnout by {}", of.group.replace('-', " "));
        group(&of.group, title, &of.values, |_| None, n)
    });
    let of_party = |party: &str| Some(party_key(&snapshot.candidates, party));
    let title = "Votes by party".to_owned();
    let parties = Group {
        id: "party".to_owned(),
        ..group("party", title, &turnout.parties, of_party, n)
    };
    groups.chain([parties]).collect()
}

fn group<'a>(
    name: &str,
    title: String,
    rows: &'a [GroupCount],
    key: impl Fn(&str) -> Option<usize>,
    n: &Numbers,
) -> Group<'a> {
    let most = rows.iter().map(|row| row.count).max();
    let bars = rows.iter().take(MAX_BARS).map(|row| {
        let (votes, share) = (n.whole(row.count), n.percent(row.share, 1));
        Bar {
            id: &row.group,
            key: key(&row.group),
            name: &row.group,
            width: length(row.count, most),
            title: format!("{}: {votes} ({share})", row.group),
            text: share,
        }
    });
    let words = rows.iter().take(MAX_BARS).map(|row| {
        let (votes, share) = (n.whole(row.count), n.percent(row.share, 1));
        format!("{} {votes} ({share})", row.group)
    });
    Group {
        // The tutorial's groups have their names; the id of any other could be that of something else on the page.
        id: match name {
            "gender" | "age" => name.to_owned(),
            other => format!("group-{other}"),
        },
        column: parts::capitalised(name),
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
    parts::width(share(votes, most.unwrap_or_default()))
}

fn in_words(title: &str, words: Vec<String>) -> String {
    format!("{title}: {}", words.join("; "))
}
