//! The counts of a contest in the batch at hand, by numbers of values and selections.

use std::collections::BTreeMap;

use hashbrown::HashMap;

use crate::ballot_paper::PaperContest;
use crate::group_values::GroupValues;
use crate::hash_seed::WordHash;
use crate::names::Names;
use crate::tally::{BySelection, ContestTally};
use crate::{HashSeed, Marks};

/// Most selections of a contest whose texts are kept from batch to batch.
const MOST_SELECTIONS: usize = 16 * 1024;

/// The counts of a contest in the batch at hand, by interned names: adding a vote allocates nothing.
pub(crate) struct ContestCounts {
    pub(crate) id: Box<str>,
    /// The texts of the selections. Of a contest for one mark these are those who stand. Of any other there may be as many as
    /// ballots.
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
    Sparse(HashMap<u64, u64, WordHash>),
}

impl Cells {
    fn of(contest: &PaperContest, seed: HashSeed) -> Cells {
        match contest.marks {
            Marks::Candidates { most: 1 } => Cells::Dense(DenseCells::default()),
            _ => Cells::Sparse(HashMap::with_hasher(WordHash::of(seed))),
        }
    }

    #[inline(always)]
    fn add(&mut self, value: u32, selection: u32) {
        match self {
            Cells::Dense(cells) => cells.add(value, selection),
            Cells::Sparse(cells) => {
                let cell = u64::from(value) << 32 | u64::from(selection);
                *cells.entry(cell).or_default() += 1;
            }
        }
    }

    /// Hands over the counts that are not zero, by value and selection, and sets them to zero.
    fn take(&mut self, mut each: impl FnMut(usize, usize, u64)) {
        match self {
            Cells::Dense(cells) => {
                cells.take(each);
            }
            Cells::Sparse(cells) => {
                for (cell, votes) in cells.drain() {
                    each((cell >> 32) as usize, cell as u32 as usize, votes);
                }
            }
        }
    }
}

/// Counts in an array.
#[derive(Clone, Default)]
pub(crate) struct DenseCells {
    /// A row of `width` selections for each value.
    counts: Vec<u64>,
    width: usize,
    /// The cells that are not zero, in the order in which they were first counted: a batch of few votes must not look at
    /// every value that was ever seen.
    counted: Vec<(u32, u32)>,
}

impl DenseCells {
    #[inline(always)]
    pub(crate) fn add(&mut self, value: u32, selection: u32) {
        let (value, selection) = (value as usize, selection as usize);
        if selection >= self.width {
            self.widen(selection + 1);
        }
        let at = value * self.width + selection;
        if at >= self.counts.len() {
            self.counts.resize((value + 1) * self.width, 0);
        }
        let votes = &mut self.counts[at];
        if *votes == 0 {
            self.counted.push((value as u32, selection as u32));
        }
        *votes += 1;
    }

    /// Hands over the counts that are not zero, by value and selection, and sets them to zero.
    pub(crate) fn take(&mut self, mut each: impl FnMut(usize, usize, u64)) {
        for (value, selection) in self.counted.drain(..) {
            let (value, selection) = (value as usize, selection as usize);
            let votes = std::mem::take(&mut self.counts[value * self.width + selection]);
            each(value, selection, votes);
        }
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
        self.counts = counts;
        self.width = width;
    }
}

impl ContestCounts {
    /// Nothing is counted yet, by so many groups.
    pub(crate) fn of(contest: &PaperContest, groups: usize, seed: HashSeed) -> ContestCounts {
        let standing = match &contest.candidates {
            Some(candidates) => candidates.seeded(seed),
            None => Names::new(seed),
        };
        ContestCounts {
            id: contest.id.clone(),
            selections: standing.clone(),
            standing,
            cells: vec![Cells::of(contest, seed); groups],
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
        tally
    }

    /// Whether there are more selections than are worth keeping.
    pub(crate) fn is_full(&self) -> bool {
        matches!(self.cells.first(), Some(Cells::Sparse(_)))
            && self.selections.len() > MOST_SELECTIONS
    }

    /// Forgets the selections, when nothing is counted; their numbers are given again.
    pub(crate) fn forget_selections(&mut self) {
        if let Some(Cells::Sparse(_)) = self.cells.first() {
            self.selections = self.standing.clone();
        }
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
