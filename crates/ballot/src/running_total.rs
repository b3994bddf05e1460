//! The textbook running total: what the two `aggregate` SmartModules keep in their accumulator.

use std::collections::BTreeMap;

use crate::{Ballot, Rules};

/// The accumulator with one more record in it: a JSON object of group to votes, the group being what
/// `group` says of the ballot. A record that breaks a rule leaves it as it is; duplicates are not
/// told.
///
/// # Errors
/// When the accumulator is neither empty nor such an object.
pub fn running_total(
    rules: &Rules,
    accumulator: &[u8],
    key: Option<&[u8]>,
    value: &[u8],
    group: impl for<'b> Fn(&'b Ballot<'_>) -> &'b str,
) -> Result<Vec<u8>, serde_json::Error> {
    let Ok(ballot) = rules.judge(key, value) else {
        return Ok(accumulator.to_vec());
    };
    let mut totals: BTreeMap<String, u64> = match accumulator {
        [] => BTreeMap::new(),
        json => serde_json::from_slice(json)?,
    };
    *totals.entry(group(&ballot).to_owned()).or_default() += 1;
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
        let mut totals = Vec::new();
        for voter in ["v1", "v2"] {
            let (key, vote) = (voter.as_bytes(), vote(voter));
            totals = running_total(&rules, &totals, Some(key), vote.as_bytes(), |b| {
                &b.candidate_id
            })
            .unwrap();
        }
        assert_eq!(totals, br#"{"a":2}"#);
        let kept = running_total(&rules, &totals, None, b"no vote", |b| &b.candidate_id).unwrap();
        assert_eq!(kept, totals);
        let vote = vote("v1");
        assert!(
            running_total(&rules, b"[]", Some(b"v1"), vote.as_bytes(), |b| &b
                .candidate_id)
            .is_err()
        );
    }
}
