//! The totals that are published for others: wire shapes, keys, and which records a tally makes.
//!
//! The six topics are the tutorial's and what was added to them. An election with a definition publishes
//! those that its groups are of; a candidate's record names the contest where there are several.

use std::collections::BTreeMap;

use ballot::counting::Outcome;
use ballot::{Contest, ElectionDefinition, Tally};
use serde::{Deserialize, Serialize, Serializer};
use serde_json::Value;

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
    /// Votes counted, or points.
    pub total_votes: u64,
    /// The contest, in an election with a definition.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub contest_id: Option<String>,
}

/// A location and its votes: the record of `turnout-by-location`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TurnoutByLocation {
    /// The location.
    pub state: String,
    /// Votes counted.
    pub count: u64,
}

/// A record for a topic of totals.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AggregateRecord {
    /// The topic, one of [`topics::AGGREGATES`].
    pub topic: &'static str,
    /// What it counts: the newest record per key is the truth.
    pub key: String,
    /// The absolute total.
    pub total: u64,
    /// The record's value, JSON.
    pub value: String,
}

/// The topic that has the turnout of a group, where there is one.
fn turnout_topic(group: &str) -> Option<&'static str> {
    match group {
        "location" => Some(topics::TURNOUT_BY_LOCATION),
        "gender" => Some(topics::TURNOUT_BY_GENDER),
        "age" => Some(topics::TURNOUT_BY_AGE),
        _ => None,
    }
}

/// The group whose values `votes-by-region` has, by candidate.
const REGION_GROUP: &str = "location";

/// Every record that a tally makes. Candidates without votes are there with 0; a candidate who is counted but
/// not listed (possible only when counting without a list) stands under the id.
pub fn aggregate_records(tally: &Tally, definition: &ElectionDefinition) -> Vec<AggregateRecord> {
    let mut records = Vec::new();
    let is_tutorial = definition.is_tutorial();
    let mut parties: BTreeMap<(String, String), u64> = BTreeMap::new();
    for (contest, outcome) in tally.outcomes(definition) {
        let contest_id = (!is_tutorial).then(|| contest.id.clone());
        for choice in &outcome.choices {
            let candidate = contest.candidate(&choice.candidate_id);
            let record = VotesPerCandidate {
                candidate_id: candidate.candidate_id,
                candidate_name: candidate.candidate_name,
                party_affiliation: candidate.party_affiliation,
                photo_url: candidate.photo_url,
                total_votes: choice.total,
                contest_id: contest_id.clone(),
            };
            records.push(AggregateRecord {
                topic: topics::VOTES_PER_CANDIDATE,
                key: choice.candidate_id.clone(),
                total: choice.total,
                value: serde_json::to_string(&record)
                    .expect("invariant: a struct of text and numbers has a JSON form"),
            });
        }
        for (party, total) in votes_by_party(contest, &outcome) {
            parties.insert((contest.id.clone(), party), total);
        }
        add_regions(tally, contest, is_tutorial, definition, &mut records);
    }
    for ((contest, party), total) in parties {
        let mut fields = vec![
            ("party_affiliation", Value::from(party.as_str())),
            ("total_votes", total.into()),
        ];
        let key = if is_tutorial {
            party
        } else {
            fields.push(("contest_id", contest.as_str().into()));
            format!("{contest}/{party}")
        };
        records.push(AggregateRecord {
            topic: topics::VOTES_BY_PARTY,
            key,
            total,
            value: object(&fields),
        });
    }
    for group in definition.counted_groups() {
        let Some(topic) = turnout_topic(&group.name) else {
            continue;
        };
        for (value, &count) in tally.turnout_by(&group.name) {
            records.push(AggregateRecord {
                topic,
                key: value.clone(),
                total: count,
                value: object(&[
                    (group.field(), value.as_str().into()),
                    ("count", count.into()),
                ]),
            });
        }
    }
    records
}

/// What each candidate of a contest got in each location.
fn add_regions(
    tally: &Tally,
    contest: &Contest,
    is_tutorial: bool,
    definition: &ElectionDefinition,
    records: &mut Vec<AggregateRecord>,
) {
    let Some(group) = definition
        .groups
        .iter()
        .find(|group| group.name == REGION_GROUP)
    else {
        return;
    };
    for (region, selections) in tally.selections_by(&contest.id, &group.name) {
        for (candidate_id, total) in Tally::totals_of(contest, selections) {
            if total == 0 {
                continue;
            }
            let candidate = contest.candidate(&candidate_id);
            let mut fields = vec![
                (group.field(), Value::from(region.as_str())),
                ("candidate_id", candidate_id.as_str().into()),
                ("candidate_name", candidate.candidate_name.into()),
                ("party_affiliation", candidate.party_affiliation.into()),
                ("total_votes", total.into()),
            ];
            if !is_tutorial {
                fields.push(("contest_id", contest.id.as_str().into()));
            }
            records.push(AggregateRecord {
                topic: topics::VOTES_BY_REGION,
                key: format!("{region}/{candidate_id}"),
                total,
                value: object(&fields),
            });
        }
    }
}

/// What the candidates of each party got together in a contest. A candidate who is not listed is a party of one,
/// under the id.
pub fn votes_by_party(contest: &Contest, outcome: &Outcome) -> BTreeMap<String, u64> {
    let mut parties = BTreeMap::new();
    for choice in outcome.choices.iter().filter(|choice| choice.total > 0) {
        let mut candidates = contest.candidates.iter();
        let listed = candidates.find(|listed| listed.candidate_id == choice.candidate_id);
        let party = listed.map_or(&choice.candidate_id, |listed| &listed.party_affiliation);
        *parties.entry(party.clone()).or_default() += choice.total;
    }
    parties
}

/// A JSON object with its fields in this order.
fn object(fields: &[(&str, Value)]) -> String {
    let mut json = Vec::new();
    serde_json::Serializer::new(&mut json)
        .collect_map(fields.iter().map(|(name, value)| (name, value)))
        .expect("invariant: text and numbers have a JSON form");
    String::from_utf8(json).expect("invariant: JSON is text")
}

#[cfg(test)]
mod tests {
    use ballot::Candidate;

    use super::*;

    #[test]
    fn records_keep_the_tutorials_shapes() {
        let mut candidate = Candidate::of_id("c1");
        candidate.party_affiliation = "P".into();
        let definition = ElectionDefinition::tutorial(vec![candidate, Candidate::of_id("c2")]);
        let votes = [("c1".to_owned(), 2), ("x".to_owned(), 1)];
        let mut tally = Tally::default();
        let fife = [("Fife".to_owned(), votes.into())];
        let by_location = [("location".to_owned(), fife.into())];
        tally
            .contests
            .insert("candidate".into(), by_location.into());
        for (group, value) in [("location", "Fife"), ("gender", "female"), ("age", "65+")] {
            tally
                .turnout
                .insert(group.into(), [(value.into(), 3)].into());
        }
        let records = aggregate_records(&tally, &definition);
        let values = |topic| -> Vec<&str> {
            let of_topic = records.iter().filter(|record| record.topic == topic);
            of_topic.map(|record| record.value.as_str()).collect()
        };
        assert_eq!(
            values(topics::VOTES_PER_CANDIDATE),
            [
                r#"{"candidate_id":"c1","candidate_name":"c1","party_affiliation":"P","photo_url":"","total_votes":2}"#,
                r#"{"candidate_id":"x","candidate_name":"x","party_affiliation":"","photo_url":"","total_votes":1}"#,
                r#"{"candidate_id":"c2","candidate_name":"c2","party_affiliation":"","photo_url":"","total_votes":0}"#,
            ]
        );
        assert_eq!(
            values(topics::VOTES_BY_PARTY),
            [
                r#"{"party_affiliation":"P","total_votes":2}"#,
                r#"{"party_affiliation":"x","total_votes":1}"#
            ]
        );
        assert_eq!(
            values(topics::VOTES_BY_REGION),
            [
                r#"{"state":"Fife","candidate_id":"c1","candidate_name":"c1","party_affiliation":"P","total_votes":2}"#,
                r#"{"state":"Fife","candidate_id":"x","candidate_name":"x","party_affiliation":"","total_votes":1}"#,
            ]
        );
        assert_eq!(
            values(topics::TURNOUT_BY_LOCATION),
            [r#"{"state":"Fife","count":3}"#]
        );
        assert_eq!(
            values(topics::TURNOUT_BY_GENDER),
            [r#"{"gender":"female","count":3}"#]
        );
        assert_eq!(
            values(topics::TURNOUT_BY_AGE),
            [r#"{"age_band":"65+","count":3}"#]
        );
    }
}
