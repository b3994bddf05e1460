//! A ballot of one contest, as a record has it.

use ballot::Ranking;

/// A ballot of one contest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CastBallot {
    /// RCTab's id of the record: unique in its source, as far as the voting system's ids are.
    pub id: String,
    /// The voting system's id of the record.
    pub supplied_id: Option<String>,
    /// The machine that read the ballot.
    pub tabulator: Option<String>,
    /// The batch it was read in.
    pub batch: Option<String>,
    /// Its precinct.
    pub precinct: Option<String>,
    /// Its part of the precinct.
    pub precinct_portion: Option<String>,
    /// Its ballot style: which contests it has.
    pub style: Option<String>,
    /// What is marked in the contest, by the ids of the configuration's candidates.
    pub ranking: Ranking,
}
