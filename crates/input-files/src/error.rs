//! What can be wrong with a file, and collecting it: one problem is enough for nothing of the file to be used.

use std::fmt::{self, Display};
use std::path::{Path, PathBuf};

/// How many problems are listed before "and N more".
pub(crate) const MAX_PROBLEMS: usize = 10;

/// A file that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum InputFileError {
    /// It could not be read at all.
    #[error("cannot read {}: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// A voters file of an unknown kind.
    #[error(
        "{}: a voters file ends in .csv (columns by name) or in .jsonl, .ndjson or .json (one voter a line)",
        path.display()
    )]
    VotersFileKind {
        /// The file.
        path: PathBuf,
    },
    /// It has errors.
    #[error("{} has errors, so nothing of it was used:{problems}", path.display())]
    Unusable {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        problems: Problems,
    },
}

impl InputFileError {
    pub(crate) fn read(path: &Path, source: std::io::Error) -> Self {
        InputFileError::Read {
            path: path.to_owned(),
            source,
        }
    }
}

/// The problems found in a file.
#[derive(Debug, Default)]
pub struct Problems {
    /// The first ones, each with its line.
    pub first: Vec<String>,
    /// How many more there are.
    pub more: u64,
}

impl Problems {
    /// Notes a problem of the file as a whole.
    pub(crate) fn add(&mut self, problem: impl Into<String>) {
        if self.first.len() < MAX_PROBLEMS {
            self.first.push(problem.into());
        } else {
            self.more += 1;
        }
    }

    /// Notes a problem on a line, counted from 1.
    pub(crate) fn on_line(&mut self, line: u64, problem: impl Display) {
        self.add(format!("line {line}: {problem}"));
    }

    /// The contents of the file, if it has any and no problem was found.
    pub(crate) fn none_or<T>(
        mut self,
        path: &Path,
        contents: Vec<T>,
        what: &str,
    ) -> Result<Vec<T>, InputFileError> {
        if self.first.is_empty() && contents.is_empty() {
            self.add(format!("there is no {what} in it"));
        }
        if self.first.is_empty() {
            return Ok(contents);
        }
        Err(InputFileError::Unusable {
            path: path.to_owned(),
            problems: self,
        })
    }
}

impl Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for problem in &self.first {
            write!(f, "\n  {problem}")?;
        }
        match self.more {
            0 => Ok(()),
            more => write!(f, "\n  and {more} more"),
        }
    }
}
