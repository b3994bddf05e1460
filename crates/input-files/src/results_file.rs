//! Official results in a CSV file: who got how many votes where.
//!
//! The columns are found by name: those of the MIT Election Lab's files, or their obvious synonyms.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read;
use std::path::Path;

use ballot::value_of_text;
use csv::StringRecord;

use crate::InputFileError;
use crate::csv_file::{Columns, read_rows};
use crate::error::Problems;

/// The name under which votes without a named candidate are counted.
pub const WRITE_IN: &str = "Write-in / other";
/// The party of a row that names none.
pub const NO_PARTY: &str = "No party";
/// The most votes a file may have: any number up to it is exact as an `f64` too, which scaling uses.
pub const MAX_VOTES: u64 = 1 << 53;

const STATE_COLUMNS: &[&str] = &["state", "location", "region", "county", "constituency"];
const CANDIDATE_COLUMNS: &[&str] = &["candidate", "candidate_name", "name"];
const PARTY_COLUMNS: &[&str] = &[
    "party_simplified",
    "party_detailed",
    "party",
    "party_affiliation",
];
const VOTES_COLUMNS: &[&str] = &["candidatevotes", "candidate_votes", "votes"];

/// One row of official results, as it stands in the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResultRow {
    /// The location.
    pub state: String,
    /// The candidate, [`WRITE_IN`] where the file names none.
    pub candidate: String,
    /// The party, [`NO_PARTY`] where the file names none.
    pub party: String,
    /// Votes.
    pub votes: u64,
}

/// Official results.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResultsFile {
    /// The rows of the file. A candidate may stand on several rows of a state (one a party).
    pub rows: Vec<ResultRow>,
}

impl ResultsFile {
    /// Reads and checks the whole file.
    ///
    /// # Errors
    /// When it cannot be read, a column is missing, it has no row, or a row cannot be used: the error names the
    /// first of them by line and column.
    pub fn read(path: &Path) -> Result<ResultsFile, InputFileError> {
        let file = File::open(path).map_err(|source| InputFileError::read(path, source))?;
        ResultsFile::within(path, file)
    }

    /// The results in a file; its path is for errors.
    pub(crate) fn within(path: &Path, file: impl Read) -> Result<ResultsFile, InputFileError> {
        let mut problems = Problems::default();
        let rows = read_rows(path, file, &mut problems, find_columns)?;
        let rows: Vec<ResultRow> = rows.into_iter().map(|(_, row)| row).collect();
        let votes = rows.iter().map(|row| row.votes);
        if votes.fold(0, u64::saturating_add) > MAX_VOTES {
            problems.add(format!("more than {MAX_VOTES} votes in all"));
        }
        let rows = problems.none_or(path, rows, "row of results")?;
        Ok(ResultsFile { rows })
    }

    /// Votes in all.
    pub fn votes(&self) -> u64 {
        self.rows.iter().map(|row| row.votes).sum()
    }

    /// Each candidate's party: that with the most votes among the candidate's rows (the first in
    /// the alphabet, when two are even).
    pub fn parties(&self) -> BTreeMap<&str, &str> {
        let mut votes: BTreeMap<&str, BTreeMap<&str, u64>> = BTreeMap::new();
        for row in &self.rows {
            let parties = votes.entry(&row.candidate).or_default();
            *parties.entry(&row.party).or_default() += row.votes;
        }
        votes
            .into_iter()
            .filter_map(|(candidate, parties)| {
                let first_of_most = parties
                    .into_iter()
                    .reduce(|most, next| if next.1 > most.1 { next } else { most });
                first_of_most.map(|(party, _)| (candidate, party))
            })
            .collect()
    }
}

/// Finds the columns of results, and gives the function that reads a record.
fn find_columns(
    columns: Columns,
) -> Result<impl Fn(&StringRecord) -> Result<ResultRow, String>, String> {
    let votes_column = columns.required(VOTES_COLUMNS)?;
    let state_column = columns.required(STATE_COLUMNS)?;
    let candidate_column = columns.required(CANDIDATE_COLUMNS)?;
    // In order of preference: an empty one leaves it to the next.
    let mut party_columns = Vec::new();
    for name in PARTY_COLUMNS {
        party_columns.extend(columns.position(&[name])?);
    }
    Ok(move |record: &StringRecord| {
        let text = |column: usize| record[column].trim();
        let state = text(state_column);
        // Votes are counted under the location's group name; it must be the one the file gives.
        if state.is_empty() || value_of_text(state) != state {
            return Err(format!(
                "column `{}`: {state:?} is not a location's name: it must have some text, not too much, and no control characters",
                columns.name(state_column)
            ));
        }
        let candidate = match text(candidate_column) {
            "" => WRITE_IN,
            candidate => candidate,
        };
        let mut parties = party_columns.iter().map(|&column| text(column));
        let party = parties.find(|party| !party.is_empty() && *party != "NA");
        let votes = text(votes_column);
        let only_digits = votes.bytes().all(|byte| byte.is_ascii_digit());
        let votes = votes
            .parse()
            .ok()
            .filter(|&votes| only_digits && votes <= MAX_VOTES)
            .ok_or_else(|| {
                format!(
                    "column `{}`: `{votes}` is not a number of votes: only digits, at most {MAX_VOTES}",
                    columns.name(votes_column)
                )
            })?;
        Ok(ResultRow {
            state: state.to_owned(),
            candidate: candidate.to_owned(),
            party: party.unwrap_or(NO_PARTY).to_owned(),
            votes,
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(contents: &str) -> Result<ResultsFile, String> {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("results.csv");
        std::fs::write(&path, contents).unwrap();
        ResultsFile::read(&path).map_err(|error| {
            let error = error.to_string();
            assert!(error.contains("results.csv"), "names the file: {error}");
            error
        })
    }

    #[test]
    fn columns_are_found_by_name_and_gaps_are_named() {
        let results = read(
            "year,State,candidate,party_detailed,party_simplified,candidatevotes,notes\n\
             2016,OHIO,\"A, B.\",BIG PARTY,BIG,10,x\n\
             2016,OHIO,,,OTHER,3,\n\
             2016,OHIO,,SMALL,NA,0,\n\
             2016,UTAH,C,,,7,\n",
        )
        .unwrap();
        let rows: Vec<_> = results
            .rows
            .iter()
            .map(|row| (&*row.state, &*row.candidate, &*row.party, row.votes))
            .collect();
        assert_eq!(
            rows,
            [
                ("OHIO", "A, B.", "BIG", 10),
                ("OHIO", WRITE_IN, "OTHER", 3),
                ("OHIO", WRITE_IN, "SMALL", 0),
                ("UTAH", "C", NO_PARTY, 7)
            ]
        );
        assert_eq!(results.votes(), 20);
        let synonyms = read("votes,region,name,party\n4,Kent,A,P\n").unwrap();
        assert_eq!(synonyms.rows[0].party, "P");
    }

    #[test]
    fn a_candidates_party_is_that_of_most_votes() {
        let results =
            read("state,candidate,party,votes\nX,A,P,5\nX,A,Q,4\nY,A,Q,4\nY,B,R,1\nX,B,S,1\n")
                .unwrap();
        assert_eq!(results.parties(), [("A", "Q"), ("B", "R")].into());
    }

    #[test]
    fn what_is_wrong_is_named_by_line_and_column() {
        const HEADER: &str = "state,candidate,party,votes\n";
        for (rows, expected) in [
            ("X,A,P,5\nX,A,P,\n", ["line 3:", "column `votes`"]),
            ("X,A,P,-5\n", ["line 2:", "`-5`"]),
            ("X,A,P,+5\n", ["line 2:", "`+5`"]),
            ("X,A,P,1.5\n", ["line 2:", "`1.5`"]),
            ("X,A,P,99999999999999999999\n", ["line 2:", "at most"]),
            ("X,A,P,9007199254740992\nX,A,P,1\n", ["more than", "in all"]),
            (",A,P,5\n", ["line 2:", "column `state`"]),
            ("\"a\u{1}b\",A,P,5\n", ["line 2:", "control characters"]),
            ("X,A,P\n", ["line 2:", "3 columns, where the header has 4"]),
            ("", ["no row", "nothing of it was used"]),
        ] {
            let error = read(&format!("{HEADER}{rows}")).unwrap_err();
            for part in expected {
                assert!(error.contains(part), "`{part}` is not in: {error}");
            }
        }
        let error = read("state,candidate,party\nX,A,P\n").unwrap_err();
        assert!(error.contains("no column `candidatevotes`"), "{error}");
        assert!(read("").unwrap_err().contains("it is empty"));
        let twice = read("state,state,candidate,votes\nX,X,A,1\n").unwrap_err();
        assert!(twice.contains("two columns"), "{twice}");
    }

    #[test]
    fn the_presidential_election_of_2016() {
        let Some(path) = testing::president_2016() else {
            return;
        };
        let results = ResultsFile::read(&path).unwrap();
        assert_eq!(results.rows.len(), 345);
        assert_eq!(results.votes(), 136_787_187);
        let parties = results.parties();
        assert_eq!(parties["CLINTON, HILLARY"], "DEMOCRAT");
        assert_eq!(parties["TRUMP, DONALD J."], "REPUBLICAN");
        assert!(parties.contains_key(WRITE_IN));
    }
}
