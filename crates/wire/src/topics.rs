//! The names of the Fluvio topics (lower case, digits and `-` only, as Fluvio demands).

use evidence::ChainedTopic;

/// Registered voters, keyed by `voter_id`.
pub const VOTERS: &str = ChainedTopic::Voters.as_str();
/// Votes as cast, keyed by `voter_id`.
pub const VOTES: &str = ChainedTopic::Votes.as_str();
/// Running total per candidate, keyed by `candidate_id`.
pub const VOTES_PER_CANDIDATE: &str = "votes-per-candidate";
/// Counted votes per location, keyed by the state.
pub const TURNOUT_BY_LOCATION: &str = "turnout-by-location";
/// Running total per party, keyed by the party.
pub const VOTES_BY_PARTY: &str = "votes-by-party";
/// Counted votes per gender, keyed by the gender.
pub const TURNOUT_BY_GENDER: &str = "turnout-by-gender";
/// Counted votes per age band, keyed by the age band.
pub const TURNOUT_BY_AGE: &str = "turnout-by-age";
/// Running total per location and candidate, keyed by `state/candidate_id`.
pub const VOTES_BY_REGION: &str = "votes-by-region";
/// Votes that do not count, each with its reason.
pub const REJECTED_VOTES: &str = "rejected-votes";

/// Records that the bridge cannot carry to the other side, each with its place and reason.
pub const DEAD_LETTERS: &str = "dead-letters";

/// How far each consumer is in each partition, keyed by consumer and partition (`tally/0`).
pub const PIPELINE: &str = "pipeline";

/// What has changed in the count, for those who show it as it goes on.
pub const TOTALS: &str = "totals";

/// The six aggregate topics, published in update style: the newest record per key is the truth.
pub const AGGREGATES: [&str; 6] = [
    VOTES_PER_CANDIDATE,
    TURNOUT_BY_LOCATION,
    VOTES_BY_PARTY,
    TURNOUT_BY_GENDER,
    TURNOUT_BY_AGE,
    VOTES_BY_REGION,
];
