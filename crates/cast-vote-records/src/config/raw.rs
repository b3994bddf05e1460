//! An RCTab configuration as it stands in its file, before migration and checks.
//!
//! RCTab's reader converts between JSON's types (`"3"` and `3`, `"True"` and `true`) and ignores fields that it
//! does not know; so does this one, since its configurations are written by hand, too.

use serde::{Deserialize, Deserializer, de};
use serde_json::Value;

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct RawConfig {
    #[serde(deserialize_with = "text")]
    pub tabulator_version: Option<String>,
    #[serde(deserialize_with = "or_default")]
    pub output_settings: RawOutput,
    #[serde(deserialize_with = "or_default")]
    pub cvr_file_sources: Vec<RawSource>,
    #[serde(deserialize_with = "or_default")]
    pub candidates: Vec<RawCandidate>,
    #[serde(deserialize_with = "or_default")]
    pub rules: RawRules,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct RawOutput {
    #[serde(deserialize_with = "text")]
    pub contest_name: Option<String>,
    #[serde(deserialize_with = "text")]
    pub contest_date: Option<String>,
    #[serde(deserialize_with = "text")]
    pub contest_jurisdiction: Option<String>,
    #[serde(deserialize_with = "text")]
    pub contest_office: Option<String>,
    #[serde(deserialize_with = "flag")]
    pub tabulate_by_batch: bool,
    #[serde(deserialize_with = "flag")]
    pub tabulate_by_precinct: bool,
    #[serde(deserialize_with = "flag")]
    pub generate_cdf_json: bool,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct RawSource {
    #[serde(deserialize_with = "text")]
    pub file_path: Option<String>,
    #[serde(deserialize_with = "text")]
    pub contest_id: Option<String>,
    #[serde(deserialize_with = "text")]
    pub first_vote_column_index: Option<String>,
    #[serde(deserialize_with = "text")]
    pub first_vote_row_index: Option<String>,
    #[serde(deserialize_with = "text")]
    pub id_column_index: Option<String>,
    #[serde(deserialize_with = "text")]
    pub batch_column_index: Option<String>,
    #[serde(deserialize_with = "text")]
    pub precinct_column_index: Option<String>,
    #[serde(deserialize_with = "text")]
    pub overvote_delimiter: Option<String>,
    #[serde(deserialize_with = "text")]
    pub provider: Option<String>,
    #[serde(deserialize_with = "text")]
    pub overvote_label: Option<String>,
    #[serde(deserialize_with = "text")]
    pub skipped_rank_label: Option<String>,
    #[serde(deserialize_with = "text")]
    pub undeclared_write_in_label: Option<String>,
    #[serde(deserialize_with = "flag")]
    pub treat_blank_as_undeclared_write_in: bool,
    /// Up to version 1.3: what is `skippedRankLabel` now.
    #[serde(deserialize_with = "text")]
    pub undervote_label: Option<String>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct RawCandidate {
    #[serde(deserialize_with = "text")]
    pub name: Option<String>,
    #[serde(deserialize_with = "or_default")]
    pub aliases: Vec<String>,
    #[serde(deserialize_with = "flag")]
    pub excluded: bool,
    /// Up to version 1.3: the only alias.
    #[serde(deserialize_with = "text")]
    pub code: Option<String>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct RawRules {
    #[serde(deserialize_with = "text")]
    pub tiebreak_mode: Option<String>,
    #[serde(deserialize_with = "text")]
    pub overvote_rule: Option<String>,
    #[serde(deserialize_with = "text")]
    pub winner_election_mode: Option<String>,
    #[serde(deserialize_with = "text")]
    pub random_seed: Option<String>,
    #[serde(deserialize_with = "text")]
    pub number_of_winners: Option<String>,
    #[serde(deserialize_with = "text")]
    pub multi_seat_bottoms_up_percentage_threshold: Option<String>,
    #[serde(deserialize_with = "text")]
    pub decimal_places_for_vote_arithmetic: Option<String>,
    #[serde(deserialize_with = "text")]
    pub max_skipped_ranks_allowed: Option<String>,
    #[serde(deserialize_with = "text")]
    pub max_rankings_allowed: Option<String>,
    #[serde(deserialize_with = "flag")]
    pub non_integer_winning_threshold: bool,
    #[serde(deserialize_with = "flag")]
    pub does_first_round_determine_threshold: bool,
    #[serde(deserialize_with = "flag")]
    pub hare_quota: bool,
    #[serde(deserialize_with = "flag")]
    pub batch_elimination: bool,
    #[serde(deserialize_with = "flag")]
    pub cutoff_elimination: bool,
    #[serde(deserialize_with = "flag")]
    pub continue_until_two_candidates_remain: bool,
    #[serde(deserialize_with = "text")]
    pub stop_tabulation_early_after_round: Option<String>,
    #[serde(deserialize_with = "flag")]
    pub exhaust_on_duplicate_candidate: bool,
    #[serde(deserialize_with = "text")]
    pub rules_description: Option<String>,

    // Up to version 1.2 these were rules; now each source has its own.
    #[serde(deserialize_with = "flag")]
    pub treat_blank_as_undeclared_write_in: bool,
    #[serde(deserialize_with = "text")]
    pub overvote_label: Option<String>,
    #[serde(deserialize_with = "text")]
    pub undervote_label: Option<String>,
    #[serde(deserialize_with = "text")]
    pub undeclared_write_in_label: Option<String>,
}

/// A text, or what JSON writes without quotes.
fn text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    match Value::deserialize(deserializer)? {
        Value::Null => Ok(None),
        Value::String(text) => Ok(Some(text)),
        Value::Number(number) => Ok(Some(number.to_string())),
        Value::Bool(flag) => Ok(Some(flag.to_string())),
        other => Err(de::Error::custom(format!("expected a text, found {other}"))),
    }
}

/// True or false, however it is written.
fn flag<'de, D: Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
    match Value::deserialize(deserializer)? {
        Value::Null => Ok(false),
        Value::Bool(flag) => Ok(flag),
        Value::Number(number) if number.is_i64() || number.is_u64() => {
            Ok(number.as_i64() != Some(0))
        }
        Value::String(text) => match text.trim().to_ascii_lowercase().as_str() {
            "" | "false" | "null" => Ok(false),
            "true" => Ok(true),
            _ => Err(de::Error::custom(format!(
                "expected true or false, found \"{text}\""
            ))),
        },
        other => Err(de::Error::custom(format!(
            "expected true or false, found {other}"
        ))),
    }
}

/// What is written, or the default for `null`.
fn or_default<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Default + Deserialize<'de>,
{
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

/// Whether a field is absent, empty or blank: RCTab takes the three for the same.
pub(super) fn is_blank(value: &Option<String>) -> bool {
    value.as_deref().is_none_or(|text| text.trim().is_empty())
}
