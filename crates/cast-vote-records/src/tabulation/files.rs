//! The files of a tabulation, by RCTab's names.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use super::Tabulation;
use crate::readers::sanitized;
use crate::report::{Detail, Report};

/// How RCTab's configurations are called by custom.
const CONFIG_SUFFIX: &str = "_config";

/// A file with a report.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReportFile {
    /// Where it belongs in the directory of the reports; slices have directories of their own.
    pub path: PathBuf,
    /// What is in it.
    pub contents: Vec<u8>,
}

/// A report that cannot be written.
type WriteError = Box<dyn std::error::Error + Send + Sync>;

/// What the reports of a configuration's file begin with: its name, less `_config.json`.
pub fn stem(config: &Path) -> String {
    let name = config.file_stem().unwrap_or_default().to_string_lossy();
    match name.strip_suffix(CONFIG_SUFFIX) {
        Some(stem) if !stem.is_empty() => stem.to_owned(),
        _ => name.into_owned(),
    }
}

/// All files of a tabulation: a detailed report as JSON and as CSV and a summary as CSV, of each pass; of each slice the
/// detailed ones.
///
/// # Errors
/// When a report cannot be written as JSON or CSV.
pub fn report_files(tabulation: &Tabulation, stem: &str) -> Result<Vec<ReportFile>, WriteError> {
    let mut files = Vec::new();
    for pass in &tabulation.passes {
        let stem = match pass.pass {
            Some(pass) => format!("{stem}_{pass}"),
            None => stem.to_owned(),
        };
        detailed(&pass.whole, Path::new(""), &stem, &mut files)?;
        files.push(ReportFile {
            path: format!("{stem}_summary_report.csv").into(),
            contents: pass.whole.to_csv(Detail::Summary)?,
        });
        let mut taken = HashSet::new();
        for slice in &pass.slices {
            let Some((kind, id)) = &slice.slice else {
                continue;
            };
            // Two ids may be one as the name of a file.
            let name = sanitized(id);
            let others = (1..).map(|number| format!("{name}_{number}"));
            let name = std::iter::once(name.clone())
                .chain(others)
                .find(|name| taken.insert((*kind, name.clone())));
            let directory = format!("Tabulate by {}", kind.title());
            let stem = format!("{stem}_{}_{}", name.unwrap_or_default(), kind.key());
            detailed(slice, Path::new(&directory), &stem, &mut files)?;
        }
    }
    Ok(files)
}

fn detailed(
    report: &Report,
    directory: &Path,
    stem: &str,
    files: &mut Vec<ReportFile>,
) -> Result<(), WriteError> {
    files.push(ReportFile {
        path: directory.join(format!("{stem}_detailed_report.json")),
        contents: report.to_json()?.into_bytes(),
    });
    files.push(ReportFile {
        path: directory.join(format!("{stem}_detailed_report.csv")),
        contents: report.to_csv(Detail::Detailed)?,
    });
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reports_are_called_as_their_configuration() {
        let stem = |path: &str| stem(Path::new(path));
        assert_eq!(stem("a/2013_mayor_config.json"), "2013_mayor");
        assert_eq!(stem("mayor.json"), "mayor");
        assert_eq!(stem("a/config.json"), "config");
        assert_eq!(stem("_config.json"), "_config");
    }
}
