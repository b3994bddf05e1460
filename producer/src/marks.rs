//! What invented voters mark: a candidate in the tutorial's election, or an answer to each contest on the
//! ballot of a definition. Each voter's marks are a function of the seed and the voter.

use ballot::{Contest, ElectionDefinition, GroupValue, Marks, PRECINCT_GROUP, ParsedVote};
use rand::RngExt;
use rand::rngs::Xoshiro256PlusPlus;
use serde_json::{Map, Value};
use wire::VoteTail;

use crate::preferences::Preferences;
use crate::seeds::{Purpose, rng, text_word, uuid};

/// Share of voters who mark nothing in a contest.
const UNDERVOTES: f64 = 0.03;
/// Share of voters who mark too many candidates, where that is possible.
const OVERVOTES: f64 = 0.01;

/// What a voter marks.
#[derive(Debug, Clone)]
pub(crate) enum Choice {
    /// A candidate of the tutorial's election, by number.
    Candidate(usize),
    /// An answer to each contest.
    Contests {
        /// The end of the vote with them.
        tail: VoteTail,
        /// Where the voter lives.
        place: String,
    },
}

/// Marks ballots.
#[derive(Debug)]
pub(crate) struct Marker {
    seed: u64,
    /// By contest.
    preferences: Vec<Preferences>,
    /// The tutorial's votes, by candidate.
    tails: Vec<VoteTail>,
    definition: ElectionDefinition,
    has_precincts: bool,
}

impl Marker {
    /// Marks the ballots of this election.
    pub(crate) fn new(seed: u64, definition: &ElectionDefinition) -> Marker {
        let is_tutorial = definition.is_tutorial();
        let preferences = definition.contests.iter().map(|contest| {
            // The tutorial's election is drawn from the seed itself.
            let seed = if is_tutorial {
                seed
            } else {
                text_word(seed, Purpose::Contest, contest.id.as_bytes())
            };
            Preferences::new(seed, contest.candidates.len())
        });
        let candidates = definition.candidates().filter(|_| is_tutorial);
        let groups = definition.counted_groups();
        Marker {
            seed,
            preferences: preferences.collect(),
            tails: candidates
                .map(|candidate| VoteTail::new(&candidate.candidate_id))
                .collect(),
            has_precincts: groups
                .first()
                .is_some_and(|group| group.name == PRECINCT_GROUP),
            definition: definition.clone(),
        }
    }

    /// The end of some vote, with which a voter's text can be read as one.
    pub(crate) fn any_tail(&self) -> VoteTail {
        let tail = self.tails.first().cloned();
        tail.unwrap_or_else(|| VoteTail::new("anybody"))
    }

    /// What the voter of this vote marks.
    pub(crate) fn choice(&mut self, vote: &ParsedVote<'_>) -> Choice {
        // Neighbours vote alike: the first group is the precinct or the location.
        let place = match &vote.values[0] {
            GroupValue::Text(place) => &**place,
            _ => "",
        };
        if !self.tails.is_empty() {
            return Choice::Candidate(self.preferences[0].choice(&vote.voter_id, place));
        }
        let mut draws = rng(text_word(
            self.seed,
            Purpose::Marks,
            vote.voter_id.as_bytes(),
        ));
        self.marked_contests(&vote.voter_id, place, &mut draws)
    }

    /// What a voter marks who votes a second time: half of them change their mind, if they can.
    pub(crate) fn second_choice(&mut self, first: &Choice, rng: &mut Xoshiro256PlusPlus) -> Choice {
        match first {
            Choice::Candidate(first) => {
                let candidates = self.tails.len();
                Choice::Candidate(if candidates > 1 && rng.random() {
                    (first + rng.random_range(1..candidates)) % candidates
                } else {
                    *first
                })
            }
            Choice::Contests { place, .. } if rng.random() => {
                let somebody = uuid(rng.random(), rng.random());
                self.marked_contests(&somebody, place, rng)
            }
            same => same.clone(),
        }
    }

    /// The end of a vote that makes this choice.
    pub(crate) fn tail<'a>(&'a self, choice: &'a Choice) -> &'a VoteTail {
        match choice {
            Choice::Candidate(candidate) => &self.tails[*candidate],
            Choice::Contests { tail, .. } => tail,
        }
    }

    /// The end of a vote for an unknown candidate.
    pub(crate) fn nobody(&self, rng: &mut Xoshiro256PlusPlus) -> VoteTail {
        let id = uuid(rng.random(), rng.random());
        if !self.tails.is_empty() {
            return VoteTail::new(&id);
        }
        let contest = &self.definition.contests[0];
        let answer = match contest.marks() {
            Marks::Candidates { .. } | Marks::Ranking { .. } => Value::from(id),
            Marks::Scores { .. } => Value::Object([(id, 1.into())].into_iter().collect()),
        };
        let choices = [(contest.id.clone(), answer)].into_iter().collect();
        VoteTail::with_choices(&choices)
    }

    fn marked_contests(
        &mut self,
        voter_id: &str,
        place: &str,
        rng: &mut Xoshiro256PlusPlus,
    ) -> Choice {
        let mut choices = Map::new();
        let contests = self.definition.contests.iter();
        for (contest, preferences) in contests.zip(&mut self.preferences) {
            let precinct = if self.has_precincts { place } else { "" };
            if !self.definition.votes_in(contest, precinct) {
                continue;
            }
            if rng.random::<f64>() < UNDERVOTES {
                continue;
            }
            let favourite = preferences.choice(voter_id, place);
            let answer = answer(contest, favourite, rng);
            choices.insert(contest.id.clone(), answer);
        }
        Choice::Contests {
            tail: VoteTail::with_choices(&choices),
            place: place.to_owned(),
        }
    }
}

/// An answer that begins with the favourite.
fn answer(contest: &Contest, favourite: usize, rng: &mut Xoshiro256PlusPlus) -> Value {
    let candidates = contest.candidates.len();
    let id = |number: usize| contest.candidates[number % candidates].candidate_id.clone();
    match contest.marks() {
        Marks::Candidates { most } => {
            let most = most as usize;
            let too_many = most < candidates && rng.random::<f64>() < OVERVOTES;
            let marks = match too_many {
                true => most + 1,
                false => rng.random_range(1..=most),
            };
            // The favourite and those who follow in the list.
            let ids: Vec<Value> = (0..marks).map(|step| id(favourite + step).into()).collect();
            match &*ids {
                [only] => only.clone(),
                _ => ids.into(),
            }
        }
        Marks::Ranking { most } => {
            let ranks = rng.random_range(1..=candidates.min(most as usize));
            // Each after one who was drawn, so that not all rank alike.
            let step = rng.random_range(1..candidates.max(2));
            let mut ranked: Vec<usize> = Vec::new();
            for place in 0..ranks {
                let candidate = (favourite + place * step) % candidates;
                if !ranked.contains(&candidate) {
                    ranked.push(candidate);
                }
            }
            let ids = ranked
                .into_iter()
                .map(|candidate| Value::from(id(candidate)));
            Value::Array(ids.collect())
        }
        Marks::Scores { highest } => {
            let points = (0..candidates).map(|step| {
                let points = match step {
                    0 => highest,
                    _ => rng.random_range(0..=highest),
                };
                (id(favourite + step), Value::from(points))
            });
            Value::Object(points.collect())
        }
    }
}
