//! The parameters of a URL: order, page and filter of the locations, how often a page without JavaScript reloads, and
//! the format of a download.

mod page;
#[cfg(test)]
mod tests;

use std::borrow::Cow;

use thiserror::Error;

pub(crate) use page::LocationsPage;

pub(crate) const PAGE_SIZES: [usize; 4] = [10, 25, 50, 100];

pub(crate) const REFRESH_SECONDS: [u16; 5] = [5, 10, 15, 30, 60];

/// Longest filter, in characters: no location is called longer.
const MAX_FILTER_CHARACTERS: usize = 100;

const MAX_REPEATED_CHARACTERS: usize = 40;

/// A query parameter with an invalid value.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{parameter}={given} cannot be used: it must be {allowed}")]
pub(crate) struct BadQuery {
    parameter: &'static str,
    /// Shortened when it is long.
    given: String,
    allowed: String,
}

impl BadQuery {
    fn new(parameter: &'static str, given: &str, allowed: impl Into<String>) -> Self {
        let mut shown: String = given.chars().take(MAX_REPEATED_CHARACTERS).collect();
        if shown.len() < given.len() {
            shown.push('…');
        }
        BadQuery {
            parameter,
            given: shown,
            allowed: allowed.into(),
        }
    }
}

/// Finds a value among those that a parameter can have, each with its name.
fn one_of<T>(
    parameter: &'static str,
    given: &str,
    known: impl IntoIterator<Item = (String, T)>,
) -> Result<T, BadQuery> {
    let mut names = Vec::new();
    for (name, value) in known {
        if name == given {
            return Ok(value);
        }
        names.push(name);
    }
    let last = names.pop().unwrap_or_default();
    let allowed = format!("{} or {last}", names.join(", "));
    Err(BadQuery::new(parameter, given, allowed))
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum LocationSort {
    State,
    #[default]
    Count,
    /// Name of the candidate who leads there; locations without a leader are last.
    Leader,
    Lead,
}

impl LocationSort {
    /// In the order of the table's columns.
    pub(crate) const ALL: [LocationSort; 4] = [
        LocationSort::State,
        LocationSort::Count,
        LocationSort::Leader,
        LocationSort::Lead,
    ];

    pub(crate) fn as_str(self) -> &'static str {
        match self {
            LocationSort::State => "state",
            LocationSort::Count => "count",
            LocationSort::Leader => "leader",
            LocationSort::Lead => "lead",
        }
    }

    /// The order that a first click on the column gives: names from A, numbers from the largest.
    pub(crate) fn first_order(self) -> Order {
        match self {
            LocationSort::State | LocationSort::Leader => Order::Ascending,
            LocationSort::Count | LocationSort::Lead => Order::Descending,
        }
    }
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Order {
    Ascending,
    #[default]
    Descending,
}

impl Order {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Order::Ascending => "asc",
            Order::Descending => "desc",
        }
    }

    pub(crate) fn reversed(self) -> Order {
        match self {
            Order::Ascending => Order::Descending,
            Order::Descending => Order::Ascending,
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct LocationsQuery {
    pub(crate) sort: LocationSort,
    pub(crate) order: Order,
    pub(crate) page: usize,
    /// Locations on a page, one of [`PAGE_SIZES`].
    pub(crate) size: usize,
    /// Only locations whose name has this in it, in upper or lower case; empty: all.
    pub(crate) filter: String,
}

impl Default for LocationsQuery {
    fn default() -> Self {
        LocationsQuery {
            sort: LocationSort::default(),
            order: Order::default(),
            page: 1,
            size: PAGE_SIZES[0],
            filter: String::new(),
        }
    }
}

impl LocationsQuery {
    /// Reads a URL's query string. Other parameters are ignored.
    pub(crate) fn parse(query: &str) -> Result<LocationsQuery, BadQuery> {
        let mut parsed = LocationsQuery::default();
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            match name.as_ref() {
                "sort" => {
                    let sorts = LocationSort::ALL.map(|sort| (sort.as_str().into(), sort));
                    parsed.sort = one_of("sort", &value, sorts)?;
                }
                "order" => {
                    let orders = [Order::Ascending, Order::Descending];
                    let orders = orders.map(|order| (order.as_str().into(), order));
                    parsed.order = one_of("order", &value, orders)?;
                }
                "size" => {
                    let sizes = PAGE_SIZES.map(|size| (size.to_string(), size));
                    parsed.size = one_of("size", &value, sizes)?;
                }
                "page" => parsed.page = page_from(&value)?,
                "filter" => parsed.filter = filter_from(&value)?,
                _ => {}
            }
        }
        Ok(parsed)
    }

    /// The same sorted by this column, from the first page; if it is already, in the reverse order.
    pub(crate) fn sorted_by(&self, sort: LocationSort) -> LocationsQuery {
        let order = if sort == self.sort {
            self.order.reversed()
        } else {
            sort.first_order()
        };
        LocationsQuery {
            sort,
            order,
            page: 1,
            ..self.clone()
        }
    }

    pub(crate) fn on_page(&self, page: usize) -> LocationsQuery {
        LocationsQuery {
            page,
            ..self.clone()
        }
    }

    /// The parameters that [`LocationsQuery::parse`] reads this from, without those that have their default.
    pub(crate) fn pairs(&self) -> Vec<(&'static str, String)> {
        let default = LocationsQuery::default();
        let mut pairs = Vec::new();
        if self.sort != default.sort || self.order != default.order {
            pairs.push(("sort", self.sort.as_str().to_owned()));
            pairs.push(("order", self.order.as_str().to_owned()));
        }
        if self.page != default.page {
            pairs.push(("page", self.page.to_string()));
        }
        if self.size != default.size {
            pairs.push(("size", self.size.to_string()));
        }
        if !self.filter.is_empty() {
            pairs.push(("filter", self.filter.clone()));
        }
        pairs
    }

    pub(crate) fn to_query_string(&self, refresh: Option<u16>) -> String {
        form_urlencoded::Serializer::new(String::new())
            .extend_pairs(self.pairs())
            .extend_pairs(refresh.map(|seconds| ("refresh", seconds.to_string())))
            .finish()
    }
}

/// Seconds between two refreshes; `None` where the URL does not say, or the page is live.
pub(crate) fn refresh_interval(query: &str) -> Result<Option<u16>, BadQuery> {
    let Some(value) = last(query, "refresh").filter(|value| !value.is_empty()) else {
        return Ok(None);
    };
    let seconds = REFRESH_SECONDS.map(|seconds| (seconds.to_string(), Some(seconds)));
    let known = [("live".to_owned(), None)].into_iter().chain(seconds);
    one_of("refresh", &value, known)
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Format {
    Json,
    Csv,
}

pub(crate) fn format(query: &str) -> Result<Format, BadQuery> {
    let known = [("json".into(), Format::Json), ("csv".into(), Format::Csv)];
    last(query, "format").map_or(Ok(Format::Json), |value| one_of("format", &value, known))
}

fn last<'a>(query: &'a str, parameter: &str) -> Option<Cow<'a, str>> {
    form_urlencoded::parse(query.as_bytes())
        .filter(|(name, _)| name == parameter)
        .map(|(_, value)| value)
        .last()
}

fn page_from(value: &str) -> Result<usize, BadQuery> {
    value
        .parse()
        .ok()
        .filter(|&page| page >= 1)
        .ok_or_else(|| BadQuery::new("page", value, "a number from 1"))
}

fn filter_from(value: &str) -> Result<String, BadQuery> {
    let value = value.trim();
    if value.chars().count() > MAX_FILTER_CHARACTERS {
        return Err(BadQuery::new("filter", value, "at most 100 characters"));
    }
    Ok(value.to_owned())
}
