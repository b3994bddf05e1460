//! The counts of a contest in the batch at hand, by numbers of values and selections.

use std::collections::BTreeMap;

use foldhash::fast::FixedState;
use hashbrown::HashMap;

use crate::Marks;
use crate::ballot_paper::PaperContest;
use crate::group_values::GroupValues;
use crate::names::Names;
use crate::tally::{BySelection, ContestTally};

/// The counts of a contest in the batch at hand, by interned names: adding a vote allocates nothing.
pub(crate) struct ContestCounts {
    pub(crate) id: Box<str>,
    /// The texts of the selections. Of a contest for one mark these are those who stand, and stay. Of any other
    /// there may be as many as ballots, and they go with the batch.
    pub(crate) selections: Names,
    /// Those who stand, under the numbers that the rules give them: what `selections` begins with.
    standing: Names,
    /// By group.
    cells: Vec<Cells>,
}

/// The counts of a group in a contest, by value and selection.
#[derive(Clone)]
enum Cells {
    /// Of a contest for one mark: few selections, most of them made in each value.
    Dense(DenseCells),
    /// Of a contest for several marks: of many selections, few are made in a value.
    Sparse(HashMap<(u32, u32), u64, FixedState>),
}

impl Cells {
    fn of(contest: &PaperContest) -> Cells {
        match contest.marks {
            Marks::Candidates { most: 1 } => Cells::Dense(DenseCells::default()),
            _ => Cells::Sparse(HashMap::default()),
        }
    }

    #[inline(always)]
    fn add(&mut self, value: u32, selection: u32) {
        match self {
            Cells::Dense(cells) => cells.add(value, selection),
            Cells::Sparse(cells) => *cells.entry((value, selection)).or_default() += 1,
        }
    }

    /// Hands over the counts that are not zero, by value and selection, and sets them to zero.
    fn take(&mut self, mut each: impl FnMut(usize, usize, u64)) {
        match self {
            Cells::Dense(cells) => {
                for (value, row) in cells.rows() {
                    taken(row).for_each(|(selection, votes)| each(value, selection, votes));
                }
            }
            Cells::Sparse(cells) => {
                for ((value, selection), votes) in cells.drain() {
                    each(value as usize, selection as usize, votes);
                }
            }
        }
    }
}

/// Counts in an array.
#[derive(Clone, Default)]
struct DenseCells {
    /// A row of `width` selections for each value.
    counts: Vec<u64>,
    width: usize,
}

impl DenseCells {
    #[inline(always)]
    fn add(&mut self, value: u32, selection: u32) {
        let (value, selection) = (value as usize, selection as usize);
        if selection >= self.width {
            self.widen(selection + 1);
        }
        let at = value * self.width + selection;
        if at >= self.counts.len() {
            self.counts.resize((value + 1) * self.width, 0);
        }
        self.counts[at] += 1;
    }

    /// Makes room for more selections.
    #[cold]
    fn widen(&mut self, least: usize) {
        let width = least.next_power_of_two();
        let rows = self.counts.chunks(self.width.max(1));
        let mut counts = Vec::with_capacity(rows.len() * width);
        for row in rows {
            counts.extend_from_slice(row);
            counts.resize(counts.len().next_multiple_of(width), 0);
        }
        *self = DenseCells { counts, width };
    }

    /// The counts of each value, to be taken.
    fn rows(&mut self) -> impl Iterator<Item = (usize, &mut [u64])> {
        self.counts.chunks_mut(self.width.max(1)).enumerate()
    }
}

impl ContestCounts {
    /// Nothing is counted yet, by so many groups.
    pub(crate) fn of(contest: &PaperContest, groups: usize) -> ContestCounts {
        let standing = contest.candidates.clone().unwrap_or_default();
        ContestCounts {
            id: contest.id.clone(),
            selections: standing.clone(),
            standing,
            cells: vec![Cells::of(contest); groups],
        }
    }

    #[inline(always)]
    pub(crate) fn add(&mut self, values: &[u32], selection: u32) {
        for (cells, &value) in self.cells.iter_mut().zip(values) {
            cells.add(value, selection);
        }
    }

    /// What was counted since the last call.
    pub(crate) fn take(&mut self, groups: &[GroupValues]) -> ContestTally {
        let mut tally = ContestTally::new();
        for (group, cells) in groups.iter().zip(&mut self.cells) {
            let mut values: BTreeMap<usize, BySelection> = BTreeMap::new();
            cells.take(|value, selection, votes| {
                let selections = values.entry(value).or_default();
                selections.insert(self.selections.name(selection).to_owned(), votes);
            });
            if !values.is_empty() {
                let values = values.into_iter();
                let named = values.map(|(value, by)| (group.value(value).to_owned(), by));
                tally.insert(group.name().to_owned(), named.collect());
            }
        }
        if let Some(Cells::Sparse(_)) = self.cells.first() {
            self.selections = self.standing.clone();
        }
        tally
    }
}

/// The turnout, told by a contest that is put to everybody.
pub(crate) fn turnout_of(contest: &ContestTally) -> BTreeMap<String, BTreeMap<String, u64>> {
    let sums = |values: &BTreeMap<String, BySelection>| {
        let sum = |(value, by): (&String, &BySelection)| (value.clone(), by.values().sum());
        values.iter().map(sum).collect()
    };
    let groups = contest.iter();
    groups
        .map(|(group, values)| (group.clone(), sums(values)))
        .collect()
}

/// The counts that are not zero, each set to zero.
pub(crate) fn taken(counts: &mut [u64]) -> impl Iterator<Item = (usize, u64)> {
    counts
        .iter_mut()
        .map(std::mem::take)
        .enumerate()
        .filter(|&(_, votes)| votes > 0)
}
