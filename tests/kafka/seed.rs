//! Chance that can be repeated.

use std::time::SystemTime;

use rand::SeedableRng;
use rand::rngs::StdRng;

/// Set to a seed that a failed run has printed, for the same delays again.
const SEED_VARIABLE: &str = "ELECTION_CRASH_SEED";

/// A generator, and the seed for messages.
pub fn chance() -> (StdRng, u64) {
    let seed = std::env::var(SEED_VARIABLE).map_or_else(
        |_| {
            let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
            now.unwrap().as_nanos() as u64
        },
        |seed| seed.parse().unwrap(),
    );
    eprintln!("{SEED_VARIABLE}={seed}");
    (StdRng::seed_from_u64(seed), seed)
}
