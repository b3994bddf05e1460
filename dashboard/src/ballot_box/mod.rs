//! The ballot box: takes the votes of registered voters, and casts them as the producer does.
//!
//! A ballot is checked on its own, then waits in a bounded queue. One task, the clerk, takes all that wait, looks the
//! voters up, casts the votes in one batch, and answers each voter when the platform has acknowledged it. These checks
//! only spare voters a vote that would be rejected: the count judges every vote again.

mod clerk;
mod rate_limit;
mod recent_voters;
mod refusal;

use std::net::IpAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use ballot::{BadAnswer, CredentialKey, ElectionDefinition, MAX_ID_BYTES, PollsWindow, VotingTime};
use chrono::Utc;
use serde_json::{Map, Value};
use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout;
use wire::Election;

pub(crate) use clerk::Clerk;
pub(crate) use refusal::Refusal;

use crate::args::BallotLimits;
use rate_limit::RateLimit;

/// How long a voter waits for an answer. The server gives up on a request a second later.
const ANSWER_LIMIT: Duration = Duration::from_secs(4);

/// Most ballots that wait to be cast. Others are refused.
const MAX_WAITING: usize = 8 * 1024;

/// A ballot as a voter sends it. It has no `Debug`: none of it may be logged.
pub(crate) struct Ballot {
    pub(crate) voter_id: String,
    pub(crate) marks: Marks,
    pub(crate) credential: String,
}

/// What a ballot marks.
pub(crate) enum Marks {
    /// A candidate, of the only contest.
    Candidate(String),
    /// Answers by contest, as `choices` of a vote has them.
    Choices {
        answers: Map<String, Value>,
        /// Names that were written in, by contest. They go into the vote as they are, and are not counted.
        write_ins: Map<String, Value>,
    },
}

/// A ballot that waits to be cast, and where its answer goes.
pub(crate) struct Waiting {
    ballot: Ballot,
    /// When it was admitted, which is when it was cast: what it waits for afterwards must not be held against the voter.
    voting_time: String,
    claim: Claim,
    answer: oneshot::Sender<Result<String, Refusal>>,
}

/// Who has a ballot that waits: the clerk, who casts it, or the voter, who is told that it is not cast.
#[derive(Clone, Default)]
struct Claim(Arc<AtomicBool>);

impl Claim {
    /// Whether nobody had it before.
    fn take(&self) -> bool {
        !self.0.swap(true, Ordering::AcqRel)
    }
}

/// The routes' side of the ballot box. It opens when an election is set up.
#[derive(Debug)]
pub(crate) struct BallotBox {
    by_address: RateLimit,
    by_voter: RateLimit,
    open: OnceLock<Open>,
}

/// What a ballot is checked against.
#[derive(Debug)]
struct Open {
    definition: ElectionDefinition,
    polls: PollsWindow,
    key: CredentialKey,
    queue: mpsc::Sender<Waiting>,
}

impl BallotBox {
    pub(crate) fn new(limits: BallotLimits) -> BallotBox {
        BallotBox {
            by_address: RateLimit::new(limits.per_address),
            by_voter: RateLimit::new(limits.per_voter),
            open: OnceLock::new(),
        }
    }

    /// Opens for an election with this key. Returns the queue of ballots.
    pub(crate) fn open(&self, election: &Election, key: CredentialKey) -> mpsc::Receiver<Waiting> {
        let (queue, waiting) = mpsc::channel(MAX_WAITING);
        let open = Open {
            definition: election.definition.clone(),
            polls: election.polls,
            key,
            queue,
        };
        // Only the first is kept: a ballot box opens once.
        self.open.set(open).ok();
        waiting
    }

    /// What is voted on; `None` until it is open.
    pub(crate) fn definition(&self) -> Option<&ElectionDefinition> {
        self.open.get().map(|open| &open.definition)
    }

    /// Counts a request against its client's limit.
    pub(crate) fn admit(&self, client: IpAddr) -> Result<(), Refusal> {
        let network = match client {
            IpAddr::V4(address) => u64::from(address.to_bits()),
            // One client has a network of 64 bits.
            IpAddr::V6(address) => (address.to_bits() >> 64) as u64,
        };
        (self.by_address.check(&(client.is_ipv6(), network))).map_err(Refusal::TooMany)
    }

    /// Casts a ballot. Returns its receipt number, when the platform has acknowledged the vote.
    pub(crate) async fn cast(&self, ballot: Ballot) -> Result<String, Refusal> {
        let open = self.open.get().ok_or(Refusal::NotOpen)?;
        let voting_time = open.check(&ballot)?;
        // After the credential, so that nobody can use up another voter's limit.
        (self.by_voter.check(&ballot.voter_id)).map_err(Refusal::TooMany)?;
        let (answer, answered) = oneshot::channel();
        let claim = Claim::default();
        let waiting = Waiting {
            ballot,
            voting_time,
            claim: claim.clone(),
            answer,
        };
        open.queue.try_send(waiting).map_err(|error| match error {
            mpsc::error::TrySendError::Full(_) => Refusal::QueueFull,
            mpsc::error::TrySendError::Closed(_) => Refusal::NotOpen,
        })?;
        match timeout(ANSWER_LIMIT, answered).await {
            Ok(Ok(answer)) => answer,
            // Not cast, and the clerk will not cast it any more.
            _ if claim.take() => Err(Refusal::NotCast),
            _ => Err(Refusal::Unknown),
        }
    }
}

impl Open {
    /// Checks what needs no database, and returns the time.
    fn check(&self, ballot: &Ballot) -> Result<String, Refusal> {
        let usable = |text: &str| (1..=MAX_ID_BYTES).contains(&text.len());
        if !usable(&ballot.voter_id) || !usable(&ballot.credential) {
            return Err(Refusal::Malformed);
        }
        if !self.key.accepts(&ballot.voter_id, &ballot.credential) {
            return Err(Refusal::BadCredential);
        }
        self.check_marks(&ballot.marks)?;
        let now = Utc::now().format(VotingTime::FORMAT).to_string();
        match VotingTime::parse(&now) {
            Some(time) if self.polls.contains(time) => Ok(now),
            _ => Err(Refusal::PollsClosed),
        }
    }
}

impl Open {
    /// Checks that every contest takes its answer. Which of them are put to the voter, the clerk knows.
    fn check_marks(&self, marks: &Marks) -> Result<(), Refusal> {
        let refuse = |bad| match bad {
            BadAnswer::UnknownCandidate => Refusal::UnknownCandidate,
            BadAnswer::Malformed => Refusal::Malformed,
        };
        match marks {
            Marks::Candidate(id) if self.definition.takes_candidate_id() => {
                let mut candidates = self.definition.candidates();
                match candidates.any(|candidate| candidate.candidate_id == *id) {
                    true => Ok(()),
                    false => Err(Refusal::UnknownCandidate),
                }
            }
            Marks::Candidate(_) => Err(Refusal::NeedsChoices),
            Marks::Choices { answers, write_ins } => {
                for (id, answer) in answers {
                    let contest = self.definition.contest(id);
                    let contest = contest.ok_or(Refusal::UnknownContest)?;
                    contest.answered(&answer.to_string()).map_err(refuse)?;
                }
                let is_name =
                    |name: &Value| name.as_str().is_some_and(|it| it.len() <= MAX_ID_BYTES);
                match write_ins
                    .iter()
                    .all(|(id, name)| answers.contains_key(id) && is_name(name))
                {
                    true => Ok(()),
                    false => Err(Refusal::Malformed),
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU32;

    use ::ballot::Candidate;
    use evidence::ElectionKey;
    use futures_util::FutureExt;

    use super::*;

    const CANDIDATE: &str = "c1";

    fn key() -> CredentialKey {
        ElectionKey::from_bytes([7; 32]).credentials()
    }

    /// So many a minute; a tenth may come at once.
    fn limits(per_address: u32, per_voter: u32) -> BallotLimits {
        let number = |n| NonZeroU32::new(n).unwrap();
        BallotLimits {
            per_address: number(per_address),
            per_voter: number(per_voter),
        }
    }

    /// A ballot box in which nobody looks: what is put into it waits.
    fn open_box(limits: BallotLimits, polls: PollsWindow) -> (BallotBox, mpsc::Receiver<Waiting>) {
        let definition = ElectionDefinition::tutorial(vec![Candidate::of_id(CANDIDATE)]);
        let election = Election::new(definition, polls);
        let ballots = BallotBox::new(limits);
        let waiting = ballots.open(&election, key());
        (ballots, waiting)
    }

    fn ballot(voter_id: &str) -> Ballot {
        Ballot {
            voter_id: voter_id.into(),
            marks: Marks::Candidate(CANDIDATE.into()),
            credential: key().credential(voter_id),
        }
    }

    /// What is said at once of a ballot; `None` when it waits.
    fn said(ballots: &BallotBox, ballot: Ballot) -> Option<Refusal> {
        let said = ballots.cast(ballot).now_or_never()?;
        Some(said.expect_err("nobody has cast it"))
    }

    #[tokio::test(start_paused = true)]
    async fn who_is_told_that_a_vote_is_not_cast_can_rely_on_it() {
        let (ballots, mut waiting) = open_box(limits(10, 10), PollsWindow::default());
        // Nobody takes it.
        let told = ballots.cast(ballot("ana")).await;
        assert_eq!(told, Err(Refusal::NotCast));
        assert!(!waiting.recv().await.unwrap().claim.take());
        // It was taken, and not answered in time.
        let clerk = async { waiting.recv().await.map(|it| (it.claim.take(), it)) };
        let (told, taken) = tokio::join!(ballots.cast(ballot("ben")), clerk);
        assert_eq!(told, Err(Refusal::Unknown));
        assert!(taken.unwrap().0);
        // The clerk is gone.
        drop(waiting);
        assert_eq!(ballots.cast(ballot("cyd")).await, Err(Refusal::NotOpen));
    }

    #[tokio::test]
    async fn a_ballot_is_cast_at_the_time_at_which_it_was_admitted() {
        let at = VotingTime::parse;
        let close = at("2999-01-01 08:00:00");
        let polls = PollsWindow { open: None, close };
        let (ballots, mut waiting) = open_box(limits(10, 10), polls);
        assert_eq!(said(&ballots, ballot("ana")), None);
        let time = at(&waiting.recv().await.unwrap().voting_time).unwrap();
        assert!(polls.contains(time));
    }

    #[tokio::test]
    async fn a_voter_has_a_few_tries_which_nobody_else_uses_up() {
        let (ballots, _waiting) = open_box(limits(1, 20), PollsWindow::default());
        for _ in 0..5 {
            let forged = Ballot {
                credential: key().credential("ben"),
                ..ballot("ana")
            };
            assert_eq!(said(&ballots, forged), Some(Refusal::BadCredential));
        }
        assert_eq!(said(&ballots, ballot("ana")), None);
        assert_eq!(said(&ballots, ballot("ana")), None);
        let third = said(&ballots, ballot("ana"));
        assert!(matches!(third, Some(Refusal::TooMany(_))), "{third:?}");
        assert_eq!(said(&ballots, ballot("ben")), None);
    }

    #[test]
    fn one_network_is_one_client() {
        let (ballots, _waiting) = open_box(limits(10, 1), PollsWindow::default());
        let is_admitted = |client: &str| ballots.admit(client.parse().unwrap()).is_ok();
        assert!(is_admitted("2001:db8::1"));
        assert!(!is_admitted("2001:db8::2"));
        assert!(is_admitted("2001:db8:0:1::1"));
        assert!(is_admitted("192.0.2.1"));
        assert!(!is_admitted("192.0.2.1"));
        assert!(is_admitted("192.0.2.2"));
    }

    #[tokio::test]
    async fn outside_of_the_polls_nothing_is_taken() {
        let at = VotingTime::parse;
        let (past, future) = (at("2020-11-03 08:00:00"), at("2999-01-01 08:00:00"));
        for (open, close, expected) in [
            (past, future, None),
            (None, past, Some(Refusal::PollsClosed)),
            (future, None, Some(Refusal::PollsClosed)),
        ] {
            let (ballots, _waiting) = open_box(limits(1, 10), PollsWindow { open, close });
            assert_eq!(said(&ballots, ballot("ana")), expected);
        }
    }

    #[tokio::test]
    async fn beyond_those_that_wait_voters_are_asked_to_come_again() {
        // Two voters may share a place in the rates' table.
        let (ballots, _waiting) = open_box(limits(1, u32::MAX), PollsWindow::default());
        for voter in 0..MAX_WAITING {
            assert_eq!(said(&ballots, ballot(&voter.to_string())), None);
        }
        assert_eq!(said(&ballots, ballot("ana")), Some(Refusal::QueueFull));
    }
}
