//! The checks of a configuration, as RCTab makes them: all problems are reported at once.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use ballot::ranking::UNDECLARED_WRITE_INS;

use super::problem::ConfigProblem;
use super::raw::{RawConfig, RawSource, is_blank};
use super::rules::{OvervoteRule, of_text, texts};
use super::{CvrSource, Provider, RctabCandidate, RctabConfig, UNDECLARED_WRITE_INS_NAME};

mod rules_checks;

/// The columns that a workbook or a table may have.
const COLUMNS: (i64, i64) = (1, 1000);
/// The rows above the first ballot, at most.
const ROWS: (i64, i64) = (1, 100_000);
/// What reports call where votes go that stay with no candidate.
const RESERVED_NAMES: [&str; 3] = ["residual surplus", "exhausted", "uncounted"];

/// Checks a configuration and gives it its types.
pub(super) fn validate(
    raw: RawConfig,
    directory: &Path,
) -> Result<RctabConfig, Vec<ConfigProblem>> {
    let mut problems = Vec::new();
    if is_blank(&raw.output_settings.contest_name) {
        problems.push(ConfigProblem::Missing {
            place: "outputSettings".to_owned(),
            field: "contestName",
        });
    }
    let sources = sources(&raw, directory, &mut problems);
    let candidates = candidates(&raw, &mut problems);
    let rules = rules_checks::rules(&raw.rules, &mut problems);
    match rules {
        Some(rules) if problems.is_empty() => Ok(RctabConfig {
            contest_name: raw.output_settings.contest_name.unwrap_or_default(),
            contest_date: raw.output_settings.contest_date,
            contest_jurisdiction: raw.output_settings.contest_jurisdiction,
            contest_office: raw.output_settings.contest_office,
            tabulate_by_batch: raw.output_settings.tabulate_by_batch,
            tabulate_by_precinct: raw.output_settings.tabulate_by_precinct,
            generate_cdf_json: raw.output_settings.generate_cdf_json,
            candidates,
            sources,
            rules,
        }),
        _ => Err(problems),
    }
}

/// The number in a field, if it is one within the bounds. A blank field is none, and a problem only if it is needed.
fn number(
    place: &str,
    field: &'static str,
    value: &Option<String>,
    bounds: (i64, i64),
    needed: bool,
    problems: &mut Vec<ConfigProblem>,
) -> Option<i64> {
    let (low, high) = bounds;
    if is_blank(value) && !needed {
        return None;
    }
    let text = value.as_deref().unwrap_or_default();
    match text.parse() {
        Ok(number) if (low..=high).contains(&number) => Some(number),
        _ => {
            problems.push(ConfigProblem::OutOfRange {
                place: place.to_owned(),
                field,
                value: text.to_owned(),
                kind: "an integer",
                low,
                high,
            });
            None
        }
    }
}

fn sources(raw: &RawConfig, directory: &Path, problems: &mut Vec<ConfigProblem>) -> Vec<CvrSource> {
    if raw.cvr_file_sources.is_empty() {
        problems.push(ConfigProblem::NoSources);
    }
    let mut seen: HashSet<PathBuf> = HashSet::new();
    let mut sources = Vec::new();
    for (index, source) in raw.cvr_file_sources.iter().enumerate() {
        let file_path = source.file_path.clone().unwrap_or_default();
        let place = format!("source {} ({file_path})", index + 1);
        if is_blank(&source.file_path) {
            problems.push(ConfigProblem::Missing {
                place,
                field: "filePath",
            });
            continue;
        }
        let path = directory.join(&file_path);
        if !path.exists() {
            problems.push(ConfigProblem::FileNotFound {
                place: place.clone(),
                path: path.clone(),
            });
        }
        if !seen.insert(path.clone()) {
            problems.push(ConfigProblem::DuplicateFile {
                place: place.clone(),
                path: path.clone(),
            });
        }
        labels(source, &place, problems);
        let Some(provider) = of_text(&Provider::TEXTS, source.provider.as_deref()) else {
            problems.push(ConfigProblem::NotAllowed {
                place,
                field: "provider",
                value: source.provider.clone().unwrap_or_default(),
                allowed: texts(&Provider::TEXTS),
            });
            continue;
        };
        let columns = columns(source, provider, &place, problems);
        fields_of_provider(source, provider, &file_path, &place, problems);
        rules_and_source(raw, source, provider, &place, problems);
        let delimiter = source.overvote_delimiter.clone();
        sources.push(CvrSource {
            path,
            file_path,
            provider,
            contest_id: source.contest_id.clone().unwrap_or_default(),
            first_vote_column: columns.first_vote_column,
            first_vote_row: columns.first_vote_row,
            id_column: columns.id,
            batch_column: columns.batch,
            precinct_column: columns.precinct,
            overvote_delimiter: delimiter.filter(|text| !text.trim().is_empty()),
            overvote_label: source.overvote_label.clone(),
            skipped_rank_label: source.skipped_rank_label.clone(),
            undeclared_write_in_label: source.undeclared_write_in_label.clone(),
            treat_blank_as_undeclared_write_in: source.treat_blank_as_undeclared_write_in,
        });
    }
    sources
}

/// The labels of a source, by their fields' names.
fn labels_of(source: &RawSource) -> [(&'static str, &Option<String>); 3] {
    [
        ("overvoteLabel", &source.overvote_label),
        ("skippedRankLabel", &source.skipped_rank_label),
        ("undeclaredWriteInLabel", &source.undeclared_write_in_label),
    ]
}

/// What else a text is: a reserved name, or a label of the source.
fn in_use(text: &str, field: &str, source: &RawSource) -> Option<&'static str> {
    if RESERVED_NAMES
        .iter()
        .any(|name| name.eq_ignore_ascii_case(text))
    {
        return Some("a reserved name");
    }
    labels_of(source)
        .into_iter()
        .find(|(other, label)| {
            *other != field
                && !is_blank(label)
                && label
                    .as_deref()
                    .is_some_and(|label| label.to_lowercase() == text.to_lowercase())
        })
        .map(|(other, _)| other)
}

fn labels(source: &RawSource, place: &str, problems: &mut Vec<ConfigProblem>) {
    for (field, label) in labels_of(source) {
        if is_blank(label) {
            continue;
        }
        let value = label.clone().unwrap_or_default();
        if let Some(other) = in_use(&value, field, source) {
            problems.push(ConfigProblem::InUse {
                place: place.to_owned(),
                field,
                value,
                other,
            });
        }
    }
}

struct Columns {
    first_vote_column: usize,
    first_vote_row: usize,
    id: Option<usize>,
    batch: Option<usize>,
    precinct: Option<usize>,
}

/// The columns of a workbook or a table. What other providers must not have is checked elsewhere.
fn columns(
    source: &RawSource,
    provider: Provider,
    place: &str,
    problems: &mut Vec<ConfigProblem>,
) -> Columns {
    let table = matches!(provider, Provider::Ess | Provider::GenericCsv);
    let mut column = |field, value: &Option<String>, bounds, needed| -> Option<usize> {
        if !table {
            return None;
        }
        number(place, field, value, bounds, needed, problems)
            .and_then(|number| usize::try_from(number).ok())
    };
    Columns {
        first_vote_column: column(
            "firstVoteColumnIndex",
            &source.first_vote_column_index,
            COLUMNS,
            true,
        )
        .unwrap_or(1),
        first_vote_row: column(
            "firstVoteRowIndex",
            &source.first_vote_row_index,
            ROWS,
            true,
        )
        .unwrap_or(1),
        id: column("idColumnIndex", &source.id_column_index, COLUMNS, false),
        batch: column(
            "batchColumnIndex",
            &source.batch_column_index,
            COLUMNS,
            false,
        ),
        precinct: column(
            "precinctColumnIndex",
            &source.precinct_column_index,
            COLUMNS,
            false,
        ),
    }
}

/// Which fields a provider's sources must and must not have.
fn fields_of_provider(
    source: &RawSource,
    provider: Provider,
    file_path: &str,
    place: &str,
    problems: &mut Vec<ConfigProblem>,
) {
    let table = matches!(provider, Provider::Ess | Provider::GenericCsv);
    let not_for_provider = |field| ConfigProblem::NotForProvider {
        place: place.to_owned(),
        field,
        provider,
    };
    if table {
        overvote_delimiter(source, place, problems);
        if !is_blank(&source.contest_id) {
            problems.push(not_for_provider("contestId"));
        }
        return;
    }
    if is_blank(&source.contest_id) {
        problems.push(ConfigProblem::Missing {
            place: place.to_owned(),
            field: "contestId",
        });
    }
    if provider == Provider::Cdf {
        let name = file_path.to_lowercase();
        if !name.ends_with(".xml") && !name.ends_with(".json") {
            problems.push(ConfigProblem::CdfExtension {
                place: place.to_owned(),
            });
        }
    } else if !is_blank(&source.overvote_label) {
        problems.push(not_for_provider("overvoteLabel"));
    }
    for (field, value) in [
        ("firstVoteColumnIndex", &source.first_vote_column_index),
        ("firstVoteRowIndex", &source.first_vote_row_index),
        ("idColumnIndex", &source.id_column_index),
        ("precinctColumnIndex", &source.precinct_column_index),
        ("batchColumnIndex", &source.batch_column_index),
        ("overvoteDelimiter", &source.overvote_delimiter),
        ("skippedRankLabel", &source.skipped_rank_label),
    ] {
        if !is_blank(value) {
            problems.push(not_for_provider(field));
        }
    }
    if source.treat_blank_as_undeclared_write_in {
        problems.push(not_for_provider("treatBlankAsUndeclaredWriteIn"));
    }
}

fn overvote_delimiter(source: &RawSource, place: &str, problems: &mut Vec<ConfigProblem>) {
    if is_blank(&source.overvote_delimiter) {
        return;
    }
    let delimiter = source.overvote_delimiter.as_deref().unwrap_or_default();
    // Characters that names are made of.
    let of_names = |c: char| c.is_ascii_alphanumeric() || ".',-\" \t\n\u{b}\u{c}\r".contains(c);
    if delimiter.contains('\\') || delimiter.chars().all(of_names) {
        problems.push(ConfigProblem::OvervoteDelimiter {
            place: place.to_owned(),
            value: delimiter.to_owned(),
        });
    }
    if !is_blank(&source.overvote_label) {
        problems.push(ConfigProblem::OvervoteDelimiterAndLabel {
            place: place.to_owned(),
        });
    }
}

/// What a source must be for the rules and reports that are asked for.
fn rules_and_source(
    raw: &RawConfig,
    source: &RawSource,
    provider: Provider,
    place: &str,
    problems: &mut Vec<ConfigProblem>,
) {
    let overvote_rule = of_text(&OvervoteRule::TEXTS, raw.rules.overvote_rule.as_deref());
    let place = || place.to_owned();
    if !is_blank(&source.overvote_label)
        && !matches!(
            overvote_rule,
            Some(OvervoteRule::ExhaustImmediately | OvervoteRule::AlwaysSkipToNextRank)
        )
    {
        problems.push(ConfigProblem::OvervoteLabelRule { place: place() });
    }
    let slices = [
        (
            raw.output_settings.tabulate_by_precinct,
            "tabulateByPrecinct",
            "precinctColumnIndex",
            &source.precinct_column_index,
        ),
        (
            raw.output_settings.tabulate_by_batch,
            "tabulateByBatch",
            "batchColumnIndex",
            &source.batch_column_index,
        ),
    ];
    for (wanted, setting, field, column) in slices {
        match provider {
            Provider::Cdf if wanted => problems.push(ConfigProblem::SliceOfCdf {
                place: place(),
                field: setting,
            }),
            Provider::Ess if wanted && is_blank(column) => {
                problems.push(ConfigProblem::SliceColumn {
                    place: place(),
                    field,
                    setting,
                });
            }
            _ => {}
        }
    }
    if provider == Provider::Ess
        && is_blank(&source.overvote_delimiter)
        && overvote_rule == Some(OvervoteRule::ExhaustIfMultipleContinuing)
    {
        problems.push(ConfigProblem::OvervoteDelimiterMissing { place: place() });
    }
}

fn candidates(raw: &RawConfig, problems: &mut Vec<ConfigProblem>) -> Vec<RctabCandidate> {
    let mut seen: HashSet<String> = HashSet::new();
    let mut candidates = Vec::new();
    for (index, candidate) in raw.candidates.iter().enumerate() {
        if is_blank(&candidate.name) {
            problems.push(ConfigProblem::Missing {
                place: format!("candidate {}", index + 1),
                field: "name",
            });
        }
        let mut aliases = candidate.aliases.clone();
        if !is_blank(&candidate.code) {
            aliases.extend(candidate.code.clone());
        }
        let name = candidate.name.clone().unwrap_or_default();
        for text in aliases.iter().chain(Some(&name)) {
            if text.trim().is_empty() {
                continue;
            }
            if !seen.insert(text.clone()) {
                problems.push(ConfigProblem::DuplicateCandidate { name: text.clone() });
                continue;
            }
            let other = raw
                .cvr_file_sources
                .iter()
                .find_map(|source| in_use(text, "a candidate's name or alias", source));
            if let Some(other) = other {
                problems.push(ConfigProblem::InUse {
                    place: format!("candidate {}", index + 1),
                    field: "a candidate's name or alias",
                    value: text.clone(),
                    other,
                });
            }
        }
        candidates.push(RctabCandidate {
            id: format!("c{}", index + 1),
            name,
            aliases,
            excluded: candidate.excluded,
        });
    }
    if candidates.is_empty() {
        problems.push(ConfigProblem::NoCandidates);
    } else if candidates.iter().all(|candidate| candidate.excluded) {
        problems.push(ConfigProblem::AllExcluded);
    }
    let has_undeclared_write_ins = raw.cvr_file_sources.iter().any(|source| {
        !is_blank(&source.undeclared_write_in_label) || source.treat_blank_as_undeclared_write_in
    });
    if has_undeclared_write_ins {
        candidates.push(RctabCandidate {
            id: UNDECLARED_WRITE_INS.to_owned(),
            name: UNDECLARED_WRITE_INS_NAME.to_owned(),
            aliases: Vec::new(),
            excluded: false,
        });
    }
    candidates
}
