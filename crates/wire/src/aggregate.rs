//! The six aggregates as they are published: wire shapes, keys, and which records a tally makes.

use ballot::{AgeBand, Candidate, Tally};
use serde::{Deserialize, Serialize};

use crate::topics;

/// Record of `votes-per-candidate`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct VotesPerCandidate {
    /// The candidate.
    pub candidate_id: String,
    /// Name.
    pub candidate_name: String,
    /// Party.
    pub party_affiliation: String,
    /// Portrait.
    pub photo_url: String,
    /// Votes counted.
    pub total_votes: u64,
}

/// Record of `turnout-by-location`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TurnoutByLocation {
    /// The location.
    pub state: String,
    /// Votes counted.
    pub count: u64,
}

/// Record of `votes-by-party`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct VotesByParty {
    /// The party.
    pub party_affiliation: String,
    /// Votes counted.
    pub total_votes: u64,
}

/// Record of `turnout-by-gender`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TurnoutByGender {
    /// The gender as registered.
    pub gender: String,
    /// Votes counted.
    pub count: u64,
}

/// Record of `turnout-by-age`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TurnoutByAge {
    /// The age band.
    pub age_band: AgeBand,
    /// Votes counted.
    pub count: u64,
}

/// Record of `votes-by-region`: a candidate's votes in a location.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct VotesByRegion {
    /// The location.
    pub state: String,
    /// The candidate.
    pub candidate_id: String,
    /// Name.
    pub candidate_name: String,
    /// Party.
    pub party_affiliation: String,
    /// Votes counted.
    pub total_votes: u64,
}

/// A record for an aggregate topic.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AggregateRecord {
    /// The topic, one of [`topics::AGGREGATES`].
    pub topic: &'static str,
    /// The group: newest record per key is the truth.
    pub key: String,
    /// The group's absolute total.
    pub total: u64,
    /// The record's value, JSON with the fields in their declared order.
    pub value: String,
}

/// Every group's record. Candidates without votes are there with 0; a candidate id that is counted
/// but not listed (possible only when counting without a candidates list) stands under its id.
pub fn aggregate_records(tally: &Tally, candidates: &[Candidate]) -> Vec<AggregateRecord> {
    let mut records = Vec::new();
    let mut push = |topic, key: String, total, value: serde_json::Result<String>| {
        let value = value.expect("invariant: structs of text and numbers have a JSON form");
        records.push(AggregateRecord {
            topic,
            key,
            total,
            value,
        });
    };
    let unlisted = tally
        .candidates
        .keys()
        .filter(|id| candidates.iter().all(|c| c.candidate_id != **id))
        .map(|id| Candidate {
            candidate_id: id.clone(),
            candidate_name: id.clone(),
            party_affiliation: String::new(),
            biography: String::new(),
            campaign_platform: String::new(),
            photo_url: String::new(),
        });
    for candidate in candidates.iter().cloned().chain(unlisted) {
        let id = &candidate.candidate_id;
        for (state, &total_votes) in tally.candidates.get(id).into_iter().flatten() {
            let record = VotesByRegion {
                state: state.clone(),
                candidate_id: id.clone(),
                candidate_name: candidate.candidate_name.clone(),
                party_affiliation: candidate.party_affiliation.clone(),
                total_votes,
            };
            let key = format!("{state}/{id}");
            push(
                topics::VOTES_BY_REGION,
                key,
                total_votes,
                serde_json::to_string(&record),
            );
        }
        let total_votes = tally.votes_for(id);
        let record = VotesPerCandidate {
            candidate_id: id.clone(),
            candidate_name: candidate.candidate_name,
            party_affiliation: candidate.party_affiliation,
            photo_url: candidate.photo_url,
            total_votes,
        };
        push(
            topics::VOTES_PER_CANDIDATE,
            id.clone(),
            total_votes,
            serde_json::to_string(&record),
        );
    }
    for (state, count) in tally.by_location() {
        let state = state.to_owned();
        let record = TurnoutByLocation {
            state: state.clone(),
            count,
        };
        push(
            topics::TURNOUT_BY_LOCATION,
            state,
            count,
            serde_json::to_string(&record),
        );
    }
    for (party, total_votes) in tally.by_party(candidates) {
        let party_affiliation = party.to_owned();
        let record = VotesByParty {
            party_affiliation: party_affiliation.clone(),
            total_votes,
        };
        push(
            topics::VOTES_BY_PARTY,
            party_affiliation,
            total_votes,
            serde_json::to_string(&record),
        );
    }
    for (gender, &count) in &tally.genders {
        let record = TurnoutByGender {
            gender: gender.clone(),
            count,
        };
        push(
            topics::TURNOUT_BY_GENDER,
            gender.clone(),
            count,
            serde_json::to_string(&record),
        );
    }
    for (&age_band, &count) in &tally.age_bands {
        let record = TurnoutByAge { age_band, count };
        push(
            topics::TURNOUT_BY_AGE,
            age_band.to_string(),
            count,
            serde_json::to_string(&record),
        );
    }
    records
}
