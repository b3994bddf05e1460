//! What a consumer is to do.

use std::time::Duration;

use ballot::Params;
use manifest::Manifest;
use platform::ModuleCall;

/// The chain of the manifest that counts.
const TALLY_CHAIN: &str = "tally";
/// The SmartModule that counts, unless the manifest says otherwise.
const VOTE_TALLY: &str = "vote-tally";

/// What the consumer does.
#[derive(Debug, Clone)]
pub struct ConsumerConfig {
    /// Whether it counts, publishes the aggregates and stores the tallies.
    pub tally: bool,
    /// Whether it turns voters and votes into rows.
    pub persist: bool,
    /// The chain that counts, with the parameters that the election does not give itself.
    pub tally_chain: Vec<ModuleCall>,
    /// How to share the partitions with other consumers; without it this one owns all.
    pub sharing: Option<Sharing>,
}

impl Default for ConsumerConfig {
    fn default() -> Self {
        ConsumerConfig {
            tally: true,
            persist: true,
            tally_chain: vec![ModuleCall {
                module: VOTE_TALLY.into(),
                params: Params::new(),
            }],
            sharing: None,
        }
    }
}

impl ConsumerConfig {
    /// Everything, by the chain that the manifest names.
    pub fn of(manifest: &Manifest) -> ConsumerConfig {
        let default = ConsumerConfig::default();
        ConsumerConfig {
            tally_chain: (manifest.chain(TALLY_CHAIN, &Params::new()))
                .unwrap_or(default.tally_chain),
            ..default
        }
    }
}

/// How partitions are shared among the consumers of one database: each is one consumer's, by a lease.
#[derive(Debug, Clone)]
pub struct Sharing {
    /// The name of this consumer, which must be unique.
    pub member: String,
    /// After this much silence, other consumers take its partitions.
    pub time_to_live: Duration,
}

impl Sharing {
    /// With the usual time to live: long enough that a restart of the database costs no partition, and short
    /// enough that a dead consumer's partitions are taken over within ten seconds.
    ///
    /// A random number is added to the name, so that each run of a process has its own.
    pub fn named(name: &str) -> Self {
        Sharing {
            member: format!("{name}-{:08x}", rand::random::<u32>()),
            time_to_live: Duration::from_secs(5),
        }
    }
}
