//! A contest: what a ballot asks, and how the answers are counted.

use std::cmp::Reverse;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::counting::{Method, Outcome};
use crate::definition::DefinitionError;
use crate::selection::{BadAnswer, OVERVOTE, UNDERVOTE};
use crate::{Candidate, Marks, Selection};

/// Longest text of a selection, in bytes: it is part of a key in Postgres, whose index takes 2,700.
pub(crate) const MAX_SELECTION_BYTES: usize = 2_000;

/// Most ranks that a ballot can have.
const MAX_RANKINGS: u32 = 1_000;

/// A question on the ballot.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Contest {
    /// What `choices` of a vote name it by.
    pub id: String,
    /// What people call it.
    pub title: String,
    /// How the answers are counted.
    pub method: Method,
    /// How many candidates are elected.
    #[serde(default = "one")]
    pub seats: u32,
    /// How many candidates a voter may mark; by default what the method says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub choices: Option<u32>,
    /// How many ranks a voter has where candidates are ranked; by default as many as there are candidates.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rankings: Option<u32>,
    /// Who stands.
    #[serde(
        deserialize_with = "candidates_from_entries",
        serialize_with = "candidates_to_entries"
    )]
    pub candidates: Vec<Candidate>,
    /// The districts that vote in it; everybody where there are none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub districts: Vec<String>,
}

fn one() -> u32 {
    1
}

impl Contest {
    /// What a voter may mark.
    pub fn marks(&self) -> Marks {
        self.method.marks(self)
    }

    /// What a candidate's share is of: all points, the votes of the last round, or the ballots that mark somebody.
    pub fn whole_of(&self, outcome: &Outcome) -> u64 {
        match self.marks() {
            Marks::Scores { .. } | Marks::Ranking { .. } => {
                outcome.choices.iter().map(|choice| choice.total).sum()
            }
            Marks::Candidates { .. } => outcome.ballots - outcome.undervotes - outcome.overvotes,
        }
    }

    /// A selection from its text in a table. Text that the contest could not have written stands for nobody, as an
    /// overvote does: the ballots are still counted as ballots.
    pub fn selection(&self, text: &str) -> Selection {
        Selection::from_text(self.marks(), text).unwrap_or(Selection::Overvote)
    }

    /// The selection that an answer makes, which is the JSON that `choices` of a vote has for the contest.
    ///
    /// # Errors
    /// When the contest does not take it.
    pub fn answered(&self, json: &str) -> Result<Selection, BadAnswer> {
        let answer = serde_json::from_str(json).map_err(|_| BadAnswer::Malformed)?;
        let stands = |id: &str| self.candidates.iter().any(|it| it.candidate_id == id);
        Selection::of_answer(self.marks(), &answer, stands)
    }

    /// The candidate with this id; of one who is not listed, nothing but the id.
    pub fn candidate(&self, candidate_id: &str) -> Candidate {
        let mut candidates = self.candidates.iter();
        let listed = candidates.find(|candidate| candidate.candidate_id == candidate_id);
        listed
            .cloned()
            .unwrap_or_else(|| Candidate::of_id(candidate_id))
    }

    /// Bytes of the longest text that a selection can have; of a ranking without overvotes, since with so many of them
    /// that it would be longer it is an overvote itself.
    fn longest_selection(&self) -> usize {
        let candidates = self.candidates.iter();
        let mut ids: Vec<usize> = candidates.map(|it| it.candidate_id.len()).collect();
        ids.sort_unstable_by_key(|&bytes| Reverse(bytes));
        match self.marks() {
            Marks::Candidates { most } | Marks::Ranking { most } => ids
                .iter()
                .take(most as usize)
                .map(|id| id + 1)
                .sum::<usize>(),
            Marks::Scores { highest } => {
                let points = 2 + highest.to_string().len();
                ids.iter().map(|id| id + points).sum()
            }
        }
    }

    pub(crate) fn check(&self) -> Result<(), DefinitionError> {
        let refuse = |problem: String| {
            Err(DefinitionError::new(
                format!("contest `{}`", self.id),
                problem,
            ))
        };
        if self.candidates.is_empty() {
            return refuse("nobody stands; give it candidates".to_owned());
        }
        for candidate in &self.candidates {
            if [UNDERVOTE, OVERVOTE].contains(&candidate.candidate_id.as_str()) {
                return refuse(format!(
                    "`{}` is a word of the count and cannot be a candidate's id",
                    candidate.candidate_id
                ));
            }
        }
        let candidates = self.candidates.len();
        if self.seats == 0 || self.seats as usize > candidates {
            return refuse(format!("{} seats for {candidates} candidates", self.seats));
        }
        if let Some(choices) = self.choices
            && (choices == 0 || choices as usize > candidates)
        {
            return refuse(format!("{choices} choices among {candidates} candidates"));
        }
        if let Some(rankings) = self.rankings {
            if !matches!(self.marks(), Marks::Ranking { .. }) {
                return refuse(format!(
                    "`rankings` does not go with {}; remove it",
                    self.method.name()
                ));
            }
            if !(1..=MAX_RANKINGS).contains(&rankings) {
                return refuse(format!("`rankings` is a number from 1 to {MAX_RANKINGS}"));
            }
        }
        let longest = self.longest_selection();
        if longest > MAX_SELECTION_BYTES {
            return refuse(format!(
                "a selection could have {longest} bytes, and the limit is {MAX_SELECTION_BYTES}; give the candidates \
                 shorter ids, or a ranking fewer `rankings`"
            ));
        }
        self.method.check(self).or_else(refuse)
    }
}

/// A candidate as a definition has it.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct CandidateEntry {
    id: String,
    name: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    party: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    biography: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    platform: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    photo_url: String,
}

fn candidates_from_entries<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Vec<Candidate>, D::Error> {
    let entries = Vec::<CandidateEntry>::deserialize(deserializer)?;
    let candidate = |entry: CandidateEntry| Candidate {
        candidate_id: entry.id,
        candidate_name: entry.name,
        party_affiliation: entry.party,
        biography: entry.biography,
        campaign_platform: entry.platform,
        photo_url: entry.photo_url,
    };
    Ok(entries.into_iter().map(candidate).collect())
}

fn candidates_to_entries<S: Serializer>(
    candidates: &[Candidate],
    serializer: S,
) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(candidates.iter().cloned().map(|candidate| CandidateEntry {
        id: candidate.candidate_id,
        name: candidate.candidate_name,
        party: candidate.party_affiliation,
        biography: candidate.biography,
        platform: candidate.campaign_platform,
        photo_url: candidate.photo_url,
    }))
}
