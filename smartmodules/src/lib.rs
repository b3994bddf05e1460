//! The election's SmartModules as WebAssembly, built from the crates beside this one.
//!
//! The same bytes run in the embedded engine and, deployed with the `fluvio` CLI, on a cluster.

#![deny(missing_docs)]
#![forbid(unsafe_code)]

/// A compiled SmartModule.
#[derive(Debug, Clone, Copy)]
pub struct SmartModule {
    /// The name it is deployed under.
    pub name: &'static str,
    /// What it does, in a line.
    pub summary: &'static str,
    /// The WebAssembly.
    pub wasm: &'static [u8],
}

macro_rules! embedded {
    ($name:literal) => {
        include_bytes!(concat!(env!("OUT_DIR"), "/", $name, ".wasm"))
    };
}

/// Passes valid votes, or (`mode=rejected`) the others with their reason.
pub const VOTE_FILTER: SmartModule = SmartModule {
    name: "vote-filter",
    summary: "passes valid votes; with mode=rejected the others, with their reason",
    wasm: embedded!("vote-filter"),
};

/// Joins the candidate's fields into the vote.
pub const VOTE_ENRICH: SmartModule = SmartModule {
    name: "vote-enrich",
    summary: "joins the candidate's fields into the vote",
    wasm: embedded!("vote-enrich"),
};

/// Validates, drops duplicates and counts: one delta a batch.
pub const VOTE_TALLY: SmartModule = SmartModule {
    name: "vote-tally",
    summary: "validates, drops duplicates and counts: one delta a batch",
    wasm: embedded!("vote-tally"),
};

/// Running total per candidate, one output a vote.
pub const VOTES_PER_CANDIDATE: SmartModule = SmartModule {
    name: "votes-per-candidate",
    summary: "running total per candidate, one output a vote",
    wasm: embedded!("votes-per-candidate"),
};

/// Running total per location, one output a vote.
pub const TURNOUT_BY_LOCATION: SmartModule = SmartModule {
    name: "turnout-by-location",
    summary: "running total per location, one output a vote",
    wasm: embedded!("turnout-by-location"),
};

/// Every SmartModule of the election.
pub const ALL: [SmartModule; 5] = [
    VOTE_FILTER,
    VOTE_ENRICH,
    VOTE_TALLY,
    VOTES_PER_CANDIDATE,
    TURNOUT_BY_LOCATION,
];
