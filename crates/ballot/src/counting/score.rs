//! Score: a voter gives each candidate points from 0 to the highest, and those with most points win.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Count, CountingMethod, Outcome, Profile, demand_no_choices};
use crate::{Contest, Marks, Selection};

/// Most points that a definition may allow.
const MOST_POINTS: u32 = 1_000;

/// Points for each candidate; most points win.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Score {
    /// Most points for a candidate.
    pub highest: u32,
}

/// Refuses a highest score that is out of range.
pub(super) fn demand_highest(highest: u32) -> Result<(), String> {
    match (1..=MOST_POINTS).contains(&highest) {
        true => Ok(()),
        false => Err(format!("`highest` is a number from 1 to {MOST_POINTS}")),
    }
}

impl CountingMethod for Score {
    fn marks(&self, _contest: &Contest) -> Marks {
        Marks::Scores {
            highest: self.highest,
        }
    }

    fn check(&self, contest: &Contest) -> Result<(), String> {
        demand_highest(self.highest)?;
        demand_no_choices("score", contest)
    }

    fn tabulate(&self, profile: &Profile, contest: &Contest) -> Outcome {
        let mut points: BTreeMap<&str, u64> = BTreeMap::new();
        for (selection, votes) in profile.selections() {
            let Selection::Scores(scores) = selection else {
                continue;
            };
            for (candidate_id, score) in scores {
                *points.entry(candidate_id).or_default() += u64::from(*score) * votes;
            }
        }
        Outcome::most_points(profile, contest, &points)
    }

    fn is_settled(&self, count: &Count, remaining: u64) -> bool {
        count.leads_by_more_than(remaining, u64::from(self.highest))
    }
}
