//! Voters' preferences: each region has its own mix, so that regions have different leaders, while
//! the country as a whole stays a contest.

use std::collections::HashMap;

use crate::seeds::{Purpose, mix, text_word, unit, word};

/// How many regions' mixes are kept; a roll may name any number of regions, and further ones are computed
/// for each vote.
const MAX_KEPT_REGIONS: usize = 4096;

/// How much a candidate's national standing falls from one candidate to the next.
const NATIONAL_SLOPE: f64 = 0.12;
/// The least a region multiplies a candidate's national standing by.
const REGION_FLOOR: f64 = 0.35;
/// How far above that floor it goes.
const REGION_SPREAD: f64 = 1.5;

/// The preferences of an election.
///
/// These use only additions, multiplications and divisions: unlike functions such as `exp`, their results
/// are the same on every machine, and a run must continue exactly.
#[derive(Debug)]
pub(crate) struct Preferences {
    seed: u64,
    national: Vec<f64>,
    /// By region: the draw below which each candidate (or one before it) is chosen.
    regions: HashMap<String, Box<[u64]>>,
}

impl Preferences {
    /// The preferences among this many candidates.
    pub(crate) fn new(seed: u64, candidates: usize) -> Self {
        let national = (0..candidates)
            .map(|index| {
                let luck = 0.9 + 0.2 * unit(word(seed, Purpose::National, index as u64));
                luck / (1.0 + NATIONAL_SLOPE * index as f64)
            })
            .collect();
        Preferences {
            seed,
            national,
            regions: HashMap::new(),
        }
    }

    /// Each candidate's share of the votes to be expected in a region; they sum to 1.
    pub(crate) fn shares(&self, region: &str) -> Vec<f64> {
        let region_word = text_word(self.seed, Purpose::Region, region.as_bytes());
        let weights: Vec<f64> = (0u64..)
            .zip(&self.national)
            .map(|(index, national)| {
                let draw = mix(region_word ^ mix(index));
                national * (REGION_FLOOR + REGION_SPREAD * unit(draw))
            })
            .collect();
        let total: f64 = weights.iter().sum();
        weights.into_iter().map(|weight| weight / total).collect()
    }

    fn thresholds(&self, region: &str) -> Box<[u64]> {
        let mut sum = 0.0;
        self.shares(region)
            .into_iter()
            .map(|share| {
                sum += share;
                (sum * (u64::MAX as f64)) as u64
            })
            .collect()
    }

    /// The index of the candidate that this voter of this region votes for.
    pub(crate) fn choice(&mut self, voter_id: &str, region: &str) -> usize {
        let draw = text_word(self.seed, Purpose::Choice, voter_id.as_bytes());
        let last = self.national.len().saturating_sub(1);
        let chosen =
            |thresholds: &[u64]| thresholds.partition_point(|&up_to| up_to <= draw).min(last);
        if let Some(thresholds) = self.regions.get(region) {
            return chosen(thresholds);
        }
        let thresholds = self.thresholds(region);
        let candidate = chosen(&thresholds);
        if self.regions.len() < MAX_KEPT_REGIONS {
            self.regions.insert(region.to_owned(), thresholds);
        }
        candidate
    }
}

/// The index of the candidate, among so many, that a voter votes for.
pub fn choice(seed: u64, voter_id: &str, state: &str, candidates: usize) -> usize {
    Preferences::new(seed, candidates).choice(voter_id, state)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::regions::REGIONS;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    fn leader(shares: &[f64]) -> usize {
        (0..shares.len())
            .max_by(|&a, &b| shares[a].total_cmp(&shares[b]))
            .unwrap()
    }

    proptest! {
        #[test]
        fn every_election_is_a_contest(seed: u64, candidates in 2usize..8) {
            let preferences = Preferences::new(seed, candidates);
            let shares: Vec<_> = REGIONS.iter().map(|r| preferences.shares(r.name)).collect();
            let leaders: BTreeSet<_> = shares.iter().map(|shares| leader(shares)).collect();
            prop_assert!(leaders.len() >= 2, "leaders {:?}", leaders);
            let people: f64 = REGIONS.iter().map(|r| f64::from(r.population_thousands)).sum();
            for candidate in 0..candidates {
                let national: f64 = REGIONS
                    .iter()
                    .zip(&shares)
                    .map(|(region, shares)| f64::from(region.population_thousands) * shares[candidate])
                    .sum::<f64>() / people;
                prop_assert!(national > 0.02 && national < 0.75, "{} has {}", candidate, national);
            }
        }

        #[test]
        fn a_choice_stays_and_is_in_range(seed: u64, candidates in 1usize..30, voter in "[a-z0-9-]{1,40}", state in ".{0,20}") {
            let chosen = choice(seed, &voter, &state, candidates);
            prop_assert!(chosen < candidates);
            let mut kept = Preferences::new(seed, candidates);
            prop_assert_eq!(kept.choice(&voter, &state), chosen);
            prop_assert_eq!(kept.choice(&voter, &state), chosen);
        }
    }

    #[test]
    fn votes_follow_the_shares() {
        const VOTERS: usize = 50_000;
        let mut preferences = Preferences::new(3, 4);
        for region in ["Cornwall", "Fife"] {
            let shares = preferences.shares(region);
            let mut votes = vec![0usize; shares.len()];
            for index in 0..VOTERS as u64 {
                votes[preferences.choice(&crate::voter_id(3, index), region)] += 1;
            }
            for (votes, share) in votes.iter().zip(shares) {
                let got = *votes as f64 / VOTERS as f64;
                assert!((got - share).abs() < 0.01, "{region}: {got}, not {share}");
            }
        }
    }
}
