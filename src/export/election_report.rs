//! The stored results as an election report of NIST SP 1500-100 Version 2, JSON. Objects have the classes and
//! properties of the standard, by their published names.

use std::collections::{BTreeMap, BTreeSet};

use ballot::counting::{Method, Outcome};
use ballot::{Candidate, Contest, ElectionDefinition, Marks, PollsWindow, Tally, VotingTime};
use chrono::{DateTime, SecondsFormat, Utc};
use producer::{Ballots, StoredElection, WRITE_IN};
use serde::Serialize;
use serde_json::{Value, json};
use wire::TurnoutByLocation;

use super::rounds;
use crate::cli::ReportNames;
use crate::report::{Report, is_replay, totals_by_place};

/// The unit that all others are parts of.
pub(super) const ELECTORATE: &str = "electorate";
/// The format's word for a counting method that it has no name for.
const OTHER_VARIATION: &str = "other";

/// The status of the results, and with it of the count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Status {
    PreElection,
    UnofficialPartial,
    UnofficialComplete,
    Certified,
}

impl Status {
    /// The `CountStatus` of an election or a contest.
    fn count_status(self) -> Value {
        let status = match self {
            Status::PreElection => "not-processed",
            Status::UnofficialPartial => "in-process",
            Status::UnofficialComplete | Status::Certified => "completed",
        };
        json!([object(
            "CountStatus",
            json!({"Type": "total", "Status": status})
        )])
    }
}

/// What a report is made from.
pub(super) struct Results<'a> {
    pub(super) stored: &'a StoredElection,
    pub(super) tally: &'a Tally,
    pub(super) report: &'a Report,
    pub(super) opened_at: DateTime<Utc>,
    pub(super) now: DateTime<Utc>,
}

impl Results<'_> {
    /// The status as far as a program can know it: certifying is for people.
    pub(super) fn status(&self) -> Status {
        let polls = self.polls();
        let opened = polls.open.is_none_or(|open| open <= self.second());
        if !opened && self.report.cast == 0 {
            Status::PreElection
        } else if self.report.accounted && self.have_closed() == Some(true) {
            Status::UnofficialComplete
        } else {
            Status::UnofficialPartial
        }
    }

    /// Whether the polls have closed; `None` if they have no closing time.
    pub(super) fn have_closed(&self) -> Option<bool> {
        let close = self.polls().close?;
        Some(close <= self.second())
    }

    pub(super) fn election_report(&self, names: &ReportNames, status: Status) -> Value {
        let candidates = self.stored.election.candidates();
        let persons = candidates.iter().filter(|it| is_person(it)).map(person);
        let is_test = self.is_test();
        object(
            "ElectionReport",
            json!({
                "Format": "summary-contest",
                "GeneratedDate": self.now.to_rfc3339_opts(SecondsFormat::Secs, true),
                "Issuer": names.issuer,
                "IssuerAbbreviation": names.issuer_abbreviation,
                "SequenceStart": 1,
                "SequenceEnd": 1,
                "Status": status,
                "VendorApplicationId": concat!("election ", env!("CARGO_PKG_VERSION")),
                "IsTest": is_test.then_some(true),
                "TestType": is_test.then_some("votes made by the program"),
                "Election": [self.election(names, status, &candidates)],
                "GpUnit": self.units(),
                "Party": parties(&candidates),
                "Person": persons.collect::<Vec<_>>(),
            }),
        )
    }

    fn election(&self, names: &ReportNames, status: Status, candidates: &[Candidate]) -> Value {
        let polls = self.polls();
        let start = polls
            .open
            .map_or(self.opened_at, |open| seconds(open.unix_seconds()));
        // Without a closing time the election lasts at least until today. A closing time is the first second
        // after the election.
        let last_second = |close: VotingTime| seconds(close.unix_seconds() - 1);
        let end = polls.close.map_or(self.now, last_second);
        let contests = self.definition().contests.iter();
        object(
            "Election",
            json!({
                "Name": text(&names.name),
                "Type": "general",
                "StartDate": date(start),
                "EndDate": date(end),
                "ElectionScopeId": ELECTORATE,
                "BallotCounts": self.ballot_counts(),
                "Candidate": candidates
                    .iter()
                    .map(|candidate| self.candidate(candidate, status))
                    .collect::<Vec<_>>(),
                "Contest": contests
                    .map(|contest| self.contest(names, contest, status))
                    .collect::<Vec<_>>(),
                "CountStatus": status.count_status(),
            }),
        )
    }

    fn contest(&self, names: &ReportNames, contest: &Contest, status: Status) -> Value {
        let is_tutorial = self.definition().is_tutorial();
        let outcome = self.tally.outcome(contest);
        let places = totals_by_place(self.tally, self.definition(), contest);
        let selections = (1..).zip(&contest.candidates);
        object(
            "CandidateContest",
            json!({
                "@id": match is_tutorial {
                    true => "contest".to_owned(),
                    false => id("contest", &contest.id),
                },
                "Name": match is_tutorial {
                    true => &names.name,
                    false => &contest.title,
                },
                "ElectionDistrictId": match &*contest.districts {
                    [only] => id("district", only),
                    // Everybody, or several districts, for which the format has no unit.
                    _ => ELECTORATE.to_owned(),
                },
                "VotesAllowed": match contest.marks() {
                    Marks::Candidates { most } | Marks::Ranking { most } => most,
                    Marks::Scores { highest } => highest,
                },
                "NumberElected": (!is_tutorial).then_some(contest.seats),
                "VoteVariation": variation(contest),
                "OtherVoteVariation": (variation(contest) == OTHER_VARIATION)
                    .then(|| contest.method.name()),
                "CountStatus": status.count_status(),
                "ContestSelection": selections
                    .map(|(place, candidate)| self.selection(place, candidate, &outcome, &places))
                    .collect::<Vec<_>>(),
            }),
        )
    }

    /// All ballots, then the rejected ballots by reason. The locations of rejected ballots are not counted.
    fn ballot_counts(&self) -> Vec<Value> {
        let (cast, tally) = (self.report.cast, self.tally);
        let mut counts = vec![object(
            "BallotCounts",
            json!({
                "GpUnitId": ELECTORATE,
                "Type": "total",
                "BallotsCast": cast,
                "BallotsOutstanding": cast.saturating_sub(tally.cast()),
                "BallotsRejected": tally.rejected_total(),
            }),
        )];
        counts.extend(tally.rejected.iter().map(|(reason, votes)| {
            object(
                "BallotCounts",
                json!({
                    "GpUnitId": ELECTORATE,
                    "Type": "other",
                    "OtherType": reason.as_str(),
                    "BallotsRejected": votes,
                }),
            )
        }));
        counts
    }

    fn candidate(&self, candidate: &Candidate, status: Status) -> Value {
        let candidate_id = &candidate.candidate_id;
        let identifier =
            json!({"Type": "other", "OtherType": "candidate_id", "Value": candidate_id});
        let outcomes = self.report.contests.iter().map(|contest| &contest.outcome);
        let mut of_candidate = outcomes.filter(|outcome| {
            let mut choices = outcome.choices.iter();
            choices.any(|choice| choice.candidate_id == *candidate_id)
        });
        let outcome = of_candidate.next();
        object(
            "Candidate",
            json!({
                "@id": id("candidate", candidate_id),
                "BallotName": text(&candidate.candidate_name),
                "ExternalIdentifier": [object("ExternalIdentifier", identifier)],
                "PartyId": party_id(candidate),
                "PersonId": is_person(candidate).then(|| id("person", candidate_id)),
                "PostElectionStatus": outcome.and_then(|outcome| {
                    rounds::post_election_status(outcome, candidate_id, status)
                }),
            }),
        )
    }

    /// A candidate's votes: the total, then those of each location, even if there are none, then those of each round.
    fn selection(
        &self,
        place: usize,
        candidate: &Candidate,
        outcome: &Outcome,
        places: &BTreeMap<String, BTreeMap<String, u64>>,
    ) -> Value {
        let candidate_id = &candidate.candidate_id;
        let count = |unit: &str, count: u64| {
            let counts = json!({"GpUnitId": unit, "Type": "total", "Count": count});
            object("VoteCounts", counts)
        };
        let mut choices = outcome.choices.iter();
        let total = choices.find(|choice| choice.candidate_id == *candidate_id);
        let mut vote_counts = vec![count(ELECTORATE, total.map_or(0, |choice| choice.total))];
        vote_counts.extend(self.report.locations.iter().map(|location| {
            let totals = places.get(&location.state);
            let votes = totals.and_then(|totals| totals.get(candidate_id));
            count(
                &id("location", &location.state),
                votes.copied().unwrap_or(0),
            )
        }));
        vote_counts.extend(rounds::vote_counts(outcome, candidate_id));
        object(
            "CandidateSelection",
            json!({
                "@id": id("selection", candidate_id),
                "CandidateIds": [id("candidate", candidate_id)],
                "SequenceOrder": place,
                "IsWriteIn": (!is_person(candidate)).then_some(true),
                "VoteCounts": vote_counts,
            }),
        )
    }

    /// The electorate, the locations, and the districts.
    fn units(&self) -> Vec<Value> {
        let locations = &self.report.locations;
        let location_id = |location: &TurnoutByLocation| id("location", &location.state);
        let unit = |properties| object("ReportingUnit", properties);
        let mut units = vec![unit(json!({
            "@id": ELECTORATE,
            "Name": text("The whole electorate"),
            "Type": "other",
            "OtherType": "electorate",
            "ComposingGpUnitIds": ids(locations.iter().map(location_id)),
            "VotersRegistered": (!is_replay(self.stored)).then_some(self.report.voters),
            "VotersParticipated": self.tally.counted(),
        }))];
        let place = self.definition().place_group().map(|group| group.name);
        units.extend(locations.iter().map(|location| {
            unit(json!({
                "@id": location_id(location),
                "Name": text(&location.state),
                "Type": "other",
                "OtherType": place.as_deref().unwrap_or_default(),
                "VotersParticipated": location.count,
            }))
        }));
        units.extend(self.definition().districts.iter().map(|district| {
            let parts = locations.iter();
            let parts: Vec<_> = parts
                .filter(|location| district.precincts.contains(&location.state))
                .collect();
            unit(json!({
                "@id": id("district", &district.id),
                "Name": text(&district.title),
                "Type": "other",
                "OtherType": "district",
                "ComposingGpUnitIds": ids(parts.iter().map(|part| location_id(part))),
                "VotersParticipated": parts.iter().map(|location| location.count).sum::<u64>(),
            }))
        }));
        units
    }

    /// Whether this program made the votes. After `producer init` they may come from anywhere.
    fn is_test(&self) -> bool {
        let plan = self.stored.plan.as_ref();
        plan.is_some_and(|plan| !matches!(plan.ballots, Ballots::Steps { .. }))
    }

    fn definition(&self) -> &ElectionDefinition {
        &self.stored.election.definition
    }

    fn polls(&self) -> PollsWindow {
        self.stored.election.polls
    }

    /// Now, in whole seconds, like the times at which polls open and close.
    fn second(&self) -> VotingTime {
        let text = self.now.format(VotingTime::FORMAT).to_string();
        VotingTime::parse(&text).expect("invariant: written as a voting time")
    }
}

/// An object of a class. Properties that are null are left out.
pub(super) fn object(class: &str, mut properties: Value) -> Value {
    if let Value::Object(properties) = &mut properties {
        properties.retain(|_, value| !value.is_null());
        let class = format!("ElectionResults.{class}");
        properties.insert("@type".to_owned(), class.into());
    }
    properties
}

/// A list of ids; the format has no empty ones.
fn ids(ids: impl Iterator<Item = String>) -> Option<Vec<String>> {
    let ids: Vec<_> = ids.collect();
    (!ids.is_empty()).then_some(ids)
}

/// A name as it was registered. Its language is unknown: `und`, undetermined.
fn text(name: &str) -> Value {
    let string = object(
        "LanguageString",
        json!({"Content": name, "Language": "und"}),
    );
    object("InternationalizedText", json!({"Text": [string]}))
}

fn person(candidate: &Candidate) -> Value {
    object(
        "Person",
        json!({
            "@id": id("person", &candidate.candidate_id),
            "FullName": text(&candidate.candidate_name),
            "PartyId": party_id(candidate),
        }),
    )
}

fn parties(candidates: &[Candidate]) -> Vec<Value> {
    let parties = candidates.iter().map(|it| it.party_affiliation.as_str());
    let parties: BTreeSet<&str> = parties.filter(|party| !party.is_empty()).collect();
    let party = |name| {
        object(
            "Party",
            json!({"@id": id("party", name), "Name": text(name)}),
        )
    };
    parties.into_iter().map(party).collect()
}

/// In a replay, all write-ins together are one candidate.
fn is_person(candidate: &Candidate) -> bool {
    candidate.candidate_name != WRITE_IN
}

fn party_id(candidate: &Candidate) -> Option<String> {
    let party = &candidate.party_affiliation;
    (!party.is_empty()).then(|| id("party", party))
}

/// The format's name of a counting method.
fn variation(contest: &Contest) -> &'static str {
    match &contest.method {
        Method::Plurality(_) => "plurality",
        Method::VoteFor(_) => "n-of-m",
        Method::Approval(_) => "approval",
        Method::Score(_) => "range",
        Method::Irv(_) | Method::Stv(_) => "rcv",
        Method::Borda(_) => "borda",
        Method::Schulze(_) | Method::RankedPairs(_) | Method::Star(_) => OTHER_VARIATION,
    }
}

/// An id of its own for every name, the same in every report. In XML, the format allows only letters, digits,
/// `-`, `.` and `_`, and a letter first.
fn id(kind: &str, name: &str) -> String {
    let mut id = format!("{kind}-");
    for byte in name.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.') {
            id.push(char::from(byte));
        } else {
            id += &format!("_{byte:02x}");
        }
    }
    id
}

fn seconds(unix_seconds: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(unix_seconds, 0).unwrap_or_default()
}

fn date(time: DateTime<Utc>) -> String {
    time.format("%Y-%m-%d").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_names_share_an_id_and_an_id_is_a_name_in_xml() {
        let names = [
            "", "a b", "a_b", "a_20b", "a-b", "Åland", "A", "a", "1", "a.b", "a:b",
        ];
        let ids: std::collections::BTreeSet<_> = names.map(|name| id("location", name)).into();
        assert_eq!(ids.len(), names.len());
        for id in ids {
            assert!(
                id.bytes()
                    .all(|byte| byte.is_ascii_alphanumeric() || b"-._".contains(&byte)),
                "{id}"
            );
        }
    }
}
