//! Reading a file whole, or not at all: problems are collected with their lines, and one is enough
//! for nothing of the file to be used.

use std::fs::File;
use std::io::{BufReader, Read};
use std::path::{Path, PathBuf};

use crate::InputFileError;

/// How many problems are told before "and N more".
pub(crate) const MAX_PROBLEMS: usize = 10;

/// The problems found in a file.
pub(crate) struct Problems {
    path: PathBuf,
    first: Vec<String>,
    more: u64,
}

impl Problems {
    pub(crate) fn of(path: &Path) -> Self {
        Problems {
            path: path.to_owned(),
            first: Vec::new(),
            more: 0,
        }
    }

    /// Notes a problem of the file as a whole.
    pub(crate) fn add(&mut self, problem: impl Into<String>) {
        if self.first.len() < MAX_PROBLEMS {
            self.first.push(problem.into());
        } else {
            self.more += 1;
        }
    }

    /// Notes a problem on a line, counted from 1.
    pub(crate) fn on_line(&mut self, line: u64, problem: impl std::fmt::Display) {
        self.add(format!("line {line}: {problem}"));
    }

    /// The contents, if there was no problem.
    pub(crate) fn none_or<T>(self, contents: T) -> Result<T, InputFileError> {
        if self.first.is_empty() {
            return Ok(contents);
        }
        Err(InputFileError::Unusable {
            path: self.path,
            problems: self.first,
            more: self.more,
        })
    }

    /// The error of a file that cannot be read any further.
    pub(crate) fn fatal(mut self, problem: impl Into<String>) -> InputFileError {
        self.add(problem);
        InputFileError::Unusable {
            path: self.path,
            problems: self.first,
            more: self.more,
        }
    }
}

pub(crate) fn open(path: &Path) -> Result<BufReader<File>, InputFileError> {
    let file = File::open(path).map_err(|source| read_error(path, source))?;
    Ok(BufReader::with_capacity(1 << 20, file))
}

pub(crate) fn read_error(path: &Path, source: std::io::Error) -> InputFileError {
    InputFileError::Read {
        path: path.to_owned(),
        source,
    }
}

/// The columns of a CSV file, found by name whatever their case.
pub(crate) struct Columns {
    names: Vec<String>,
}

impl Columns {
    pub(crate) fn of(header: &csv::StringRecord) -> Self {
        let names = header
            .iter()
            .map(|name| name.trim().trim_start_matches('\u{feff}').to_lowercase())
            .collect();
        Columns { names }
    }

    /// The first of `names` that is a column; the column's position.
    ///
    /// # Errors
    /// When that column is there twice.
    pub(crate) fn position(&self, names: &[&str]) -> Result<Option<usize>, String> {
        for name in names {
            let mut positions = (0..self.names.len()).filter(|&at| self.names[at] == *name);
            if let Some(first) = positions.next() {
                return match positions.next() {
                    None => Ok(Some(first)),
                    Some(_) => Err(format!("column `{name}` is there twice")),
                };
            }
        }
        Ok(None)
    }

    /// The name at a position.
    pub(crate) fn name(&self, at: usize) -> &str {
        self.names.get(at).map_or("", String::as_str)
    }

    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.names.len()
    }

    /// Their names, for an error.
    pub(crate) fn listed(&self) -> String {
        self.names.join(", ")
    }
}

/// A reader of CSV records that need not all be of one length; that is for the caller to tell.
pub(crate) fn csv_reader<R: Read>(file: R) -> csv::Reader<R> {
    csv::ReaderBuilder::new()
        .flexible(true)
        .has_headers(false)
        .from_reader(file)
}

/// Reads the next record and its line; `None` at the end. A record that is not text is a problem,
/// and comes as `Some((line, None))`.
pub(crate) fn next_record<R: Read>(
    path: &Path,
    reader: &mut csv::Reader<R>,
    problems: &mut Problems,
) -> Result<Option<(u64, Option<csv::StringRecord>)>, InputFileError> {
    let mut bytes = csv::ByteRecord::new();
    let more = reader
        .read_byte_record(&mut bytes)
        .map_err(|error| read_error(path, error.into()))?;
    if !more {
        return Ok(None);
    }
    let line = bytes.position().map_or(0, csv::Position::line);
    let record = csv::StringRecord::from_byte_record(bytes);
    if let Err(error) = &record {
        problems.on_line(line, format_args!("not UTF-8: {}", error.utf8_error()));
    }
    Ok(Some((line, record.ok())))
}
