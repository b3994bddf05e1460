//! `kill -9` at any moment loses nothing and counts nothing twice: the same command goes on.

use std::collections::BTreeMap;
use std::time::{Duration, Instant, SystemTime};

use crate::support::{
    DataDir, Process, assert_adds_up, assert_same, number, rejected_total, without_elapsed,
};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

const DEMO: &[&str] = &[
    "demo",
    "--voters",
    "4000",
    "--invalid",
    "0.05",
    "--duplicates",
    "0.05",
    "--once",
    "--json",
    "--port",
    "0",
];
const POINTS: u32 = 10;
/// Kills are spread over this many times the undisturbed duration.
const SPREAD: f64 = 1.3;
/// Set to a seed that a failed run has printed, for the same delays again.
const SEED_VARIABLE: &str = "ELECTION_CRASH_SEED";

fn seed() -> u64 {
    std::env::var(SEED_VARIABLE).map_or_else(
        |_| {
            let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
            now.unwrap().as_nanos() as u64
        },
        |seed| seed.parse().unwrap(),
    )
}

#[test]
fn a_killed_demo_ends_with_the_numbers_of_an_undisturbed_one() {
    let seed = seed();
    eprintln!("{SEED_VARIABLE}={seed}");
    let mut rng = StdRng::seed_from_u64(seed);

    let undisturbed = DataDir::new();
    let began = Instant::now();
    let expected = without_elapsed(undisturbed.run(DEMO).succeeds().json());
    let duration = began.elapsed();
    assert_adds_up(&expected);
    eprintln!("undisturbed: {duration:?}");

    let mut killed = 0;
    for point in 0..POINTS {
        let data = DataDir::new();
        // One random moment in each tenth of the time. At every third point, the run that goes on
        // is killed as well.
        let tenth = (f64::from(point) + rng.random::<f64>()) / f64::from(POINTS);
        let mut delays = vec![duration.mul_f64(SPREAD * tenth)];
        if point % 3 == 1 {
            delays.push(duration.mul_f64(rng.random()));
        }
        for &delay in &delays {
            killed += u32::from(data.start(DEMO).kill_after(delay));
        }
        let what = format!("killed after {delays:?} (seed {seed})");
        eprintln!("{what}");
        let resumed = without_elapsed(data.run(DEMO).succeeds().json());
        assert_same(&expected, &resumed, &what);
        data.run(&["audit"]).succeeds();
        assert_same(&expected, &data.results(), &what);
    }
    assert!(killed >= POINTS / 2, "only {killed} were killed");
}

#[test]
fn killed_again_and_again_it_still_gets_there() {
    let expected = without_elapsed(DataDir::new().run(DEMO).succeeds().json());
    let data = DataDir::new();
    let mut delay = Duration::from_millis(20);
    // Each attempt may live longer than the one before, until one gets to the end.
    while data.start(DEMO).kill_after(delay) {
        delay = delay.mul_f64(1.6);
    }
    let report = without_elapsed(data.run(DEMO).succeeds().json());
    assert_same(&expected, &report, "killed again and again");
    data.run(&["audit"]).succeeds();
}

#[test]
fn stopped_in_order_it_says_so_and_the_same_command_goes_on() {
    let expected = without_elapsed(DataDir::new().run(DEMO).succeeds().json());
    let data = DataDir::new();
    // Slow enough to be stopped in the middle: when the first votes are counted.
    let mut command = data.command(&[DEMO, &["--rate", "200"]].concat());
    command.env("RUST_LOG", "consumer=trace");
    let mut slow = Process::spawn(command);
    slow.wait_for_stderr("next_offset");
    slow.terminate();
    let stopped = slow.wait().ends_with(1);
    let way_on = "Stopped before every vote was counted. Run the same command again";
    assert!(stopped.stderr.contains(way_on), "{}", stopped.stderr);
    assert_eq!(stopped.stdout, "");
    // What is counted by then is stored.
    let mut counted = BTreeMap::new();
    for line in stopped.stderr.lines() {
        let field = |name: &str| -> Option<u64> {
            let (_, rest) = line.split_once(name)?;
            let digits = rest.split(|c: char| !c.is_ascii_digit()).next()?;
            digits.parse().ok()
        };
        if let (Some(partition), Some(offset)) = (field("partition="), field("next_offset=")) {
            counted.insert(partition, offset);
        }
    }
    let stored = data.results();
    assert_eq!(
        number(&stored, "counted") + rejected_total(&stored),
        counted.values().sum::<u64>()
    );
    let report = without_elapsed(data.run(DEMO).succeeds().json());
    assert_same(&expected, &report, "stopped and run again");
    data.run(&["audit"]).succeeds();
}

#[test]
fn a_first_start_that_was_cut_short_does_not_stop_the_next() {
    let data = DataDir::new();
    let postgres = data.path().join("postgres");
    // What a process leaves that is killed while it makes the log, unpacks the database, and makes
    // its notes.
    let log = data.path().join("log.new");
    std::fs::create_dir_all(log.join("keyspaces")).unwrap();
    std::fs::write(log.join("0.jnl"), [0; 1000]).unwrap();
    let unpacking = postgres.join("unpacking/cluster/global");
    std::fs::create_dir_all(&unpacking).unwrap();
    std::fs::write(unpacking.join("pg_control"), "torn").unwrap();
    let root = postgres.join("tmp/pglite");
    std::fs::create_dir_all(&root).unwrap();
    std::fs::write(root.join(".pglite-oxide-runtime-layout.json"), "").unwrap();

    let report = data.run(DEMO).succeeds().json();
    assert_adds_up(&report);
    data.run(&["audit"]).succeeds();
    // Every file of the database is its own: none is copied, non-atomically, at its first change.
    let cluster = root.join("base");
    assert!(!cluster.join(".pglite-oxide-pgdata-overlay.json").exists());
    let pg_amop = std::fs::metadata(cluster.join("base/1/2602")).unwrap();
    assert!(pg_amop.len() > 0, "a catalog that nothing changes is there");
    assert!(!postgres.join("unpacking").exists() && !log.exists());
}
