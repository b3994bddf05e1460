//! Plurality: one mark, and those with most votes win. With several seats it is the single
//! non-transferable vote.

use serde::{Deserialize, Serialize};

use super::{Count, CountingMethod, Outcome, Profile, demand_no_choices};
use crate::{Contest, Marks};

/// One mark; most votes win.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Plurality {}

impl CountingMethod for Plurality {
    fn marks(&self, _contest: &Contest) -> Marks {
        Marks::Candidates { most: 1 }
    }

    fn check(&self, contest: &Contest) -> Result<(), String> {
        demand_no_choices("plurality", contest)
    }

    fn tabulate(&self, profile: &Profile, contest: &Contest) -> Outcome {
        Outcome::most_marks(profile, contest)
    }

    fn is_settled(&self, count: &Count, remaining: u64) -> bool {
        count.leads_by_more_than(remaining, 1)
    }
}
