//! The common data format (NIST SP 1500-103) as JSON.

use std::collections::HashMap;
use std::hash::Hash;

use serde::Deserialize;
use serde_json::Value;

use super::cdf_marks::{Position, Selected, add_marks};
use super::json::{self, Id};
use super::{Choice, Draft, Reading};
use crate::error::{CvrError, RecordProblem};

/// What stands once in a file. It is read before the records, which may stand before it.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Definitions {
    #[serde(default)]
    gp_unit: Vec<Named>,
    #[serde(default)]
    election: Vec<Election>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Named {
    #[serde(rename = "@id")]
    id: String,
    name: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Election {
    #[serde(default)]
    candidate: Vec<Named>,
    #[serde(default)]
    contest: Vec<Contest>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Contest {
    #[serde(rename = "@id")]
    id: String,
    name: Option<String>,
    #[serde(default)]
    contest_selection: Vec<ContestSelection>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ContestSelection {
    #[serde(rename = "@id")]
    id: String,
    is_write_in: Option<Value>,
    candidate_ids: Option<Vec<String>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Cvr {
    current_snapshot_id: Option<String>,
    #[serde(rename = "CVRSnapshot", default)]
    snapshots: Vec<Snapshot>,
    ballot_pre_printed_id: Option<Id>,
    batch_sequence_id: Option<Id>,
    ballot_style_id: Option<Id>,
    ballot_style_unit_id: Option<String>,
}

#[derive(Deserialize)]
struct Snapshot {
    #[serde(rename = "@id")]
    id: String,
    #[serde(rename = "CVRContest")]
    contests: Option<Vec<CvrContest>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct CvrContest {
    contest_id: String,
    #[serde(rename = "CVRContestSelection", default)]
    selections: Vec<CvrContestSelection>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct CvrContestSelection {
    contest_selection_id: String,
    rank: Option<i64>,
    #[serde(default)]
    selection_position: Vec<SelectionPosition>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct SelectionPosition {
    #[serde(rename = "CVRWriteIn")]
    write_in: Option<Value>,
    has_indication: Option<String>,
    is_allocable: Option<String>,
    rank: Option<i64>,
}

/// The definitions of the contest at hand.
struct ContestIndex {
    contest_id: String,
    selections: HashMap<String, Selected>,
    units: HashMap<String, String>,
}

pub(super) fn read(reading: &mut Reading<'_>) -> Result<(), CvrError> {
    let path = &reading.source.path;
    let index = index(reading, json::definitions(path)?)?;
    let file_name = reading.file_name();
    let mut ballots = 0_u64;
    json::each_element(path, "CVR", |number, cvr: Cvr| {
        give(reading, &index, &file_name, &mut ballots, number, &cvr)
    })
}

fn index(reading: &Reading<'_>, definitions: Definitions) -> Result<ContestIndex, CvrError> {
    let path = &reading.source.path;
    let error = |record: &str, field: &str, problem| CvrError::Record {
        path: path.clone(),
        record: record.to_owned(),
        field: field.to_owned(),
        problem,
    };
    let twice =
        |field: &str, id: String| error("the definitions", field, RecordProblem::Duplicate { id });
    let units = by_id(
        definitions.gp_unit,
        |unit| (unit.id, unit.name.unwrap_or_default()),
        |id| twice("GpUnit", id),
    )?;
    let mut candidates = Vec::new();
    let mut contest = None;
    for election in definitions.election {
        candidates.extend(election.candidate);
        let found = election
            .contest
            .into_iter()
            .find(|contest| contest.name.as_ref() == Some(&reading.source.contest_id));
        contest = found.or(contest);
    }
    let candidates = by_id(
        candidates,
        |candidate| (candidate.id, candidate.name.unwrap_or_default()),
        |id| twice("Candidate", id),
    )?;
    let Some(contest) = contest else {
        let id = reading.source.contest_id.clone();
        let place = "Election/Contest";
        return Err(error(
            "the definitions",
            "Contest",
            RecordProblem::NotDefined { id, place },
        ));
    };
    let mut selections = Vec::new();
    for selection in contest.contest_selection {
        let is_write_in = match &selection.is_write_in {
            Some(Value::Bool(flag)) => *flag,
            Some(Value::String(text)) => text == "true",
            _ => false,
        };
        let selected = if is_write_in {
            Selected::WriteIn
        } else {
            let record = format!("selection {}", selection.id);
            let ids = selection.candidate_ids.unwrap_or_default();
            // A selection with several candidates is a ticket: the first stands for it.
            let Some(id) = ids.into_iter().next() else {
                // Only a mark for it is an error.
                continue;
            };
            match candidates.get(&id) {
                Some(name) => Selected::Candidate(name.clone()),
                None => {
                    let place = "Election/Candidate";
                    let problem = RecordProblem::NotDefined { id, place };
                    return Err(error(&record, "CandidateIds", problem));
                }
            }
        };
        selections.push((selection.id, selected));
    }
    Ok(ContestIndex {
        contest_id: contest.id,
        selections: by_id(selections, |pair| pair, |id| twice("ContestSelection", id))?,
        units,
    })
}

/// A map, unless a key is there twice.
pub(super) fn by_id<T, K: Eq + Hash + Clone, V, E>(
    entries: impl IntoIterator<Item = T>,
    pair: impl Fn(T) -> (K, V),
    twice: impl Fn(K) -> E,
) -> Result<HashMap<K, V>, E> {
    let mut map = HashMap::new();
    for entry in entries {
        let (key, value) = pair(entry);
        if map.insert(key.clone(), value).is_some() {
            return Err(twice(key));
        }
    }
    Ok(map)
}

fn give(
    reading: &mut Reading<'_>,
    index: &ContestIndex,
    file_name: &str,
    ballots: &mut u64,
    number: u64,
    cvr: &Cvr,
) -> Result<(), CvrError> {
    let path = &reading.source.path;
    let record = || match &cvr.ballot_pre_printed_id {
        Some(id) => format!("CVR {number} ({id})"),
        None => format!("CVR {number}"),
    };
    let error = |field: &str, problem| CvrError::Record {
        path: path.clone(),
        record: record(),
        field: field.to_owned(),
        problem,
    };
    let snapshot = cvr
        .snapshots
        .iter()
        .find(|snapshot| Some(&snapshot.id) == cvr.current_snapshot_id.as_ref());
    let Some(snapshot) = snapshot else {
        let id = cvr.current_snapshot_id.clone().unwrap_or_default();
        let place = "CVRSnapshot";
        return Err(error(
            "CurrentSnapshotId",
            RecordProblem::NotDefined { id, place },
        ));
    };
    let Some(contests) = &snapshot.contests else {
        return Err(error("CVRContest", RecordProblem::Missing));
    };
    let contest = contests
        .iter()
        .find(|contest| contest.contest_id == index.contest_id);
    let Some(contest) = contest else {
        // A ballot without the contest.
        return Ok(());
    };
    let mut marks = Vec::new();
    for selection in &contest.selections {
        let id = &selection.contest_selection_id;
        let Some(selected) = index.selections.get(id) else {
            let id = id.clone();
            let place = "Contest/ContestSelection with CandidateIds or IsWriteIn";
            return Err(error(
                "ContestSelectionId",
                RecordProblem::NotDefined { id, place },
            ));
        };
        let choice = match selected {
            Selected::WriteIn => Choice::UndeclaredWriteIn,
            Selected::Candidate(name) => reading.choice(name),
        };
        let positions = selection
            .selection_position
            .iter()
            .map(|position| Position {
                rank: position.rank,
                is_write_in: position.write_in.is_some(),
                has_indication: position.has_indication.as_deref() != Some("no"),
                is_allocable: position.is_allocable.as_deref() != Some("no"),
            });
        if !add_marks(choice, selection.rank, positions, &mut marks) {
            return Err(error("Rank", RecordProblem::Missing));
        }
    }
    let unit = cvr.ballot_style_unit_id.as_ref();
    *ballots += 1;
    let text = |id: &Option<Id>| id.as_ref().map(Id::to_string);
    let draft = Draft {
        id: format!("{file_name}({ballots})"),
        supplied_id: text(&cvr.ballot_pre_printed_id),
        batch: text(&cvr.batch_sequence_id),
        precinct: unit.and_then(|unit| index.units.get(unit)).cloned(),
        style: text(&cvr.ballot_style_id),
        marks,
        ..Draft::default()
    };
    reading.give(path, record, draft)
}
