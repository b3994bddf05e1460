//! Approval: a voter marks any number of candidates, and those with most votes win.

use serde::{Deserialize, Serialize};

use super::{Count, CountingMethod, Outcome, Profile, demand_no_choices};
use crate::{Contest, Marks};

/// Any number of marks; most votes win.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Approval {}

impl CountingMethod for Approval {
    fn marks(&self, contest: &Contest) -> Marks {
        Marks::Candidates {
            most: u32::try_from(contest.candidates.len()).unwrap_or(u32::MAX),
        }
    }

    fn check(&self, contest: &Contest) -> Result<(), String> {
        demand_no_choices("approval", contest)
    }

    fn tabulate(&self, profile: &Profile, contest: &Contest) -> Outcome {
        Outcome::most_marks(profile, contest)
    }

    fn is_settled(&self, count: &Count, remaining: u64) -> bool {
        count.leads_by_more_than(remaining, 1)
    }
}
