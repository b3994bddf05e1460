//! The order of candidates in RCTab's CSV. Candidates with equally many votes come in the order of Java's hash table,
//! which depends on their names only.

use super::RoundReport;
use crate::config::{RctabConfig, UNDECLARED_WRITE_INS_NAME};

/// Buckets of an empty table.
const FIRST_BUCKETS: usize = 16;

pub(super) fn candidate_order(config: &RctabConfig, first: &RoundReport) -> Vec<String> {
    // RCTab keeps the candidates in one table, and those of a round in another, filled in the order of the first.
    let all = config.candidates.iter().map(|one| one.name.as_str());
    let in_round = in_order_of_table(all.collect())
        .into_iter()
        .filter(|name| first.tally.contains_key(*name));
    let mut order = in_order_of_table(in_round.collect());
    order.sort_by_key(|name| {
        (
            *name == UNDECLARED_WRITE_INS_NAME,
            std::cmp::Reverse(first.tally.get(*name).copied().unwrap_or_default()),
        )
    });
    order.into_iter().map(str::to_owned).collect()
}

/// The order in which Java's `HashMap` gives these keys back when they were put into it in this order.
fn in_order_of_table(names: Vec<&str>) -> Vec<&str> {
    // A table grows when it is more than three quarters full.
    let mut buckets = FIRST_BUCKETS;
    while names.len() * 4 > buckets * 3 {
        buckets *= 2;
    }
    let mut sorted = names;
    sorted.sort_by_key(|name| {
        let hash = java_hash(name);
        (hash ^ (hash >> 16)) as usize % buckets
    });
    sorted
}

/// Java's hash of a text.
fn java_hash(text: &str) -> u32 {
    text.encode_utf16().fold(0, |hash: u32, unit| {
        hash.wrapping_mul(31).wrapping_add(u32::from(unit))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hashes_are_those_of_java() {
        assert_eq!(java_hash(""), 0);
        assert_eq!(java_hash("hello"), 99_162_322);
    }
}
