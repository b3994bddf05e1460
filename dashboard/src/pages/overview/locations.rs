//! The table of locations: its heads and rows.

use super::parts;
use crate::counts::share;
use crate::model::{LocationResult, Snapshot};
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
    pub(super) location: &'a LocationResult,
    /// Its share of all votes.
    pub(super) share: f64,
    pub(super) leader_key: usize,
    pub(super) leader: &'a str,
}

/// The heads of the columns, each with the link that sorts by it.
pub(super) fn columns(
    query: &LocationsQuery,
    place_name: &str,
    href: impl Fn(LocationsQuery) -> String,
) -> Vec<Column> {
    let columns = LocationSort::ALL.map(|sort| {
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
    });
    columns.into()
}

/// The row of a location.
pub(super) fn location_row<'a>(
    location: &'a LocationResult,
    snapshot: &'a Snapshot,
) -> LocationRow<'a> {
    let (leader_key, leader) = parts::leader_words(snapshot, location.leader.as_ref());
    LocationRow {
        location,
        share: share(location.count, snapshot.totals.counted),
        leader_key,
        leader,
    }
}
