//! Official results as ballots: as many for each row as it has votes (times the scale), in a seeded
//! random order, each with a voter of its own.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use ballot::{Candidate, CredentialKey};
use input_files::{MAX_VOTES, ResultsFile};
use serde_json::json;
use wire::{VoteTail, append_credential};

use crate::ProducerError;
use crate::permutation::Permutation;
use crate::replay_cast::Replayed;
use crate::replay_voter::ReplayVoter;
use crate::seeds::{Purpose, text_uuid};

/// An official result, ready to be cast.
#[derive(Debug, Clone)]
pub struct Replay {
    seed: u64,
    rows: Vec<Row>,
    /// Ballots up to and including each row.
    cumulative: Vec<u64>,
    candidates: Vec<Candidate>,
    /// What a vote for each candidate ends with.
    tails: Vec<VoteTail>,
    order: Permutation,
}

#[derive(Debug, Clone)]
struct Row {
    state: String,
    /// The state as JSON text, quoted.
    state_json: String,
    candidate: usize,
}

/// One ballot of a replay.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Ballot<'a> {
    voter: ReplayVoter,
    /// The location as JSON text, quoted.
    state_json: &'a str,
    /// Index into [`Replay::candidates`].
    candidate: usize,
}

impl Replay {
    /// The ballots of these results: of each row, `votes × scale`, rounded down.
    ///
    /// # Errors
    /// When the scale is not more than 0 and at most 1, or no ballot is left at it, or there are
    /// more than can be counted exactly.
    pub fn new(results: &ResultsFile, scale: f64, seed: u64) -> Result<Replay, ProducerError> {
        if !(scale > 0.0 && scale <= 1.0) {
            return Err(ProducerError::Scale(scale));
        }
        let candidates = listed_candidates(results, seed);
        let index: HashMap<&str, usize> = candidates
            .iter()
            .enumerate()
            .map(|(index, candidate)| (candidate.candidate_name.as_str(), index))
            .collect();
        let mut rows = Vec::with_capacity(results.rows.len());
        let mut cumulative = Vec::with_capacity(results.rows.len());
        let mut total = 0u64;
        for row in &results.rows {
            let Some(&candidate) = index.get(row.candidate.as_str()) else {
                continue;
            };
            // Votes up to MAX_VOTES are exact as f64, and a product with a scale of 1 is too.
            total = total.saturating_add((row.votes as f64 * scale).floor() as u64);
            if row.votes.max(total) > MAX_VOTES {
                return Err(ProducerError::TooManyBallots);
            }
            cumulative.push(total);
            rows.push(Row {
                state: row.state.clone(),
                state_json: json!(row.state).to_string(),
                candidate,
            });
        }
        if total == 0 {
            return Err(ProducerError::NothingToReplay(scale));
        }
        Ok(Replay {
            seed,
            rows,
            cumulative,
            tails: candidates
                .iter()
                .map(|candidate| VoteTail::new(&candidate.candidate_id))
                .collect(),
            candidates,
            order: Permutation::new(total, seed, Purpose::ReplayOrder),
        })
    }

    /// The candidates of the results, most votes first. Their ids follow from seed and name.
    pub fn candidates(&self) -> &[Candidate] {
        &self.candidates
    }

    /// The ballots that each (state, candidate name) gets. Cells without a ballot are left out, as
    /// they are in a count.
    pub fn expected(&self) -> BTreeMap<(String, String), u64> {
        let mut expected = BTreeMap::new();
        let mut before = 0;
        for (row, &up_to) in self.rows.iter().zip(&self.cumulative) {
            if up_to > before {
                let name = &self.candidates[row.candidate].candidate_name;
                *expected
                    .entry((row.state.clone(), name.clone()))
                    .or_default() += up_to - before;
            }
            before = up_to;
        }
        expected
    }

    /// Ballot number `index` in the order they are cast; `None` beyond the last.
    fn ballot(&self, index: u64) -> Option<Ballot<'_>> {
        let row = self.row(index)?;
        Some(Ballot {
            voter: ReplayVoter::of(self.seed, index),
            state_json: &row.state_json,
            candidate: row.candidate,
        })
    }

    fn row(&self, index: u64) -> Option<&Row> {
        if index >= self.total() {
            return None;
        }
        let ballot = self.order.at(index);
        let row = self.cumulative.partition_point(|&up_to| up_to <= ballot);
        self.rows.get(row)
    }
}

impl Replayed for Replay {
    fn total(&self) -> u64 {
        self.cumulative.last().copied().unwrap_or_default()
    }

    fn voter_id(&self, index: u64) -> String {
        ReplayVoter::id(self.seed, index)
    }

    fn vote(&self, index: u64, voting_time: &str, key: Option<&CredentialKey>) -> Option<Vec<u8>> {
        let ballot = self.ballot(index)?;
        let mut vote = ballot.voter.begin_vote();
        for part in [r#""address":{"state":"#, ballot.state_json, "},"] {
            vote.extend_from_slice(part.as_bytes());
        }
        if let Some(key) = key {
            append_credential(&mut vote, &key.credential(&ballot.voter.voter_id));
        }
        self.tails[ballot.candidate].append(&mut vote, voting_time, 1);
        Some(vote)
    }
}

/// The candidates of a results file, most votes first.
fn listed_candidates(results: &ResultsFile, seed: u64) -> Vec<Candidate> {
    let parties = results.parties();
    let mut votes: BTreeMap<&str, (u64, BTreeSet<&str>)> = BTreeMap::new();
    for row in &results.rows {
        let (sum, states) = votes.entry(&row.candidate).or_default();
        *sum = sum.saturating_add(row.votes);
        states.insert(&row.state);
    }
    let mut by_votes: Vec<_> = votes.into_iter().collect();
    by_votes.sort_by_key(|&(name, (votes, _))| (std::cmp::Reverse(votes), name));
    by_votes
        .into_iter()
        .map(|(name, (votes, states))| {
            let candidate_id = text_uuid(seed, Purpose::ReplayCandidate, name.as_bytes());
            Candidate {
                candidate_id,
                candidate_name: name.to_owned(),
                party_affiliation: parties.get(name).copied().unwrap_or_default().to_owned(),
                biography: format!(
                    "{votes} votes in {} locations in the official results.",
                    states.len()
                ),
                campaign_platform: String::new(),
                photo_url: String::new(),
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use ballot::{PollsWindow, Rules};
    use input_files::ResultRow;
    use proptest::prelude::*;

    fn results(rows: &[(&str, &str, &str, u64)]) -> ResultsFile {
        let rows = rows
            .iter()
            .map(|&(state, candidate, party, votes)| ResultRow {
                state: state.into(),
                candidate: candidate.into(),
                party: party.into(),
                votes,
            });
        ResultsFile {
            rows: rows.collect(),
        }
    }

    fn counted(replay: &Replay) -> BTreeMap<(String, String), u64> {
        let mut counted = BTreeMap::new();
        for index in 0..replay.total() {
            let ballot = replay.ballot(index).unwrap();
            let name = &replay.candidates()[ballot.candidate].candidate_name;
            let state = serde_json::from_str(ballot.state_json).unwrap();
            *counted.entry((state, name.clone())).or_default() += 1;
        }
        counted
    }

    proptest! {
        #[test]
        fn ballots_add_up_in_every_cell(
            rows in prop::collection::vec((0usize..4, 0usize..5, 0usize..3, 0u64..400), 1..30),
            scale in prop_oneof![Just(1.0), Just(0.01), 0.001f64..1.0],
            seed: u64,
        ) {
            const NAMES: [&str; 5] = ["A", "B", "C \"Q\"", "D", "Write-in / other"];
            let rows: Vec<_> = rows
                .into_iter()
                .map(|(state, name, party, votes)| {
                    (["X", "Y", "Z", "Ä \\"][state], NAMES[name], ["P", "Q", "R"][party], votes)
                })
                .collect();
            let file = results(&rows);
            let mut expected = BTreeMap::new();
            for &(state, name, _, votes) in &rows {
                let ballots = (votes as f64 * scale).floor() as u64;
                if ballots > 0 {
                    *expected.entry((state.to_owned(), name.to_owned())).or_insert(0) += ballots;
                }
            }
            let total: u64 = expected.values().sum();
            match Replay::new(&file, scale, seed) {
                Err(ProducerError::NothingToReplay { .. }) => prop_assert_eq!(total, 0),
                Err(error) => panic!("{error}"),
                Ok(replay) => {
                    prop_assert_eq!(replay.total(), total);
                    prop_assert_eq!(counted(&replay), expected.clone());
                    prop_assert_eq!(replay.expected(), expected);
                    prop_assert_eq!(replay.ballot(total), None);
                }
            }
        }
    }

    #[test]
    fn rows_are_interleaved_and_voters_differ() {
        let file = results(&[("X", "A", "P", 30_000), ("Y", "B", "Q", 10_000)]);
        let replay = Replay::new(&file, 1.0, 9).unwrap();
        let first: Vec<_> = (0..4_000).map(|i| replay.ballot(i).unwrap()).collect();
        let for_a = first.iter().filter(|ballot| ballot.candidate == 0).count();
        assert!((2_850..3_150).contains(&for_a), "{for_a}");
        let voters: BTreeSet<_> = first.iter().map(|ballot| &ballot.voter.voter_id).collect();
        assert_eq!(voters.len(), first.len());
        let women = first.iter().filter(|b| b.voter.gender == "female").count();
        assert!((1_800..2_300).contains(&women), "{women}");
    }

    #[test]
    fn candidates_stay_and_stand_in_order_of_votes() {
        let file = results(&[("X", "A", "P", 3), ("Y", "B", "Q", 2), ("Y", "B", "R", 9)]);
        let replay = Replay::new(&file, 1.0, 9).unwrap();
        let names: Vec<_> = replay
            .candidates()
            .iter()
            .map(|c| (&*c.candidate_name, &*c.party_affiliation))
            .collect();
        assert_eq!(names, [("B", "R"), ("A", "P")]);
        let again = Replay::new(&file, 0.5, 9).unwrap();
        assert_eq!(replay.candidates(), again.candidates());
        let other = Replay::new(&file, 1.0, 10).unwrap();
        assert_ne!(
            replay.candidates()[0].candidate_id,
            other.candidates()[0].candidate_id
        );
    }

    #[test]
    fn a_vote_keeps_the_rules_and_says_what_the_ballot_says() {
        let file = results(&[("New \"York\"", "A", "P", 50)]);
        let replay = Replay::new(&file, 1.0, 9).unwrap();
        let rules = Rules::new(replay.candidates(), PollsWindow::default());
        for index in 0..replay.total() {
            let ballot = replay.ballot(index).unwrap();
            let vote = replay.vote(index, "2024-07-04 12:00:00", None).unwrap();
            let judged = rules
                .judge(Some(ballot.voter.voter_id.as_bytes()), &vote)
                .unwrap();
            let [location, gender, age] = [0, 1, 2].map(|group| judged.group_value(&rules, group));
            let state: String = serde_json::from_str(ballot.state_json).unwrap();
            assert_eq!((&*location, &*gender), (&*state, ballot.voter.gender));
            let [.., bands] = rules.groups() else {
                panic!("no groups");
            };
            let band = bands
                .band_of(i64::from(ballot.voter.registered_age))
                .unwrap();
            assert_eq!(age, bands.known_values()[band]);
        }
    }

    #[test]
    fn a_scale_out_of_range_is_refused() {
        let file = results(&[("X", "A", "P", 3)]);
        for scale in [0.0, -1.0, 1.5, f64::NAN, f64::INFINITY] {
            let error = Replay::new(&file, scale, 1).unwrap_err();
            assert!(matches!(error, ProducerError::Scale { .. }), "{scale}");
        }
        let error = Replay::new(&file, 0.1, 1).unwrap_err().to_string();
        assert!(error.contains("larger scale"), "{error}");
    }

    #[test]
    fn the_presidential_election_of_2016() {
        let Some(path) = testing::president_2016() else {
            return;
        };
        let file = ResultsFile::read(&path).unwrap();
        let whole = Replay::new(&file, 1.0, 1).unwrap();
        assert_eq!(whole.total(), 136_787_187);
        assert_eq!(whole.expected().values().sum::<u64>(), 136_787_187);
        let small = Replay::new(&file, 0.001, 1).unwrap();
        assert_eq!(counted(&small), small.expected());
    }
}
