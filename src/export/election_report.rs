//! The stored results as an election report: what of the election goes where in the format.

use std::collections::BTreeMap;

use ballot::counting::{Method, Outcome};
use ballot::{Candidate, Contest, ElectionDefinition, Marks, PollsWindow, Tally, VotingTime};
use chrono::{DateTime, SecondsFormat, Utc};
use producer::{Ballots, StoredElection, WRITE_IN};

use super::cdf;
use crate::cli::ReportNames;
use crate::report::Report;

/// The unit that all others are parts of.
const ELECTORATE: &str = "electorate";

/// What a report is made from.
pub(super) struct Results<'a> {
    pub(super) stored: &'a StoredElection,
    pub(super) tally: &'a Tally,
    pub(super) report: &'a Report,
    pub(super) opened_at: DateTime<Utc>,
    pub(super) now: DateTime<Utc>,
}

impl Results<'_> {
    /// How far the count is, as far as a program can say: certifying is for people.
    pub(super) fn status(&self) -> cdf::ResultsStatus {
        let polls = self.polls();
        let opened = polls.open.is_none_or(|open| open <= self.second());
        if !opened && self.report.cast == 0 {
            cdf::ResultsStatus::PreElection
        } else if self.report.accounted && self.have_closed() == Some(true) {
            cdf::ResultsStatus::UnofficialComplete
        } else {
            cdf::ResultsStatus::UnofficialPartial
        }
    }

    /// Whether the polls have closed; `None` where no time is set for that.
    pub(super) fn have_closed(&self) -> Option<bool> {
        let close = self.polls().close?;
        Some(close <= self.second())
    }

    pub(super) fn election_report(
        &self,
        names: &ReportNames,
        status: cdf::ResultsStatus,
    ) -> cdf::ElectionReport {
        let is_test = self.is_test();
        cdf::ElectionReport {
            format: cdf::ReportDetailLevel::SummaryContest,
            generated_date: self.now.to_rfc3339_opts(SecondsFormat::Secs, true),
            issuer: names.issuer.clone(),
            issuer_abbreviation: names.issuer_abbreviation.clone(),
            sequence_start: 1,
            sequence_end: 1,
            status,
            vendor_application_id: concat!("election ", env!("CARGO_PKG_VERSION")).to_owned(),
            is_test: is_test.then_some(true),
            test_type: is_test.then(|| "votes made by the program".to_owned()),
            election: vec![self.election(names, status)],
            gp_unit: self.units(),
            party: self.parties(),
            person: (self.candidates().iter().filter(|it| is_person(it)))
                .map(|candidate| cdf::Person {
                    id: id("person", &candidate.candidate_id),
                    full_name: cdf::InternationalizedText::named(&candidate.candidate_name),
                    party_id: party_id(candidate),
                })
                .collect(),
        }
    }

    fn election(&self, names: &ReportNames, status: cdf::ResultsStatus) -> cdf::Election {
        let polls = self.polls();
        cdf::Election {
            name: cdf::InternationalizedText::named(&names.name),
            r#type: cdf::ElectionType::General,
            start_date: polls.open.map_or_else(|| date(self.opened_at), day_of),
            // Without a closing time the election goes on at least until today. With one, that is the
            // first second after it.
            end_date: match polls.close {
                Some(close) => date(at(close.unix_seconds() - 1)),
                None => date(self.now),
            },
            election_scope_id: ELECTORATE.to_owned(),
            ballot_counts: self.ballot_counts(),
            candidate: self.candidates().iter().map(candidate).collect(),
            contest: (self.definition().contests.iter())
                .map(|contest| self.contest(names, contest, status))
                .collect(),
            count_status: vec![count_status(status)],
        }
    }

    fn contest(
        &self,
        names: &ReportNames,
        contest: &Contest,
        status: cdf::ResultsStatus,
    ) -> cdf::CandidateContest {
        let is_tutorial = self.definition().is_tutorial();
        let outcome = self.tally.outcome(contest);
        let places = self.place_group().map(|group| {
            let by_place = self.tally.selections_by(&contest.id, &group);
            let totals = by_place
                .iter()
                .map(|(place, selections)| (place.clone(), Tally::totals_of(contest, selections)));
            totals.collect::<BTreeMap<_, _>>()
        });
        let places = places.unwrap_or_default();
        cdf::CandidateContest {
            id: match is_tutorial {
                true => "contest".to_owned(),
                false => id("contest", &contest.id),
            },
            name: match is_tutorial {
                true => names.name.clone(),
                false => contest.title.clone(),
            },
            election_district_id: match &*contest.districts {
                [only] => id("district", only),
                // Everybody, or several districts, which the format has no unit for.
                _ => ELECTORATE.to_owned(),
            },
            votes_allowed: match contest.marks() {
                Marks::Candidates { most } | Marks::Ranking { most } => most,
                Marks::Scores { highest } => highest,
            },
            number_elected: (!is_tutorial).then_some(contest.seats),
            vote_variation: variation(contest),
            other_vote_variation: (variation(contest) == cdf::VoteVariation::Other)
                .then(|| contest.method.name()),
            count_status: vec![count_status(status)],
            contest_selection: (1..)
                .zip(&contest.candidates)
                .map(|(place, candidate)| self.selection(place, candidate, &outcome, &places))
                .collect(),
        }
    }

    /// All ballots, then the rejected ones by reason. Where they were cast is not counted of these.
    fn ballot_counts(&self) -> Vec<cdf::BallotCounts> {
        let (cast, tally) = (self.report.cast, self.tally);
        let mut counts = vec![cdf::BallotCounts {
            gp_unit_id: ELECTORATE.to_owned(),
            r#type: cdf::CountItemType::Total,
            other_type: None,
            ballots_cast: Some(cast),
            ballots_outstanding: Some(cast.saturating_sub(tally.cast())),
            ballots_rejected: tally.rejected_total(),
        }];
        counts.extend(
            tally
                .rejected
                .iter()
                .map(|(reason, &votes)| cdf::BallotCounts {
                    gp_unit_id: ELECTORATE.to_owned(),
                    r#type: cdf::CountItemType::Other,
                    other_type: Some(reason.as_str()),
                    ballots_cast: None,
                    ballots_outstanding: None,
                    ballots_rejected: votes,
                }),
        );
        counts
    }

    /// A candidate's votes: all of them, then those of each location, also where there are none.
    fn selection(
        &self,
        place: usize,
        candidate: &Candidate,
        outcome: &Outcome,
        places: &BTreeMap<String, BTreeMap<String, u64>>,
    ) -> cdf::CandidateSelection {
        let candidate_id = &candidate.candidate_id;
        let count = |gp_unit_id: String, count: u64| cdf::VoteCounts {
            gp_unit_id,
            r#type: cdf::CountItemType::Total,
            count,
        };
        let mut choices = outcome.choices.iter();
        let total = choices.find(|choice| choice.candidate_id == *candidate_id);
        let total = total.map_or(0, |choice| choice.total);
        let mut vote_counts = vec![count(ELECTORATE.to_owned(), total)];
        vote_counts.extend(self.report.locations.iter().map(|location| {
            let place = &location.state;
            let votes = places
                .get(place)
                .and_then(|totals| totals.get(candidate_id));
            count(id("location", place), votes.copied().unwrap_or_default())
        }));
        cdf::CandidateSelection {
            id: id("selection", candidate_id),
            candidate_ids: vec![id("candidate", candidate_id)],
            sequence_order: place,
            is_write_in: (!is_person(candidate)).then_some(true),
            vote_counts,
        }
    }

    fn units(&self) -> Vec<cdf::ReportingUnit> {
        let locations = &self.report.locations;
        let is_replay = (self.stored.plan.as_ref()).is_some_and(|plan| plan.is_replay());
        let mut units = vec![cdf::ReportingUnit {
            id: ELECTORATE.to_owned(),
            name: cdf::InternationalizedText::named("The whole electorate"),
            r#type: cdf::ReportingUnitType::Other,
            other_type: "electorate".to_owned(),
            composing_gp_unit_ids: (locations.iter())
                .map(|location| id("location", &location.state))
                .collect(),
            voters_registered: (!is_replay).then_some(self.report.voters),
            voters_participated: self.tally.counted(),
        }];
        units.extend(locations.iter().map(|location| cdf::ReportingUnit {
            id: id("location", &location.state),
            name: cdf::InternationalizedText::named(&location.state),
            r#type: cdf::ReportingUnitType::Other,
            other_type: self.place_group().unwrap_or_default(),
            composing_gp_unit_ids: Vec::new(),
            voters_registered: None,
            voters_participated: location.count,
        }));
        units.extend(self.districts());
        units
    }

    /// The districts, each made of its precincts.
    fn districts(&self) -> impl Iterator<Item = cdf::ReportingUnit> {
        let districts = self.definition().districts.iter();
        districts.map(|district| {
            let locations = self.report.locations.iter();
            let parts = locations.filter(|location| district.precincts.contains(&location.state));
            let parts: Vec<_> = parts.collect();
            cdf::ReportingUnit {
                id: id("district", &district.id),
                name: cdf::InternationalizedText::named(&district.title),
                r#type: cdf::ReportingUnitType::Other,
                other_type: "district".to_owned(),
                composing_gp_unit_ids: (parts.iter())
                    .map(|location| id("location", &location.state))
                    .collect(),
                voters_registered: None,
                voters_participated: parts.iter().map(|location| location.count).sum(),
            }
        })
    }

    fn parties(&self) -> Vec<cdf::Party> {
        let candidates = self.candidates();
        let mut names: Vec<_> = (candidates.iter())
            .map(|candidate| candidate.party_affiliation.as_str())
            .filter(|party| !party.is_empty())
            .collect();
        names.sort_unstable();
        names.dedup();
        let party = |name| cdf::Party {
            id: id("party", name),
            name: cdf::InternationalizedText::named(name),
        };
        names.into_iter().map(party).collect()
    }

    /// Whether the votes were made by this program. After `producer init` they may be anyone's.
    fn is_test(&self) -> bool {
        let plan = self.stored.plan.as_ref();
        plan.is_some_and(|plan| !matches!(plan.ballots, Ballots::Steps { .. }))
    }

    fn candidates(&self) -> Vec<Candidate> {
        self.stored.election.candidates()
    }

    fn definition(&self) -> &ElectionDefinition {
        &self.stored.election.definition
    }

    /// The group that results are broken down by.
    fn place_group(&self) -> Option<String> {
        let groups = self.definition().counted_groups();
        groups.into_iter().next().map(|group| group.name)
    }

    fn polls(&self) -> PollsWindow {
        self.stored.election.polls
    }

    /// Now, in whole seconds, as polls open and close.
    fn second(&self) -> VotingTime {
        let text = self.now.format(VotingTime::FORMAT).to_string();
        VotingTime::parse(&text).expect("invariant: written as a voting time")
    }
}

fn candidate(candidate: &Candidate) -> cdf::Candidate {
    let candidate_id = &candidate.candidate_id;
    cdf::Candidate {
        id: id("candidate", candidate_id),
        ballot_name: cdf::InternationalizedText::named(&candidate.candidate_name),
        external_identifier: vec![cdf::ExternalIdentifier {
            r#type: cdf::IdentifierType::Other,
            other_type: "candidate_id",
            value: candidate_id.clone(),
        }],
        party_id: party_id(candidate),
        person_id: is_person(candidate).then(|| id("person", candidate_id)),
    }
}

/// A replay's write-ins are a candidate each other candidate is left out of.
fn is_person(candidate: &Candidate) -> bool {
    candidate.candidate_name != WRITE_IN
}

fn party_id(candidate: &Candidate) -> Option<String> {
    let party = &candidate.party_affiliation;
    (!party.is_empty()).then(|| id("party", party))
}

fn count_status(status: cdf::ResultsStatus) -> cdf::CountStatus {
    cdf::CountStatus {
        r#type: cdf::CountItemType::Total,
        status: match status {
            cdf::ResultsStatus::PreElection => cdf::CountItemStatus::NotProcessed,
            cdf::ResultsStatus::UnofficialPartial => cdf::CountItemStatus::InProcess,
            cdf::ResultsStatus::UnofficialComplete | cdf::ResultsStatus::Certified => {
                cdf::CountItemStatus::Completed
            }
        },
    }
}

/// How the format calls a counting method.
fn variation(contest: &Contest) -> cdf::VoteVariation {
    match &contest.method {
        Method::Plurality(_) => cdf::VoteVariation::Plurality,
        Method::VoteFor(_) => cdf::VoteVariation::NOfM,
        Method::Approval(_) => cdf::VoteVariation::Approval,
        Method::Score(_) => cdf::VoteVariation::Range,
        Method::Irv(_) | Method::Stv(_) => cdf::VoteVariation::Rcv,
        Method::Borda(_) => cdf::VoteVariation::Borda,
        Method::Schulze(_) | Method::RankedPairs(_) | Method::Star(_) => cdf::VoteVariation::Other,
    }
}

/// An id that two names never share and that stays the same from report to report. The format's XML
/// flavour allows letters, digits, `-`, `.` and `_` only, and a letter first.
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

fn day_of(time: VotingTime) -> String {
    date(at(time.unix_seconds()))
}

fn at(unix_seconds: i64) -> DateTime<Utc> {
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
