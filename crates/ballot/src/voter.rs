//! A registered voter, in the shape of the tutorial's `voters_topic`.

use serde::{Deserialize, Deserializer, Serialize};

/// Where a voter lives. `state` is the location that turnout is counted by.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Address {
    /// House number and street.
    #[serde(default)]
    pub street: String,
    /// City or town.
    #[serde(default)]
    pub city: String,
    /// State, county or region: the location in results.
    #[serde(default)]
    pub state: String,
    /// Country.
    #[serde(default)]
    pub country: String,
    /// Post code, as text.
    #[serde(default)]
    pub postcode: String,
}

/// A voter on the roll. Only `voter_id` is required when a roll is read.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Voter {
    /// Unique id; the key of voter and vote records.
    pub voter_id: String,
    /// Full name.
    #[serde(default)]
    pub voter_name: String,
    /// Date of birth, `YYYY-MM-DD` or ISO 8601 as the source has it.
    #[serde(default)]
    pub date_of_birth: String,
    /// Gender as registered.
    #[serde(default)]
    pub gender: String,
    /// Nationality, a country code.
    #[serde(default)]
    pub nationality: String,
    /// Number on the electoral register.
    #[serde(default)]
    pub registration_number: String,
    /// Where the voter lives.
    #[serde(default)]
    pub address: Address,
    /// E-mail address.
    #[serde(default)]
    pub email: String,
    /// Land line.
    #[serde(default)]
    pub phone_number: String,
    /// Mobile phone.
    #[serde(default)]
    pub cell_number: String,
    /// Portrait URL.
    #[serde(default)]
    pub picture: String,
    /// Age in years at registration, where the roll gives it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub registered_age: Option<i32>,
    /// Precinct, in an election that has precincts.
    #[serde(
        default,
        deserialize_with = "text_or_nothing",
        skip_serializing_if = "Option::is_none"
    )]
    pub precinct: Option<String>,
}

/// Text; a value of any other type is ignored, since other programs may use the field differently.
fn text_or_nothing<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    Ok(match serde_json::Value::deserialize(deserializer)? {
        serde_json::Value::String(text) => Some(text),
        _ => None,
    })
}
