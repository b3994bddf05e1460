//! What can be wrong with a file, in words for the person who fixes it.

use std::path::PathBuf;

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
    /// A voters file of a kind that is not known.
    #[error(
        "{}: a voters file ends in .csv (columns by name) or in .jsonl, .ndjson or .json (one voter a line)",
        path.display()
    )]
    VotersFileKind {
        /// The file.
        path: PathBuf,
    },
    /// It was read, and nothing of it is used.
    #[error("{} cannot be used, and nothing of it was:{}", path.display(), listed(problems, *more))]
    Unusable {
        /// The file.
        path: PathBuf,
        /// The first problems, each with its line.
        problems: Vec<String>,
        /// How many more there are.
        more: u64,
    },
}

fn listed(problems: &[String], more: u64) -> String {
    let mut text = String::new();
    for problem in problems {
        text.push_str("\n  ");
        text.push_str(problem);
    }
    if more > 0 {
        text.push_str(&format!("\n  and {more} more"));
    }
    text
}
