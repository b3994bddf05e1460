//! The script: the records that each registered voter of a partition leads to.
//!
//! Every voter casts exactly one vote that counts. Some cast a second one, at once or a while later,
//! and for some an invalid record is cast as well. All of it is a function of the seed and of the voters
//! so far; only the voting time comes from outside.

use std::borrow::Cow;
use std::collections::VecDeque;

use ballot::{Reason, Rules, VoteReader, VotingTime};
use platform::{NewRecord, partition_of};
use rand::RngExt;
use rand::rngs::Xoshiro256PlusPlus;
use wire::{VoteTail, append_credential};

use crate::cast::CastPlan;
use crate::marks::{Choice, Marker};
use crate::seeds::{Purpose, rng, text_word, uuid};
use crate::{ProducerError, clock};

/// How many records later a delayed second vote is cast: further than a batch reaches.
const DUPLICATE_DELAY_RECORDS: u64 = 4096;
/// How long before the polls open an early vote is cast.
const EARLY_SECONDS: i64 = 24 * 60 * 60;
/// How many keys to try, per partition, to find one in this partition. On average one try per partition is
/// enough.
const KEY_ATTEMPTS: u32 = 64;

/// Why no vote can be cast for a record of `voters`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotAVoter {
    /// It is not an object, has no usable `voter_id`, has fields that only a vote has, or the like.
    #[error("it is not a voter's JSON object")]
    Malformed,
    /// A vote that counts would not be in the voter's partition.
    #[error("its key is not its `voter_id`")]
    WrongKey,
}

/// The votes of one partition, made voter by voter.
#[derive(Debug)]
pub struct Script {
    plan: CastPlan,
    partition: u32,
    partitions: u32,
    marker: Marker,
    /// The end of some vote, to read voters with.
    any_tail: VoteTail,
    /// The kinds of invalid records that this election has.
    kinds: Vec<Reason>,
    /// A voting time at which the polls are closed, if there is one.
    closed_time: Option<String>,
    reader: VoteReader,
    /// Records so far.
    position: u64,
    /// Second votes to come, in the order they are due.
    delayed: VecDeque<Delayed>,
}

#[derive(Debug)]
struct Delayed {
    due: u64,
    key: Vec<u8>,
    open: Vec<u8>,
    choice: Choice,
}

impl Script {
    /// The script for partition `partition` of `partitions`.
    ///
    /// # Errors
    /// When nobody stands, or a share is not from 0 to 1.
    pub fn new(plan: &CastPlan, partition: u32, partitions: u32) -> Result<Self, ProducerError> {
        plan.check()?;
        let early = |open: VotingTime| clock::formatted(open.unix_seconds() - EARLY_SECONDS);
        let early = plan.polls.open.map(early);
        let late = plan.polls.close.map(|close| close.to_string());
        let closed_time = early
            .into_iter()
            .chain(late)
            .find(|time| VotingTime::parse(time).is_some_and(|time| !plan.polls.contains(time)));
        let mut kinds = vec![
            Reason::Malformed,
            Reason::WrongKey,
            Reason::InvalidWeight,
            Reason::UnknownCandidate,
        ];
        kinds.extend(closed_time.is_some().then_some(Reason::PollsClosed));
        kinds.extend(plan.credentials.is_some().then_some(Reason::BadCredential));
        let marker = Marker::new(plan.seed, &plan.definition);
        let rules = Rules::of(&plan.definition, plan.polls);
        Ok(Script {
            plan: plan.clone(),
            partition,
            partitions,
            any_tail: marker.any_tail(),
            marker,
            kinds,
            closed_time,
            reader: VoteReader::new(rules.group_paths().clone()),
            position: 0,
            delayed: VecDeque::new(),
        })
    }

    /// Adds the records that a voter, a record of `voters`, leads to: none if the voter abstains, else at
    /// least one.
    ///
    /// # Errors
    /// When the record is not a voter who can vote; nothing is added then.
    pub fn voter(
        &mut self,
        key: Option<&[u8]>,
        json: &[u8],
        voting_time: &str,
        records: &mut Vec<NewRecord>,
    ) -> Result<(), NotAVoter> {
        let mut vote = open_object(json).ok_or(NotAVoter::Malformed)?;
        let open_len = vote.len();
        // The rules of a vote decide whether this is a voter, so a vote is made and read.
        self.any_tail.append(&mut vote, voting_time, 1);
        let parsed = self.reader.read(&vote).map_err(|_| NotAVoter::Malformed)?;
        let key = key
            .filter(|key| *key == parsed.voter_id.as_bytes())
            .ok_or(NotAVoter::WrongKey)?;
        if self.plan.abstain > 0.0 && self.abstains(key) {
            return Ok(());
        }
        let choice = self.marker.choice(&parsed);
        let without_credential = &json[..open_len - 1];
        let open = match &self.plan.credentials {
            Some(key) => with_credential(without_credential, &key.credential(&parsed.voter_id)),
            None => Cow::Borrowed(without_credential),
        };
        let open = &*open;
        if self.plan.credentials.is_some() {
            vote = self.vote(open, &choice, voting_time, 1);
        } else if !matches!(choice, Choice::Candidate(0)) {
            vote.truncate(open_len);
            self.marker.tail(&choice).append(&mut vote, voting_time, 1);
        }

        let mut rng = rng(text_word(self.plan.seed, Purpose::Script, key));
        let twice = rng.random::<f64>() < self.plan.duplicates;
        let invalid = rng.random::<f64>() < self.plan.invalid;
        let invalid_first = invalid && rng.random();
        let beside = Beside {
            key,
            open,
            without_credential,
            choice: &choice,
            voting_time,
        };
        if invalid_first {
            self.add_invalid(&beside, &mut rng, records);
        }
        self.add(key, vote, records);
        if twice {
            let choice = self.marker.second_choice(&choice, &mut rng);
            if rng.random() {
                let again = self.vote(open, &choice, voting_time, 1);
                self.add(key, again, records);
            } else {
                self.delayed.push_back(Delayed {
                    due: self.position + DUPLICATE_DELAY_RECORDS,
                    key: key.to_vec(),
                    open: open.to_vec(),
                    choice,
                });
            }
        }
        if invalid && !invalid_first {
            self.add_invalid(&beside, &mut rng, records);
        }
        while let Some(delayed) = self.delayed.pop_front_if(|next| next.due <= self.position) {
            self.add_delayed(delayed, voting_time, records);
        }
        Ok(())
    }

    /// Drawn separately, so that the other voters vote in the same way however many abstain.
    fn abstains(&self, key: &[u8]) -> bool {
        rng(text_word(self.plan.seed, Purpose::Abstention, key)).random::<f64>() < self.plan.abstain
    }

    /// Adds up to `limit` of the second votes that are still to come when all voters have voted. Returns
    /// whether those were all.
    pub fn finish(
        &mut self,
        limit: usize,
        voting_time: &str,
        records: &mut Vec<NewRecord>,
    ) -> bool {
        for _ in 0..limit {
            match self.delayed.pop_front() {
                Some(delayed) => self.add_delayed(delayed, voting_time, records),
                None => return true,
            }
        }
        self.delayed.is_empty()
    }

    fn add(&mut self, key: &[u8], value: Vec<u8>, records: &mut Vec<NewRecord>) {
        self.position += 1;
        records.push(NewRecord {
            key: Some(key.to_vec()),
            value,
        });
    }

    fn add_delayed(&mut self, delayed: Delayed, time: &str, records: &mut Vec<NewRecord>) {
        let vote = self.vote(&delayed.open, &delayed.choice, time, 1);
        self.add(&delayed.key, vote, records);
    }

    fn vote(&self, open: &[u8], choice: &Choice, voting_time: &str, weight: u8) -> Vec<u8> {
        ended(open, self.marker.tail(choice), voting_time, weight)
    }

    fn add_invalid(
        &mut self,
        beside: &Beside<'_>,
        rng: &mut Xoshiro256PlusPlus,
        records: &mut Vec<NewRecord>,
    ) {
        let &Beside {
            key,
            open,
            without_credential,
            choice,
            voting_time,
        } = beside;
        let kind = self.kinds[rng.random_range(0..self.kinds.len())];
        let mut key = key.to_vec();
        let value = match kind {
            Reason::Malformed => {
                let mut vote = self.vote(open, choice, voting_time, 1);
                vote.truncate(rng.random_range(1..vote.len()));
                vote
            }
            Reason::WrongKey => {
                if let Some(other) = self.other_key(&key, rng) {
                    key = other;
                }
                self.vote(open, choice, voting_time, 1)
            }
            Reason::InvalidWeight => self.vote(open, choice, voting_time, 2),
            Reason::UnknownCandidate => {
                let nobody = self.marker.nobody(rng);
                ended(open, &nobody, voting_time, 1)
            }
            Reason::PollsClosed => {
                let time = self.closed_time.as_deref().unwrap_or(voting_time);
                self.vote(open, choice, time, 1)
            }
            Reason::BadCredential if rng.random() => {
                self.vote(without_credential, choice, voting_time, 1)
            }
            Reason::BadCredential => {
                let guessed = format!("{:032x}", rng.random::<u128>());
                let open = with_credential(without_credential, &guessed);
                self.vote(&open, choice, voting_time, 1)
            }
            // Second votes are scripted on their own, and our client writes each record where its key belongs.
            Reason::Duplicate | Reason::WrongPartition => return,
        };
        self.add(&key, value, records);
    }

    /// A key that is not the voter's and still belongs to this partition: the log's order per partition must
    /// not depend on where invalid records go.
    fn other_key(&self, key: &[u8], rng: &mut Xoshiro256PlusPlus) -> Option<Vec<u8>> {
        (0..self.partitions.saturating_mul(KEY_ATTEMPTS))
            .map(|_| uuid(rng.random(), rng.random()).into_bytes())
            .find(|other| other != key && partition_of(other, self.partitions) == self.partition)
    }
}

/// A vote next to which an invalid record is cast.
struct Beside<'a> {
    key: &'a [u8],
    /// The voter's fields, the credential among them where votes carry one.
    open: &'a [u8],
    without_credential: &'a [u8],
    choice: &'a Choice,
    voting_time: &'a str,
}

/// Room for what follows the voter's fields.
const TAIL_CAPACITY: usize = 192;

/// The voter's fields and this credential.
fn with_credential<'a>(open: &[u8], credential: &str) -> Cow<'a, [u8]> {
    let mut vote = Vec::with_capacity(open.len() + TAIL_CAPACITY);
    vote.extend_from_slice(open);
    vote.push(b',');
    append_credential(&mut vote, credential);
    vote.pop();
    vote.into()
}

fn ended(open: &[u8], tail: &VoteTail, voting_time: &str, weight: u8) -> Vec<u8> {
    let mut vote = Vec::with_capacity(open.len() + TAIL_CAPACITY);
    vote.extend_from_slice(open);
    vote.push(b',');
    tail.append(&mut vote, voting_time, weight);
    vote
}

/// A JSON object's text up to its closing brace, and a comma.
fn open_object(json: &[u8]) -> Option<Vec<u8>> {
    let open = json.trim_ascii_end().strip_suffix(b"}")?;
    let mut vote = Vec::with_capacity(open.len() + TAIL_CAPACITY);
    vote.extend_from_slice(open);
    vote.push(b',');
    Some(vote)
}
