//! CSV files whose first line names the columns.

use std::io::Read;
use std::path::Path;

use csv::{ErrorKind, Position, StringRecord, StringRecordsIter};

use crate::InputFileError;
use crate::error::Problems;

/// The columns of a file, found by name whatever their case.
pub(crate) struct Columns(Vec<String>);

impl Columns {
    fn of(header: StringRecord) -> Self {
        // A file that was written with a byte-order mark begins with it.
        let name = |name: &str| name.trim().trim_start_matches('\u{feff}').to_lowercase();
        Columns(header.iter().map(name).collect())
    }

    /// The position of the first of `names` that is a column.
    ///
    /// # Errors
    /// When two columns have that name.
    pub(crate) fn position(&self, names: &[&str]) -> Result<Option<usize>, String> {
        for name in names {
            let mut positions = (0..self.0.len()).filter(|&at| self.0[at] == *name);
            if let Some(first) = positions.next() {
                return match positions.next() {
                    None => Ok(Some(first)),
                    Some(_) => Err(format!("two columns are named `{name}`")),
                };
            }
        }
        Ok(None)
    }

    /// The same of a column that must be there.
    ///
    /// # Errors
    /// When it is missing, or two columns have that name.
    pub(crate) fn required(&self, names: &[&str]) -> Result<usize, String> {
        self.position(names)?.ok_or_else(|| {
            format!(
                "no column `{}`; the first line must name the columns, and names: {}",
                names.join("` or `"),
                self.0.join(", ")
            )
        })
    }

    /// The name of the column at a position.
    pub(crate) fn name(&self, at: usize) -> &str {
        &self.0[at]
    }
}

/// Reads a file into its rows, each with its line. `find_columns` looks at the header and gives the function that
/// reads a record, which has as many fields as the header.
///
/// # Errors
/// When the file cannot be read. What is wrong with its contents is added to `problems`.
pub(crate) fn read_rows<T, F>(
    path: &Path,
    file: impl Read,
    problems: &mut Problems,
    find_columns: impl FnOnce(Columns) -> Result<F, String>,
) -> Result<Vec<(u64, T)>, InputFileError>
where
    F: Fn(&StringRecord) -> Result<T, String>,
{
    // The header is read like any other record, so that its problems are told with its line, too.
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .from_reader(file);
    let mut records = reader.records();
    let mut rows = Vec::new();
    let Some((line, header)) = next_record(path, &mut records)? else {
        problems.add("it is empty");
        return Ok(rows);
    };
    let read_record = match header.map(Columns::of).and_then(find_columns) {
        Ok(read_record) => read_record,
        Err(problem) => {
            problems.on_line(line, problem);
            return Ok(rows);
        }
    };
    while let Some((line, record)) = next_record(path, &mut records)? {
        match record.and_then(|record| read_record(&record)) {
            Ok(row) => rows.push((line, row)),
            Err(problem) => problems.on_line(line, problem),
        }
    }
    Ok(rows)
}

/// The line of a record, and the record or its problem.
type NumberedRecord = (u64, Result<StringRecord, String>);

/// The next record; `None` at the end.
fn next_record<R: Read>(
    path: &Path,
    records: &mut StringRecordsIter<'_, R>,
) -> Result<Option<NumberedRecord>, InputFileError> {
    let Some(record) = records.next() else {
        return Ok(None);
    };
    let line = |position: Option<&Position>| position.map_or(0, Position::line);
    let error = match record {
        Ok(record) => return Ok(Some((line(record.position()), Ok(record)))),
        Err(error) => error,
    };
    let problem = match error.kind() {
        ErrorKind::Io(_) => return Err(InputFileError::read(path, error.into())),
        ErrorKind::Utf8 { err, .. } => format!("not UTF-8: {err}"),
        ErrorKind::UnequalLengths {
            expected_len, len, ..
        } => format!("{len} columns, where the header has {expected_len}"),
        _ => error.to_string(),
    };
    Ok(Some((line(error.position()), Err(problem))))
}
