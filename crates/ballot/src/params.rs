//! The parameters a SmartModule takes, and their names: what `fluvio consume -e NAME=VALUE` passes.

use std::collections::BTreeMap;

/// The candidates: a JSON array of candidate objects (or of bare ids). Absent: any candidate stands.
pub const PARAM_CANDIDATES: &str = "candidates";
/// The election definition, JSON. Absent: the tutorial's election, with `candidates`.
pub const PARAM_DEFINITION: &str = "definition";
/// First second at which a vote may be cast, `%Y-%m-%d %H:%M:%S` UTC. Absent: no limit.
pub const PARAM_POLLS_OPEN: &str = "polls_open";
/// First second at which a vote may no longer be cast. Absent: no limit.
pub const PARAM_POLLS_CLOSE: &str = "polls_close";
/// The key of the voters' credentials, 64 hexadecimal digits. Absent: no credential is asked for.
pub const PARAM_CREDENTIAL_KEY: &str = "credential_key";
/// The partition that is judged, of how many: `0/4`. Records of keys that belong to another are rejected. Absent: a record is in
/// whatever partition it is.
pub const PARAM_PARTITION: &str = "partition";
/// The secret that hashes of untrusted keys depend on, 32 hexadecimal digits. Absent: one that everybody knows.
pub const PARAM_HASH_SEED: &str = "hash_seed";
/// What is put out: `vote-filter` takes `accepted` (default), `rejected` or `every`, `vote-enrich` takes
/// `every`.
pub const PARAM_MODE: &str = "mode";
/// Where votes are judged: `pass` (default) or `drop`, which needs a stream that starts at offset 0.
pub const PARAM_DUPLICATES: &str = "duplicates";

/// Parameters by name.
pub type Params = BTreeMap<String, String>;

/// Most bytes of a parameter as it is passed: Fluvio writes the length of a text in 16 bits with a sign, and a longer text
/// is lost. A ballot with some hundred candidates is longer.
const MOST_PASSED_BYTES: usize = i16::MAX as usize;

/// The parameters as a SmartModule can be passed them: one that is too long is cut into `NAME`, `NAME_2`, `NAME_3`, …
pub fn passed_params(params: &Params) -> Params {
    let mut passed = Params::new();
    for (name, value) in params {
        let mut rest = value.as_str();
        for part in 1.. {
            let (head, tail) = rest.split_at(rest.floor_char_boundary(MOST_PASSED_BYTES));
            passed.insert(part_name(name, part), head.to_owned());
            rest = tail;
            if rest.is_empty() {
                break;
            }
        }
    }
    passed
}

/// A parameter, of all its parts.
pub fn whole_param(get: impl Fn(&str) -> Option<String>, name: &str) -> Option<String> {
    let mut whole = get(name)?;
    for part in 2.. {
        let Some(more) = get(&part_name(name, part)) else {
            break;
        };
        whole.push_str(&more);
    }
    Some(whole)
}

fn part_name(name: &str, part: u32) -> String {
    match part {
        1 => name.to_owned(),
        part => format!("{name}_{part}"),
    }
}

/// The parameters of the rules, picked from wherever a SmartModule is given its own.
pub fn module_params(get: impl Fn(&str) -> Option<String>) -> Params {
    [
        PARAM_CANDIDATES,
        PARAM_DEFINITION,
        PARAM_POLLS_OPEN,
        PARAM_POLLS_CLOSE,
        PARAM_CREDENTIAL_KEY,
        PARAM_PARTITION,
        PARAM_HASH_SEED,
    ]
    .into_iter()
    .filter_map(|name| Some((name.to_owned(), whole_param(&get, name)?)))
    .collect()
}

/// A parameter that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("parameter `{name}`: {problem}")]
pub struct ParamError {
    /// Which parameter.
    pub name: &'static str,
    /// What is wrong, and what it takes.
    pub problem: String,
}

impl ParamError {
    /// An error on `name`.
    pub fn new(name: &'static str, problem: impl Into<String>) -> Self {
        ParamError {
            name,
            problem: problem.into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn what_is_passed_in_parts_is_whole_again(value in "[aé漢]{0,40000}") {
            let params = Params::from([(PARAM_DEFINITION.to_owned(), value.clone())]);
            let passed = passed_params(&params);
            prop_assert!(passed.values().all(|part| part.len() <= MOST_PASSED_BYTES));
            let whole = module_params(|name| passed.get(name).cloned());
            prop_assert_eq!(whole, params);
        }
    }
}
