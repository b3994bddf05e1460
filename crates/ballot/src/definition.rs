//! The election definition: its contests, precincts, districts and groups, as data.
//!
//! A definition is written as `election.toml` or JSON, checked once by [`ElectionDefinition::check`], and
//! handed to the SmartModules as JSON. Without one, the election is the tutorial's:
//! [`ElectionDefinition::tutorial`].

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::counting::{Method, Plurality};
use crate::{Candidate, Contest, Group, Marks};

/// Most groups that an election counts, the precinct among them.
pub const MAX_GROUPS: usize = 8;

/// Most contests on a ballot.
pub const MAX_CONTESTS: usize = 256;

/// The group that an election with precincts counts beside those it defines.
pub const PRECINCT_GROUP: &str = "precinct";

/// Where a vote names its precinct.
const PRECINCT_PATH: &str = "/precinct";

/// What no group can be called, since parties are told from the candidates.
const PARTY: &str = "party";

/// The contest of an election without a definition; its answer is a vote's `candidate_id`.
pub const TUTORIAL_CONTEST: &str = "candidate";

/// What is voted on, by whom, and what votes are counted by.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ElectionDefinition {
    /// Which election this is.
    pub election: ElectionTitle,
    /// The contests, in the order of the ballot.
    #[serde(rename = "contest")]
    pub contests: Vec<Contest>,
    /// Areas that vote in contests of their own.
    #[serde(rename = "district", default, skip_serializing_if = "Vec::is_empty")]
    pub districts: Vec<District>,
    /// The smallest areas that results are reported for.
    #[serde(rename = "precinct", default, skip_serializing_if = "Vec::is_empty")]
    pub precincts: Vec<Precinct>,
    /// What votes are counted by.
    #[serde(rename = "group", default, skip_serializing_if = "Vec::is_empty")]
    pub groups: Vec<Group>,
}

/// Which election a definition is of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ElectionTitle {
    /// Tells it from other elections.
    pub id: String,
    /// What people call it.
    pub title: String,
}

/// An area that votes in contests of its own, made of precincts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct District {
    /// What contests name it by.
    pub id: String,
    /// What people call it.
    pub title: String,
    /// The ids of its precincts.
    pub precincts: Vec<String>,
}

/// The smallest area that results are reported for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Precinct {
    /// What votes name it by.
    pub id: String,
    /// What people call it.
    pub title: String,
    /// The most ballots that can come from here: those handed out, or one for each registered voter. Once as many are
    /// counted, the precinct has reported.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ballots: Option<u64>,
}

/// A definition that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{place}: {problem}")]
pub struct DefinitionError {
    /// Where in the definition, e.g. ``contest `mayor` ``.
    pub place: String,
    /// What is wrong, and what is expected.
    pub problem: String,
}

impl DefinitionError {
    /// An error at this place.
    pub fn new(place: impl Into<String>, problem: impl Into<String>) -> Self {
        DefinitionError {
            place: place.into(),
            problem: problem.into(),
        }
    }
}

impl ElectionDefinition {
    /// The tutorial's election: one contest for one seat, counted by location, gender and age.
    pub fn tutorial(candidates: Vec<Candidate>) -> ElectionDefinition {
        ElectionDefinition {
            election: ElectionTitle {
                id: "election".to_owned(),
                title: "Election".to_owned(),
            },
            contests: vec![Contest {
                id: TUTORIAL_CONTEST.to_owned(),
                title: "Candidate".to_owned(),
                method: Method::Plurality(Plurality {}),
                seats: 1,
                choices: None,
                rankings: None,
                candidates,
                districts: Vec::new(),
            }],
            districts: Vec::new(),
            precincts: Vec::new(),
            groups: Group::tutorial(),
        }
    }

    /// Whether this is the tutorial's election, with any candidates.
    pub fn is_tutorial(&self) -> bool {
        match &*self.contests {
            [only] => *self == ElectionDefinition::tutorial(only.candidates.clone()),
            _ => false,
        }
    }

    /// Whether a vote is a candidate's id and nothing else: there is one contest, everybody votes in it, and one
    /// candidate is marked.
    pub fn takes_candidate_id(&self) -> bool {
        matches!(
            &*self.contests,
            [only] if only.districts.is_empty()
                && matches!(only.marks(), Marks::Candidates { most: 1 })
        )
    }

    /// Reads a definition's JSON and checks it.
    ///
    /// # Errors
    /// When it is not a definition's JSON, or [`ElectionDefinition::check`] refuses it.
    pub fn from_json(json: &str) -> Result<ElectionDefinition, DefinitionError> {
        let definition: ElectionDefinition = serde_json::from_str(json)
            .map_err(|error| DefinitionError::new("definition", error.to_string()))?;
        definition.check()?;
        Ok(definition)
    }

    /// The definition as JSON, e.g. for a SmartModule's parameter.
    pub fn to_json(&self) -> String {
        serde_json::to_string(self).expect("invariant: a definition is text, numbers and lists")
    }

    /// Every candidate of every contest, in the order of the ballot.
    pub fn candidates(&self) -> impl Iterator<Item = &Candidate> {
        self.contests.iter().flat_map(|contest| &contest.candidates)
    }

    /// The definition with its candidates as they are registered, e.g. with photos.
    pub fn with_registered(&self, registered: Vec<Candidate>) -> ElectionDefinition {
        let mut definition = self.clone();
        let candidates = definition.contests.iter_mut();
        for candidate in candidates.flat_map(|contest| &mut contest.candidates) {
            let id = &candidate.candidate_id;
            if let Some(known) = registered.iter().find(|known| known.candidate_id == *id) {
                *candidate = known.clone();
            }
        }
        definition
    }

    /// The ids of the precincts.
    pub fn precinct_ids(&self) -> Vec<String> {
        self.precincts
            .iter()
            .map(|precinct| precinct.id.clone())
            .collect()
    }

    /// The contest with this id.
    pub fn contest(&self, id: &str) -> Option<&Contest> {
        self.contests.iter().find(|contest| contest.id == id)
    }

    /// Everything that votes are counted by: the precinct, where there are any, and the groups.
    pub fn counted_groups(&self) -> Vec<Group> {
        let precincts = (!self.precincts.is_empty()).then(|| Group {
            path: PRECINCT_PATH.to_owned(),
            values: self
                .precincts
                .iter()
                .map(|precinct| precinct.id.clone())
                .collect(),
            ..Group::named(PRECINCT_GROUP)
        });
        precincts.into_iter().chain(self.groups.clone()).collect()
    }

    /// The group that results are broken down by: the precinct, or else the first group.
    pub fn place_group(&self) -> Option<Group> {
        self.counted_groups().into_iter().next()
    }

    /// The names of everything that votes are counted by.
    pub(crate) fn group_names(&self) -> impl Iterator<Item = &str> {
        let precinct = (!self.precincts.is_empty()).then_some(PRECINCT_GROUP);
        let groups = self.groups.iter().map(|group| group.name.as_str());
        precinct.into_iter().chain(groups)
    }

    /// Whether a voter of this precinct votes in the contest. A contest without districts is everybody's.
    pub fn votes_in(&self, contest: &Contest, precinct: &str) -> bool {
        contest.districts.is_empty()
            || self
                .districts
                .iter()
                .filter(|district| contest.districts.contains(&district.id))
                .any(|district| district.precincts.iter().any(|id| id == precinct))
    }

    /// Checks what the types do not say.
    ///
    /// # Errors
    /// The first thing that is wrong: an id that is used twice or names nothing, a contest without
    /// candidates, a number that is out of range.
    pub fn check(&self) -> Result<(), DefinitionError> {
        demand_id("election", &self.election.id)?;
        demand_count("contests", self.contests.len(), 1, MAX_CONTESTS)?;
        demand_unique("contest", self.contests.iter().map(|contest| &contest.id))?;
        demand_unique(
            "precinct",
            self.precincts.iter().map(|precinct| &precinct.id),
        )?;
        demand_unique(
            "district",
            self.districts.iter().map(|district| &district.id),
        )?;
        demand_unique(
            "candidate",
            self.candidates().map(|candidate| &candidate.candidate_id),
        )?;
        let precincts: BTreeSet<&str> = self.precincts.iter().map(|p| p.id.as_str()).collect();
        for district in &self.districts {
            let place = format!("district `{}`", district.id);
            demand_known(&place, "precinct", &district.precincts, &precincts)?;
            if district.precincts.is_empty() {
                return Err(DefinitionError::new(place, "it has no precincts"));
            }
        }
        let districts: BTreeSet<&str> = self.districts.iter().map(|d| d.id.as_str()).collect();
        for contest in &self.contests {
            let place = format!("contest `{}`", contest.id);
            demand_known(&place, "district", &contest.districts, &districts)?;
            contest.check()?;
        }
        demand_unique("group", self.groups.iter().map(|group| &group.name))?;
        let groups = self.counted_groups();
        if groups.is_empty() {
            return Err(DefinitionError::new(
                "definition",
                "there is nothing to count votes by; define a [[group]] or a [[precinct]]",
            ));
        }
        demand_count("groups", groups.len(), 1, MAX_GROUPS)?;
        if !self.precincts.is_empty() && self.groups.iter().any(|g| g.name == PRECINCT_GROUP) {
            return Err(DefinitionError::new(
                "group `precinct`",
                "precincts are counted anyway; remove the group",
            ));
        }
        if self.groups.iter().any(|group| group.name == PARTY) {
            return Err(DefinitionError::new(
                "group `party`",
                "votes are counted by party anyway; give the group another name",
            ));
        }
        groups.iter().try_for_each(Group::check)
    }
}

/// Demands an id that can stand in tables, topics and URLs, and beside others in a selection.
pub(crate) fn demand_id(kind: &str, id: &str) -> Result<(), DefinitionError> {
    let usable = (1..=64).contains(&id.len())
        && id
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"_-.".contains(&byte));
    if usable {
        return Ok(());
    }
    Err(DefinitionError::new(
        format!("{kind} `{id}`"),
        "an id has 1 to 64 letters, digits, `_`, `-` or `.`",
    ))
}

fn demand_unique<'a>(
    kind: &str,
    ids: impl Iterator<Item = &'a String>,
) -> Result<(), DefinitionError> {
    let mut seen = BTreeSet::new();
    for id in ids {
        demand_id(kind, id)?;
        if !seen.insert(id) {
            return Err(DefinitionError::new(
                format!("{kind} `{id}`"),
                "the id is used twice",
            ));
        }
    }
    Ok(())
}

fn demand_known(
    place: &str,
    kind: &str,
    ids: &[String],
    known: &BTreeSet<&str>,
) -> Result<(), DefinitionError> {
    match ids.iter().find(|id| !known.contains(id.as_str())) {
        None => Ok(()),
        Some(id) => Err(DefinitionError::new(
            place,
            format!("there is no {kind} `{id}`; define it as [[{kind}]]"),
        )),
    }
}

fn demand_count(
    what: &str,
    count: usize,
    least: usize,
    most: usize,
) -> Result<(), DefinitionError> {
    if (least..=most).contains(&count) {
        return Ok(());
    }
    Err(DefinitionError::new(
        "definition",
        format!("{count} {what}; an election has {least} to {most}"),
    ))
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// Three contests, two precincts, a group of its own.
    pub(crate) const CITY: &str = r#"{
        "election": {"id": "2026-11-city", "title": "City election"},
        "district": [{"id": "east", "title": "East", "precincts": ["p2"]}],
        "precinct": [{"id": "p1", "title": "First"}, {"id": "p2", "title": "Second"}],
        "group": [{"name": "city", "path": "/address/city", "limit": 3}],
        "contest": [
            {"id": "mayor", "title": "Mayor", "method": {"kind": "plurality"},
             "candidates": [{"id": "a", "name": "A", "party": "P"}, {"id": "b", "name": "B"}]},
            {"id": "council", "title": "Council", "method": {"kind": "vote-for"}, "seats": 2,
             "candidates": [{"id": "c", "name": "C"}, {"id": "d", "name": "D"}, {"id": "e", "name": "E"}]},
            {"id": "budget", "title": "Budget", "method": {"kind": "score", "highest": 5},
             "districts": ["east"],
             "candidates": [{"id": "park", "name": "Park"}, {"id": "pool", "name": "Pool"}]}
        ]
    }"#;

    pub(crate) fn city() -> ElectionDefinition {
        ElectionDefinition::from_json(CITY).unwrap()
    }

    #[test]
    fn a_definition_is_read_as_it_is_written() {
        let city = city();
        assert_eq!(
            ElectionDefinition::from_json(&city.to_json()),
            Ok(city.clone())
        );
        let groups: Vec<String> = city.counted_groups().into_iter().map(|g| g.name).collect();
        assert_eq!(groups, ["precinct", "city"]);
        let budget = city.contest("budget").unwrap();
        assert!(city.votes_in(budget, "p2") && !city.votes_in(budget, "p1"));
        assert!(city.votes_in(city.contest("mayor").unwrap(), "p1"));
        assert!(!city.is_tutorial());
        let tutorial = ElectionDefinition::tutorial(vec![Candidate::of_id("c1")]);
        assert!(tutorial.is_tutorial());
        tutorial.check().unwrap();
    }

    #[test]
    fn a_selection_fits_a_key_of_the_tables() {
        let mut city = city();
        let approval = r#"{"kind": "approval"}"#;
        city.contests[1].method = serde_json::from_str(approval).unwrap();
        city.contests[1].seats = 1;
        let id = |n: usize| format!("{n:0>64}");
        let candidates = |n: usize| (0..n).map(|n| Candidate::of_id(&id(n))).collect();
        city.contests[1].candidates = candidates(30);
        city.check().unwrap();
        city.contests[1].candidates = candidates(31);
        let error = city.check().unwrap_err().to_string();
        assert!(
            error.contains("contest `council`") && error.contains("shorter ids"),
            "{error}"
        );
    }

    #[test]
    fn what_is_wrong_is_named_with_its_place() {
        for (from, to, place, problem) in [
            (r#""id": "b""#, r#""id": "a""#, "candidate `a`", "twice"),
            (
                r#""id": "b""#,
                r#""id": "a+b""#,
                "candidate `a+b`",
                "letters",
            ),
            (
                r#""id": "b""#,
                r#""id": "overvote""#,
                "contest `mayor`",
                "word of the count",
            ),
            (
                r#"["p2"]"#,
                r#"["p3"]"#,
                "district `east`",
                "no precinct `p3`",
            ),
            (
                r#"["east"]"#,
                r#"["west"]"#,
                "contest `budget`",
                "no district `west`",
            ),
            (
                r#""seats": 2"#,
                r#""seats": 4"#,
                "contest `council`",
                "4 seats for 3",
            ),
            (
                r#""seats": 2"#,
                r#""choices": 0"#,
                "contest `council`",
                "0 choices",
            ),
            (
                r#""highest": 5"#,
                r#""highest": 0"#,
                "contest `budget`",
                "`highest`",
            ),
            (
                r#""kind": "plurality"}"#,
                r#""kind": "plurality"}, "choices": 2"#,
                "contest `mayor`",
                "remove it",
            ),
            (
                r#""kind": "plurality"}"#,
                r#""kind": "plurality"}, "rankings": 2"#,
                "contest `mayor`",
                "`rankings` does not go with plurality",
            ),
            (
                r#""kind": "plurality"}"#,
                r#""kind": "irv"}, "rankings": 0"#,
                "contest `mayor`",
                "`rankings` is a number",
            ),
            (
                r#""kind": "plurality""#,
                r#""kind": "lottery""#,
                "definition",
                "lottery",
            ),
            ("/address/city", "address", "group `city`", "JSON pointer"),
            ("/address/city", "/vote", "group `city`", "by itself"),
            (
                r#""name": "city""#,
                r#""name": "City""#,
                "group `City`",
                "lower-case",
            ),
            (
                r#""name": "city""#,
                r#""name": "precinct""#,
                "group `precinct`",
                "remove the group",
            ),
            (
                r#""limit": 3"#,
                r#""bands": [3, 2]"#,
                "group `city`",
                "ascend",
            ),
        ] {
            let json = CITY.replacen(from, to, 1);
            assert_ne!(json, CITY, "{from} stands in the definition");
            let error = ElectionDefinition::from_json(&json).unwrap_err();
            assert_eq!(error.place, place, "{error}");
            assert!(error.problem.contains(problem), "{error}");
        }
    }
}
