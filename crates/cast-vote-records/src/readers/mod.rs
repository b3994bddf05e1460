//! The readers, one for each voting system, and what they share: from marks to rankings.

mod bounded;
mod cdf_json;
mod cdf_marks;
mod cdf_xml;
mod clear_ballot;
mod dominion;
mod ess;
mod generic_csv;
mod hart;
mod json;
mod workbook_rows;
mod xml;

use std::collections::{BTreeMap, HashMap};
use std::fs::File;
use std::path::Path;

use ballot::Ranking;
use ballot::ranking::{UNDECLARED_WRITE_INS, UNKNOWN_OVERVOTE};

use crate::cast_ballot::CastBallot;
use crate::config::{CvrSource, Provider, RctabConfig};
use crate::error::{CvrError, RecordProblem, UnknownCandidate};

/// The most ranks that a ballot can have, whatever the configuration says.
const MAX_RANKS: u32 = 1000;
/// How many unknown candidates are remembered by name.
const MAX_UNKNOWN_CANDIDATES: usize = 50;

/// What takes ballots.
pub(crate) type Sink<'a> = &'a mut dyn FnMut(CastBallot) -> Result<(), CvrError>;

/// Reads all sources of a configuration and gives each ballot of the contest to `each`, in the order of the files. The
/// number of ballots.
///
/// Only the ballot at hand is in memory. Some errors are found at the end of a source: what was given before is to be
/// dropped then.
pub fn read_ballots(
    config: &RctabConfig,
    mut each: impl FnMut(CastBallot) -> Result<(), CvrError>,
) -> Result<u64, CvrError> {
    let mut ballots = 0;
    for source in &config.sources {
        ballots += read_source(config, source, &mut each)?;
    }
    if ballots == 0 {
        return Err(CvrError::NoBallots {
            contest: config.contest_name.clone(),
        });
    }
    Ok(ballots)
}

/// Reads one source of a configuration, as [`read_ballots`] reads all. A source may have no ballot of the contest.
pub fn read_source(
    config: &RctabConfig,
    source: &CvrSource,
    mut each: impl FnMut(CastBallot) -> Result<(), CvrError>,
) -> Result<u64, CvrError> {
    let mut reading = Reading::new(config, source, &mut each);
    match source.provider {
        Provider::Cdf
            if source
                .path
                .extension()
                .is_some_and(|kind| kind.eq_ignore_ascii_case("xml")) =>
        {
            cdf_xml::read(&mut reading)?;
        }
        Provider::Cdf => cdf_json::read(&mut reading)?,
        Provider::ClearBallot => clear_ballot::read(&mut reading)?,
        Provider::Dominion => dominion::read(&mut reading)?,
        Provider::Ess => ess::read(&mut reading)?,
        Provider::Hart => hart::read(&mut reading)?,
        Provider::GenericCsv => generic_csv::read(&mut reading)?,
    }
    reading.finish()
}

/// What is marked at a rank.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Choice<'a> {
    /// A candidate, by what the records call them.
    Named(&'a str),
    /// A candidate who is not on the ballot.
    UndeclaredWriteIn,
    /// An overvote of unknown candidates.
    UnknownOvervote,
}

/// A mark: the rank, from 1, and what is marked.
pub(crate) type Mark<'a> = (i64, Choice<'a>);

/// A record, before its marks become a ranking.
#[derive(Default)]
pub(crate) struct Draft<'a> {
    /// RCTab's id, or empty: then it is the voting system's.
    pub id: String,
    pub supplied_id: Option<String>,
    pub tabulator: Option<String>,
    pub batch: Option<String>,
    pub precinct: Option<String>,
    pub precinct_portion: Option<String>,
    pub style: Option<String>,
    pub marks: Vec<Mark<'a>>,
}

/// A source that is being read.
pub(crate) struct Reading<'a> {
    pub config: &'a RctabConfig,
    pub source: &'a CvrSource,
    /// The ranks that the contest has by the records themselves; those of the configuration hold beside them.
    pub max_ranks: Option<u32>,
    /// The candidates that the contest has by the records themselves.
    pub in_contest: Option<std::collections::HashSet<String>>,
    ids: HashMap<&'a str, &'a str>,
    each: Sink<'a>,
    ballots: u64,
    unknown: BTreeMap<String, UnknownCandidate>,
    more_unknown: u64,
}

impl<'a> Reading<'a> {
    fn new(config: &'a RctabConfig, source: &'a CvrSource, each: Sink<'a>) -> Self {
        Self {
            config,
            source,
            max_ranks: None,
            in_contest: None,
            ids: config.ids_by_name(),
            each,
            ballots: 0,
            unknown: BTreeMap::new(),
            more_unknown: 0,
        }
    }

    /// The file's name, for ids.
    pub fn file_name(&self) -> String {
        let name = self.source.path.file_name().unwrap_or_default();
        name.to_string_lossy().into_owned()
    }

    /// The id of the candidate with this name or alias.
    pub fn id_of(&self, name: &str) -> Option<&'a str> {
        self.ids.get(name).copied()
    }

    /// The choice that a text stands for: a candidate, or one of the source's labels.
    pub fn choice<'t>(&self, text: &'t str) -> Choice<'t> {
        if self.source.overvote_label.as_deref() == Some(text) {
            Choice::UnknownOvervote
        } else if self.source.undeclared_write_in_label.as_deref() == Some(text) {
            Choice::UndeclaredWriteIn
        } else {
            Choice::Named(text)
        }
    }

    /// Gives a ballot on, or remembers that its candidates are unknown. `record` is where it stands.
    pub fn give(
        &mut self,
        path: &Path,
        record: impl Fn() -> String,
        draft: Draft<'_>,
    ) -> Result<(), CvrError> {
        let error = |field: &str, problem| CvrError::Record {
            path: path.to_owned(),
            record: record(),
            field: field.to_owned(),
            problem,
        };
        let mut ranks: Vec<Vec<String>> = Vec::new();
        let mut all_known = true;
        for (rank, choice) in draft.marks {
            let index = match u32::try_from(rank) {
                Ok(rank @ 1..=MAX_RANKS) => rank as usize - 1,
                _ => {
                    return Err(error(
                        "rank",
                        RecordProblem::RankOutOfBounds {
                            rank,
                            most: MAX_RANKS,
                        },
                    ));
                }
            };
            let id = match choice {
                Choice::UnknownOvervote => UNKNOWN_OVERVOTE,
                // It is an unknown candidate where the configuration has no undeclared write-ins.
                Choice::UndeclaredWriteIn if self.config.has_undeclared_write_ins() => {
                    UNDECLARED_WRITE_INS
                }
                Choice::UndeclaredWriteIn => {
                    self.count_unknown(crate::config::UNDECLARED_WRITE_INS_NAME, &record);
                    all_known = false;
                    continue;
                }
                Choice::Named(name) => match self.ids.get(name) {
                    Some(id) => id,
                    None => {
                        self.count_unknown(name, &record);
                        all_known = false;
                        continue;
                    }
                },
            };
            if let Some(in_contest) = &self.in_contest
                && id != UNDECLARED_WRITE_INS
                && !in_contest.contains(id)
            {
                let name = self.config.name_of(id).unwrap_or(id).to_owned();
                return Err(error("candidate", RecordProblem::NotInContest { name }));
            }
            if ranks.len() <= index {
                ranks.resize_with(index + 1, Vec::new);
            }
            ranks[index].push(id.to_owned());
        }
        if !all_known {
            return Ok(());
        }
        let most = [self.config.rules.max_rankings_allowed, self.max_ranks];
        if let Some(most) = most.into_iter().flatten().min()
            && ranks.len() > most as usize
        {
            let rank = u32::try_from(ranks.len()).unwrap_or(u32::MAX);
            return Err(error("rank", RecordProblem::RankNotAllowed { rank, most }));
        }
        for (wanted, slice, field) in [
            (
                self.config.tabulate_by_precinct,
                &draft.precinct,
                "precinct",
            ),
            (self.config.tabulate_by_batch, &draft.batch, "batch"),
        ] {
            if wanted && slice.as_deref().is_none_or(|text| text.trim().is_empty()) {
                return Err(error(field, RecordProblem::MissingSlice));
            }
        }
        ranks.iter_mut().for_each(twice_is_an_overvote);
        self.ballots += 1;
        let supplied = draft.supplied_id;
        (self.each)(CastBallot {
            id: match &supplied {
                Some(supplied) if draft.id.is_empty() => supplied.clone(),
                _ => draft.id,
            },
            supplied_id: supplied,
            tabulator: draft.tabulator,
            batch: draft.batch,
            precinct: draft.precinct,
            precinct_portion: draft.precinct_portion,
            style: draft.style,
            ranking: Ranking::of_marks(ranks),
        })
    }

    fn count_unknown(&mut self, name: &str, record: impl Fn() -> String) {
        if let Some(unknown) = self.unknown.get_mut(name) {
            unknown.marks += 1;
        } else if self.unknown.len() < MAX_UNKNOWN_CANDIDATES {
            let unknown = UnknownCandidate {
                name: name.to_owned(),
                marks: 1,
                first: record(),
            };
            self.unknown.insert(name.to_owned(), unknown);
        } else {
            self.more_unknown += 1;
        }
    }

    fn finish(self) -> Result<u64, CvrError> {
        if self.unknown.is_empty() {
            return Ok(self.ballots);
        }
        Err(CvrError::UnknownCandidates {
            path: self.source.path.clone(),
            candidates: self.unknown.into_values().collect(),
            more: self.more_unknown,
        })
    }
}

/// A rank with the same candidate twice, and nobody else, is an overvote, too: two write-ins, say. A ranking keeps a
/// candidate once at a rank, so it becomes an overvote whose candidates are not known.
fn twice_is_an_overvote(rank: &mut Vec<String>) {
    if rank.len() > 1 && rank.iter().all(|id| *id == rank[0]) {
        *rank = vec![UNKNOWN_OVERVOTE.to_owned()];
    }
}

/// Opens a file.
pub(crate) fn open(path: &Path) -> Result<File, CvrError> {
    File::open(path).map_err(|source| CvrError::Read {
        path: path.to_owned(),
        source,
    })
}

/// A name for an id: what is not a letter, a digit or one of `_-.` becomes `_`, as in RCTab's output.
pub(crate) fn sanitized(text: &str) -> String {
    text.chars()
        .map(|c| match c {
            '_' | '-' | '.' => c,
            _ if c.is_ascii_alphanumeric() => c,
            _ => '_',
        })
        .collect()
}
