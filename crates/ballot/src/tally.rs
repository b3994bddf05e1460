//! Counts: what a delta carries, what is stored, what a recount arrives at. One shape for all.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{AgeBand, Candidate, Reason};

/// Votes counted and rejected. Groups with nothing in them are not kept, so equal counts are equal
/// values.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Tally {
    /// candidate_id -> location -> votes counted.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub candidates: BTreeMap<String, BTreeMap<String, u64>>,
    /// gender -> votes counted.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub genders: BTreeMap<String, u64>,
    /// age band -> votes counted.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub age_bands: BTreeMap<AgeBand, u64>,
    /// reason -> votes rejected.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub rejected: BTreeMap<Reason, u64>,
}

impl Tally {
    /// Votes that count.
    pub fn counted(&self) -> u64 {
        self.candidates.values().flat_map(|by| by.values()).sum()
    }

    /// Votes that count, summed by candidate, by gender and by age band: three times the same, for each
    /// has one of each.
    pub fn counted_by_group(&self) -> [u64; 3] {
        [
            self.counted(),
            self.genders.values().sum(),
            self.age_bands.values().sum(),
        ]
    }

    /// Votes that do not.
    pub fn rejected_total(&self) -> u64 {
        self.rejected.values().sum()
    }

    /// Everything cast: counted and rejected.
    pub fn cast(&self) -> u64 {
        self.counted() + self.rejected_total()
    }

    /// Adds another tally to this one.
    pub fn add(&mut self, other: &Tally) {
        for (candidate, locations) in &other.candidates {
            // Not `entry`: the key is copied only when it is new.
            match self.candidates.get_mut(candidate) {
                Some(known) => add_groups(known, locations),
                None => {
                    self.candidates.insert(candidate.clone(), locations.clone());
                }
            }
        }
        add_groups(&mut self.genders, &other.genders);
        add_groups(&mut self.age_bands, &other.age_bands);
        add_groups(&mut self.rejected, &other.rejected);
    }

    /// Votes counted for a candidate.
    pub fn votes_for(&self, candidate_id: &str) -> u64 {
        self.candidates
            .get(candidate_id)
            .map_or(0, |locations| locations.values().sum())
    }

    /// Votes counted per location.
    pub fn by_location(&self) -> BTreeMap<&str, u64> {
        let mut totals = BTreeMap::new();
        for (location, votes) in self.candidates.values().flatten() {
            *totals.entry(location.as_str()).or_default() += votes;
        }
        totals
    }

    /// Votes counted per party. Candidates that are not listed stand under their own id.
    pub fn by_party<'a>(&'a self, candidates: &'a [Candidate]) -> BTreeMap<&'a str, u64> {
        let mut totals = BTreeMap::new();
        for candidate_id in self.candidates.keys() {
            let party = candidates
                .iter()
                .find(|candidate| candidate.candidate_id == *candidate_id)
                .map_or(candidate_id.as_str(), |candidate| {
                    candidate.party_affiliation.as_str()
                });
            *totals.entry(party).or_default() += self.votes_for(candidate_id);
        }
        totals
    }

    /// Every figure by its path, e.g. `["candidate", "c1", "Cornwall"]`: the form that is stored.
    pub fn cells(&self) -> Vec<Cell> {
        let mut cells = Vec::new();
        for (candidate, locations) in &self.candidates {
            for (location, &total) in locations {
                cells.push(Cell::new(CellKind::Candidate, candidate, location, total));
            }
        }
        for (gender, &total) in &self.genders {
            cells.push(Cell::new(CellKind::Gender, gender, "", total));
        }
        for (band, &total) in &self.age_bands {
            cells.push(Cell::new(CellKind::AgeBand, band.as_str(), "", total));
        }
        for (reason, &total) in &self.rejected {
            cells.push(Cell::new(CellKind::Rejected, reason.as_str(), "", total));
        }
        cells
    }

    /// The tally that these cells make up.
    ///
    /// # Errors
    /// The first cell whose age band or reason does not exist.
    pub fn from_cells(cells: impl IntoIterator<Item = Cell>) -> Result<Tally, Cell> {
        let mut tally = Tally::default();
        for cell in cells {
            match cell.kind {
                CellKind::Candidate => {
                    tally
                        .candidates
                        .entry(cell.group)
                        .or_default()
                        .insert(cell.location, cell.total);
                }
                CellKind::Gender => {
                    tally.genders.insert(cell.group, cell.total);
                }
                CellKind::AgeBand => match AgeBand::from_name(&cell.group) {
                    Some(band) => {
                        tally.age_bands.insert(band, cell.total);
                    }
                    None => return Err(cell),
                },
                CellKind::Rejected => match Reason::from_name(&cell.group) {
                    Some(reason) => {
                        tally.rejected.insert(reason, cell.total);
                    }
                    None => return Err(cell),
                },
            }
        }
        Ok(tally)
    }
}

fn add_groups<K: Ord + Clone>(totals: &mut BTreeMap<K, u64>, more: &BTreeMap<K, u64>) {
    for (group, votes) in more {
        match totals.get_mut(group) {
            Some(total) => *total += votes,
            None => {
                totals.insert(group.clone(), *votes);
            }
        }
    }
}

/// What a [`Cell`] counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum CellKind {
    /// Votes for a candidate in a location.
    Candidate,
    /// Votes by a gender.
    Gender,
    /// Votes by an age band.
    AgeBand,
    /// Votes rejected for a reason.
    Rejected,
}

impl CellKind {
    /// Every kind.
    pub const ALL: [CellKind; 4] = [
        CellKind::Candidate,
        CellKind::Gender,
        CellKind::AgeBand,
        CellKind::Rejected,
    ];

    /// The name in tables and reports.
    pub fn as_str(self) -> &'static str {
        match self {
            CellKind::Candidate => "candidate",
            CellKind::Gender => "gender",
            CellKind::AgeBand => "age_band",
            CellKind::Rejected => "rejected",
        }
    }

    /// The kind of this name.
    pub fn from_name(name: &str) -> Option<CellKind> {
        CellKind::ALL.into_iter().find(|kind| kind.as_str() == name)
    }
}

/// One figure of a tally.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cell {
    /// What it counts.
    pub kind: CellKind,
    /// candidate_id, gender, age band or reason.
    pub group: String,
    /// The location, for candidates; else empty.
    pub location: String,
    /// Number of votes.
    pub total: u64,
}

impl Cell {
    fn new(kind: CellKind, group: &str, location: &str, total: u64) -> Self {
        Cell {
            kind,
            group: group.into(),
            location: location.into(),
            total,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> Tally {
        let mut tally = Tally::default();
        tally.candidates.insert(
            "c1".into(),
            [("Cornwall".into(), 3), ("Fife".into(), 2)].into(),
        );
        tally
            .candidates
            .insert("c2".into(), [("Fife".into(), 4)].into());
        tally.genders = [("female".into(), 5), ("male".into(), 4)].into();
        tally.age_bands = [(AgeBand::From18, 9)].into();
        tally.rejected = [(Reason::Duplicate, 1)].into();
        tally
    }

    #[test]
    fn figures_add_up() {
        let mut tally = sample();
        assert_eq!((tally.counted(), tally.rejected_total()), (9, 1));
        assert_eq!(tally.by_location(), [("Cornwall", 3), ("Fife", 6)].into());
        tally.add(&sample());
        assert_eq!(tally.cast(), 20);
        assert_eq!(tally.votes_for("c1"), 10);
    }

    #[test]
    fn cells_are_the_whole_tally() {
        assert_eq!(Tally::from_cells(sample().cells()), Ok(sample()));
        let json = serde_json::to_string(&sample()).unwrap();
        assert_eq!(serde_json::from_str::<Tally>(&json).unwrap(), sample());
    }
}
