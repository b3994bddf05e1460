//! The clerk: casts all ballots that wait, in one batch.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use ballot::{CredentialKey, Reason, Rules, Voter};
use evidence::PseudonymKey;
use platform::{NewRecord, Platform};
use store::{Store, StoreError};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use wire::{Election, VoteTail, append_credential, append_write_ins, topics};

use super::recent_voters::RecentVoters;
use super::{Marks, Refusal, Waiting};

const MAX_TOGETHER: usize = 1024;

/// Voters who have voted here most recently. The table of votes has them soon after; a second vote that neither shows is
/// found by the count.
const RECENT_VOTERS: usize = 256 * 1024;

pub(crate) struct Clerk {
    platform: Arc<dyn Platform>,
    store: Store,
    key: CredentialKey,
    pseudonyms: Option<PseudonymKey>,
    rules: Rules,
    recent: RecentVoters,
}

impl Clerk {
    pub(crate) fn new(
        platform: Arc<dyn Platform>,
        store: Store,
        election: &Election,
        key: CredentialKey,
    ) -> Clerk {
        Clerk {
            platform,
            store,
            key,
            pseudonyms: election.pseudonyms.clone(),
            rules: election.rules(),
            recent: RecentVoters::new(RECENT_VOTERS),
        }
    }

    pub(crate) async fn work(
        mut self,
        mut waiting: mpsc::Receiver<Waiting>,
        stop: CancellationToken,
    ) {
        loop {
            let mut together = Vec::new();
            let next = waiting.recv_many(&mut together, MAX_TOGETHER);
            match stop.run_until_cancelled(next).await {
                None | Some(0) => return,
                Some(_) => self.cast(together).await,
            }
        }
    }

    async fn cast(&mut self, together: Vec<Waiting>) {
        let mut first = HashSet::new();
        let (fresh, again): (Vec<_>, Vec<_>) = together.into_iter().partition(|waiting| {
            let voter_id = &waiting.ballot.voter_id;
            !self.recent.contains(voter_id) && first.insert(voter_id.clone())
        });
        refuse(again, Refusal::AlreadyVoted);
        let (mut voters, voted) = match self.look_up(&fresh).await {
            Ok(found) => found,
            Err(error) => {
                tracing::warn!("cannot look up voters: {error}");
                return refuse(fresh, Refusal::NotCast);
            }
        };
        let mut cast = Vec::with_capacity(fresh.len());
        let mut records = Vec::with_capacity(fresh.len());
        for waiting in fresh {
            let voter_id = &waiting.ballot.voter_id;
            if voted.contains(&self.row_id(voter_id)) {
                refuse([waiting], Refusal::AlreadyVoted);
                continue;
            }
            let voter = voters.remove(voter_id).ok_or(Refusal::UnknownVoter);
            match voter.and_then(|voter| self.vote(&voter, &waiting)) {
                Err(refusal) => refuse([waiting], refusal),
                // The voter was told that it is not cast.
                Ok(_) if !waiting.claim.take() => {}
                Ok(vote) => {
                    records.push(vote);
                    cast.push(waiting);
                }
            }
        }
        if records.is_empty() {
            return;
        }
        if let Err(error) = self.platform.produce(topics::VOTES, records).await {
            tracing::warn!("cannot cast votes: {error}");
            // Some may be cast all the same.
            return refuse(cast, Refusal::Unknown);
        }
        for Waiting { ballot, answer, .. } in cast {
            self.recent.insert(&ballot.voter_id);
            let receipt = self.key.receipt_number(&ballot.voter_id);
            // It fails when the voter has hung up; the vote is cast all the same.
            answer.send(Ok(receipt)).ok();
        }
    }

    /// The registered among the voters, and the row ids of those who have voted.
    async fn look_up(
        &self,
        ballots: &[Waiting],
    ) -> Result<(HashMap<String, Voter>, HashSet<String>), StoreError> {
        let ids: Vec<_> = ballots.iter().map(|at| &*at.ballot.voter_id).collect();
        let voters = self.store.voters(&ids).await?;
        let rows: Vec<_> = ids.iter().map(|id| self.row_id(id)).collect();
        let rows: Vec<_> = rows.iter().map(String::as_str).collect();
        let voted = self.store.have_voted(&rows).await?;
        let by_id = |voter: Voter| (voter.voter_id.clone(), voter);
        Ok((
            voters.into_iter().map(by_id).collect(),
            voted.into_iter().collect(),
        ))
    }

    /// The voter id in the vote's row.
    fn row_id(&self, voter_id: &str) -> String {
        match &self.pseudonyms {
            Some(key) => key.pseudonym(voter_id),
            None => voter_id.to_owned(),
        }
    }

    /// The vote as the producer casts it: the voter's fields, the credential, the marks and the time.
    ///
    /// # Errors
    /// When the count would reject it.
    fn vote(&self, voter: &Voter, waiting: &Waiting) -> Result<NewRecord, Refusal> {
        let mut vote = serde_json::to_vec(voter).map_err(|_| Refusal::Malformed)?;
        vote.pop();
        vote.push(b',');
        append_credential(&mut vote, &self.key.credential(&voter.voter_id));
        let tail = match &waiting.ballot.marks {
            Marks::Candidate(id) => VoteTail::new(id),
            Marks::Choices { answers, write_ins } => {
                if !write_ins.is_empty() {
                    append_write_ins(&mut vote, write_ins);
                }
                VoteTail::with_choices(answers)
            }
        };
        tail.append(&mut vote, &waiting.voting_time, 1);
        let key = voter.voter_id.clone().into_bytes();
        match self.rules.judge(Some(&key), &vote) {
            Ok(_) => {}
            // Every name was checked before: the contest is one of another district.
            Err(Reason::UnknownCandidate) => return Err(Refusal::NotYourContest),
            Err(Reason::PollsClosed) => return Err(Refusal::PollsClosed),
            Err(reason) => {
                tracing::warn!("a ballot was not cast, since it would be rejected: {reason}");
                return Err(Refusal::Malformed);
            }
        }
        Ok(NewRecord {
            key: Some(key),
            value: vote,
        })
    }
}

fn refuse(ballots: impl IntoIterator<Item = Waiting>, refusal: Refusal) {
    for Waiting { answer, .. } in ballots {
        // It fails when the voter has hung up.
        answer.send(Err(refusal)).ok();
    }
}
