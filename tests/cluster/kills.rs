//! `kill -9` of each process in turn, while votes are cast: every vote counts once, and what was not
//! killed goes on by itself.

use std::time::{Duration, SystemTime};

use rand::rngs::StdRng;
use rand::seq::SliceRandom;
use rand::{RngExt, SeedableRng};

use crate::cluster::consumers::{Consumer, wait_until_accounted, wait_until_shared};
use crate::cluster::installation::Installation;
use crate::support::{DataDir, assert_adds_up, assert_same, number, without_elapsed};

/// Set to a seed that a failed run has printed, for the same delays again.
const SEED_VARIABLE: &str = "ELECTION_CRASH_SEED";
const PARTITIONS: usize = 4;
const VOTERS: u64 = 14_000;
const VOTES: &str = "--invalid 0.05 --duplicates 0.05";
/// Slow enough that all are killed while votes are cast. The rest is cast flat out.
const RATE: u64 = 450;
/// How long all is well before a kill, and how long what is killed stays away: from and to.
const UP: (Duration, Duration) = (Duration::from_millis(500), Duration::from_millis(2_500));
const DOWN: (Duration, Duration) = (Duration::from_millis(10), Duration::from_millis(1_500));

#[derive(Debug, Clone, Copy)]
enum Victim {
    Spu,
    Controller,
    Postgres,
    Consumer,
    Producer,
}

fn seed() -> u64 {
    std::env::var(SEED_VARIABLE).map_or_else(
        |_| {
            let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
            now.unwrap().as_nanos() as u64
        },
        |seed| seed.parse().unwrap(),
    )
}

/// Lets some time pass, as the seed says. Nothing is waited for.
fn pass(rng: &mut StdRng, (from, to): (Duration, Duration)) {
    std::thread::sleep(rng.random_range(from..to));
}

#[test]
fn whatever_is_killed_every_vote_counts_once() {
    let Some(mut installation) = Installation::start() else {
        return;
    };
    let seed = seed();
    eprintln!("{SEED_VARIABLE}={seed}");
    let mut rng = StdRng::seed_from_u64(seed);
    let demo =
        format!("demo --voters {VOTERS} {VOTES} --partitions {PARTITIONS} --once --json --port 0");
    let demo: Vec<&str> = demo.split(' ').collect();
    let expected = without_elapsed(DataDir::new().run(&demo).succeeds().json());
    assert_adds_up(&expected);

    let producer = |args: &str| installation.run("producer", args).succeeds();
    producer(&format!("init --partitions {PARTITIONS}"));
    producer(&format!("voters --voters {VOTERS}"));
    let mut steady = Consumer::start(&installation, "steady");
    let mut killed = Consumer::start(&installation, "killed");
    wait_until_shared(&mut steady, &mut killed, PARTITIONS);

    let cast = format!("votes {VOTES} --rate {RATE}");
    let mut casting = installation.spawn("producer", &cast);
    let mut victims = [
        Victim::Spu,
        Victim::Controller,
        Victim::Postgres,
        Victim::Consumer,
        Victim::Producer,
    ];
    victims.shuffle(&mut rng);
    for victim in victims {
        pass(&mut rng, UP);
        assert!(casting.is_running(), "{victim:?} is killed too late");
        eprintln!("{victim:?} is killed");
        match victim {
            Victim::Spu => {
                installation.kill_spu();
                pass(&mut rng, DOWN);
                installation.start_spu();
            }
            Victim::Controller => {
                installation.kill_controller();
                pass(&mut rng, DOWN);
                installation.start_controller();
            }
            Victim::Postgres => {
                installation.kill_postgres();
                pass(&mut rng, DOWN);
                installation.start_postgres();
            }
            Victim::Consumer => {
                killed.kill();
                pass(&mut rng, DOWN);
                killed = Consumer::start(&installation, "killed");
            }
            Victim::Producer => {
                let said = casting.kill().stderr;
                eprintln!("killed, the producer had said:\n{said}");
                pass(&mut rng, DOWN);
                casting = installation.spawn("producer", &cast);
            }
        }
    }

    pass(&mut rng, UP);
    casting.terminate();
    let stopped = casting.wait().refused(1, &["stopped before it was done"]);
    eprintln!("stopped, the producer had said:\n{}", stopped.stderr);
    let cast = installation.run("producer", &format!("votes {VOTES}"));
    eprintln!("the producer had said:\n{}", cast.succeeds().stderr);
    let results = wait_until_accounted(&installation, number(&expected, "cast"));
    let what = format!("killed {victims:?} (seed {seed})");
    assert_same(&expected, &results, &what);
    steady.assert_running();
    wait_until_shared(&mut steady, &mut killed, PARTITIONS);
    for consumer in [steady, killed] {
        consumer.terminate();
        consumer.wait().succeeds();
    }
    installation.run("election", "audit").succeeds();
    assert_same(&expected, &installation.results(), &what);
}
