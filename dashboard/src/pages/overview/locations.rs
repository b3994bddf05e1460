//! The heads of the table of locations.

use super::parts;
use crate::query::{LocationSort, LocationsQuery, Order};

/// The head of a column that locations can be sorted by.
pub(super) struct Column {
    pub(super) title: String,
    pub(super) class: &'static str,
    pub(super) sort: &'static str,
    pub(super) aria_sort: &'static str,
    pub(super) href: String,
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
