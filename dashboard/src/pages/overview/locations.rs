//! The table of locations: its heads and rows.

use super::parts;
use crate::model::{LocationResult, Snapshot};
use crate::numbers::Numbers;
use crate::query::{LocationSort, LocationsQuery, Order};

/// The head of a column that locations can be sorted by.
pub(super) struct Column {
    pub(super) title: String,
    pub(super) class: &'static str,
    pub(super) sort: &'static str,
    pub(super) aria_sort: &'static str,
    pub(super) href: String,
}

/// A location's row.
pub(super) struct LocationRow<'a> {
    pub(super) state: &'a str,
    pub(super) path: String,
    pub(super) count: u64,
    pub(super) count_text: String,
    pub(super) share: f64,
    pub(super) share_text: String,
    pub(super) leader_key: usize,
    pub(super) leader: &'a str,
    pub(super) lead: u64,
    pub(super) lead_text: String,
}

/// The heads of the columns, each with the way to sort by it.
pub(super) fn columns(
    query: &LocationsQuery,
    place_name: &str,
    href: impl Fn(LocationsQuery) -> String,
) -> Vec<Column> {
    LocationSort::ALL
        .into_iter()
        .map(|sort| {
            let (title, class) = match sort {
                LocationSort::State => (parts::capitalised(place_name), ""),
                LocationSort::Count => ("Votes".to_owned(), "number"),
                LocationSort::Leader => ("Leader".to_owned(), "leads"),
                LocationSort::Lead => ("Lead".to_owned(), "number"),
            };
            let aria_sort = match (sort == query.sort, query.order) {
                (false, _) => "none",
                (true, Order::Ascending) => "ascending",
                (true, Order::Descending) => "descending",
            };
            Column {
                title,
                class,
                sort: sort.as_str(),
                aria_sort,
                href: href(query.sorted_by(sort)),
            }
        })
        .collect()
}

/// The row of a location.
pub(super) fn location_row<'a>(
    location: &'a LocationResult,
    snapshot: &'a Snapshot,
    n: &Numbers,
) -> LocationRow<'a> {
    let (leader_key, leader) = parts::leader_words(snapshot, location.leader.as_ref());
    let lead = location.leader.as_ref().map_or(0, |leader| leader.lead);
    let share = parts::share_of(location.count, snapshot.totals.counted);
    LocationRow {
        state: &location.state,
        path: parts::location_path(&location.state),
        count: location.count,
        count_text: n.whole(location.count),
        share,
        share_text: n.percent(share, 1),
        leader_key,
        leader,
        lead,
        lead_text: n.whole(lead),
    }
}
