//! One page of the locations, filtered and sorted.

use std::cmp::Ordering;

use super::{LocationSort, LocationsQuery, Order};
use crate::model::{CandidateResult, LocationResult};

#[derive(Debug, PartialEq)]
pub(crate) struct LocationsPage<'a> {
    pub(crate) rows: Vec<&'a LocationResult>,
    /// The page, from 1; the last one when a later one was asked for.
    pub(crate) page: usize,
    pub(crate) pages: usize,
    /// Locations that pass the filter, on all pages.
    pub(crate) matching: usize,
}

/// A location and its sort keys, in lower case.
struct Keyed<'a, 'n> {
    name: String,
    leader: Option<&'n str>,
    location: &'a LocationResult,
}

impl LocationsQuery {
    /// The locations of the page. Ties are sorted by name, in either order.
    pub(crate) fn apply<'a>(
        &self,
        locations: &'a [LocationResult],
        candidates: &[CandidateResult],
    ) -> LocationsPage<'a> {
        let names: Vec<(&str, String)> = candidates
            .iter()
            .map(|candidate| {
                let name = candidate.candidate_name.to_lowercase();
                (candidate.candidate_id.as_str(), name)
            })
            .collect();
        let needle = self.filter.to_lowercase();
        let mut keyed: Vec<_> = locations
            .iter()
            .map(|location| Keyed {
                name: location.name().to_lowercase(),
                leader: leader_name(location, &names),
                location,
            })
            .filter(|keyed| keyed.name.contains(&needle))
            .collect();
        keyed.sort_by(|a, b| {
            self.compare(a, b)
                .then_with(|| a.name.cmp(&b.name))
                .then_with(|| a.location.state.cmp(&b.location.state))
        });
        let matching = keyed.len();
        let pages = matching.div_ceil(self.size).max(1);
        let page = self.page.clamp(1, pages);
        let rows = keyed
            .iter()
            .skip((page - 1) * self.size)
            .take(self.size)
            .map(|keyed| keyed.location)
            .collect();
        LocationsPage {
            rows,
            page,
            pages,
            matching,
        }
    }

    fn compare(&self, a: &Keyed, b: &Keyed) -> Ordering {
        let ascending = match self.sort {
            LocationSort::State => a.name.cmp(&b.name),
            LocationSort::Count => a.location.count.cmp(&b.location.count),
            LocationSort::Lead => a.location.lead().cmp(&b.location.lead()),
            LocationSort::Leader => match (a.leader, b.leader) {
                (Some(a), Some(b)) => a.cmp(b),
                // Locations without a leader are last in either order.
                (a, b) => return b.is_some().cmp(&a.is_some()),
            },
        };
        match self.order {
            Order::Ascending => ascending,
            Order::Descending => ascending.reverse(),
        }
    }
}

fn leader_name<'n>(location: &LocationResult, names: &'n [(&str, String)]) -> Option<&'n str> {
    let leader = location.leader.as_ref()?;
    names
        .iter()
        .find(|(id, _)| *id == leader.candidate_id)
        .map(|(_, name)| name.as_str())
}
