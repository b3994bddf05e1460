//! The election definition as a file: TOML, or JSON where the file's name ends in `.json`.

use std::path::Path;

use ballot::ElectionDefinition;

use crate::error::{ManifestError, Problem, place};

/// Reads and checks an election definition.
///
/// # Errors
/// When the file cannot be read or used; the first thing that is wrong, with its line where the form tells it.
pub fn read_definition(path: &Path) -> Result<ElectionDefinition, ManifestError> {
    let text = std::fs::read_to_string(path).map_err(|source| ManifestError::Read {
        path: path.to_owned(),
        source,
    })?;
    let problem = |(line, column): (usize, usize), text: String| ManifestError::Problems {
        path: path.to_owned(),
        problems: vec![Problem { line, column, text }],
    };
    let definition: ElectionDefinition = if path.extension().is_some_and(|end| end == "json") {
        serde_json::from_str(&text).map_err(|error| {
            let at = (error.line(), error.column());
            problem(at, error.to_string())
        })?
    } else {
        toml::from_str(&text).map_err(|error| {
            let at = error.span().map_or(0, |span| span.start);
            problem(place(&text, at), error.message().to_owned())
        })?
    };
    definition
        .check()
        .map_err(|source| ManifestError::Definition {
            path: path.to_owned(),
            source,
        })?;
    Ok(definition)
}
