//! Clear Ballot: CSV with a column for each candidate at each rank, whose cells are 0 or 1.

use csv::StringRecord;

use super::bounded::open_csv;
use super::{Choice, Draft, Reading};
use crate::error::{CvrError, RecordProblem};

// The columns before those of choices.
const BALLOT_ID: usize = 3;
const PRECINCT_ID: usize = 4;
const BALLOT_STYLE_ID: usize = 5;
const SCAN_COMPUTER_NAME: usize = 7;
const FIRST_CHOICE: usize = 10;
/// The parts of a choice's header: its number, the contest, the rank, the rule, the candidate, the party.
const HEADER_PARTS: usize = 6;

/// A column of the contest.
struct ChoiceColumn {
    index: usize,
    rank: i64,
    candidate: String,
}

pub(super) fn read(reading: &mut Reading<'_>) -> Result<(), CvrError> {
    let path = &reading.source.path;
    let csv_error = |source| CvrError::Csv {
        path: path.clone(),
        source,
    };
    let (mut csv, budget) = open_csv(path)?;
    let mut record = StringRecord::new();
    budget.renew();
    csv.read_record(&mut record).map_err(csv_error)?;
    budget.renew();
    let columns = choice_columns(reading, &record)?;
    let mut row = 1_u64;
    while csv.read_record(&mut record).map_err(csv_error)? {
        budget.renew();
        row += 1;
        let at = |field: &str, problem| CvrError::Record {
            path: path.clone(),
            record: format!("row {row}"),
            field: field.to_owned(),
            problem,
        };
        let mut marks = Vec::new();
        for column in &columns {
            let field = || format!("column {} ({})", column.index + 1, column.candidate);
            let cell = record
                .get(column.index)
                .ok_or_else(|| at(&field(), RecordProblem::Missing))?;
            let mark: i64 = cell.trim().parse().map_err(|_| {
                at(
                    &field(),
                    RecordProblem::NoNumber {
                        value: cell.to_owned(),
                    },
                )
            })?;
            if mark == 1 {
                let name = column.candidate.as_str();
                let label = &reading.source.undeclared_write_in_label;
                let choice = if label.as_deref() == Some(name) {
                    Choice::UndeclaredWriteIn
                } else {
                    Choice::Named(name)
                };
                marks.push((column.rank, choice));
            }
        }
        let cell = |index: usize, field: &str| {
            record
                .get(index)
                .map(|cell| Some(cell.to_owned()))
                .ok_or_else(|| at(field, RecordProblem::Missing))
        };
        let draft = Draft {
            supplied_id: cell(BALLOT_ID, "BallotID")?,
            precinct: cell(PRECINCT_ID, "PrecinctID")?,
            style: cell(BALLOT_STYLE_ID, "BallotStyleID")?,
            tabulator: cell(SCAN_COMPUTER_NAME, "ScanComputerName")?,
            marks,
            ..Draft::default()
        };
        reading.give(path, || format!("row {row}"), draft)?;
    }
    Ok(())
}

/// The contest's columns, those of ranks that it does not have left out.
fn choice_columns(
    reading: &Reading<'_>,
    header: &StringRecord,
) -> Result<Vec<ChoiceColumn>, CvrError> {
    let error = |field: String, problem| CvrError::Record {
        path: reading.source.path.clone(),
        record: "row 1".to_owned(),
        field,
        problem,
    };
    if header.len() < FIRST_CHOICE {
        return Err(error(
            "columns of choices".to_owned(),
            RecordProblem::Missing,
        ));
    }
    let mut columns = Vec::new();
    for (index, text) in header.iter().enumerate().skip(FIRST_CHOICE) {
        let field = || format!("column {}", index + 1);
        let parts: Vec<&str> = text.split(':').collect();
        if parts.len() != HEADER_PARTS {
            let header = text.to_owned();
            return Err(error(field(), RecordProblem::ChoiceHeader { header }));
        }
        if parts[1] != reading.source.contest_id {
            continue;
        }
        let rank: i64 = parts[2].parse().map_err(|_| {
            let value = parts[2].to_owned();
            error(field(), RecordProblem::NoNumber { value })
        })?;
        let allowed =
            u32::try_from(rank).is_ok_and(|rank| reading.config.rules.is_ranking_allowed(rank));
        if allowed {
            columns.push(ChoiceColumn {
                index,
                rank,
                candidate: parts[4].to_owned(),
            });
        }
    }
    Ok(columns)
}
