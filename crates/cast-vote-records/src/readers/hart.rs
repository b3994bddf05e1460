//! Hart: a directory, or zip, of XML files, one for each ballot. A candidate's value has a digit for each rank.

use std::fs::File;
use std::io::{BufReader, Read};
use std::path::{Path, PathBuf};

use zip::ZipArchive;

use super::xml::{self, Element};
use super::{Choice, Draft, Reading, open};
use crate::error::{CvrError, RecordProblem};

/// The most bytes of a ballot's file.
const MAX_BALLOT_BYTES: u64 = 16 * 1024 * 1024;

pub(super) fn read(reading: &mut Reading<'_>) -> Result<(), CvrError> {
    if reading.source.path.is_dir() {
        read_directory(reading)
    } else {
        read_zip(reading)
    }
}

/// Whether a file is a ballot: not the signature of one.
fn is_ballot(name: &str) -> bool {
    let name = name.to_lowercase();
    name.ends_with("xml") && !name.ends_with(".sig.xml")
}

fn read_directory(reading: &mut Reading<'_>) -> Result<(), CvrError> {
    let directory = &reading.source.path;
    let read = |source| CvrError::Read {
        path: directory.clone(),
        source,
    };
    let mut files: Vec<PathBuf> = Vec::new();
    for entry in std::fs::read_dir(directory).map_err(read)? {
        let path = entry.map_err(read)?.path();
        if is_ballot(&path.to_string_lossy()) {
            files.push(path);
        }
    }
    // Directories have no order; ballots are to come in the same one each time.
    files.sort();
    if files.is_empty() {
        return Err(no_ballots(directory));
    }
    for file in files {
        let ballot = open(&file)?;
        give(reading, &file, ballot)?;
    }
    Ok(())
}

fn read_zip(reading: &mut Reading<'_>) -> Result<(), CvrError> {
    let path = &reading.source.path;
    let zip_error = |source: zip::result::ZipError| CvrError::Read {
        path: path.clone(),
        source: std::io::Error::other(source),
    };
    let mut zip: ZipArchive<BufReader<File>> =
        ZipArchive::new(BufReader::new(open(path)?)).map_err(zip_error)?;
    let mut names: Vec<String> = Vec::new();
    for name in zip.file_names() {
        let name = name.map_err(zip_error)?;
        if is_ballot(&name) {
            names.push(name.into_owned());
        }
    }
    names.sort();
    if names.is_empty() {
        return Err(no_ballots(path));
    }
    for name in names {
        let file = path.join(&name);
        let ballot = zip.by_name(&name).map_err(zip_error)?;
        give(reading, &file, ballot)?;
    }
    Ok(())
}

fn no_ballots(path: &Path) -> CvrError {
    CvrError::NoFiles {
        path: path.to_owned(),
        expected: "XML files",
    }
}

fn give(reading: &mut Reading<'_>, file: &Path, ballot: impl Read) -> Result<(), CvrError> {
    let mut bytes = Vec::new();
    ballot
        .take(MAX_BALLOT_BYTES + 1)
        .read_to_end(&mut bytes)
        .map_err(|source| CvrError::Read {
            path: file.to_owned(),
            source,
        })?;
    if bytes.len() as u64 > MAX_BALLOT_BYTES {
        return Err(CvrError::TooLarge {
            path: file.to_owned(),
            most: MAX_BALLOT_BYTES,
        });
    }
    let cvr = xml::whole(file, &bytes)?;
    let contests = cvr.child("Contests");
    for contest in contests.into_iter().flat_map(|all| all.all("Contest")) {
        if contest.text_of("Id") == Some(&reading.source.contest_id) {
            give_contest(reading, file, &cvr, contest)?;
        }
    }
    Ok(())
}

fn give_contest(
    reading: &mut Reading<'_>,
    file: &Path,
    cvr: &Element,
    contest: &Element,
) -> Result<(), CvrError> {
    let record = || format!("CVR {}", cvr.text_of("CvrGuid").unwrap_or_default());
    let missing = |field: &str| CvrError::Record {
        path: file.to_owned(),
        record: record(),
        field: field.to_owned(),
        problem: RecordProblem::Missing,
    };
    let mut marks = Vec::new();
    let options = contest.child("Options");
    for option in options.into_iter().flat_map(|all| all.all("Option")) {
        let id = option.text_of("Id").ok_or_else(|| missing("Option/Id"))?;
        let value = option
            .text_of("Value")
            .ok_or_else(|| missing("Option/Value"))?;
        let label = &reading.source.undeclared_write_in_label;
        let choice = if label.as_deref() == Some(id) {
            Choice::UndeclaredWriteIn
        } else {
            Choice::Named(id)
        };
        // 0100 is a mark at the second rank.
        for (rank, digit) in (1..).zip(value.chars()) {
            if digit == '1' {
                marks.push((rank, choice.clone()));
            }
        }
    }
    let split = cvr.child("PrecinctSplit");
    let text = |text: Option<&str>| text.map(str::to_owned);
    let draft = Draft {
        supplied_id: text(cvr.text_of("CvrGuid")),
        batch: text(cvr.text_of("BatchNumber")),
        precinct: text(split.and_then(|split| split.text_of("Name"))),
        precinct_portion: text(split.and_then(|split| split.text_of("Id"))),
        marks,
        ..Draft::default()
    };
    reading.give(file, record, draft)
}
