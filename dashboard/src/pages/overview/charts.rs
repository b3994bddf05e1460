//! The charts of the front page as SVG: bars, a ring and a line. The scripts (`charts.js`) update what is drawn here.

use super::parts::{self, CandidateRow};
use crate::counts::share;
use crate::model::{GroupCount, Snapshot};

/// Most bars of a chart, and most slices of the ring before the one of all others.
pub(super) const MAX_BARS: usize = 12;

/// The gap between two slices of a ring, in percent of it.
const GAP: f64 = 0.4;

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
    pub(super) is_party: bool,
    /// Votes of the longest bar.
    pub(super) most: u64,
    pub(super) rows: &'a [GroupCount],
}

/// The length of a bar, in percent of the longest.
pub(super) fn length(votes: u64, most: u64) -> String {
    parts::width(share(votes, most))
}

/// How many candidates, of those with most votes, have a bar. Before the first vote all have, as far as there is room.
pub(super) fn bars(rows: &[CandidateRow]) -> usize {
    let with_votes = rows.iter().filter(|row| row.result.total_votes > 0).count();
    match with_votes {
        0 => rows.len().min(MAX_BARS),
        some => some.min(MAX_BARS),
    }
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
pub(super) fn groups(snapshot: &Snapshot) -> Vec<Group<'_>> {
    let turnout = &snapshot.turnout;
    let groups = turnout.groups.iter().map(|of| {
        // The tutorial's groups have their names; the id of any other could be that of something else on the page.
        let id = match of.group.as_str() {
            "gender" | "age" => of.group.clone(),
            other => format!("group-{other}"),
        };
        let title = format!("Turnout by {}", of.group.replace('-', " "));
        group(id, title, &of.group, &of.values)
    });
    let title = "Votes by party".to_owned();
    let parties = Group {
        is_party: true,
        ..group("party".to_owned(), title, "party", &turnout.parties)
    };
    // Where nobody stands for a party there is nothing to compare.
    let has_parties = parties.rows.iter().any(|row| !row.group.is_empty());
    let parties = has_parties.then_some(parties);
    groups.chain(parties).collect()
}

fn group<'a>(id: String, title: String, name: &str, rows: &'a [GroupCount]) -> Group<'a> {
    Group {
        id,
        title,
        column: parts::capitalised(name),
        is_party: false,
        most: rows.iter().map(|row| row.count).max().unwrap_or(0),
        rows,
    }
}

/// A party has the colour of its candidate; one with several has the first one's.
pub(super) fn party_key(snapshot: &Snapshot, party: &str) -> usize {
    let mut candidates = snapshot.candidates.iter();
    let index = candidates.position(|candidate| candidate.party_affiliation == party);
    index.map_or(0, parts::colour)
}
