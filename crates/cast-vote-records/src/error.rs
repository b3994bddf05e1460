//! What can be wrong with cast vote records, in words for the person who fixes it.

use std::fmt;
use std::path::PathBuf;

/// Records that cannot be used. Ballots that were given before are to be dropped.
#[derive(Debug, thiserror::Error)]
pub enum CvrError {
    /// A file, or a directory, could not be read.
    #[error("cannot read {}: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// A file is larger than its kind can be.
    #[error("{} is larger than {most} bytes", path.display())]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// The most bytes.
        most: u64,
    },
    /// A directory, or zip, without the files of its provider.
    #[error("{} has no {expected}: check filePath and provider", path.display())]
    NoFiles {
        /// The directory.
        path: PathBuf,
        /// What it should have.
        expected: &'static str,
    },
    /// A file that is not a workbook.
    #[error("{}: {source}. ES&S records are Excel workbooks (.xlsx)", path.display())]
    Workbook {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        source: Box<calamine::XlsxError>,
    },
    /// A file that is not the JSON it should be.
    #[error("{}: {source}", path.display())]
    Json {
        /// The file.
        path: PathBuf,
        /// What is wrong, with line and column.
        source: serde_json::Error,
    },
    /// A file that is not the XML it should be.
    #[error("{}, byte {position}: {problem}", path.display())]
    Xml {
        /// The file.
        path: PathBuf,
        /// Where in it.
        position: u64,
        /// What is wrong.
        problem: String,
    },
    /// A file that is not the CSV it should be.
    #[error("{}: {source}", path.display())]
    Csv {
        /// The file.
        path: PathBuf,
        /// What is wrong, with its line.
        source: csv::Error,
    },
    /// A record, or another part of a file, that makes no sense.
    #[error("{}, {record}, {field}: {problem}", path.display())]
    Record {
        /// The file.
        path: PathBuf,
        /// Which: `row 7`, `session 3`, `CVR 12`.
        record: String,
        /// The field.
        field: String,
        /// What is wrong.
        problem: RecordProblem,
    },
    /// Marks for candidates that the configuration does not know.
    #[error("{} has marks for unknown candidates:{}. Add them to the candidates, or to their aliases; or check contestId, the labels and the columns", path.display(), Listed(candidates, *more))]
    UnknownCandidates {
        /// The file.
        path: PathBuf,
        /// The first of them.
        candidates: Vec<UnknownCandidate>,
        /// How many marks there are for further ones.
        more: u64,
    },
    /// Nothing was read.
    #[error("no ballots of the contest \"{contest}\" in any source: check contestId and filePath")]
    NoBallots {
        /// The contest.
        contest: String,
    },
    /// What the ballots were given to could not take one.
    #[error("the ballots cannot be used: {0}")]
    Refused(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// A candidate that the configuration does not know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnknownCandidate {
    /// What the records call them.
    pub name: String,
    /// How often they are marked.
    pub marks: u64,
    /// The first record that marks them.
    pub first: String,
}

struct Listed<'a>(&'a [UnknownCandidate], u64);

impl fmt::Display for Listed<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, unknown) in self.0.iter().enumerate() {
            let UnknownCandidate { name, marks, first } = unknown;
            let separator = if index == 0 { "" } else { ";" };
            write!(f, "{separator} \"{name}\" {marks} times, first in {first}")?;
        }
        if self.1 > 0 {
            write!(f, "; {} marks for others", self.1)?;
        }
        Ok(())
    }
}

/// What is wrong with a field of a record.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RecordProblem {
    /// It is not there.
    #[error("is missing")]
    Missing,
    /// It is there twice.
    #[error("\"{id}\" is there twice")]
    Duplicate {
        /// The value.
        id: String,
    },
    /// It refers to nothing.
    #[error("\"{id}\" is not defined in {place}")]
    NotDefined {
        /// The value.
        id: String,
        /// Where it should be.
        place: &'static str,
    },
    /// It should be a whole number.
    #[error("\"{value}\" is no whole number")]
    NoNumber {
        /// The value.
        value: String,
    },
    /// A rank before the first, or beyond all ballots.
    #[error("rank {rank} is not from 1 to {most}")]
    RankOutOfBounds {
        /// The rank.
        rank: i64,
        /// The highest rank that any ballot has.
        most: u32,
    },
    /// A rank that the contest's ballot does not have.
    #[error("rank {rank} is marked, but the contest has {most} ranks: check maxRankingsAllowed")]
    RankNotAllowed {
        /// The rank.
        rank: u32,
        /// The contest's ranks.
        most: u32,
    },
    /// One of several candidates in a cell is blank, or a skipped rank.
    #[error("\"{cell}\" has several candidates, and one is blank or the label of a skipped rank")]
    BlankAmongCandidates {
        /// The cell.
        cell: String,
    },
    /// A header of a choice with another number of parts.
    #[error("\"{header}\" is not Choice:contest:rank:rule:candidate:party")]
    ChoiceHeader {
        /// The header.
        header: String,
    },
    /// A candidate of another contest.
    #[error("the candidate \"{name}\" is not in the contest by the candidate manifest")]
    NotInContest {
        /// The candidate's code.
        name: String,
    },
    /// Ballots are to be counted by precinct or batch, and this one has none.
    #[error("is missing, and the configuration asks for reports by it")]
    MissingSlice,
}
