//! What the dashboard knows of the count: what is on the ballot, the newest figures, and the results.
//!
//! Totals of an election only grow, so the larger of two is the newer one. That is how the stored tallies and the topic
//! `totals` are merged without a common clock. A contest is tabulated when it is shown and has changed.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use ballot::counting::{Count, Outcome, Profile};
use ballot::{Candidate, Contest, ElectionDefinition, Group, Tally};
use service::public_url::portrait_path;
use wire::votes_by_party;

use crate::model::{
    CandidateResult, ContestResult, GroupCount, GroupTurnout, Leader, LocationResult, Reporting,
    Turnout,
};

/// Most values of a group that are listed by name. Of a longer list, those with most votes come first.
const LISTED_BY_NAME: usize = 12;

/// The count, mutable.
#[derive(Debug, Default)]
pub(crate) struct Counts {
    /// `None` until an election is set up.
    definition: Option<ElectionDefinition>,
    tally: Tally,
    changed_places: BTreeSet<String>,
    /// The contests as they were tabulated last, in the order of the definition.
    contests: Vec<TabulatedContest>,
}

/// A contest as it was tabulated last.
#[derive(Debug, Default)]
struct TabulatedContest {
    /// Its selections over all places.
    profile: Profile,
    /// Whether there are more than were tabulated.
    has_changed: bool,
    outcome: Arc<Outcome>,
    reporting: ballot::Reporting,
    is_decided: bool,
}

/// The first contest: what the page leads with.
#[derive(Default)]
pub(crate) struct Race {
    /// The candidates, and those who have votes without being on the ballot.
    pub(crate) candidates: Vec<CandidateResult>,
    /// What shares are of. It is at least the sum of the candidates' votes.
    whole: u64,
}

impl Counts {
    pub(crate) fn set_definition(&mut self, definition: ElectionDefinition) {
        let contests = definition.contests.iter();
        let contests = contests.map(|contest| TabulatedContest {
            profile: self.tally.profile(contest),
            has_changed: true,
            ..TabulatedContest::default()
        });
        self.contests = contests.collect();
        self.definition = Some(definition);
        self.tabulate();
    }

    /// Tabulates every contest that has changed.
    pub(crate) fn tabulate(&mut self) {
        let Some(definition) = &self.definition else {
            return;
        };
        for (contest, tabulated) in definition.contests.iter().zip(&mut self.contests) {
            if !std::mem::take(&mut tabulated.has_changed) {
                continue;
            }
            let profile = &tabulated.profile;
            let outcome = contest.method.tabulate(profile, contest);
            let reporting = ballot::Reporting::of(definition, contest, &self.tally);
            let count = Count {
                contest,
                profile,
                outcome: &outcome,
            };
            let remaining = reporting.remaining;
            tabulated.is_decided = remaining.is_some_and(|remaining| count.is_decided(remaining));
            tabulated.reporting = reporting;
            tabulated.outcome = Arc::new(outcome);
        }
    }

    /// Each contest, and what its count says.
    fn tabulated(&self) -> impl Iterator<Item = (&Contest, &TabulatedContest)> {
        let definition = self.definition.iter();
        let contests = definition.flat_map(|definition| &definition.contests);
        contests.zip(&self.contests)
    }

    /// The whole outcome of each contest.
    pub(crate) fn outcomes(&self) -> Vec<Arc<Outcome>> {
        self.tabulated().map(|(_, it)| it.outcome.clone()).collect()
    }

    /// Every candidate of every contest, and those who have votes without being on the ballot.
    pub(crate) fn candidates(&self) -> Vec<Candidate> {
        let definition = self.definition.iter();
        let listed = definition.flat_map(ElectionDefinition::candidates);
        let mut candidates: Vec<Candidate> = listed.cloned().collect();
        for CandidateResult { candidate_id, .. } in self.race().candidates {
            if !candidates
                .iter()
                .any(|known| known.candidate_id == candidate_id)
            {
                candidates.push(Candidate::of_id(&candidate_id));
            }
        }
        candidates
    }

    /// Takes the larger figures. Returns whether there are any.
    pub(crate) fn raise(&mut self, totals: &Tally) -> bool {
        let mut is_news = false;
        let place_group = self.place_group().map(|group| group.name);
        for (group, values) in &totals.turnout {
            let known = self.tally.turnout.entry(group.clone()).or_default();
            for (value, &votes) in values {
                if raise(known.entry(value.clone()).or_default(), votes) {
                    is_news = true;
                    if place_group.as_ref() == Some(group) {
                        self.changed_places.insert(value.clone());
                    }
                }
            }
        }
        for (contest, groups) in &totals.contests {
            let known = self.tally.contests.entry(contest.clone()).or_default();
            let definition = self.definition.as_ref();
            let contests = definition.iter().flat_map(|it| &it.contests);
            let mut listed = contests.zip(&mut self.contests);
            let mut tabulated = listed.find(|(it, _)| it.id == *contest);
            for (group, values) in groups {
                let known = known.entry(group.clone()).or_default();
                for (value, selections) in values {
                    let known = known.entry(value.clone()).or_default();
                    for (selection, &votes) in selections {
                        let known = known.entry(selection.clone()).or_default();
                        let more = votes.saturating_sub(*known);
                        if !raise(known, votes) {
                            continue;
                        }
                        is_news = true;
                        if let Some((contest, tabulated)) = &mut tabulated
                            && place_group.as_ref() == Some(group)
                        {
                            tabulated.profile.add(contest.selection(selection), more);
                            tabulated.has_changed = true;
                        }
                    }
                }
            }
        }
        is_news
    }

    pub(crate) fn take_changed_places(&mut self) -> BTreeSet<String> {
        std::mem::take(&mut self.changed_places)
    }

    pub(crate) fn counted(&self) -> u64 {
        self.tally.counted()
    }

    pub(crate) fn race(&self) -> Race {
        let Some((contest, TabulatedContest { outcome, .. })) = self.tabulated().next() else {
            return Race::default();
        };
        let whole = all_marks(contest, outcome);
        let choices = outcome.choices.iter();
        let mut totals: BTreeMap<&str, u64> = choices
            .map(|choice| (&*choice.candidate_id, choice.total))
            .collect();
        let candidates = contest.candidates.iter().map(|candidate| {
            let total = totals.remove(&*candidate.candidate_id).unwrap_or(0);
            candidate_result(contest, &candidate.candidate_id, total, whole)
        });
        let mut candidates: Vec<_> = candidates.collect();
        // Votes may be counted without a list of candidates.
        for (id, total) in totals {
            candidates.push(candidate_result(contest, id, total, whole));
        }
        Race { candidates, whole }
    }

    pub(crate) fn contests(&self) -> Vec<ContestResult> {
        let results = self.tabulated().map(|(contest, tabulated)| {
            let TabulatedContest {
                outcome, reporting, ..
            } = tabulated;
            let whole = contest.whole_of(outcome);
            let choices = outcome
                .choices
                .iter()
                .map(|choice| candidate_result(contest, &choice.candidate_id, choice.total, whole));
            ContestResult {
                contest_id: contest.id.clone(),
                title: contest.title.clone(),
                method: contest.method.name().to_owned(),
                seats: contest.seats,
                ballots: outcome.ballots,
                undervotes: outcome.undervotes,
                overvotes: outcome.overvotes,
                choices: choices.collect(),
                winners: outcome.winners.clone(),
                tied: outcome.tied.clone(),
                rounds: (!outcome.rounds.is_empty()).then_some(outcome.rounds.len()),
                reporting: Reporting {
                    precincts: reporting.precincts,
                    reporting: reporting.reporting,
                    reported: reporting.reported,
                    remaining: reporting.remaining,
                    complete: reporting.is_complete(),
                },
                decided: tabulated.is_decided,
                elected: tabulated.is_decided || reporting.is_complete(),
            }
        });
        results.collect()
    }

    /// The places, each with the first contest's votes there by candidate.
    pub(crate) fn places(&self, race: &Race) -> Vec<LocationResult> {
        let (Some(group), Some(contest)) = (self.place_group(), self.first_contest()) else {
            return Vec::new();
        };
        let precincts = self.definition.iter().flat_map(|it| &it.precincts);
        let titles: BTreeMap<&str, &str> = precincts.map(|it| (&*it.id, &*it.title)).collect();
        let by_place = self.tally.selections_by(&contest.id, &group.name);
        let turnout = self.tally.turnout_by(&group.name).iter();
        let places = turnout.map(|(place, &count)| {
            let selections = by_place.get(place).cloned().unwrap_or_default();
            let totals = Tally::totals_of(contest, &selections);
            let candidates = race.candidates.iter();
            let votes = candidates.map(|at| totals.get(&at.candidate_id).copied().unwrap_or(0));
            let votes: Vec<u64> = votes.collect();
            LocationResult {
                state: place.clone(),
                title: titles.get(&**place).map(|&title| title.to_owned()),
                count,
                leader: race.leader_with(&votes, votes.iter().sum::<u64>().max(1)),
                votes,
            }
        });
        places.collect()
    }

    pub(crate) fn place_name(&self) -> String {
        let name = self.place_group().map(|group| group.name);
        name.unwrap_or_else(|| "location".to_owned())
    }

    /// Votes counted by party, and by each group but the place.
    pub(crate) fn turnout(&self) -> Turnout {
        let counted = self.counted();
        let parties = self.tabulated().next().map(|(contest, tabulated)| {
            let outcome = &tabulated.outcome;
            let whole = all_marks(contest, outcome);
            let parties = votes_by_party(contest, outcome).into_iter();
            let mut parties: Vec<_> = parties
                .map(|(party, votes)| group_count(&party, votes, whole))
                .collect();
            parties.sort_by_key(|party| Reverse(party.count));
            parties
        });
        let groups = self
            .definition
            .iter()
            .flat_map(ElectionDefinition::counted_groups);
        let groups: Vec<GroupTurnout> = groups
            .skip(1)
            .map(|group| GroupTurnout {
                values: self.values_of(&group, counted),
                group: group.name,
            })
            .collect();
        let values_of = |name: &str| {
            let group = groups.iter().find(|group| group.group == name);
            group.map_or_else(Vec::new, |group| group.values.clone())
        };
        Turnout {
            parties: parties.unwrap_or_default(),
            genders: values_of("gender"),
            age_bands: values_of("age"),
            groups,
        }
    }

    /// The values of a group, those that the definition names first.
    fn values_of(&self, group: &Group, counted: u64) -> Vec<GroupCount> {
        let turnout = self.tally.turnout_by(&group.name);
        let known = group.known_values();
        let known_first = known.iter().filter(|value| turnout.contains_key(*value));
        let mut others: Vec<&String> = turnout
            .keys()
            .filter(|value| !known.contains(*value))
            .collect();
        if others.len() > LISTED_BY_NAME {
            others.sort_by_key(|value| Reverse(turnout[*value]));
        }
        known_first
            .chain(others)
            .map(|value| group_count(value, turnout[value], counted))
            .collect()
    }

    fn first_contest(&self) -> Option<&Contest> {
        self.definition
            .as_ref()
            .and_then(|definition| definition.contests.first())
    }

    /// The group whose values are shown as places: the precinct or the location.
    fn place_group(&self) -> Option<Group> {
        self.definition.as_ref()?.place_group()
    }
}

impl Race {
    /// Who leads; `None` while there are no votes.
    pub(crate) fn leader(&self) -> Option<Leader> {
        let votes = self.candidates.iter().map(|at| at.total_votes);
        self.leader_with(&votes.collect::<Vec<_>>(), self.whole)
    }

    /// Who leads with these votes by candidate.
    fn leader_with(&self, votes: &[u64], whole: u64) -> Option<Leader> {
        let (index, &most) = votes
            .iter()
            .enumerate()
            .max_by_key(|&(index, &votes)| (votes, Reverse(index)))?;
        if most == 0 {
            return None;
        }
        let others = votes[..index].iter().chain(&votes[index + 1..]);
        let second = others.max().copied().unwrap_or(0);
        Some(Leader {
            candidate_id: self.candidates.get(index)?.candidate_id.clone(),
            lead: most - second,
            margin: share(most - second, whole),
        })
    }
}

fn candidate_result(
    contest: &Contest,
    candidate_id: &str,
    total_votes: u64,
    whole: u64,
) -> CandidateResult {
    let candidate = contest.candidate(candidate_id);
    let mut candidates = contest.candidates.iter();
    let place = candidates.position(|listed| listed.candidate_id == candidate_id);
    CandidateResult {
        place: place.unwrap_or(contest.candidates.len()),
        candidate_id: candidate.candidate_id.clone(),
        candidate_name: candidate.candidate_name.clone(),
        party_affiliation: candidate.party_affiliation.clone(),
        // Not the registered address: a page loads nothing from elsewhere.
        photo_url: portrait_path(&candidate.candidate_id),
        total_votes,
        share: share(total_votes, whole),
    }
}

/// What the shares of a race are of. Where a ballot marks several candidates it is all marks, so that shares add up.
fn all_marks(contest: &Contest, outcome: &Outcome) -> u64 {
    let marks = outcome.choices.iter().map(|choice| choice.total).sum();
    contest.whole_of(outcome).max(marks)
}

fn group_count(group: &str, count: u64, counted: u64) -> GroupCount {
    GroupCount {
        group: group.to_owned(),
        count,
        share: share(count, counted),
    }
}

/// Takes a larger total. Returns whether it is larger.
fn raise(total: &mut u64, published: u64) -> bool {
    let is_larger = published > *total;
    if is_larger {
        *total = published;
    }
    is_larger
}

pub(crate) fn share(part: u64, whole: u64) -> f64 {
    if whole == 0 {
        0.0
    } else {
        part as f64 / whole as f64
    }
}
