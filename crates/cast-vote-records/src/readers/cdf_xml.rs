//! The common data format (NIST SP 1500-103) as XML, Unisyn's included.

use std::collections::{HashMap, HashSet};

use super::cdf_json::by_id;
use super::cdf_marks::{Position, Selected, add_marks};
use super::xml::{self, Element};
use super::{Choice, Draft, Reading};
use crate::error::{CvrError, RecordProblem};

/// What a report must have.
const NEEDED: [&str; 6] = [
    "GpUnit",
    "CVR",
    "Election",
    "ReportGeneratingDeviceIds",
    "ReportingDevice",
    "Party",
];

/// The definitions of the contest at hand.
struct ContestIndex {
    contest_id: String,
    selections: HashMap<String, Selected>,
    units: HashMap<String, String>,
}

pub(super) fn read(reading: &mut Reading<'_>) -> Result<(), CvrError> {
    let path = &reading.source.path;
    let index = index(reading)?;
    let file_name = reading.file_name();
    let mut number = 0_u64;
    let mut ballots = 0_u64;
    xml::each_child(path, &["CVR"], |cvr| {
        number += 1;
        give(reading, &index, &file_name, &mut ballots, number, &cvr)
    })
}

/// Reads the definitions, which stand after the records.
fn index(reading: &Reading<'_>) -> Result<ContestIndex, CvrError> {
    let path = &reading.source.path;
    let mut seen: HashSet<&'static str> = HashSet::new();
    let mut units: Vec<Element> = Vec::new();
    let mut elections: Vec<Element> = Vec::new();
    xml::each_child(path, &NEEDED, |element| {
        seen.extend(NEEDED.iter().find(|name| **name == element.name));
        match element.name.as_str() {
            "GpUnit" => units.push(element),
            "Election" => elections.push(element),
            _ => {}
        }
        Ok(())
    })?;
    let error = |record: &str, field: &str, problem| CvrError::Record {
        path: path.clone(),
        record: record.to_owned(),
        field: field.to_owned(),
        problem,
    };
    if let Some(missing) = NEEDED.iter().find(|name| !seen.contains(**name)) {
        return Err(error("the report", missing, RecordProblem::Missing));
    }
    let twice =
        |field: &str, id: String| error("the definitions", field, RecordProblem::Duplicate { id });
    let id_and_name = |element: &Element| {
        let id = element.attribute("ObjectId").unwrap_or_default();
        let name = element.text_of("Name").unwrap_or_default();
        (id.to_owned(), name.to_owned())
    };
    let candidates = by_id(
        elections
            .iter()
            .flat_map(|election| election.all("Candidate")),
        id_and_name,
        |id| twice("Candidate", id),
    )?;
    let contest = elections.iter().rev().find_map(|election| {
        election
            .all("Contest")
            .find(|contest| contest.text_of("Name") == Some(&reading.source.contest_id))
    });
    let Some(contest) = contest else {
        let id = reading.source.contest_id.clone();
        let place = "Election/Contest";
        let problem = RecordProblem::NotDefined { id, place };
        return Err(error("the definitions", "Contest", problem));
    };
    let mut selections = Vec::new();
    for selection in contest.all("ContestSelection") {
        let id = selection.attribute("ObjectId").unwrap_or_default();
        let selected = if selection.text_of("IsWriteIn") == Some("true") {
            Selected::WriteIn
        } else {
            let record = format!("selection {id}");
            // A selection with several candidates is a ticket: the first stands for it. The ids may be separated
            // by blanks in one element.
            let candidate = selection
                .child("CandidateIds")
                .and_then(|ids| ids.text().split_whitespace().next());
            let Some(candidate) = candidate else {
                // Only a mark for it is an error.
                continue;
            };
            match candidates.get(candidate) {
                Some(name) => Selected::Candidate(name.clone()),
                None => {
                    let id = candidate.to_owned();
                    let place = "Election/Candidate";
                    let problem = RecordProblem::NotDefined { id, place };
                    return Err(error(&record, "CandidateIds", problem));
                }
            }
        };
        selections.push((id.to_owned(), selected));
    }
    Ok(ContestIndex {
        contest_id: contest.attribute("ObjectId").unwrap_or_default().to_owned(),
        selections: by_id(selections, |pair| pair, |id| twice("ContestSelection", id))?,
        units: by_id(&units, id_and_name, |id| twice("GpUnit", id))?,
    })
}

fn give(
    reading: &mut Reading<'_>,
    index: &ContestIndex,
    file_name: &str,
    ballots: &mut u64,
    number: u64,
    cvr: &Element,
) -> Result<(), CvrError> {
    let path = &reading.source.path;
    let record = || match cvr.text_of("UniqueId") {
        Some(id) => format!("CVR {number} ({id})"),
        None => format!("CVR {number}"),
    };
    let error = |field: &str, problem| CvrError::Record {
        path: path.clone(),
        record: record(),
        field: field.to_owned(),
        problem,
    };
    let current = cvr.text_of("CurrentSnapshotId");
    let contest = cvr
        .all("CVRSnapshot")
        .find(|snapshot| snapshot.attribute("ObjectId") == current)
        .and_then(|snapshot| {
            snapshot
                .all("CVRContest")
                .find(|contest| contest.text_of("ContestId") == Some(&index.contest_id))
        });
    let Some(contest) = contest else {
        // A ballot without the contest.
        return Ok(());
    };
    let number_of = |element: &Element, field: &str| match element.text_of(field) {
        None => Ok(None),
        Some(text) => match text.parse::<i64>() {
            Ok(number) => Ok(Some(number)),
            Err(_) => {
                let value = text.to_owned();
                Err(error(field, RecordProblem::NoNumber { value }))
            }
        },
    };
    let mut marks = Vec::new();
    for selection in contest.all("CVRContestSelection") {
        if selection.text_of("Status") == Some("needs-adjudication") {
            continue;
        }
        let id = selection.text_of("ContestSelectionId").unwrap_or_default();
        let Some(selected) = index.selections.get(id) else {
            let id = id.to_owned();
            let place = "Contest/ContestSelection with CandidateIds or IsWriteIn";
            let problem = RecordProblem::NotDefined { id, place };
            return Err(error("ContestSelectionId", problem));
        };
        let choice = match selected {
            Selected::WriteIn => Choice::UndeclaredWriteIn,
            Selected::Candidate(name) => reading.choice(name),
        };
        let mut positions = Vec::new();
        for position in selection.all("SelectionPosition") {
            positions.push(Position {
                rank: number_of(position, "Rank")?,
                is_write_in: position.child("CVRWriteIn").is_some(),
                has_indication: position.text_of("HasIndication") != Some("no"),
                is_allocable: position.text_of("IsAllocable") != Some("no"),
            });
        }
        if !add_marks(choice, number_of(selection, "Rank")?, positions, &mut marks) {
            return Err(error("Rank", RecordProblem::Missing));
        }
    }
    let precinct = match cvr.text_of("BallotStyleUnitId") {
        None => None,
        Some(unit) => match index.units.get(unit) {
            Some(name) => Some(name.clone()),
            None => {
                let id = unit.to_owned();
                let place = "GpUnit";
                let problem = RecordProblem::NotDefined { id, place };
                return Err(error("BallotStyleUnitId", problem));
            }
        },
    };
    *ballots += 1;
    let text = |field: &str| cvr.text_of(field).map(str::to_owned);
    let draft = Draft {
        id: format!("{file_name}({ballots})"),
        supplied_id: text("UniqueId"),
        batch: text("BatchSequenceId"),
        precinct,
        style: text("BallotStyleId"),
        marks,
        ..Draft::default()
    };
    reading.give(path, record, draft)
}
