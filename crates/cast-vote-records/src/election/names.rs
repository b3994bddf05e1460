//! Precincts and batches as they come, and their ids in an election: a name may hold what an id cannot.

use ballot::{OTHER, UNKNOWN};
use indexmap::IndexMap;

use crate::readers::sanitized;

/// The most characters of a name that go into its id: with a number behind it, an id has at most 64.
const MOST_OF_A_NAME: usize = 48;

/// Names, each with its id.
#[derive(Debug, Clone)]
pub(super) struct Names {
    /// What an id is made of where the name has nothing for it.
    kind: &'static str,
    ids: IndexMap<String, String>,
    /// Ids to the places of their names.
    places: IndexMap<String, usize>,
}

impl Names {
    pub(super) fn new(kind: &'static str) -> Names {
        Names {
            kind,
            ids: IndexMap::new(),
            places: IndexMap::new(),
        }
    }

    /// The number of a name, which has an id from now on.
    pub(super) fn number_of(&mut self, name: &str) -> usize {
        if let Some(number) = self.ids.get_index_of(name) {
            return number;
        }
        let number = self.ids.len();
        let id = self.unused_id(name);
        self.places.insert(id.clone(), number);
        self.ids.insert(name.to_owned(), id);
        number
    }

    /// The name's letters and digits; with a number if another name has the same, or the count has the word.
    fn unused_id(&self, name: &str) -> String {
        let mut base = sanitized(name.trim());
        base.truncate(MOST_OF_A_NAME);
        if base.is_empty() {
            base.push_str(self.kind);
        }
        let is_free =
            |id: &String| !self.places.contains_key(id) && ![OTHER, UNKNOWN].contains(&id.as_str());
        let numbered = (self.ids.len() + 1..).map(|number| format!("{base}_{number}"));
        let mut ids = std::iter::once(base.clone()).chain(numbered);
        ids.find(is_free).unwrap_or(base)
    }

    pub(super) fn id(&self, number: usize) -> Option<&str> {
        let (_, id) = self.ids.get_index(number)?;
        Some(id)
    }

    pub(super) fn name_of(&self, id: &str) -> Option<&str> {
        let (name, _) = self.ids.get_index(*self.places.get(id)?)?;
        Some(name)
    }

    /// Each name and its id.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.ids.iter().map(|(name, id)| (&**name, &**id))
    }

    pub(super) fn len(&self) -> usize {
        self.ids.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_has_an_id_of_its_own() {
        let mut names = Names::new("precinct");
        let long = "W".repeat(100);
        let expected = [
            ("MINNEAPOLIS W-1 P-01", "MINNEAPOLIS_W-1_P-01"),
            ("MINNEAPOLIS W-1/P-01", "MINNEAPOLIS_W-1_P-01_2"),
            ("", "precinct"),
            ("other", "other_4"),
            (&long, &long[..MOST_OF_A_NAME]),
            ("Ä", "_"),
        ];
        for (number, (name, id)) in expected.into_iter().enumerate() {
            assert_eq!(names.number_of(name), number, "{name}");
            assert_eq!(names.number_of(name), number, "{name} again");
            assert_eq!(names.id(number), Some(id));
            assert_eq!(names.name_of(id), Some(name));
        }
        assert_eq!(names.len(), expected.len());
        assert_eq!(names.name_of("nobody"), None);
    }
}
