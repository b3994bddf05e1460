//! A roll of voters in a file (`--voters-file`): CSV with columns by name, or one JSON voter a line.
//!
//! The whole file is read and checked before any voter of it is used.

use std::collections::HashMap;
use std::fmt::Display;
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;

use ballot::{MAX_ID_BYTES, Voter};
use csv::StringRecord;

use crate::InputFileError;
use crate::csv_file::{Columns, read_rows};
use crate::error::Problems;

/// The ages a voter may be registered with.
const AGES: std::ops::RangeInclusive<i32> = 1..=150;

/// A field of a voter that is text.
type TextField = fn(&mut Voter) -> &mut String;

/// These fields, each with the names that its column may have in a CSV file.
const TEXT_FIELDS: [(&[&str], TextField); 15] = [
    (&["voter_id"], |voter| &mut voter.voter_id),
    (&["voter_name"], |voter| &mut voter.voter_name),
    (&["date_of_birth"], |voter| &mut voter.date_of_birth),
    (&["gender"], |voter| &mut voter.gender),
    (&["nationality"], |voter| &mut voter.nationality),
    (&["registration_number"], |voter| {
        &mut voter.registration_number
    }),
    (&["address.street", "address_street", "street"], |voter| {
        &mut voter.address.street
    }),
    (&["address.city", "address_city", "city"], |voter| {
        &mut voter.address.city
    }),
    (&["address.state", "address_state", "state"], |voter| {
        &mut voter.address.state
    }),
    (
        &["address.country", "address_country", "country"],
        |voter| &mut voter.address.country,
    ),
    (
        &["address.postcode", "address_postcode", "postcode"],
        |voter| &mut voter.address.postcode,
    ),
    (&["email"], |voter| &mut voter.email),
    (&["phone_number"], |voter| &mut voter.phone_number),
    (&["cell_number"], |voter| &mut voter.cell_number),
    (&["picture"], |voter| &mut voter.picture),
];

/// Reads a roll.
///
/// # Errors
/// When the extension is none of .csv, .jsonl, .ndjson and .json, the file cannot be read, it has no
/// voter, or a line of it cannot be used: the error names the first of them by line.
pub fn read_roll(path: &Path) -> Result<Vec<Voter>, InputFileError> {
    let kind = RollKind::of(path)?;
    let file = File::open(path).map_err(|source| InputFileError::read(path, source))?;
    roll_in(path, kind, BufReader::with_capacity(1 << 20, file))
}

/// How a roll is written.
#[derive(Debug, Clone, Copy)]
pub(crate) enum RollKind {
    Csv,
    JsonLines,
}

impl RollKind {
    /// By the file's extension.
    fn of(path: &Path) -> Result<RollKind, InputFileError> {
        let extension = path.extension().and_then(|extension| extension.to_str());
        match extension.map(str::to_ascii_lowercase).as_deref() {
            Some("csv") => Ok(RollKind::Csv),
            Some("jsonl" | "ndjson" | "json") => Ok(RollKind::JsonLines),
            _ => Err(InputFileError::VotersFileKind {
                path: path.to_owned(),
            }),
        }
    }
}

/// The roll in a file; its path is for errors.
pub(crate) fn roll_in(
    path: &Path,
    kind: RollKind,
    file: impl BufRead,
) -> Result<Vec<Voter>, InputFileError> {
    let mut problems = Problems::default();
    let voters = match kind {
        RollKind::Csv => read_rows(path, file, &mut problems, find_columns)?,
        RollKind::JsonLines => read_json_lines(path, file, &mut problems)?,
    };
    check_ids(&voters, &mut problems);
    let voters = voters.into_iter().map(|(_, voter)| voter).collect();
    problems.none_or(path, voters, "voter")
}

/// Finds the columns of a voter, and gives the function that reads a record.
fn find_columns(
    columns: Columns,
) -> Result<impl Fn(&StringRecord) -> Result<Voter, String>, String> {
    columns.required(&["voter_id"])?;
    let mut text_columns = Vec::new();
    for (names, field) in TEXT_FIELDS {
        text_columns.extend(columns.position(names)?.map(|column| (column, field)));
    }
    let age_column = columns.position(&["registered_age"])?;
    let precinct_column = columns.position(&["precinct"])?;
    Ok(move |record: &StringRecord| {
        let text = |column: usize| record[column].trim();
        let mut voter = Voter::default();
        for &(column, field) in &text_columns {
            *field(&mut voter) = text(column).to_owned();
        }
        let filled = |column: Option<usize>| column.map(text).filter(|text| !text.is_empty());
        if let Some(age) = filled(age_column) {
            voter.registered_age = Some(age.parse().map_err(|_| bad_age(age))?);
        }
        voter.precinct = filled(precinct_column).map(str::to_owned);
        check_age(voter)
    })
}

fn check_age(voter: Voter) -> Result<Voter, String> {
    match voter.registered_age {
        Some(age) if !AGES.contains(&age) => Err(bad_age(age)),
        _ => Ok(voter),
    }
}

fn bad_age(age: impl Display) -> String {
    let (from, to) = (AGES.start(), AGES.end());
    format!("registered_age `{age}` is not a whole number from {from} to {to}")
}

fn read_json_lines(
    path: &Path,
    file: impl BufRead,
    problems: &mut Problems,
) -> Result<Vec<(u64, Voter)>, InputFileError> {
    let mut voters = Vec::new();
    for (line, bytes) in (1..).zip(file.split(b'\n')) {
        let bytes = bytes.map_err(|source| InputFileError::read(path, source))?;
        let text = match std::str::from_utf8(&bytes) {
            Ok(text) => text.trim_start_matches('\u{feff}').trim(),
            Err(error) => {
                problems.on_line(line, format_args!("not UTF-8: {error}"));
                continue;
            }
        };
        if text.is_empty() {
            continue;
        }
        match json_voter(text) {
            Ok(voter) => voters.push((line, voter)),
            Err(problem) => problems.on_line(line, problem),
        }
    }
    Ok(voters)
}

fn json_voter(text: &str) -> Result<Voter, String> {
    if text.starts_with('[') {
        return Err("an array; the file takes one voter, a JSON object, a line".into());
    }
    let voter: Voter = serde_json::from_str(text).map_err(|error| {
        // serde_json counts lines within the text it is given, which is always one.
        let error = error.to_string();
        format!(
            "not a voter: {}",
            error.replace(" at line 1 column ", ", column ")
        )
    })?;
    check_age(voter)
}

fn check_ids(voters: &[(u64, Voter)], problems: &mut Problems) {
    let mut first_lines: HashMap<&str, u64> = HashMap::with_capacity(voters.len());
    for (line, voter) in voters {
        let id = voter.voter_id.as_str();
        let problem = if id.is_empty() {
            "voter_id is empty".to_owned()
        } else if id.len() > MAX_ID_BYTES {
            let bytes = id.len();
            format!("voter_id has {bytes} bytes; the limit is {MAX_ID_BYTES}")
        } else if id.chars().any(char::is_control) {
            format!("voter_id {id:?} has control characters")
        } else if let Some(first) = first_lines.insert(id, *line) {
            format!("voter_id `{id}` is already on line {first}")
        } else {
            continue;
        };
        problems.on_line(*line, problem);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(name: &str, contents: impl AsRef<[u8]>) -> Result<Vec<Voter>, String> {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join(name);
        std::fs::write(&path, contents).unwrap();
        read_roll(&path).map_err(|error| {
            let error = error.to_string();
            assert!(error.contains(name), "names the file: {error}");
            error
        })
    }

    #[track_caller]
    fn fails(name: &str, contents: impl AsRef<[u8]>, expected: &[&str]) {
        let error = read(name, contents).unwrap_err();
        for part in expected {
            assert!(error.contains(part), "`{part}` is not in: {error}");
        }
    }

    #[test]
    fn csv_columns_are_found_by_name() {
        let voters = read(
            "roll.csv",
            "\u{feff}State,VOTER_ID,registered_age,voter_name,shoe size\nFife, v1 ,44,\"Murray, Ann\",5\nKent,v2,,Bo,\n",
        )
        .unwrap();
        assert_eq!(voters.len(), 2);
        assert_eq!(voters[0].voter_id, "v1");
        assert_eq!(voters[0].voter_name, "Murray, Ann");
        assert_eq!(voters[0].address.state, "Fife");
        assert_eq!(voters[0].registered_age, Some(44));
        assert_eq!(voters[1].registered_age, None);
        for state in ["address_state", "address.state"] {
            let contents = format!("voter_id,{state}\nv1,Kent\n");
            assert_eq!(read("a.CSV", contents).unwrap()[0].address.state, "Kent");
        }
    }

    #[test]
    fn a_bad_line_is_named_with_its_reason() {
        let long = "x".repeat(MAX_ID_BYTES + 1);
        for (contents, expected) in [
            (
                "voter_id,a\nv1,1\n,2\n".to_owned(),
                ["line 3:", "voter_id is empty"],
            ),
            (
                "voter_id\nv1\nv2\nv1\n".to_owned(),
                ["line 4:", "`v1` is already on line 2"],
            ),
            (format!("voter_id\n{long}\n"), ["line 2:", "256 bytes"]),
            (
                "voter_id\n\"a\u{7}\"\n".to_owned(),
                ["line 2:", "control characters"],
            ),
            (
                "voter_id,registered_age\nv1,old\n".to_owned(),
                ["line 2:", "`old`"],
            ),
            (
                "voter_id,registered_age\nv1,-3\n".to_owned(),
                ["line 2:", "`-3`"],
            ),
            (
                "voter_id,registered_age\nv1,3.5\n".to_owned(),
                ["line 2:", "`3.5`"],
            ),
            (
                "voter_id,state\n\"v\n1\",Kent\nv2\n".to_owned(),
                ["line 4:", "1 columns, where the header has 2"],
            ),
            (
                "id,state\nv1,Kent\n".to_owned(),
                ["no column `voter_id`", "id, state"],
            ),
            (
                "voter_id,voter_id\nv1,v2\n".to_owned(),
                ["line 1:", "two columns"],
            ),
            (
                "voter_id,state\n".to_owned(),
                ["no voter", "nothing of it was used"],
            ),
            (String::new(), ["it is empty", "nothing of it was used"]),
        ] {
            fails("roll.csv", contents, &expected);
        }
        fails("roll.csv", b"voter_id\nv1\n\xff\n", &["line 3:", "UTF-8"]);
        for (contents, expected) in [
            ("{\"voter_id\":\"a\"}\n{\"voter_id\":\n", ["line 2:", "EOF"]),
            (
                "{\"voter_name\":\"a\"}\n",
                ["line 1:", "missing field `voter_id`"],
            ),
            ("\n[{\"voter_id\":\"a\"}]\n", ["line 2:", "one voter"]),
            (
                "{\"voter_id\":\"a\",\"registered_age\":\"x\"}",
                ["line 1:", "invalid type"],
            ),
            (
                "{\"voter_id\":\"a\",\"registered_age\":151}",
                ["line 1:", "`151`"],
            ),
            (
                "{\"voter_id\":\"a\"} {}",
                ["line 1:", "trailing characters, column 18"],
            ),
            ("", ["no voter", "nothing of it was used"]),
        ] {
            fails("roll.ndjson", contents, &expected);
        }
        fails(
            "roll.jsonl",
            b"{\"voter_id\":\"\xff\"}",
            &["line 1:", "UTF-8"],
        );
    }

    #[test]
    fn ten_problems_are_told_and_the_rest_counted() {
        let contents = "voter_id\n".to_owned() + &"same\n".repeat(15);
        let error = read("roll.csv", contents).unwrap_err();
        assert_eq!(error.matches("line ").count(), 20, "{error}");
        assert!(error.ends_with("and 4 more"), "{error}");
    }

    #[test]
    fn other_files_are_refused() {
        fails("roll.xlsx", "voter_id\nv1\n", &[".csv", ".jsonl"]);
        fails("roll", "voter_id\nv1\n", &[".csv", ".jsonl"]);
        let error = read_roll(Path::new("/nowhere/roll.csv")).unwrap_err();
        assert!(error.to_string().contains("/nowhere/roll.csv"), "{error}");
    }
}
