//! Vote for N: a voter marks up to N candidates, and those with most votes win.

use serde::{Deserialize, Serialize};

use super::{Count, CountingMethod, Outcome, Profile};
use crate::{Contest, Marks};

/// Up to N marks (`choices`, by default the seats); most votes win.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VoteFor {}

impl CountingMethod for VoteFor {
    fn marks(&self, contest: &Contest) -> Marks {
        Marks::Candidates {
            most: contest.choices.unwrap_or(contest.seats),
        }
    }

    fn check(&self, _contest: &Contest) -> Result<(), String> {
        Ok(())
    }

    fn tabulate(&self, profile: &Profile, contest: &Contest) -> Outcome {
        Outcome::most_marks(profile, contest)
    }

    fn is_settled(&self, count: &Count, remaining: u64) -> bool {
        count.leads_by_more_than(remaining, 1)
    }
}
