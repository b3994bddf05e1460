//! Chains on the way to Kafka, and how each output names its record.
//!
//! A cluster numbers a SmartModule's outputs anew, so they alone do not show which records have been
//! carried over. `vote-filter` and `vote-enrich` with `mode=every` give exactly one output for each record:
//! its key is the record's offset, a colon, and the record's own key; its value is empty if the vote is
//! rejected. With `duplicates=drop` the value is also empty for all but a voter's first vote. The module must
//! have seen all votes for that, so such a stream begins at 0.

use ballot::{PARAM_DUPLICATES, PARAM_MODE, PARAM_PARTITION, Params, Partition};
use platform::{ModuleCall, Output};

use crate::{BridgeError, Direction, Link};

/// The SmartModules that keep offsets, and the modes that a manifest may give them; the bridge always sets
/// [`MODE_EVERY`].
const KEEP_OFFSETS: [(&str, &[&str]); 2] = [
    ("vote-filter", &["accepted", MODE_EVERY]),
    ("vote-enrich", &[MODE_EVERY]),
];
/// The mode in which they do.
const MODE_EVERY: &str = "every";
/// What rejects voters' later votes.
const DUPLICATES_DROP: &str = "drop";

/// Checks that a link's chain, if it has one, keeps offsets.
pub(crate) fn check_chain(link: &Link) -> Result<(), BridgeError> {
    let refuse = |problem: &str| {
        Err(BridgeError::Chain {
            fluvio: link.fluvio.clone(),
            problem: problem.into(),
        })
    };
    let Some(first) = link.chain.first() else {
        return Ok(());
    };
    if link.direction == Direction::FromKafka {
        return refuse("runs on records from Kafka, which no SmartModule sees");
    }
    let module = &*first.module;
    let Some((_, modes)) = KEEP_OFFSETS.iter().find(|(keeps, _)| *keeps == module) else {
        return refuse(&format!("begins with `{module}`"));
    };
    match first.params.get(PARAM_MODE) {
        Some(mode) if !modes.contains(&&**mode) => {
            refuse(&format!("has `{module}` with `mode={mode}`"))
        }
        _ => Ok(()),
    }
}

/// The chain for a partition with all its parameters: those of the election, its own, and the first step's two.
pub(crate) fn numbered(
    chain: &[ModuleCall],
    election: &Params,
    partition: Partition,
) -> Vec<ModuleCall> {
    let mut calls: Vec<_> = chain
        .iter()
        .map(|call| {
            let mut params = election.clone();
            params.insert(PARAM_PARTITION.to_owned(), partition.to_string());
            params.extend(call.params.clone());
            ModuleCall {
                module: call.module.clone(),
                params,
            }
        })
        .collect();
    if let Some(first) = calls.first_mut() {
        let set = [
            (PARAM_MODE, MODE_EVERY),
            (PARAM_DUPLICATES, DUPLICATES_DROP),
        ];
        let set = set.map(|(name, value)| (name.to_owned(), value.to_owned()));
        first.params.extend(set);
    }
    calls
}

/// The offset of an output's record, and where that record's own key begins.
pub(crate) fn read_number(output: &Output) -> Option<(i64, usize)> {
    let key = output.key.as_deref()?;
    let colon = key.iter().position(|&byte| byte == b':')?;
    let number = std::str::from_utf8(&key[..colon]).ok()?.parse().ok()?;
    Some((number, colon + 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn link(chain: Vec<ModuleCall>) -> Link {
        Link {
            fluvio: "votes".into(),
            kafka: "votes_topic".into(),
            direction: Direction::ToKafka,
            chain,
            compression: Default::default(),
        }
    }

    fn call(module: &str, params: &[(&str, &str)]) -> ModuleCall {
        ModuleCall {
            module: module.into(),
            params: params
                .iter()
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
                .collect(),
        }
    }

    #[test]
    fn only_a_chain_that_keeps_offsets_is_taken() {
        check_chain(&link(vec![])).unwrap();
        check_chain(&link(vec![call("vote-filter", &[]), call("any", &[])])).unwrap();
        check_chain(&link(vec![call("vote-enrich", &[])])).unwrap();
        for chain in [
            vec![call("vote-tally", &[])],
            vec![call("vote-filter", &[("mode", "rejected")])],
            vec![call("vote-enrich", &[("mode", "accepted")])],
        ] {
            let error = check_chain(&link(chain)).unwrap_err().to_string();
            assert!(error.contains("mode=every"), "{error}");
        }
    }

    #[test]
    fn the_bridge_sets_what_it_needs() {
        let election = [("candidates".to_owned(), "[]".to_owned())].into();
        let chain = [
            call("vote-filter", &[("mode", "accepted")]),
            call("vote-enrich", &[("candidates", "[1]")]),
        ];
        let calls = numbered(&chain, &election, Partition { number: 1, of: 4 });
        let every = [
            ("candidates", "[]"),
            ("duplicates", "drop"),
            ("mode", "every"),
            ("partition", "1/4"),
        ];
        assert_eq!(calls[0], call("vote-filter", &every));
        let own = [("candidates", "[1]"), ("partition", "1/4")];
        assert_eq!(calls[1], call("vote-enrich", &own));
    }

    #[test]
    fn an_output_says_which_record_it_is_of() {
        let number = |key: Option<&'static [u8]>| {
            read_number(&Output {
                offset: 0,
                offsets: 1,
                key: key.map(Into::into),
                value: b"".as_slice().into(),
                timestamp: platform::NO_TIMESTAMP,
            })
        };
        assert_eq!(number(Some(b"17:v:1")), Some((17, 3)));
        assert_eq!(number(Some(b"17:")), Some((17, 3)));
        assert_eq!(number(Some(b"v17")), None);
        assert_eq!(number(Some(b"v:17")), None);
        assert_eq!(number(None), None);
    }
}
