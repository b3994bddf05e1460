//! RCTab's configurations: which contest, which candidates, which files, which rules.

mod migrate;
mod problem;
mod raw;
mod rules;
mod validate;

use std::collections::HashMap;
use std::fmt;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

pub use migrate::RCTAB_VERSION;
pub use problem::{ConfigError, ConfigProblem};
pub use rules::{OvervoteRule, RctabRules, TiebreakMode, WinnerElectionMode};

use ballot::ranking::UNDECLARED_WRITE_INS;

/// The name of undeclared write-ins in reports.
pub const UNDECLARED_WRITE_INS_NAME: &str = "Undeclared Write-ins";
/// The most bytes a configuration may have.
const MAX_CONFIG_BYTES: u64 = 16 * 1024 * 1024;

/// Whose voting system exported a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Provider {
    /// NIST SP 1500-103, the common data format for cast vote records: JSON or XML.
    Cdf,
    /// Clear Ballot: CSV.
    ClearBallot,
    /// Dominion: a directory of JSON files.
    Dominion,
    /// ES&S: a workbook.
    Ess,
    /// Hart: a directory, or zip, of XML files, one a ballot.
    Hart,
    /// A table of ballots and candidates, whose cells are ranks: CSV.
    GenericCsv,
}

impl Provider {
    const TEXTS: [(&'static str, Self); 6] = [
        ("cdf", Self::Cdf),
        ("clearBallot", Self::ClearBallot),
        ("dominion", Self::Dominion),
        ("ess", Self::Ess),
        ("hart", Self::Hart),
        ("genericCsv", Self::GenericCsv),
    ];

    /// What configurations call it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Cdf => "cdf",
            Self::ClearBallot => "clearBallot",
            Self::Dominion => "dominion",
            Self::Ess => "ess",
            Self::Hart => "hart",
            Self::GenericCsv => "genericCsv",
        }
    }
}

impl fmt::Display for Provider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Cdf => "the common data format",
            Self::ClearBallot => "Clear Ballot",
            Self::Dominion => "Dominion",
            Self::Ess => "ES&S",
            Self::Hart => "Hart",
            Self::GenericCsv => "CSV",
        })
    }
}

/// A file, or directory, of cast vote records, and how to read it. Columns and rows are counted from 1.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CvrSource {
    /// Where it is, resolved from the configuration's directory.
    pub path: PathBuf,
    /// Where it is, as written.
    pub file_path: String,
    /// Whose export it is.
    pub provider: Provider,
    /// The contest to read: an id (Dominion, Hart) or a name (Clear Ballot, common data format).
    pub contest_id: String,
    /// ES&S and CSV: the column of the first rank, or of the first candidate.
    pub first_vote_column: usize,
    /// ES&S and CSV: the row of the first ballot.
    pub first_vote_row: usize,
    /// ES&S and CSV: the column of the ballots' ids.
    pub id_column: Option<usize>,
    /// ES&S and CSV: the column of batches.
    pub batch_column: Option<usize>,
    /// ES&S and CSV: the column of precincts.
    pub precinct_column: Option<usize>,
    /// What stands between candidates that are marked at the same rank.
    pub overvote_delimiter: Option<String>,
    /// What stands for an overvote whose candidates are not known. An empty label is a label.
    pub overvote_label: Option<String>,
    /// What stands for a rank without a mark. An empty label is a label.
    pub skipped_rank_label: Option<String>,
    /// What stands for an undeclared write-in. An empty label is a label.
    pub undeclared_write_in_label: Option<String>,
    /// ES&S: an empty cell is an undeclared write-in.
    pub treat_blank_as_undeclared_write_in: bool,
}

/// A candidate of a configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RctabCandidate {
    /// `c1`, `c2`, … in the order of the configuration; `UWI` for the undeclared write-ins.
    pub id: String,
    /// What reports call them.
    pub name: String,
    /// What records call them, beside the name.
    pub aliases: Vec<String>,
    /// They may be marked, and never have a vote.
    pub excluded: bool,
}

/// A configuration that passed all checks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RctabConfig {
    /// The contest's name.
    pub contest_name: String,
    /// The day of the election.
    pub contest_date: Option<String>,
    /// Where the contest is held.
    pub contest_jurisdiction: Option<String>,
    /// What it fills.
    pub contest_office: Option<String>,
    /// Whether batches have reports of their own.
    pub tabulate_by_batch: bool,
    /// Whether precincts have reports of their own.
    pub tabulate_by_precinct: bool,
    /// Whether the records are to be written in the common data format.
    pub generate_cdf_json: bool,
    /// The candidates, in the configuration's order; last the undeclared write-ins, if any source has them.
    pub candidates: Vec<RctabCandidate>,
    /// What is to be read, in this order.
    pub sources: Vec<CvrSource>,
    /// The rules.
    pub rules: RctabRules,
}

impl RctabConfig {
    /// Reads a configuration, brings it to the newest form and checks it. Paths in it start at its directory.
    pub fn load(path: &Path) -> Result<Self, ConfigError> {
        let read = |source| ConfigError::Read {
            path: path.to_owned(),
            source,
        };
        let mut json = Vec::new();
        File::open(path)
            .map_err(read)?
            .take(MAX_CONFIG_BYTES + 1)
            .read_to_end(&mut json)
            .map_err(read)?;
        if json.len() as u64 > MAX_CONFIG_BYTES {
            return Err(ConfigError::TooLarge {
                path: path.to_owned(),
                most: MAX_CONFIG_BYTES,
            });
        }
        Self::from_json(&json, path)
    }

    /// The configuration with these bytes. `path` is where it would be: relative paths in it start there.
    pub fn from_json(json: &[u8], path: &Path) -> Result<Self, ConfigError> {
        let json = json.strip_prefix(b"\xef\xbb\xbf").unwrap_or(json);
        let not_json = |source| ConfigError::Json {
            path: path.to_owned(),
            source,
        };
        // Through a value: of a field that is there twice, the last one counts, as in RCTab.
        let fields: serde_json::Value = serde_json::from_slice(json).map_err(not_json)?;
        let mut raw: raw::RawConfig = serde_json::from_value(fields).map_err(not_json)?;
        let invalid = |problems| ConfigError::Invalid {
            path: path.to_owned(),
            problems,
        };
        migrate::migrate(&mut raw).map_err(|problem| invalid(vec![problem]))?;
        let directory = path.parent().unwrap_or(Path::new(""));
        validate::validate(raw, directory).map_err(invalid)
    }

    /// The name of the candidate with this id.
    pub fn name_of(&self, id: &str) -> Option<&str> {
        self.candidates
            .iter()
            .find(|candidate| candidate.id == id)
            .map(|candidate| candidate.name.as_str())
    }

    /// Whether undeclared write-ins are a candidate.
    pub fn has_undeclared_write_ins(&self) -> bool {
        self.candidates
            .last()
            .is_some_and(|candidate| candidate.id == UNDECLARED_WRITE_INS)
    }

    /// Names and aliases to ids.
    pub(crate) fn ids_by_name(&self) -> HashMap<&str, &str> {
        let mut ids = HashMap::new();
        for candidate in &self.candidates {
            ids.insert(candidate.name.as_str(), candidate.id.as_str());
            for alias in &candidate.aliases {
                ids.insert(alias, &candidate.id);
            }
        }
        ids
    }
}
