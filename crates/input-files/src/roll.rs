//! A roll of voters in a file (`--voters-file`): CSV with columns by name, or one JSON voter a line.
//!
//! The whole file is read and checked before any voter of it is used.

use std::collections::HashMap;
use std::io::BufRead;
use std::path::Path;

use ballot::{Address, MAX_ID_BYTES, Voter};

use crate::InputFileError;
use crate::reading::{Columns, Problems, csv_reader, next_record, open, read_error};

/// The ages a voter may be registered with.
const AGES: std::ops::RangeInclusive<i32> = 1..=150;

/// Reads a roll.
///
/// # Errors
/// When the extension is none of .csv, .jsonl, .ndjson and .json, the file cannot be read, it has no
/// voter, or any line of it is not a usable voter: the error tells the first of them by line.
pub fn read_roll(path: &Path) -> Result<Vec<Voter>, InputFileError> {
    let kind = RollKind::of(path)?;
    roll_in(path, kind, open(path)?)
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

/// The roll that is in a file; its path is for errors.
pub(crate) fn roll_in(
    path: &Path,
    kind: RollKind,
    file: impl BufRead,
) -> Result<Vec<Voter>, InputFileError> {
    let mut problems = Problems::of(path);
    let voters = match kind {
        RollKind::Csv => read_csv(path, file, &mut problems)?,
        RollKind::JsonLines => Some(read_json_lines(path, file, &mut problems)?),
    };
    let Some(voters) = voters else {
        return problems.none_or(Vec::new());
    };
    check_ids(&voters, &mut problems);
    let voters: Vec<Voter> = voters.into_iter().map(|(_, voter)| voter).collect();
    if voters.is_empty() {
        problems.add("there is no voter in it");
    }
    problems.none_or(voters)
}

/// A voter and the line it stands on.
type Numbered = (u64, Voter);

/// `None` when the header alone makes the file unusable.
fn read_csv(
    path: &Path,
    file: impl BufRead,
    problems: &mut Problems,
) -> Result<Option<Vec<Numbered>>, InputFileError> {
    let mut reader = csv_reader(file);
    let Some((_, header)) = next_record(path, &mut reader, problems)? else {
        return Ok(Some(Vec::new()));
    };
    let Some(header) = header else {
        return Ok(None);
    };
    let columns = Columns::of(&header);
    let Some(voter_columns) = VoterColumns::find(&columns, problems) else {
        return Ok(None);
    };
    let mut voters = Vec::new();
    while let Some((line, record)) = next_record(path, &mut reader, problems)? {
        let Some(record) = record else { continue };
        if record.len() != columns.len() {
            problems.on_line(
                line,
                format_args!(
                    "{} columns, where the header has {}",
                    record.len(),
                    columns.len()
                ),
            );
            continue;
        }
        match voter_columns.voter(&record) {
            Ok(voter) => voters.push((line, voter)),
            Err(problem) => problems.on_line(line, problem),
        }
    }
    Ok(Some(voters))
}

/// Where the voter's fields stand in a CSV file.
struct VoterColumns {
    voter_id: usize,
    voter_name: Option<usize>,
    date_of_birth: Option<usize>,
    gender: Option<usize>,
    nationality: Option<usize>,
    registration_number: Option<usize>,
    street: Option<usize>,
    city: Option<usize>,
    state: Option<usize>,
    country: Option<usize>,
    postcode: Option<usize>,
    email: Option<usize>,
    phone_number: Option<usize>,
    cell_number: Option<usize>,
    picture: Option<usize>,
    registered_age: Option<usize>,
    precinct: Option<usize>,
}

impl VoterColumns {
    fn find(columns: &Columns, problems: &mut Problems) -> Option<VoterColumns> {
        let mut usable = true;
        let mut find = |names: &[&str]| {
            columns.position(names).unwrap_or_else(|problem| {
                problems.on_line(1, problem);
                usable = false;
                None
            })
        };
        let voter_id = find(&["voter_id"]);
        let found = VoterColumns {
            voter_id: voter_id.unwrap_or_default(),
            voter_name: find(&["voter_name"]),
            date_of_birth: find(&["date_of_birth"]),
            gender: find(&["gender"]),
            nationality: find(&["nationality"]),
            registration_number: find(&["registration_number"]),
            street: find(&["address.street", "address_street", "street"]),
            city: find(&["address.city", "address_city", "city"]),
            state: find(&["address.state", "address_state", "state"]),
            country: find(&["address.country", "address_country", "country"]),
            postcode: find(&["address.postcode", "address_postcode", "postcode"]),
            email: find(&["email"]),
            phone_number: find(&["phone_number"]),
            cell_number: find(&["cell_number"]),
            picture: find(&["picture"]),
            registered_age: find(&["registered_age"]),
            precinct: find(&["precinct"]),
        };
        if usable && voter_id.is_none() {
            problems.on_line(
                1,
                format_args!(
                    "no column `voter_id`; the first line must name the columns, and names: {}",
                    columns.listed()
                ),
            );
            usable = false;
        }
        usable.then_some(found)
    }

    fn voter(&self, record: &csv::StringRecord) -> Result<Voter, String> {
        let text = |column: Option<usize>| {
            column
                .and_then(|column| record.get(column))
                .unwrap_or_default()
                .trim()
                .to_owned()
        };
        let age = text(self.registered_age);
        let registered_age = if age.is_empty() {
            None
        } else {
            Some(checked_age(age.parse().ok()).ok_or_else(|| bad_age(&age))?)
        };
        Ok(Voter {
            voter_id: text(Some(self.voter_id)),
            voter_name: text(self.voter_name),
            date_of_birth: text(self.date_of_birth),
            gender: text(self.gender),
            nationality: text(self.nationality),
            registration_number: text(self.registration_number),
            address: Address {
                street: text(self.street),
                city: text(self.city),
                state: text(self.state),
                country: text(self.country),
                postcode: text(self.postcode),
            },
            email: text(self.email),
            phone_number: text(self.phone_number),
            cell_number: text(self.cell_number),
            picture: text(self.picture),
            registered_age,
            precinct: Some(text(self.precinct)).filter(|precinct| !precinct.is_empty()),
        })
    }
}

fn checked_age(age: Option<i32>) -> Option<i32> {
    age.filter(|age| AGES.contains(age))
}

fn bad_age(age: &str) -> String {
    let (from, to) = (AGES.start(), AGES.end());
    format!("registered_age `{age}` is not a whole number from {from} to {to}")
}

fn read_json_lines(
    path: &Path,
    mut reader: impl BufRead,
    problems: &mut Problems,
) -> Result<Vec<Numbered>, InputFileError> {
    let mut voters = Vec::new();
    let mut bytes = Vec::new();
    for line in 1.. {
        bytes.clear();
        let read = reader.read_until(b'\n', &mut bytes);
        if read.map_err(|source| read_error(path, source))? == 0 {
            break;
        }
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
    if let Some(age) = voter.registered_age
        && checked_age(Some(age)).is_none()
    {
        return Err(bad_age(&age.to_string()));
    }
    Ok(voter)
}

fn check_ids(voters: &[Numbered], problems: &mut Problems) {
    let mut first_lines: HashMap<&str, u64> = HashMap::with_capacity(voters.len());
    for (line, voter) in voters {
        let id = voter.voter_id.as_str();
        if id.is_empty() {
            problems.on_line(*line, "voter_id is empty");
        } else if id.len() > MAX_ID_BYTES {
            let bytes = id.len();
            problems.on_line(
                *line,
                format_args!("voter_id has {bytes} bytes; at most {MAX_ID_BYTES} are taken"),
            );
        } else if id.chars().any(char::is_control) {
            problems.on_line(
                *line,
                format_args!("voter_id {id:?} has control characters"),
            );
        } else if let Some(first) = first_lines.insert(id, *line) {
            problems.on_line(
                *line,
                format_args!("voter_id `{id}` is on line {first} already"),
            );
        }
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
                ["line 4:", "`v1` is on line 2 already"],
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
                ["line 1:", "twice"],
            ),
            ("voter_id,state\n".to_owned(), ["no voter", "nothing of it"]),
            (String::new(), ["no voter", "nothing of it"]),
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
            ("", ["no voter", "nothing of it"]),
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
