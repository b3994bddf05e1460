//! The textbook running total: what the two `aggregate` SmartModules keep in their accumulator.

use std::borrow::Cow;
use std::collections::BTreeMap;

use crate::{Ballot, Rules};

/// The accumulator with one more record in it: a JSON object of name to total. `totals_of` says what the
/// ballot adds to which names. A record that breaks a rule leaves it as it is; duplicates are not told.
///
/// # Errors
/// When the accumulator is neither empty nor such an object.
pub fn running_total(
    rules: &Rules,
    accumulator: &[u8],
    key: Option<&[u8]>,
    value: &[u8],
    totals_of: impl for<'b> Fn(&'b Ballot<'_>) -> Vec<(Cow<'b, str>, u64)>,
) -> Result<Vec<u8>, serde_json::Error> {
    let Ok(ballot) = rules.judge(key, value) else {
        return Ok(accumulator.to_vec());
    };
    let mut totals: BTreeMap<String, u64> = match accumulator {
        [] => BTreeMap::new(),
        json => serde_json::from_slice(json)?,
    };
    for (name, more) in totals_of(&ballot) {
        *totals.entry(name.into_owned()).or_default() += more;
    }
    serde_json::to_vec(&totals)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn votes_add_up_and_others_change_nothing() {
        let rules = Rules::default();
        let vote = |voter: &str| {
            format!(
                r#"{{"voter_id":"{voter}","candidate_id":"a","voting_time":"2024-07-04 12:00:00","vote":1}}"#
            )
        };
        let add = |totals: &[u8], key: Option<&[u8]>, vote: &[u8]| {
            running_total(&rules, totals, key, vote, |ballot| {
                let totals = ballot.candidate_totals().into_iter();
                totals.map(|(id, votes)| (id.into(), votes)).collect()
            })
        };
        let mut totals = Vec::new();
        for voter in ["v1", "v2"] {
            totals = add(&totals, Some(voter.as_bytes()), vote(voter).as_bytes()).unwrap();
        }
        assert_eq!(totals, br#"{"a":2}"#);
        assert_eq!(add(&totals, None, b"no vote").unwrap(), totals);
        assert!(add(b"[]", Some(b"v1"), vote("v1").as_bytes()).is_err());
    }
}
