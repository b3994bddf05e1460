//! Chaos: whatever happens while an election is held, it comes out as it would have, and the audit finds
//! nothing; or it is refused to go on, and the cause is named.
//!
//! Every seed is a schedule of faults. `CHAOS_SEEDS=200` runs as many of them, `CHAOS_SEED=17` that one
//! again: a seed that fails prints the command.

mod cluster;
mod modules;
mod schedule;
mod server;
mod trial;

use std::cell::LazyCell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Instant;

use crate::cluster::installation::Installation;
use crate::definition::{CITY_FILE, assert_city_adds_up};
use crate::support::{DataDir, assert_adds_up, without_elapsed};
use schedule::{Postgres, Schedule};
use serde_json::Value;
use server::Server;
use trial::{DEMO, Trial};

/// One seed, to see it again.
const SEED_VARIABLE: &str = "CHAOS_SEED";
/// How many seeds of each kind.
const SEEDS_VARIABLE: &str = "CHAOS_SEEDS";
/// As many as every change is tested with.
const SEEDS: u64 = 5;

/// Of how many seeds one has an election with several contests.
const CONTESTS_EVERY: u64 = 5;

/// Of how many seeds one is run on a cluster, too, where all takes longer.
const CLUSTER_EVERY: u64 = 10;

/// The seeds to be run, from the first of a kind.
fn seeds(first: u64) -> Vec<u64> {
    let number = |name| -> Option<u64> {
        let text = std::env::var(name).ok()?;
        Some(
            text.parse()
                .unwrap_or_else(|_| panic!("{name}: `{text}` is no number")),
        )
    };
    match number(SEED_VARIABLE) {
        Some(seed) => (first..=seed).step_by(2).filter(|&s| s == seed).collect(),
        None => (0..number(SEEDS_VARIABLE).map_or(SEEDS, |both| both.div_ceil(2)))
            .map(|n| first + 2 * n)
            .collect(),
    }
}

/// What an undisturbed run says.
fn undisturbed() -> Value {
    let report = without_elapsed(DataDir::new().run(DEMO).succeeds().json());
    assert_adds_up(&report);
    report
}

/// The same of an election with several contests.
fn undisturbed_city(demo: &[&str]) -> Value {
    let report = without_elapsed(DataDir::new().run(demo).succeeds().json());
    assert_city_adds_up(&report);
    report
}

fn run(first: u64, postgres: Postgres, server: Option<&Server>) {
    let seeds = seeds(first);
    if seeds.is_empty() {
        return;
    }
    let expected = undisturbed();
    let city = [DEMO, &["--definition", CITY_FILE]].concat();
    let expected_of_city = LazyCell::new(|| undisturbed_city(&city));
    try_each(&seeds, |seed| {
        let schedule = Schedule::of(seed, postgres);
        eprintln!("{SEED_VARIABLE}={seed}: {schedule}");
        let trial = match seed % CONTESTS_EVERY {
            0 => Trial::new(server, &city, &expected_of_city),
            _ => Trial::new(server, DEMO, &expected),
        };
        trial.run(&schedule);
    });
}

/// Runs all seeds, whichever of them fail; then says how each of those is run again.
fn try_each(seeds: &[u64], mut trial: impl FnMut(u64)) {
    let mut failed = Vec::new();
    for &seed in seeds {
        let began = Instant::now();
        // What is wrong is shown where it panics.
        if catch_unwind(AssertUnwindSafe(|| trial(seed))).is_err() {
            failed.push(format!(
                "again: {SEED_VARIABLE}={seed} cargo test --test system chaos"
            ));
        }
        eprintln!("{SEED_VARIABLE}={seed}: {:?}", began.elapsed());
    }
    assert!(failed.is_empty(), "{}", failed.join("\n"));
}

/// Even seeds.
#[test]
fn whatever_happens_the_numbers_are_the_same() {
    run(0, Postgres::Embedded, None);
}

/// Odd seeds.
#[test]
fn whatever_happens_the_numbers_are_the_same_on_a_postgres_server() {
    if let Some(server) = Server::start() {
        run(1, Postgres::Server, Some(&server));
    }
}

/// One in ten of the even seeds.
#[test]
fn whatever_is_killed_on_a_cluster_the_numbers_are_the_same() {
    let mut seeds = seeds(0);
    seeds.retain(|seed| seed % (2 * CLUSTER_EVERY) == 0 || std::env::var(SEED_VARIABLE).is_ok());
    if seeds.is_empty() {
        return;
    }
    let Some(mut installation) = Installation::start() else {
        return;
    };
    let expected = undisturbed();
    try_each(&seeds, |seed| {
        eprintln!("{SEED_VARIABLE}={seed}");
        cluster::run(seed, &mut installation, &expected);
    });
}
