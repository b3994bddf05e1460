//! Dominion: a directory with manifests (contests, candidates, precincts) and `CvrExport.json`, or several
//! `CvrExport_N.json`, of sessions: a session is a ballot as a tabulator saw it.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::json::{self, Id};
use super::{Choice, Draft, Reading};
use crate::error::{CvrError, RecordProblem};

/// The most bytes of a manifest.
const MAX_MANIFEST_BYTES: u64 = 1 << 28;
/// The condition of a contest whose marks are not to be counted.
const NOT_COUNTED: i64 = 7;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Manifest<T> {
    list: Vec<T>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Named {
    id: i64,
    description: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ContestEntry {
    id: Id,
    num_of_ranks: Option<u32>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct CandidateEntry {
    id: Id,
    contest_id: Id,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Session {
    tabulator_id: Id,
    batch_id: Id,
    record_id: Id,
    original: Reviewed,
    modified: Option<Reviewed>,
}

/// What was read of a ballot: by the tabulator, or by the people who looked at it afterwards.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Reviewed {
    #[serde(default)]
    is_current: bool,
    precinct_id: Option<i64>,
    precinct_portion_id: Option<i64>,
    ballot_type_id: Option<Id>,
    cards: Option<Vec<Card>>,
    /// Older exports have no cards.
    contests: Option<Vec<ContestMarks>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Card {
    #[serde(default)]
    contests: Vec<ContestMarks>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ContestMarks {
    id: Id,
    #[serde(default)]
    outstack_condition_ids: Vec<i64>,
    #[serde(default)]
    marks: Vec<MarkRead>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct MarkRead {
    candidate_id: Id,
    rank: Option<i64>,
    #[serde(default)]
    is_ambiguous: bool,
}

struct Manifests {
    /// Not in older exports.
    precincts: Option<HashMap<i64, String>>,
    precinct_portions: HashMap<i64, String>,
    contests: HashSet<String>,
}

pub(super) fn read(reading: &mut Reading<'_>) -> Result<(), CvrError> {
    let manifests = read_manifests(reading)?;
    for file in exports(&reading.source.path)? {
        json::each_element(&file, "Sessions", |number, session| {
            give(reading, &manifests, &file, number, session)
        })?;
    }
    Ok(())
}

fn read_manifests(reading: &mut Reading<'_>) -> Result<Manifests, CvrError> {
    let directory = &reading.source.path;
    let named = |name: &str| -> Result<HashMap<i64, String>, CvrError> {
        let manifest: Manifest<Named> = json::whole(&directory.join(name), MAX_MANIFEST_BYTES)?;
        let entries = manifest.list.into_iter();
        Ok(entries.map(|entry| (entry.id, entry.description)).collect())
    };
    let precincts = if directory.join("PrecinctManifest.json").exists() {
        Some(named("PrecinctManifest.json")?)
    } else {
        None
    };
    let contests: Manifest<ContestEntry> =
        json::whole(&directory.join("ContestManifest.json"), MAX_MANIFEST_BYTES)?;
    let candidates: Manifest<CandidateEntry> = json::whole(
        &directory.join("CandidateManifest.json"),
        MAX_MANIFEST_BYTES,
    )?;
    let contest_id = &reading.source.contest_id;
    let contest = contests
        .list
        .iter()
        .find(|contest| contest.id.to_string() == *contest_id);
    reading.max_ranks = contest.and_then(|contest| contest.num_of_ranks);
    let in_contest = candidates
        .list
        .iter()
        .filter(|candidate| candidate.contest_id.to_string() == *contest_id)
        .filter_map(|candidate| reading.id_of(&candidate.id.to_string()))
        .map(str::to_owned)
        .collect();
    reading.in_contest = Some(in_contest);
    Ok(Manifests {
        precincts,
        precinct_portions: named("PrecinctPortionManifest.json")?,
        contests: contests
            .list
            .iter()
            .map(|contest| contest.id.to_string())
            .collect(),
    })
}

/// The files of sessions: `CvrExport.json`, or else all `CvrExport_N.json` in the order of their names.
fn exports(directory: &Path) -> Result<Vec<PathBuf>, CvrError> {
    let single = directory.join("CvrExport.json");
    if single.exists() {
        return Ok(vec![single]);
    }
    let read = |source| CvrError::Read {
        path: directory.to_owned(),
        source,
    };
    let mut files = Vec::new();
    for entry in std::fs::read_dir(directory).map_err(read)? {
        let path = entry.map_err(read)?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let number = name
            .strip_prefix("CvrExport_")
            .and_then(|rest| rest.strip_suffix(".json"));
        if number.is_some_and(|n| !n.is_empty() && n.bytes().all(|b| b.is_ascii_digit())) {
            files.push(path);
        }
    }
    files.sort();
    if files.is_empty() {
        return Err(CvrError::NoFiles {
            path: directory.to_owned(),
            expected: "CvrExport.json or CvrExport_N.json",
        });
    }
    Ok(files)
}

fn give(
    reading: &mut Reading<'_>,
    manifests: &Manifests,
    file: &Path,
    number: u64,
    session: Session,
) -> Result<(), CvrError> {
    let Session {
        tabulator_id,
        batch_id,
        record_id,
        original,
        modified,
    } = session;
    // What is not current was looked at again; without the result of that there is nothing to count.
    let current = if original.is_current {
        original
    } else if let Some(modified) = modified {
        modified
    } else {
        return Ok(());
    };
    let record = || format!("session {number} (record {record_id})");
    let error = |field: &str, problem| CvrError::Record {
        path: file.to_owned(),
        record: record(),
        field: field.to_owned(),
        problem,
    };
    let name_of = |field: &str, id: Option<i64>, names: Option<&HashMap<i64, String>>, place| match (
        id, names,
    ) {
        (None, _) => Ok(None),
        (Some(id), names) => match names.and_then(|names| names.get(&id)) {
            Some(name) => Ok(Some(name.clone())),
            None => {
                let id = id.to_string();
                Err(error(field, RecordProblem::NotDefined { id, place }))
            }
        },
    };
    let precinct = name_of(
        "PrecinctId",
        current.precinct_id,
        manifests.precincts.as_ref(),
        "PrecinctManifest.json",
    )?;
    let precinct_portion = name_of(
        "PrecinctPortionId",
        current.precinct_portion_id,
        Some(&manifests.precinct_portions),
        "PrecinctPortionManifest.json",
    )?;
    let cards = match (current.cards, current.contests) {
        (Some(cards), _) => cards,
        (None, contests) => vec![Card {
            contests: contests.unwrap_or_default(),
        }],
    };
    for contest in cards.iter().flat_map(|card| &card.contests) {
        let id = contest.id.to_string();
        if id != reading.source.contest_id {
            continue;
        }
        if !manifests.contests.contains(&id) {
            let place = "ContestManifest.json";
            return Err(error("Contests", RecordProblem::NotDefined { id, place }));
        }
        if contest.outstack_condition_ids.contains(&NOT_COUNTED) {
            continue;
        }
        let mut candidates = Vec::new();
        for mark in contest.marks.iter().filter(|mark| !mark.is_ambiguous) {
            let rank = mark
                .rank
                .ok_or_else(|| error("Rank", RecordProblem::Missing))?;
            candidates.push((rank, mark.candidate_id.to_string()));
        }
        let label = &reading.source.undeclared_write_in_label;
        let marks = candidates
            .iter()
            .map(|(rank, candidate)| {
                let choice = if label.as_ref() == Some(candidate) {
                    Choice::UndeclaredWriteIn
                } else {
                    Choice::Named(candidate)
                };
                (*rank, choice)
            })
            .collect();
        let draft = Draft {
            id: format!("{tabulator_id}-{batch_id}-{record_id}"),
            supplied_id: Some(record_id.to_string()),
            tabulator: Some(tabulator_id.to_string()),
            batch: Some(batch_id.to_string()),
            precinct: precinct.clone(),
            precinct_portion: precinct_portion.clone(),
            style: current.ballot_type_id.as_ref().map(Id::to_string),
            marks,
        };
        reading.give(file, record, draft)?;
    }
    Ok(())
}
