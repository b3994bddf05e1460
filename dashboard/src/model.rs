//! What the dashboard shows and serves: one snapshot of the election, as JSON.
//!
//! The pages, the API and the event stream all show the same [`Snapshot`]. The browser gets all of it when it connects,
//! and after that only those locations that have changed.

use std::sync::Arc;

use ballot::Reason;
use ballot::counting::{Outcome, Preference, Round};
use serde::Serialize;
use utoipa::ToSchema;

/// Everything there is to show, at one moment.
#[derive(Debug, Clone, Default, PartialEq, Serialize, ToSchema)]
pub struct Snapshot {
    /// Grows by one with every snapshot of this server; starts anew when it restarts.
    pub sequence: u64,
    /// When it was made, RFC 3339 in UTC with milliseconds.
    #[schema(format = DateTime)]
    pub generated_at: String,
    /// Whether there is an election, and when its polls are open.
    pub election: ElectionState,
    /// The figures over everything.
    pub totals: Totals,
    /// Who leads; absent while nothing is counted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub leader: Option<Leader>,
    /// The result of every contest on the ballot. `leader`, `candidates` and `locations` are of the first.
    pub contests: Vec<ContestResult>,
    /// The whole outcome of each of them, for the page of the contest: too much for every event.
    #[serde(skip)]
    pub(crate) outcomes: Vec<Arc<Outcome>>,
    /// Every candidate, in the order of registration.
    pub candidates: Vec<CandidateResult>,
    /// Votes counted per party and per value of each group.
    pub turnout: Turnout,
    /// Votes rejected, by reason; every reason is there.
    pub rejected: Vec<RejectedCount>,
    /// What `locations` are in this election: the name of its first group.
    pub place_name: String,
    /// Counted votes per location, by name. In an `update` event: only those that have changed.
    pub locations: Vec<LocationResult>,
    /// How the votes flow.
    pub pipeline: Pipeline,
}

impl Snapshot {
    /// The candidate's place in `candidates`.
    pub(crate) fn index_of(&self, candidate_id: &str) -> Option<usize> {
        let mut candidates = self.candidates.iter();
        candidates.position(|candidate| candidate.candidate_id == candidate_id)
    }

    /// A contest, and what its count says.
    pub(crate) fn contest(&self, contest_id: &str) -> Option<(&ContestResult, &Outcome)> {
        let contests = self.contests.iter().zip(&self.outcomes);
        let mut contests = contests.map(|(contest, outcome)| (contest, &**outcome));
        contests.find(|(contest, _)| contest.contest_id == contest_id)
    }
}

/// Whether there is an election.
#[derive(Debug, Clone, Default, PartialEq, Serialize, ToSchema)]
pub struct ElectionState {
    /// False until candidates are registered.
    pub is_set_up: bool,
    /// First second at which a vote may be cast, `%Y-%m-%d %H:%M:%S` UTC; absent: no limit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub polls_open: Option<String>,
    /// First second at which a vote may no longer be cast; absent: no limit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub polls_close: Option<String>,
}

/// The figures over everything.
#[derive(Debug, Clone, Default, PartialEq, Serialize, ToSchema)]
pub struct Totals {
    /// Registered voters; absent when votes are counted although nobody is on the roll (a replay of
    /// official results has none).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub voters: Option<u64>,
    /// Number of candidates.
    pub candidates: u64,
    /// Votes cast: records in the log.
    pub cast: u64,
    /// Votes that count.
    pub counted: u64,
    /// Votes that do not.
    pub rejected: u64,
    /// Share of the registered voters whose vote counts, 0 to 1; absent without a roll.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub turnout: Option<f64>,
    /// Votes decided (counted or rejected) per second, over the last seconds.
    pub votes_per_second: f64,
    /// Votes decided in each of the last seconds, oldest first; at most 120.
    pub votes_per_second_history: Vec<u64>,
}

/// Who leads, and by how much.
#[derive(Debug, Clone, Default, PartialEq, Serialize, ToSchema)]
pub struct Leader {
    /// The candidate with most votes; in a tie, the one registered first.
    pub candidate_id: String,
    /// Votes ahead of the second; 0 is a tie.
    pub lead: u64,
    /// The lead as a share of the votes counted, 0 to 1.
    pub margin: f64,
}

/// A candidate's result.
#[derive(Debug, Clone, Default, PartialEq, Serialize, ToSchema)]
pub struct CandidateResult {
    /// The candidate.
    pub candidate_id: String,
    /// Name.
    pub candidate_name: String,
    /// Party.
    pub party_affiliation: String,
    /// Portrait: a path on this server.
    pub photo_url: String,
    /// Votes counted.
    pub total_votes: u64,
    /// Share of the votes counted, 0 to 1.
    pub share: f64,
    /// The place on the ballot, from 0: it gives the colour.
    #[serde(skip)]
    pub(crate) place: usize,
}

/// The result of a contest.
#[derive(Debug, Clone, Default, PartialEq, Serialize, ToSchema)]
pub struct ContestResult {
    /// The contest.
    pub contest_id: String,
    /// Its title.
    pub title: String,
    /// The counting method.
    pub method: String,
    /// How many candidates are elected.
    pub seats: u32,
    /// Ballots that have the contest.
    pub ballots: u64,
    /// Ballots without a mark in it.
    pub undervotes: u64,
    /// Ballots with more marks than it allows.
    pub overvotes: u64,
    /// What each candidate got, most first. The share is of the ballots that mark somebody, or of all points.
    pub choices: Vec<CandidateResult>,
    /// Who would be elected if the count ended now.
    pub winners: Vec<String>,
    /// Who is tied for the last seats, if there is a tie.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tied: Vec<String>,
    /// Rounds of a ranked count so far; absent where there are none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rounds: Option<usize>,
    /// How much of it is reported.
    pub reporting: Reporting,
    /// Whether no ballot that is still to come can change who is elected.
    pub decided: bool,
    /// Whether the winners are elected: it is decided, or all precincts have reported. Until then they are ahead.
    pub elected: bool,
}

impl ContestResult {
    /// A candidate's name; the id of one who is not on the ballot.
    pub(crate) fn name_of<'a>(&'a self, candidate_id: &'a str) -> &'a str {
        let mut choices = self.choices.iter();
        let known = choices.find(|choice| choice.candidate_id == candidate_id);
        known.map_or(candidate_id, |choice| &choice.candidate_name)
    }
}

/// How much of a contest is reported.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, ToSchema)]
pub struct Reporting {
    /// Precincts that vote in it; 0 in an election without precincts.
    pub precincts: usize,
    /// Precincts with a ballot that is counted.
    pub reporting: usize,
    /// Precincts of which every ballot is counted, as far as the definition says how many they have.
    pub reported: usize,
    /// Most ballots that are still to come; absent if the definition does not say.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub remaining: Option<u64>,
    /// Whether all precincts have reported. Until then the result is unofficial.
    pub complete: bool,
}

/// A contest with everything that its count says.
#[derive(Debug, Clone, Default, PartialEq, Serialize, ToSchema)]
pub struct ContestCount {
    /// When the figures were taken.
    #[schema(format = DateTime)]
    pub generated_at: String,
    /// The result.
    #[serde(flatten)]
    pub result: ContestResult,
    /// The rounds of a ranked count: who has how many votes, who is elected or eliminated, and where votes go.
    #[serde(rename = "round_by_round", skip_serializing_if = "Vec::is_empty")]
    #[schema(value_type = Vec<Object>)]
    pub rounds: Vec<Round>,
    /// How many ballots prefer a candidate to another, where that decides.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(value_type = Vec<Object>)]
    pub preferences: Vec<Preference>,
    /// Why a ranked count stopped before its end, if it did.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stopped: Option<String>,
}

/// Votes counted of each value of a group.
#[derive(Debug, Clone, Default, PartialEq, Serialize, ToSchema)]
pub struct GroupTurnout {
    /// The group's name.
    pub group: String,
    /// Its values.
    pub values: Vec<GroupCount>,
}

/// Votes counted per group.
#[derive(Debug, Clone, Default, PartialEq, Serialize, ToSchema)]
pub struct Turnout {
    /// Votes per party, most votes first.
    pub parties: Vec<GroupCount>,
    /// Votes per gender, by name.
    pub genders: Vec<GroupCount>,
    /// Votes per age band, youngest first.
    pub age_bands: Vec<GroupCount>,
    /// Votes per value of each group but the first, in the order of the definition.
    pub groups: Vec<GroupTurnout>,
}

/// A group's votes.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct GroupCount {
    /// The party, gender or age band.
    pub group: String,
    /// Votes counted.
    pub count: u64,
    /// Share of the votes counted, 0 to 1.
    pub share: f64,
}

/// Votes rejected for a reason.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct RejectedCount {
    /// The reason.
    #[schema(value_type = String, example = "duplicate")]
    pub reason: Reason,
    /// Votes rejected for it.
    pub count: u64,
}

/// A location's result.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct LocationResult {
    /// The location.
    pub state: String,
    /// What people call it; absent where that is the same.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// Votes counted there.
    pub count: u64,
    /// Who leads there; absent while nobody has a vote.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub leader: Option<Leader>,
    /// Votes of each candidate, in the order of `candidates`.
    pub votes: Vec<u64>,
}

impl LocationResult {
    /// What people call it.
    pub(crate) fn name(&self) -> &str {
        self.title.as_deref().unwrap_or(&self.state)
    }

    /// Votes that the leader is ahead by.
    pub(crate) fn lead(&self) -> u64 {
        self.leader.as_ref().map_or(0, |leader| leader.lead)
    }

    /// Votes of the candidate at this place in `candidates`.
    pub(crate) fn votes_of(&self, candidate: usize) -> u64 {
        self.votes.get(candidate).copied().unwrap_or(0)
    }
}

/// How the votes flow from the log to the tally and the database.
#[derive(Debug, Clone, Default, PartialEq, Serialize, ToSchema)]
pub struct Pipeline {
    /// Whether every vote is accounted for.
    pub accounted: Accounted,
    /// Votes by which log, tally and rows differ; 0 unless `accounted` says that they do.
    pub difference: u64,
    /// Votes cast that are not counted or rejected yet.
    pub uncounted: u64,
    /// Votes cast that are not in Postgres yet.
    pub unpersisted: u64,
    /// Milliseconds from cast to counted, of the votes counted last; absent before the first.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cast_to_counted_ms: Option<f64>,
    /// When the tally was last stored, RFC 3339 in UTC; absent when it has not been.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(format = DateTime)]
    pub last_checkpoint: Option<String>,
    /// Each partition of `votes`.
    pub partitions: Vec<PartitionState>,
    /// Each topic that is bridged to Kafka, or from it; empty while no bridge has reported.
    pub bridge: Vec<BridgedTopic>,
    /// Evidence against later changes of the log, by partition.
    pub evidence: Vec<PartitionEvidence>,
    /// What the dashboard cannot reach at present, in words; empty when every source works.
    pub problems: Vec<String>,
}

/// How far the bridge is with a topic.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, ToSchema)]
pub struct BridgedTopic {
    /// The topic on Fluvio.
    pub topic: String,
    /// The topic on Kafka.
    pub kafka_topic: String,
    /// Whether records go to Kafka; else they come from it.
    pub to_kafka: bool,
    /// Records that are on the other side, or need not be.
    pub carried: u64,
    /// Records that are still to be carried over.
    pub lag: u64,
    /// Records that the running bridge left behind, because the other side does not take them: dead letters.
    pub left_behind: u64,
}

/// Evidence against later changes of a partition.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, ToSchema)]
pub struct PartitionEvidence {
    /// The partition.
    pub partition: u32,
    /// Votes before this offset are in the chain.
    pub chained_to: i64,
    /// The head of the chain over them, 64 hexadecimal digits; absent while there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub chain_head: Option<String>,
    /// Voters before this offset are in the chain of voters.
    pub voters_chained_to: i64,
    /// The head of the chain of voters; absent while there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub voters_chain_head: Option<String>,
    /// The latest seal; absent while nothing is sealed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seal: Option<SealedVotes>,
}

/// A partition's part of a seal. The root covers all partitions.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, ToSchema)]
pub struct SealedVotes {
    /// The seal's number.
    pub seal: u32,
    /// When it was made, RFC 3339 in UTC with milliseconds.
    #[schema(format = DateTime)]
    pub sealed_at: String,
    /// Votes before this offset are sealed.
    pub sealed_to: i64,
    /// Of these, votes that count.
    pub votes: u64,
    /// The head of the chain there.
    pub chain_head: String,
    /// The root of the tree of the votes that count.
    pub tree_root: String,
    /// The published root, which receipts lead to.
    pub root: String,
}

/// Whether every vote is accounted for: cast = counted + rejected, and the rows in Postgres say the
/// same.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Accounted {
    /// Not everything is counted and persisted, or the rows have not been compared yet.
    #[default]
    InProgress,
    /// Log, tally and rows agree on every vote.
    #[serde(rename = "accounted")]
    Agrees,
    /// Everything is counted and persisted, and the figures differ: `election audit` shows where.
    Differs,
}

/// How far a partition of `votes` is.
#[derive(Debug, Clone, Default, PartialEq, Serialize, ToSchema)]
pub struct PartitionState {
    /// The partition.
    pub partition: u32,
    /// Votes cast: the log's end.
    pub cast: i64,
    /// Votes before this offset are counted or rejected.
    pub counted_to: i64,
    /// Counts before this offset are stored.
    pub checkpointed_to: i64,
    /// Votes before this offset are rows.
    pub persisted_to: i64,
    /// Votes cast that are not counted or rejected yet.
    pub lag: u64,
    /// Memory of the partition's SmartModule, in bytes.
    pub module_bytes: u64,
}
