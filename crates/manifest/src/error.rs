//! What is wrong with a manifest or a definition, and where.

use std::fmt;
use std::path::{Path, PathBuf};

use ballot::DefinitionError;

/// A manifest or a definition that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ManifestError {
    /// The file cannot be read.
    #[error("{}: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
    /// It has errors.
    #[error("{}", lines(path, problems))]
    Problems {
        /// The file.
        path: PathBuf,
        /// All that is wrong, in the order of the file; never empty.
        problems: Vec<Problem>,
    },
    /// An election definition contradicts itself.
    #[error("{}: {source}", path.display())]
    Definition {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        source: DefinitionError,
    },
}

/// Something that is wrong in a file, with its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The line, from 1.
    pub line: usize,
    /// The column, in characters from 1.
    pub column: usize,
    /// What is wrong, and what would be right.
    pub text: String,
}

impl Problem {
    /// A problem at a byte of the file's text.
    pub(crate) fn at(file: &str, byte: usize, text: impl Into<String>) -> Self {
        let (line, column) = place(file, byte);
        Problem {
            line,
            column,
            text: text.into(),
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.line, self.column, self.text)
    }
}

fn lines(path: &Path, problems: &[Problem]) -> String {
    let lines: Vec<_> = problems
        .iter()
        .map(|problem| format!("{}:{problem}", path.display()))
        .collect();
    lines.join("\n")
}

/// The place of a byte in a text: line and column, from 1.
pub(crate) fn place(text: &str, at: usize) -> (usize, usize) {
    let before = &text[..text.floor_char_boundary(at)];
    let start = before.rfind('\n').map_or(0, |newline| newline + 1);
    let line = before.matches('\n').count() + 1;
    (line, before[start..].chars().count() + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_counted_in_characters_from_1() {
        let text = "a\nüb\n\nc";
        assert_eq!(place(text, 0), (1, 1));
        assert_eq!(place(text, 4), (2, 2));
        assert_eq!(place(text, 3), (2, 1));
        assert_eq!(place(text, 6), (3, 1));
        assert_eq!(place(text, 99), (4, 2));
    }
}
