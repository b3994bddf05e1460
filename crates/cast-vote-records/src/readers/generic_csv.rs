//! CSV: a row for each ballot, a column for each candidate, and in the cells the ranks.

use csv::StringRecord;

use super::bounded::open_csv;
use super::{Choice, Draft, Reading};
use crate::error::{CvrError, RecordProblem};

/// What precincts and batches without a name are called in reports.
const NO_PRECINCT: &str = "no precinct id";
const NO_BATCH: &str = "no batch id";

pub(super) fn read(reading: &mut Reading<'_>) -> Result<(), CvrError> {
    let source = reading.source;
    let path = &source.path;
    let csv_error = |source| CvrError::Csv {
        path: path.clone(),
        source,
    };
    let (mut csv, budget) = open_csv(path)?;
    let mut record = StringRecord::new();
    budget.renew();
    csv.read_record(&mut record).map_err(csv_error)?;
    budget.renew();
    let first = source.first_vote_column - 1;
    let candidates: Vec<String> = record.iter().skip(first).map(str::to_owned).collect();
    let at = |row: u64, field: String, problem| CvrError::Record {
        path: path.clone(),
        record: format!("row {row}"),
        field,
        problem,
    };
    if let Some(index) = candidates.iter().position(|name| name.trim().is_empty()) {
        let column = format!("column {}", first + index + 1);
        return Err(at(1, column, RecordProblem::Missing));
    }
    let mut ballots = 0_u64;
    let mut row = 1;
    while csv.read_record(&mut record).map_err(csv_error)? {
        budget.renew();
        row += 1;
        if row < source.first_vote_row {
            continue;
        }
        let row = row as u64;
        ballots += 1;
        let mut marks = Vec::new();
        for (index, cell) in record.iter().enumerate().skip(first) {
            let cell = cell.trim();
            if cell.is_empty() {
                continue;
            }
            let field = || format!("column {}", index + 1);
            let Some(name) = candidates.get(index - first) else {
                return Err(at(
                    row,
                    field(),
                    RecordProblem::NotDefined {
                        id: cell.to_owned(),
                        place: "the first row, as a candidate's column",
                    },
                ));
            };
            let rank: i64 = cell.parse().map_err(|_| {
                at(
                    row,
                    format!("column {} ({name})", index + 1),
                    RecordProblem::NoNumber {
                        value: cell.to_owned(),
                    },
                )
            })?;
            let choice = if source.undeclared_write_in_label.as_ref() == Some(name) {
                Choice::UndeclaredWriteIn
            } else {
                Choice::Named(name)
            };
            marks.push((rank, choice));
        }
        let cell = |column: Option<usize>| match column {
            None => Ok(None),
            Some(column) => match record.get(column - 1) {
                Some(cell) => Ok(Some(cell.to_owned())),
                None => Err(at(row, format!("column {column}"), RecordProblem::Missing)),
            },
        };
        let or = |name: &str, text: String| {
            if text.trim().is_empty() {
                name.to_owned()
            } else {
                text
            }
        };
        let draft = Draft {
            id: ballots.to_string(),
            supplied_id: cell(source.id_column)?.filter(|id| !id.is_empty()),
            precinct: cell(source.precinct_column)?.map(|text| or(NO_PRECINCT, text)),
            batch: cell(source.batch_column)?.map(|text| or(NO_BATCH, text)),
            marks,
            ..Draft::default()
        };
        reading.give(path, || format!("row {row}"), draft)?;
    }
    Ok(())
}
