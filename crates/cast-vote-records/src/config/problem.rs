//! What can be wrong with a configuration, in words for the person who fixes it.

use std::fmt;
use std::path::PathBuf;

use super::Provider;

/// A configuration that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// It could not be read at all.
    #[error("cannot read {}: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// It is larger than any configuration.
    #[error("{} is larger than {most} bytes: it is no RCTab configuration", path.display())]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// The most bytes a configuration may have.
        most: u64,
    },
    /// It is not JSON, or a field has a value of the wrong type.
    #[error("{}: {source}", path.display())]
    Json {
        /// The file.
        path: PathBuf,
        /// What is wrong, with line and column.
        source: serde_json::Error,
    },
    /// It was read, and its fields do not make a contest.
    #[error("{} cannot be used:{}", path.display(), Listed(problems))]
    Invalid {
        /// The file.
        path: PathBuf,
        /// Everything that is wrong.
        problems: Vec<ConfigProblem>,
    },
}

struct Listed<'a>(&'a [ConfigProblem]);

impl fmt::Display for Listed<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for problem in self.0 {
            write!(f, "\n  {problem}")?;
        }
        Ok(())
    }
}

/// One thing that is wrong with a configuration. `place` is where: `source 2 (records.xlsx)`, `rules`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConfigProblem {
    /// It was written by an RCTab that this crate does not know yet.
    #[error(
        "tabulatorVersion: {version} is newer than {}, the newest that is understood",
        super::RCTAB_VERSION
    )]
    VersionNewer {
        /// The version.
        version: String,
    },
    /// A field that must be given is not.
    #[error("{place}: {field} is missing: give it")]
    Missing {
        /// Where.
        place: String,
        /// The field.
        field: &'static str,
    },
    /// A field has a value that is not allowed.
    #[error("{place}: {field} is \"{value}\": it may be {allowed}")]
    NotAllowed {
        /// Where.
        place: String,
        /// The field.
        field: &'static str,
        /// Its value.
        value: String,
        /// The values it may have.
        allowed: String,
    },
    /// A number that is none, or out of bounds.
    #[error("{place}: {field} is \"{value}\": it must be {kind} from {low} to {high}")]
    OutOfRange {
        /// Where.
        place: String,
        /// The field.
        field: &'static str,
        /// Its value.
        value: String,
        /// What sort of number.
        kind: &'static str,
        /// The lowest value.
        low: i64,
        /// The highest value.
        high: i64,
    },
    /// A field that the source's provider does not have.
    #[error("{place}: {field} is not for records of {provider}: remove it")]
    NotForProvider {
        /// Where.
        place: String,
        /// The field.
        field: &'static str,
        /// The provider.
        provider: Provider,
    },
    /// Two fields have the same value, or one has a reserved one.
    #[error("{place}: \"{value}\" is {field} and {other}, too: let them differ")]
    InUse {
        /// Where.
        place: String,
        /// The field.
        field: &'static str,
        /// The value.
        value: String,
        /// What else it is.
        other: &'static str,
    },
    /// The delimiter of overvotes could be part of a name.
    #[error(
        "{place}: overvoteDelimiter \"{value}\" has a backslash, or only characters of which names are made: take another"
    )]
    OvervoteDelimiter {
        /// Where.
        place: String,
        /// The delimiter.
        value: String,
    },
    /// Overvotes have a delimiter and a label.
    #[error("{place}: overvoteDelimiter and overvoteLabel exclude each other: remove one")]
    OvervoteDelimiterAndLabel {
        /// Where.
        place: String,
    },
    /// Whether one of several candidates is continuing can only be told if they are known.
    #[error(
        "{place}: overvoteRule exhaustIfMultipleContinuing needs an overvoteDelimiter: give it"
    )]
    OvervoteDelimiterMissing {
        /// Where.
        place: String,
    },
    /// The candidates of a labelled overvote are not known, which the rule needs.
    #[error(
        "{place}: with an overvoteLabel, overvoteRule must be alwaysSkipToNextRank or exhaustImmediately"
    )]
    OvervoteLabelRule {
        /// Where.
        place: String,
    },
    /// A file of the common data format that is neither JSON nor XML.
    #[error("{place}: a file of the common data format ends in .json or .xml")]
    CdfExtension {
        /// Where.
        place: String,
    },
    /// The file, or directory, does not exist.
    #[error("{place}: {} does not exist", path.display())]
    FileNotFound {
        /// Where.
        place: String,
        /// The path, resolved from the configuration's directory.
        path: PathBuf,
    },
    /// Two sources read the same file.
    #[error("{place}: {} is read by an earlier source, too: remove one", path.display())]
    DuplicateFile {
        /// Where.
        place: String,
        /// The path.
        path: PathBuf,
    },
    /// Precincts or batches are not read from this provider.
    #[error("{place}: {field} is not possible with the common data format: turn it off")]
    SliceOfCdf {
        /// Where.
        place: String,
        /// The setting.
        field: &'static str,
    },
    /// A tabulation by precinct or batch needs their column.
    #[error("{place}: {field} is needed for {setting}: give it")]
    SliceColumn {
        /// Where.
        place: String,
        /// The column.
        field: &'static str,
        /// The setting that needs it.
        setting: &'static str,
    },
    /// There is nothing to read.
    #[error("cvrFileSources is empty: give at least one")]
    NoSources,
    /// There are no candidates.
    #[error("candidates is empty: give at least one")]
    NoCandidates,
    /// All candidates are excluded.
    #[error("all candidates are excluded: leave at least one")]
    AllExcluded,
    /// A name or alias is used twice.
    #[error("candidates: \"{name}\" is a name or alias twice: let them differ")]
    DuplicateCandidate {
        /// The name or alias.
        name: String,
    },
    /// Two rules contradict each other.
    #[error("rules: {what}")]
    Contradiction {
        /// Which, and what to do.
        what: &'static str,
    },
}
