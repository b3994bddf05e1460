//! A candidate, in the shape of the tutorial's `candidates` table.

use serde::{Deserialize, Serialize};

/// Somebody (or a list, in a replay) that votes can be cast for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Candidate {
    /// Unique id; what a vote names.
    pub candidate_id: String,
    /// Name as printed on the ballot.
    pub candidate_name: String,
    /// Party, the group of the votes-by-party aggregate.
    pub party_affiliation: String,
    /// A few words on the person.
    #[serde(default)]
    pub biography: String,
    /// What the candidate promises.
    #[serde(default)]
    pub campaign_platform: String,
    /// Portrait, an absolute URL: who reads it knows no server to add to a path.
    #[serde(default)]
    pub photo_url: String,
}

impl Candidate {
    /// A candidate of whom only the id is known.
    pub fn of_id(candidate_id: &str) -> Candidate {
        Candidate {
            candidate_id: candidate_id.to_owned(),
            candidate_name: candidate_id.to_owned(),
            party_affiliation: String::new(),
            biography: String::new(),
            campaign_platform: String::new(),
            photo_url: String::new(),
        }
    }
}
