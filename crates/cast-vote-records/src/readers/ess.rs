//! ES&S: a workbook with a row for each ballot and a column for each rank, whose cells are candidates.

use std::iter::Peekable;
use std::vec::IntoIter;

use calamine::{DataRef, Reader, Xlsx, open_workbook};

use super::workbook_rows::rows_without_cells;
use super::{Choice, Draft, Mark, Reading, sanitized};
use crate::error::{CvrError, RecordProblem};

/// What precincts and batches without a name are called in reports.
const MISSING_PRECINCT: &str = "missing_precinct_id";
const MISSING_BATCH: &str = "missing_batch_id";

/// The cells of a row, as they come.
#[derive(Default)]
struct Row {
    /// Counted from 0, as in the workbook.
    index: u32,
    id: Option<String>,
    batch: Option<String>,
    precinct: Option<String>,
    /// Rank and text.
    ranks: Vec<(u32, String)>,
}

pub(super) fn read(reading: &mut Reading<'_>) -> Result<(), CvrError> {
    let path = &reading.source.path;
    let workbook_error = |source: calamine::XlsxError| CvrError::Workbook {
        path: path.clone(),
        source: Box::new(source),
    };
    let without_cells = rows_without_cells(path)?.into_iter().peekable();
    let mut workbook: Xlsx<_> = open_workbook(path).map_err(workbook_error)?;
    let Some(sheet) = workbook.sheet_names().first().cloned() else {
        return Err(CvrError::NoFiles {
            path: path.clone(),
            expected: "sheet",
        });
    };
    let mut cells = workbook
        .worksheet_cells_reader(&sheet)
        .map_err(workbook_error)?;
    let mut ballots = Ballots {
        file_name: sanitized(&reading.file_name()),
        given: 0,
        without_cells,
    };
    let first_row = reading.source.first_vote_row - 1;
    let mut row: Option<Row> = None;
    while let Some(cell) = cells.next_cell().map_err(workbook_error)? {
        let (index, column) = cell.get_position();
        if (index as usize) < first_row {
            continue;
        }
        if row.as_ref().is_none_or(|row| row.index != index)
            && let Some(done) = row.replace(Row {
                index,
                ..Row::default()
            })
        {
            ballots.give(reading, done)?;
        }
        if let (Some(row), Some(text)) = (&mut row, text_of(cell.get_value())) {
            take(reading, row, column as usize + 1, text);
        }
    }
    if let Some(done) = row {
        ballots.give(reading, done)?;
    }
    ballots.give_without_cells(reading, u32::MAX)
}

/// The ballots that were given, and the rows without a cell that are ballots, too.
struct Ballots {
    file_name: String,
    given: u64,
    without_cells: Peekable<IntoIter<u32>>,
}

impl Ballots {
    fn give(&mut self, reading: &mut Reading<'_>, row: Row) -> Result<(), CvrError> {
        self.give_without_cells(reading, row.index)?;
        self.given += 1;
        give(reading, &self.file_name, self.given, row)
    }

    /// Gives the rows without a cell before a row.
    fn give_without_cells(
        &mut self,
        reading: &mut Reading<'_>,
        before: u32,
    ) -> Result<(), CvrError> {
        while let Some(index) = self.without_cells.next_if(|index| *index < before) {
            if (index as usize) < reading.source.first_vote_row - 1 {
                continue;
            }
            self.given += 1;
            let row = Row {
                index,
                ..Row::default()
            };
            give(reading, &self.file_name, self.given, row)?;
        }
        Ok(())
    }
}

/// The text of a cell, as a workbook shows it; nothing for a cell that only has a style.
fn text_of(value: &DataRef<'_>) -> Option<String> {
    Some(match value {
        DataRef::Empty => return None,
        DataRef::String(text) | DataRef::DateTimeIso(text) | DataRef::DurationIso(text) => {
            text.clone()
        }
        DataRef::SharedString(text) => (*text).to_owned(),
        // Rust writes whole numbers without a point, as workbooks do.
        DataRef::Float(number) => number.to_string(),
        DataRef::Int(number) => number.to_string(),
        DataRef::Bool(flag) => flag.to_string().to_uppercase(),
        DataRef::DateTime(moment) => moment.as_f64().to_string(),
        DataRef::Error(error) => format!("ERROR:{error}"),
    })
}

/// Puts a cell where its column says.
fn take(reading: &Reading<'_>, row: &mut Row, column: usize, text: String) {
    let source = reading.source;
    if source.precinct_column == Some(column) {
        row.precinct = Some(text);
    } else if source.batch_column == Some(column) {
        row.batch = Some(text);
    } else if source.id_column == Some(column) {
        row.id = Some(text);
    } else if column >= source.first_vote_column {
        // Columns after the last rank that is allowed are other data.
        let rank = u32::try_from(column - source.first_vote_column + 1).unwrap_or(u32::MAX);
        if reading.config.rules.is_ranking_allowed(rank) {
            row.ranks.push((rank, text));
        }
    }
}

fn give(
    reading: &mut Reading<'_>,
    file_name: &str,
    ballots: u64,
    row: Row,
) -> Result<(), CvrError> {
    let source = reading.source;
    let number = row.index + 1;
    let error = |field: String, problem| CvrError::Record {
        path: source.path.clone(),
        record: format!("row {number}"),
        field,
        problem,
    };
    if let (Some(column), None) = (source.id_column, &row.id) {
        return Err(error(format!("column {column}"), RecordProblem::Missing));
    }
    let mut marks = Vec::new();
    let mut last_rank = 0;
    for (rank, cell) in &row.ranks {
        blanks(reading, last_rank, *rank, &mut marks);
        last_rank = *rank;
        marks_of_cell(reading, *rank, cell, &mut marks).map_err(|problem| {
            let column = source.first_vote_column + *rank as usize - 1;
            error(format!("column {column}"), problem)
        })?;
    }
    if let Some(max) = reading.config.rules.max_rankings_allowed {
        blanks(reading, last_rank, max.saturating_add(1), &mut marks);
    }
    let or_missing = |column: Option<usize>, text: Option<String>, missing: &str| {
        column.map(|_| text.unwrap_or_else(|| missing.to_owned()))
    };
    let draft = Draft {
        id: format!("{file_name}-{ballots}"),
        supplied_id: row.id,
        batch: or_missing(source.batch_column, row.batch, MISSING_BATCH),
        precinct: or_missing(source.precinct_column, row.precinct, MISSING_PRECINCT),
        marks,
        ..Draft::default()
    };
    reading.give(&source.path, || format!("row {number}"), draft)
}

/// The ranks between two cells have no cell: they are skipped, or write-ins where the source says so.
fn blanks(reading: &Reading<'_>, last: u32, next: u32, marks: &mut Vec<Mark<'_>>) {
    if reading.source.treat_blank_as_undeclared_write_in {
        // No more than a ballot can have, whatever number the configuration gives.
        for rank in last + 1..next.min(super::MAX_RANKS + 1) {
            marks.push((i64::from(rank), Choice::UndeclaredWriteIn));
        }
    }
}

/// The marks of a cell: none if it is the label of a skipped rank, several if it has the delimiter of overvotes.
fn marks_of_cell<'t>(
    reading: &Reading<'_>,
    rank: u32,
    cell: &'t str,
    marks: &mut Vec<Mark<'t>>,
) -> Result<(), RecordProblem> {
    let source = reading.source;
    let skipped = |text: &str| source.skipped_rank_label.as_deref() == Some(text);
    let cell = cell.trim();
    let mut parts: Vec<&str> = match &source.overvote_delimiter {
        Some(delimiter) => cell.split(delimiter.as_str()).collect(),
        None => vec![cell],
    };
    // A delimiter at the end separates nothing.
    while parts.len() > 1 && parts.last().is_some_and(|part| part.is_empty()) {
        parts.pop();
    }
    let several = parts.len() > 1;
    for part in parts {
        let part = part.trim();
        if several && (part.is_empty() || skipped(part)) {
            return Err(RecordProblem::BlankAmongCandidates {
                cell: cell.to_owned(),
            });
        }
        if !skipped(part) {
            marks.push((i64::from(rank), reading.choice(part)));
        }
    }
    Ok(())
}
