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
/// What is put out: `vote-filter` takes `accepted` (default), `rejected` or `every`, `vote-enrich` takes
/// `every`.
pub const PARAM_MODE: &str = "mode";
/// Where votes are judged: `pass` (default) or `drop`, which needs a stream that starts at offset 0.
pub const PARAM_DUPLICATES: &str = "duplicates";

/// Parameters by name.
pub type Params = BTreeMap<String, String>;

/// The parameters of the rules, picked from wherever a SmartModule is given its own.
pub fn module_params(get: impl Fn(&str) -> Option<String>) -> Params {
    [
        PARAM_CANDIDATES,
        PARAM_DEFINITION,
        PARAM_POLLS_OPEN,
        PARAM_POLLS_CLOSE,
        PARAM_CREDENTIAL_KEY,
    ]
    .into_iter()
    .filter_map(|name| Some((name.to_owned(), get(name)?)))
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
