//! A group: what votes are counted by, such as the location or the age band.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::definition::{DefinitionError, demand_id};
use crate::group_paths::OWN_FIELDS;
use crate::group_values::value_of_text;

/// The value of votes that do not say (or do not say usably) what they belong to.
pub const UNKNOWN: &str = "unknown";

/// The value of votes whose own is not on a closed list, or beyond the limit of distinct values.
pub const OTHER: &str = "other";

/// Distinct values of a group, where it does not say.
const DEFAULT_LIMIT: usize = 5_000;

/// Most distinct values that a group may ask for.
const MAX_LIMIT: usize = 1_000_000;

/// Most parts of a JSON pointer.
const MAX_PATH_PARTS: usize = 8;

/// What votes are counted by.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Group {
    /// Its name in tables, in results and on the page.
    pub name: String,
    /// Where a vote has the value: a JSON pointer (RFC 6901) to text, or to an integer where there are bands.
    pub path: String,
    /// The field that has the value in the published records; by default the group's name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
    /// The values, where they are known beforehand; any other is [`OTHER`].
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub values: Vec<String>,
    /// Where a new band of integers begins, ascending.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub bands: Vec<i64>,
    /// The smallest and the largest integer that makes sense; others are [`UNKNOWN`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub range: Option<(i64, i64)>,
    /// Distinct values in a partition; further ones are [`OTHER`].
    #[serde(default = "default_limit")]
    pub limit: usize,
}

fn default_limit() -> usize {
    DEFAULT_LIMIT
}

impl Group {
    pub(crate) fn named(name: &str) -> Group {
        Group {
            name: name.to_owned(),
            path: String::new(),
            field: None,
            values: Vec::new(),
            bands: Vec::new(),
            range: None,
            limit: DEFAULT_LIMIT,
        }
    }

    /// The tutorial's groups.
    pub fn tutorial() -> Vec<Group> {
        vec![
            Group {
                path: "/address/state".to_owned(),
                field: Some("state".to_owned()),
                ..Group::named("location")
            },
            Group {
                path: "/gender".to_owned(),
                ..Group::named("gender")
            },
            Group {
                path: "/registered_age".to_owned(),
                field: Some("age_band".to_owned()),
                bands: vec![18, 25, 35, 45, 55, 65],
                range: Some((0, 150)),
                ..Group::named("age")
            },
        ]
    }

    /// The field that has the value in the published records.
    pub fn field(&self) -> &str {
        self.field.as_deref().unwrap_or(&self.name)
    }

    /// The values that are known beforehand, in the order in which they are shown: the closed list, or the
    /// names of the bands.
    pub fn known_values(&self) -> Vec<String> {
        if self.bands.is_empty() {
            return self.values.clone();
        }
        (0..=self.bands.len())
            .map(|band| self.band_name(band))
            .collect()
    }

    /// The name of a band by its number: `under 18`, `18-24`, …, `65+`.
    pub(crate) fn band_name(&self, band: usize) -> String {
        let from = band.checked_sub(1).map(|before| self.bands[before]);
        let to = self.bands.get(band).map(|next| next - 1);
        match (from, to) {
            (None, _) => format!("under {}", self.bands[0]),
            (Some(from), None) => format!("{from}+"),
            (Some(from), Some(to)) if from == to => from.to_string(),
            (Some(from), Some(to)) => format!("{from}-{to}"),
        }
    }

    /// The number of the band that an integer is in, `None` where it makes no sense.
    pub fn band_of(&self, integer: i64) -> Option<usize> {
        let in_range = self
            .range
            .is_none_or(|(low, high)| (low..=high).contains(&integer));
        in_range.then(|| self.bands.partition_point(|&from| from <= integer))
    }

    /// The names on the way to the value: `["address", "state"]`.
    pub fn path_parts(&self) -> Vec<String> {
        self.path
            .split('/')
            .skip(1)
            .map(|part| part.replace("~1", "/").replace("~0", "~"))
            .collect()
    }

    pub(crate) fn check(&self) -> Result<(), DefinitionError> {
        demand_id("group", &self.name)?;
        let refuse = |problem: &str| {
            Err(DefinitionError::new(
                format!("group `{}`", self.name),
                problem,
            ))
        };
        // It stands in tables, ids of the page and names of topics.
        let fits_topic =
            |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        if !self.name.bytes().all(fits_topic) {
            return refuse("the name takes lower-case letters, digits and `-`");
        }
        let parts = self.path_parts();
        let path_is_usable = self.path.starts_with('/')
            && (1..=MAX_PATH_PARTS).contains(&parts.len())
            && parts.iter().all(|part| !part.is_empty());
        if !path_is_usable {
            return refuse("`path` is a JSON pointer into the vote, like \"/address/state\"");
        }
        if OWN_FIELDS.contains(&parts[0].as_str()) {
            return refuse("`path` leads to a field that every vote has by itself");
        }
        let mut seen = BTreeSet::new();
        for value in &self.values {
            if [UNKNOWN, OTHER].contains(&value.as_str()) {
                return refuse("`unknown` and `other` are words of the count and cannot be values");
            }
            if value_of_text(value) != value || !seen.insert(value) {
                return refuse(
                    "a value is at most 128 bytes of text without spaces around it, and listed once",
                );
            }
        }
        if self.bands.first() == Some(&i64::MIN) {
            return refuse("the first of `bands` has nothing below it");
        }
        if self.range.is_some() && self.bands.is_empty() {
            return refuse("`range` goes with `bands`");
        }
        if self.bands.windows(2).any(|pair| pair[0] >= pair[1]) {
            return refuse("`bands` must ascend");
        }
        if !self.bands.is_empty() && !self.values.is_empty() {
            return refuse("it takes `bands` or `values`, not both");
        }
        if self.range.is_some_and(|(low, high)| low > high) {
            return refuse("`range` is the smallest and the largest integer");
        }
        if !(1..=MAX_LIMIT).contains(&self.limit) {
            return refuse("`limit` is a number from 1 to 1000000");
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bands_have_names_and_limits() {
        let [_, _, age] = Group::tutorial().try_into().unwrap();
        let names = age.known_values();
        assert_eq!(
            names,
            [
                "under 18", "18-24", "25-34", "35-44", "45-54", "55-64", "65+"
            ]
        );
        for (years, name) in [
            (0, "under 18"),
            (17, "under 18"),
            (18, "18-24"),
            (64, "55-64"),
            (150, "65+"),
        ] {
            assert_eq!(names[age.band_of(years).unwrap()], name, "{years}");
        }
        assert_eq!((age.band_of(-1), age.band_of(151)), (None, None));
    }
}
