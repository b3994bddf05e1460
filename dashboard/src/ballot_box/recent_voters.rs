//! The voters who have voted here most recently, who may not be in the tables yet.

use std::collections::{HashSet, VecDeque};
use std::sync::Arc;

/// A set of voters that forgets the oldest when it is full.
#[derive(Debug)]
pub(crate) struct RecentVoters {
    limit: usize,
    voters: HashSet<Arc<str>>,
    in_order: VecDeque<Arc<str>>,
}

impl RecentVoters {
    pub(crate) fn new(limit: usize) -> RecentVoters {
        RecentVoters {
            limit,
            voters: HashSet::new(),
            in_order: VecDeque::new(),
        }
    }

    pub(crate) fn contains(&self, voter_id: &str) -> bool {
        self.voters.contains(voter_id)
    }

    pub(crate) fn insert(&mut self, voter_id: &str) {
        let voter: Arc<str> = voter_id.into();
        if !self.voters.insert(voter.clone()) {
            return;
        }
        self.in_order.push_back(voter);
        if self.in_order.len() > self.limit
            && let Some(first) = self.in_order.pop_front()
        {
            self.voters.remove(&first);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_is_forgotten_beyond_the_limit() {
        let mut recent = RecentVoters::new(2);
        for voter in ["a", "b", "b", "c"] {
            recent.insert(voter);
        }
        let held = ["a", "b", "c"].map(|voter| recent.contains(voter));
        assert_eq!(held, [false, true, true]);
        assert_eq!(recent.voters.len(), 2);
    }
}
