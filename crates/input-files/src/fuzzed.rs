//! What holds for a file with any bytes in it. Fuzzing looks for counterexamples (see fuzz/README.md), and a test
//! checks those in its corpus.

use std::collections::HashSet;
use std::path::Path;

use ballot::{MAX_ID_BYTES, value_of_text};

use crate::error::MAX_PROBLEMS;
use crate::roll::{RollKind, roll_in};
use crate::{InputFileError, MAX_VOTES, ResultsFile};

/// A roll in CSV is refused with reasons, or every voter of it can be registered.
///
/// # Panics
/// When that is not so.
pub fn csv_roll(bytes: &[u8]) {
    roll(RollKind::Csv, bytes);
}

/// The same of a roll that is JSON, a voter a line.
///
/// # Panics
/// When that is not so.
pub fn json_roll(bytes: &[u8]) {
    roll(RollKind::JsonLines, bytes);
}

fn roll(kind: RollKind, bytes: &[u8]) {
    match roll_in(Path::new("roll"), kind, bytes) {
        Err(error) => is_explained(&error, bytes),
        Ok(voters) => {
            assert!(!voters.is_empty());
            let mut ids = HashSet::new();
            for voter in &voters {
                let id = voter.voter_id.as_str();
                assert!(!id.is_empty() && id.len() <= MAX_ID_BYTES, "{id:?}");
                assert!(!id.chars().any(char::is_control), "{id:?}");
                assert!(ids.insert(id), "{id:?} is registered twice");
                let age = voter.registered_age;
                assert!(age.is_none_or(|age| (1..=150).contains(&age)), "{age:?}");
            }
        }
    }
}

/// Official results are refused with reasons, or every row of them can be cast; written down and read
/// again they are the same.
///
/// # Panics
/// When that is not so.
pub fn results(bytes: &[u8]) {
    let path = Path::new("results.csv");
    let results = match ResultsFile::within(path, bytes) {
        Err(error) => return is_explained(&error, bytes),
        Ok(results) => results,
    };
    assert!(!results.rows.is_empty() && results.votes() <= MAX_VOTES);
    let mut written = csv::Writer::from_writer(Vec::new());
    let mut write = |row: [&str; 4]| written.write_record(row).expect("it fits into memory");
    write(["state", "candidate", "party", "votes"]);
    for row in &results.rows {
        assert_eq!(
            value_of_text(&row.state),
            row.state,
            "counted under its name"
        );
        assert!(!row.candidate.is_empty() && !row.party.is_empty());
        write([
            &row.state,
            &row.candidate,
            &row.party,
            &row.votes.to_string(),
        ]);
    }
    let written = written.into_inner().expect("it fits into memory");
    let again = ResultsFile::within(path, &*written).expect("what was written can be read");
    assert_eq!(again, results);
    let candidates: HashSet<_> = results.rows.iter().map(|row| &row.candidate).collect();
    assert_eq!(results.parties().len(), candidates.len());
}

/// A refusal names problems, not too many, and lines that are there.
fn is_explained(error: &InputFileError, bytes: &[u8]) {
    let InputFileError::Unusable { problems, .. } = error else {
        panic!("bytes that are there can be read: {error}");
    };
    let first = &problems.first;
    assert!(!first.is_empty() && first.len() <= MAX_PROBLEMS);
    assert!(problems.more == 0 || first.len() == MAX_PROBLEMS);
    // The CSV reader also takes a lone carriage return for the end of a line.
    let ends = bytes.iter().filter(|byte| matches!(byte, b'\n' | b'\r'));
    let lines = ends.count() as u64 + 1;
    for problem in first {
        let line = problem
            .strip_prefix("line ")
            .and_then(|rest| rest.split_once(':'));
        let line = line.and_then(|(line, _)| line.parse::<u64>().ok());
        assert!(
            line.is_none_or(|line| (1..=lines).contains(&line)),
            "{problem}"
        );
    }
}

#[cfg(test)]
mod tests {
    use testing::for_each_kept_input;

    use super::*;

    #[test]
    fn the_corpus_holds() {
        for_each_kept_input("csv_roll", csv_roll);
        for_each_kept_input("json_roll", json_roll);
        for_each_kept_input("results", results);
    }
}
