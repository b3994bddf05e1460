//! Recorded ballots, cast again in a seeded random order, each with a voter of its own: who cast them is unknown.

use std::hash::Hasher;

use ballot::CredentialKey;
use serde_json::{Map, Value};
use siphasher::sip128::{Hasher128, SipHasher};
use wire::{VoteTail, append_credential};

use crate::permutation::Permutation;
use crate::replay_cast::Replayed;
use crate::replay_voter::ReplayVoter;
use crate::seeds::Purpose;

/// Recorded ballots, ready to be cast.
#[derive(Debug)]
pub struct BallotReplay {
    seed: u64,
    /// What the votes of each place say of it.
    places: Vec<Vec<u8>>,
    /// What votes with each of the answers end with.
    tails: Vec<VoteTail>,
    /// Place and answers of each ballot, by their numbers.
    ballots: Vec<(usize, usize)>,
    order: Permutation,
    digest: u128,
}

impl BallotReplay {
    /// Ballots, each by the numbers of a place and of answers: of a place the fields that a vote has for it, of
    /// answers the vote's `choices`.
    pub fn new(
        places: impl Iterator<Item = Map<String, Value>>,
        choices: impl Iterator<Item = Map<String, Value>>,
        ballots: impl Iterator<Item = (usize, usize)>,
        seed: u64,
    ) -> BallotReplay {
        let mut hasher = SipHasher::new();
        // A JSON text has no line break: it tells where the next one begins.
        let mut hash_line = |text: &[u8]| {
            hasher.write(text);
            hasher.write(b"\n");
        };
        let places = places.map(|fields| {
            let fields = fields_and_comma(&fields);
            hash_line(&fields);
            fields
        });
        let places: Vec<Vec<u8>> = places.collect();
        let tails = choices.map(|choices| {
            let tail = VoteTail::with_choices(&choices);
            hash_line(Value::from(choices).to_string().as_bytes());
            tail
        });
        let tails: Vec<VoteTail> = tails.collect();
        let ballots: Vec<(usize, usize)> = ballots.collect();
        for &(place, answers) in &ballots {
            hasher.write_u64(place as u64);
            hasher.write_u64(answers as u64);
        }
        BallotReplay {
            seed,
            places,
            tails,
            order: Permutation::new(ballots.len() as u64, seed, Purpose::ReplayOrder),
            ballots,
            digest: hasher.finish128().as_u128(),
        }
    }

    /// A hash of all ballots: the same for the same records, wherever they are.
    pub fn digest(&self) -> u128 {
        self.digest
    }
}

impl Replayed for BallotReplay {
    fn total(&self) -> u64 {
        self.ballots.len() as u64
    }

    fn voter_id(&self, index: u64) -> String {
        ReplayVoter::id(self.seed, index)
    }

    fn vote(&self, index: u64, voting_time: &str, key: Option<&CredentialKey>) -> Option<Vec<u8>> {
        if index >= self.total() {
            return None;
        }
        let ballot = usize::try_from(self.order.at(index)).ok()?;
        let &(place, answers) = self.ballots.get(ballot)?;
        let voter = ReplayVoter::of(self.seed, index);
        let mut vote = voter.begin_vote();
        vote.extend_from_slice(self.places.get(place)?);
        if let Some(key) = key {
            append_credential(&mut vote, &key.credential(&voter.voter_id));
        }
        self.tails.get(answers)?.append(&mut vote, voting_time, 1);
        Some(vote)
    }
}

/// Fields as they stand in an object, with a comma behind; nothing if there are none.
fn fields_and_comma(fields: &Map<String, Value>) -> Vec<u8> {
    let mut text = Vec::new();
    for (name, value) in fields {
        text.extend_from_slice(format!("{}:{value},", Value::from(name.as_str())).as_bytes());
    }
    text
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use serde_json::json;

    use super::*;

    fn map(value: Value) -> Map<String, Value> {
        value.as_object().unwrap().clone()
    }

    fn replay(ballots: &[(usize, usize)], seed: u64) -> BallotReplay {
        let places = [json!({"precinct": "p \"1\""}), json!({})];
        let choices = [json!({"x": ["a", null, ["b", "c"]]}), json!({"x": []})];
        BallotReplay::new(
            places.into_iter().map(map),
            choices.into_iter().map(map),
            ballots.iter().copied(),
            seed,
        )
    }

    #[test]
    fn each_ballot_is_cast_once_with_its_place_and_answers() {
        let ballots: Vec<_> = (0..300)
            .map(|number| (number % 2, number % 3 / 2))
            .collect();
        let replay = replay(&ballots, 7);
        let mut cast: BTreeMap<(String, String), usize> = BTreeMap::new();
        let mut voters = BTreeSet::new();
        let mut in_order = Vec::new();
        for index in 0..replay.total() {
            let vote = replay.vote(index, "2024-07-04 12:00:00", None).unwrap();
            let vote: Value = serde_json::from_slice(&vote).unwrap();
            assert_eq!(vote["voter_id"], replay.voter_id(index));
            assert_eq!(
                (&vote["vote"], &vote["voting_time"]),
                (&json!(1), &json!("2024-07-04 12:00:00"))
            );
            voters.insert(replay.voter_id(index));
            in_order.push(vote["precinct"].is_null());
            let cell = (vote["precinct"].to_string(), vote["choices"].to_string());
            *cast.entry(cell).or_default() += 1;
        }
        assert_eq!(replay.vote(300, "2024-07-04 12:00:00", None), None);
        assert_eq!(voters.len(), 300);
        assert_eq!(
            cast.values().copied().collect::<Vec<_>>(),
            [100, 50, 100, 50]
        );
        let alternating: Vec<bool> = (0..300).map(|number| number % 2 == 1).collect();
        assert_ne!(in_order, alternating, "the order is drawn");
    }

    #[test]
    fn a_digest_tells_other_ballots() {
        let digest = |ballots: &[(usize, usize)], seed| replay(ballots, seed).digest();
        assert_eq!(digest(&[(0, 0), (1, 1)], 1), digest(&[(0, 0), (1, 1)], 2));
        assert_ne!(digest(&[(0, 0), (1, 1)], 1), digest(&[(0, 0), (1, 0)], 1));
        assert_ne!(digest(&[(0, 0)], 1), digest(&[(0, 0), (0, 0)], 1));
    }

    #[test]
    fn a_ballot_of_no_place_is_no_vote() {
        let replay = replay(&[(2, 0)], 1);
        assert_eq!(replay.vote(0, "2024-07-04 12:00:00", None), None);
    }
}
