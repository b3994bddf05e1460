//! The rules a single vote is held to: everything but "has this voter voted before".

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Deserialize;

use crate::ballot_paper::{BallotPaper, MarkedContests};
use crate::group_values::value_name;
use crate::names::same_bytes;
use crate::params::{
    PARAM_CANDIDATES, PARAM_CREDENTIAL_KEY, PARAM_DEFINITION, PARAM_HASH_SEED, PARAM_PARTITION,
    PARAM_POLLS_CLOSE, PARAM_POLLS_OPEN,
};
use crate::ranking::UNKNOWN_OVERVOTE;
use crate::selection::{BadAnswer, OVERVOTE, UNDERVOTE};
use crate::vote::{GroupValuesOf, VoteView};
use crate::{
    Candidate, CredentialKey, ElectionDefinition, Group, GroupPaths, GroupValue, HashSeed,
    ParamError, Params, ParsedVote, Partition, Reason, Selection, VotingTime,
};

/// When votes may be cast: from `open` (inclusive) to `close` (exclusive); no limit where `None`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct PollsWindow {
    /// First second at which a vote may be cast.
    pub open: Option<VotingTime>,
    /// First second at which a vote may no longer be cast.
    pub close: Option<VotingTime>,
}

impl PollsWindow {
    /// Whether a vote cast at `time` is in time.
    pub fn contains(&self, time: VotingTime) -> bool {
        self.open.is_none_or(|open| time >= open) && self.close.is_none_or(|close| time < close)
    }
}

/// What is on the ballot, when the polls are open, whether votes must carry a credential, and which partition is judged.
#[derive(Debug, Clone)]
pub struct Rules {
    paper: Arc<BallotPaper>,
    /// What the paper was made from, as parameters: the definition, or the candidates of an election without.
    subject: Subject,
    polls: PollsWindow,
    credentials: Option<CredentialKey>,
    /// The partition whose records are judged, where keys are held against it.
    partition: Option<Partition>,
    hash_seed: HashSeed,
}

#[derive(Debug, Clone)]
enum Subject {
    Anybody,
    Candidates(Vec<String>),
    Definition(Arc<str>),
}

impl Default for Rules {
    fn default() -> Self {
        Rules::tutorial(None, PollsWindow::default())
    }
}

/// A vote that keeps every rule for a single vote. Whether it is the voter's first is for
/// [`PartitionCounter`](crate::PartitionCounter) (or the database's unique key) to say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ballot<'a> {
    /// The voter.
    pub voter_id: Cow<'a, str>,
    /// What was marked.
    pub marked: Marked<'a>,
    /// When it was cast.
    pub voting_time: VotingTime,
    /// What stands at the distinct paths of the groups.
    pub(crate) values: Vec<GroupValue<'a>>,
}

/// What a ballot marks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Marked<'a> {
    /// A candidate of the only contest, by `candidate_id`.
    Candidate {
        /// The candidate.
        candidate_id: Cow<'a, str>,
        /// The candidate's number among those that stand, where there is a list.
        number: Option<usize>,
    },
    /// A selection in each contest of the voter's precinct, by the contest's number in the definition.
    Contests(MarkedContests),
}

impl Ballot<'_> {
    /// The candidate, where the vote names one by `candidate_id`.
    pub fn candidate_id(&self) -> Option<&str> {
        match &self.marked {
            Marked::Candidate { candidate_id, .. } => Some(candidate_id),
            Marked::Contests(_) => None,
        }
    }

    /// What was marked, as one text: the candidate's id, or [`Ballot::selections_json`].
    pub fn choice(&self, rules: &Rules) -> Cow<'_, str> {
        match self.candidate_id() {
            Some(candidate_id) => candidate_id.into(),
            None => self.selections_json(rules).unwrap_or_default().into(),
        }
    }

    /// The value of a group that the ballot is counted under, as long as the group has not reached its limit of
    /// distinct values. `group` is the number among [`Rules::groups`].
    pub fn group_value(&self, rules: &Rules, group: usize) -> Cow<'_, str> {
        let place = rules.group_paths().places()[group];
        value_name(&rules.groups()[group], self.values[place].as_ref())
    }

    /// What each candidate gets from this ballot: one vote a mark, the points, or a vote for the first who is ranked.
    pub fn candidate_totals(&self) -> Vec<(&str, u64)> {
        match &self.marked {
            Marked::Candidate { candidate_id, .. } => vec![(&**candidate_id, 1)],
            Marked::Contests(marked) => marked
                .iter()
                .flat_map(|(_, selection)| match selection {
                    Selection::Undervote | Selection::Overvote => Vec::new(),
                    Selection::Candidates(ids) => ids.iter().map(|id| (&**id, 1)).collect(),
                    Selection::Scores(scores) => scores
                        .iter()
                        .map(|(id, points)| (&**id, u64::from(*points)))
                        .collect(),
                    Selection::Ranking(ranking) => {
                        let first = ranking.0.iter().find(|rank| !rank.is_empty());
                        match first.map(Vec::as_slice) {
                            Some([id]) if id != UNKNOWN_OVERVOTE => vec![(&**id, 1)],
                            _ => Vec::new(),
                        }
                    }
                })
                .collect(),
        }
    }

    /// The selections by contest, as JSON: `{"council":"c1+c3","mayor":"c9"}`. `None` where the vote names its
    /// candidate by `candidate_id`.
    pub fn selections_json(&self, rules: &Rules) -> Option<String> {
        let Marked::Contests(marked) = &self.marked else {
            return None;
        };
        let contests = &rules.paper().contests;
        let selections: BTreeMap<&str, String> = marked
            .iter()
            .map(|(number, selection)| (&*contests[*number as usize].id, selection.to_string()))
            .collect();
        Some(serde_json::to_string(&selections).expect("invariant: an object of text is JSON"))
    }
}

/// A candidate in the `candidates` parameter: an object with an id, or the bare id.
#[derive(Deserialize)]
#[serde(untagged)]
enum CandidateParam {
    Id(String),
    Candidate { candidate_id: String },
}

impl CandidateParam {
    fn into_id(self) -> String {
        match self {
            CandidateParam::Id(id) => id,
            CandidateParam::Candidate { candidate_id } => candidate_id,
        }
    }
}

impl Rules {
    /// The rules of an election with this definition, which was checked.
    pub fn of(definition: &ElectionDefinition, polls: PollsWindow) -> Rules {
        if definition.is_tutorial() {
            let ids = definition
                .candidates()
                .map(|candidate| candidate.candidate_id.clone());
            return Rules::tutorial(Some(ids.collect()), polls);
        }
        Rules::written_as(&definition.to_json(), definition, polls)
    }

    /// The rules of a definition that is not the tutorial's, and whose JSON is known.
    fn written_as(json: &str, definition: &ElectionDefinition, polls: PollsWindow) -> Rules {
        Rules {
            paper: Arc::new(BallotPaper::of(definition, false)),
            subject: Subject::Definition(json.into()),
            polls,
            credentials: None,
            partition: None,
            hash_seed: HashSeed::default(),
        }
    }

    /// The rules of the tutorial's election with these candidates and this window, without credentials.
    pub fn new<'a>(
        candidates: impl IntoIterator<Item = &'a Candidate>,
        polls: PollsWindow,
    ) -> Rules {
        let ids = candidates
            .into_iter()
            .map(|candidate| candidate.candidate_id.clone());
        Rules::tutorial(Some(ids.collect()), polls)
    }

    fn tutorial(candidates: Option<Vec<String>>, polls: PollsWindow) -> Rules {
        let standing = candidates
            .iter()
            .flatten()
            .map(|id| Candidate::of_id(id))
            .collect();
        let definition = ElectionDefinition::tutorial(standing);
        Rules {
            paper: Arc::new(BallotPaper::of(&definition, candidates.is_none())),
            subject: candidates.map_or(Subject::Anybody, Subject::Candidates),
            polls,
            credentials: None,
            partition: None,
            hash_seed: HashSeed::default(),
        }
    }

    /// The same rules, and votes must carry the voter's credential under this key.
    pub fn requiring(self, key: CredentialKey) -> Rules {
        Rules {
            credentials: Some(key),
            ..self
        }
    }

    /// The same rules for the records of a partition: those whose keys belong to another are rejected.
    pub fn in_partition(&self, partition: Partition) -> Self {
        Rules {
            partition: Some(partition),
            ..self.clone()
        }
    }

    /// The same rules, and a secret for hashes; see [`HashSeed`].
    pub fn seeded(self, hash_seed: HashSeed) -> Self {
        Rules { hash_seed, ..self }
    }

    /// The secret for hashes.
    pub fn hash_seed(&self) -> HashSeed {
        self.hash_seed
    }

    /// Whether votes must carry a credential.
    pub fn requires_credentials(&self) -> bool {
        self.credentials.is_some()
    }

    /// The groups that votes are counted by.
    pub fn groups(&self) -> &[Group] {
        &self.paper.groups
    }

    /// Where in a vote the groups' values are.
    pub fn group_paths(&self) -> &GroupPaths {
        &self.paper.paths
    }

    pub(crate) fn paper(&self) -> &BallotPaper {
        &self.paper
    }

    /// The rules as a SmartModule is given them.
    ///
    /// # Errors
    /// When a parameter cannot be read; it names the parameter and says what it takes.
    pub fn from_params(params: &Params) -> Result<Rules, ParamError> {
        let time = |name| {
            params
                .get(name)
                .map(|text| {
                    VotingTime::parse(text).ok_or_else(|| {
                        ParamError::new(
                            name,
                            format!("`{text}` is not a time like `2024-07-04 07:00:00` (UTC)"),
                        )
                    })
                })
                .transpose()
        };
        let polls = PollsWindow {
            open: time(PARAM_POLLS_OPEN)?,
            close: time(PARAM_POLLS_CLOSE)?,
        };
        let credentials = params
            .get(PARAM_CREDENTIAL_KEY)
            .map(|key| CredentialKey::parse(key))
            .transpose()
            .map_err(|error| ParamError::new(PARAM_CREDENTIAL_KEY, error.to_string()))?;
        let partition = params
            .get(PARAM_PARTITION)
            .map(|text| {
                Partition::parse(text).ok_or_else(|| {
                    let problem =
                        format!("`{text}` is not a partition and their number, like `0/4`");
                    ParamError::new(PARAM_PARTITION, problem)
                })
            })
            .transpose()?;
        let hash_seed = params.get(PARAM_HASH_SEED).map(|text| {
            let problem = "takes 32 hexadecimal digits";
            HashSeed::parse(text).ok_or_else(|| ParamError::new(PARAM_HASH_SEED, problem))
        });
        let rules = match params.get(PARAM_DEFINITION) {
            Some(json) => {
                let definition = ElectionDefinition::from_json(json)
                    .map_err(|error| ParamError::new(PARAM_DEFINITION, error.to_string()))?;
                // A SmartModule need not be able to write a definition.
                Rules::written_as(json, &definition, polls)
            }
            None => Rules::tutorial(candidates_param(params)?, polls),
        };
        Ok(Rules {
            credentials,
            partition,
            hash_seed: hash_seed.transpose()?.unwrap_or_default(),
            ..rules
        })
    }

    /// The parameters that make a SmartModule keep these rules.
    pub fn to_params(&self) -> Params {
        let mut params = Params::new();
        match &self.subject {
            Subject::Anybody => {}
            Subject::Candidates(ids) => {
                let mut ids: Vec<&str> = ids.iter().map(String::as_str).collect();
                ids.sort_unstable();
                params.insert(PARAM_CANDIDATES.into(), serde_json::json!(ids).to_string());
            }
            Subject::Definition(json) => {
                params.insert(PARAM_DEFINITION.into(), json.to_string());
            }
        }
        for (name, time) in [
            (PARAM_POLLS_OPEN, self.polls.open),
            (PARAM_POLLS_CLOSE, self.polls.close),
        ] {
            if let Some(time) = time {
                params.insert(name.into(), time.to_string());
            }
        }
        if let Some(key) = &self.credentials {
            params.insert(PARAM_CREDENTIAL_KEY.into(), key.to_hex());
        }
        if let Some(partition) = self.partition {
            params.insert(PARAM_PARTITION.into(), partition.to_string());
        }
        if self.hash_seed != HashSeed::default() {
            params.insert(PARAM_HASH_SEED.into(), self.hash_seed.to_hex());
        }
        params
    }

    /// Reads a record's value as these rules need it.
    ///
    /// # Errors
    /// As [`ParsedVote::parse`].
    pub fn read<'a>(&self, value: &'a [u8]) -> Result<ParsedVote<'a>, Reason> {
        ParsedVote::parse(value, &self.paper.paths)
    }

    /// Judges one record of `votes`, without regard to other records.
    ///
    /// # Errors
    /// The reason it is rejected for; the first that applies, in [`Reason`]'s order.
    pub fn judge<'a>(&self, key: Option<&[u8]>, value: &'a [u8]) -> Result<Ballot<'a>, Reason> {
        self.judge_vote(key, self.read(value)?)
    }

    /// Judges a record's key and the vote that its value is.
    ///
    /// # Errors
    /// As [`Rules::judge`].
    pub fn judge_vote<'a>(
        &self,
        key: Option<&[u8]>,
        vote: ParsedVote<'a>,
    ) -> Result<Ballot<'a>, Reason> {
        let verdict = self.verdict(key, &vote.view())?;
        let marked = match (verdict, vote.candidate_id) {
            (Verdict::Contests(marked), _) => Marked::Contests(marked),
            (Verdict::Candidate { number }, Some(candidate_id)) => Marked::Candidate {
                candidate_id,
                number,
            },
            (Verdict::Candidate { .. }, None) => return Err(Reason::Malformed),
        };
        Ok(Ballot {
            voter_id: vote.voter_id,
            marked,
            voting_time: vote.voting_time,
            values: vote.values,
        })
    }

    /// Judges a record's key and its vote, which stays where it is.
    #[inline(always)]
    pub(crate) fn verdict<V: GroupValuesOf>(
        &self,
        key: Option<&[u8]>,
        vote: &VoteView<'_, V>,
    ) -> Result<Verdict, Reason> {
        self.verdict_on(key, vote, self.marked(vote))
    }

    /// Judges a record's key and its vote, whose answer was read before.
    #[inline(always)]
    pub(crate) fn verdict_on<V: GroupValuesOf, T>(
        &self,
        key: Option<&[u8]>,
        vote: &VoteView<'_, V>,
        marked: Result<T, BadAnswer>,
    ) -> Result<T, Reason> {
        if let Err(BadAnswer::Malformed) = marked {
            return Err(Reason::Malformed);
        }
        if !key.is_some_and(|key| same_bytes(key, vote.voter_id.as_bytes())) {
            return Err(Reason::WrongKey);
        }
        if let Some(partition) = self.partition
            && !partition.holds(vote.voter_id.as_bytes())
        {
            return Err(Reason::WrongPartition);
        }
        // Only now: without its credential the vote speaks for nobody, whatever else is wrong with it.
        if let Some(key) = &self.credentials
            && !carries_credential(key, vote.voter_id, vote.credential)
        {
            return Err(Reason::BadCredential);
        }
        if !vote.weight_is_one {
            return Err(Reason::InvalidWeight);
        }
        let Ok(marked) = marked else {
            return Err(Reason::UnknownCandidate);
        };
        if !self.polls.contains(vote.voting_time) {
            return Err(Reason::PollsClosed);
        }
        Ok(marked)
    }

    /// What the vote marks.
    #[inline(always)]
    fn marked<V: GroupValuesOf>(&self, vote: &VoteView<'_, V>) -> Result<Verdict, BadAnswer> {
        if let Some(choices) = vote.choices {
            let precinct = self.paper.precinct(vote.values);
            return self.paper.marked(choices, precinct).map(Verdict::Contests);
        }
        let (Some(candidate_id), Some(contest)) = (vote.candidate_id, self.paper.only_contest())
        else {
            return Err(BadAnswer::Malformed);
        };
        let number = match &contest.candidates {
            Some(candidates) => match candidates.number(candidate_id) {
                None => return Err(BadAnswer::UnknownCandidate),
                number => number,
            },
            None if [UNDERVOTE, OVERVOTE].contains(&candidate_id) => {
                return Err(BadAnswer::UnknownCandidate);
            }
            None => None,
        };
        Ok(Verdict::Candidate { number })
    }
}

/// What a vote that keeps the rules marks.
pub(crate) enum Verdict {
    /// Its `candidate_id`, with this number among those that stand, where there is a list.
    Candidate { number: Option<usize> },
    /// A selection in each contest of the voter's precinct.
    Contests(MarkedContests),
}

impl Verdict {
    /// The number of the candidate named by `candidate_id`, where there is a list.
    #[inline(always)]
    pub(crate) fn candidate_number(&self) -> Option<usize> {
        match self {
            Verdict::Candidate { number } => *number,
            Verdict::Contests(_) => None,
        }
    }
}

fn candidates_param(params: &Params) -> Result<Option<Vec<String>>, ParamError> {
    let Some(json) = params.get(PARAM_CANDIDATES) else {
        return Ok(None);
    };
    let candidates: Vec<CandidateParam> = serde_json::from_str(json).map_err(|error| {
        ParamError::new(
            PARAM_CANDIDATES,
            format!("takes a JSON array of candidates or candidate ids: {error}"),
        )
    })?;
    Ok(Some(
        candidates
            .into_iter()
            .map(CandidateParam::into_id)
            .collect(),
    ))
}

/// Out of the counting loop, which has no use for it where no credential is required.
#[cold]
#[inline(never)]
fn carries_credential(key: &CredentialKey, voter_id: &str, credential: Option<&str>) -> bool {
    credential.is_some_and(|credential| key.accepts(voter_id, credential))
}

#[cfg(test)]
mod tests;
