//! The election definition as a file: TOML, or JSON where the file's name ends in `.json`.

use std::path::Path;

use ballot::ElectionDefinition;

use crate::error::{ManifestError, Problem};

/// Reads and checks an election definition.
///
/// # Errors
/// When the file cannot be read or used: the first error, with its line where the parser knows it.
pub fn read_definition(path: &Path) -> Result<ElectionDefinition, ManifestError> {
    let text = std::fs::read_to_string(path).map_err(|source| ManifestError::Read {
        path: path.to_owned(),
        source,
    })?;
    let failed = |problem| ManifestError::Problems {
        path: path.to_owned(),
        problems: vec![problem],
    };
    let definition: ElectionDefinition = if path.extension().is_some_and(|end| end == "json") {
        serde_json::from_str(&text).map_err(|error| {
            failed(Problem {
                line: error.line(),
                column: error.column(),
                text: error.to_string(),
            })
        })?
    } else {
        toml::from_str(&text).map_err(|error| {
            let at = error.span().unwrap_or_default().start;
            failed(Problem::at(&text, at, error.message()))
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
