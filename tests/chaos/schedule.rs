//! What happens to an election, drawn from a seed: the same seed, the same schedule.

use std::fmt;
use std::time::Duration;

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

/// Attempts that are disturbed, before one that is not.
const MOST_FAULTS: usize = 3;

/// Deltas that are waited for at most: a little more than there are in a run.
const MOST_DELTAS: usize = 60;

/// Milliseconds that are waited for at most: some more than a start takes.
const LONGEST_START_MS: u64 = 700;

/// Where the election's rows are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Postgres {
    Embedded,
    Server,
}

/// When something happens to a running command.
#[derive(Debug, Clone, Copy)]
pub enum Moment {
    /// After this time, whatever it does.
    After(Duration),
    /// When it has counted so many batches, and a little later.
    Counted(usize, Duration),
}

/// How the end of the log is damaged.
#[derive(Debug, Clone, Copy)]
pub enum Damage {
    /// The last bytes were never written.
    Cut(usize),
    /// They were allocated, and are zero.
    Zeroed(usize),
    /// So many bytes before the end, one is another.
    Garbled(usize),
}

/// What happens in one attempt to hold the election.
#[derive(Debug, Clone)]
pub enum Fault {
    /// `kill -9`.
    Killed(Moment),
    /// `kill -9` at a named point, the n-th time it is passed.
    KilledAt { point: &'static str, passed: u32 },
    /// A failure at a named point that is over at the next try; the process goes on by itself.
    PassesAt { point: &'static str, passed: u32 },
    /// From the n-th batch on, the disk is full.
    DiskFull { passed: u32 },
    /// `kill -9`, and the log's end is not what was written.
    TornEnd(Moment, Damage),
    /// The database is killed, and comes back.
    PostgresRestarted(Moment, Duration),
    /// All connections to it are cut, and refused for a while.
    PostgresCut(Moment, Duration),
    /// It hangs for a while.
    PostgresStalled(Moment, Duration),
    /// The SmartModule that counts traps.
    ModuleTraps,
    /// It takes all memory it can get.
    ModuleTakesAllMemory,
    /// The clock is set back after some readings.
    ClockSetBack { readings: u32, seconds: u64 },
    /// A second consumer is started for the same data directory.
    TwoConsumers(Moment),
}

/// Points that a process can be killed at.
const POINTS: [&str; 11] = [
    "log/append",
    "log/appended",
    "log/read",
    "store/copy",
    "store/copying",
    "store/commit",
    "store/committed",
    "consumer/reject",
    "consumer/checkpoint",
    "consumer/delta",
    "consumer/counted",
];

/// Points where what fails may pass: a database comes back, a stream is begun again.
const PASSING: [&str; 8] = [
    "store/copy",
    "store/copying",
    "store/commit",
    "store/committed",
    "consumer/reject",
    "consumer/checkpoint",
    "consumer/delta",
    "consumer/counted",
];

/// The faults of a seed, in order.
pub struct Schedule {
    pub faults: Vec<Fault>,
}

impl Schedule {
    pub fn of(seed: u64, postgres: Postgres) -> Schedule {
        let mut chance = StdRng::seed_from_u64(seed);
        let count = chance.random_range(1..=MOST_FAULTS);
        Schedule {
            faults: (0..count).map(|_| fault(&mut chance, postgres)).collect(),
        }
    }
}

fn fault(chance: &mut StdRng, postgres: Postgres) -> Fault {
    let kinds = match postgres {
        Postgres::Embedded => 9,
        Postgres::Server => 12,
    };
    match chance.random_range(0..kinds) {
        0 => Fault::Killed(moment(chance)),
        1 => Fault::KilledAt {
            point: POINTS[chance.random_range(0..POINTS.len())],
            passed: passed(chance),
        },
        2 => Fault::PassesAt {
            point: PASSING[chance.random_range(0..PASSING.len())],
            passed: passed(chance),
        },
        3 => Fault::DiskFull {
            passed: passed(chance),
        },
        4 => Fault::TornEnd(moment(chance), damage(chance)),
        5 => Fault::ModuleTraps,
        6 => Fault::ModuleTakesAllMemory,
        7 => Fault::ClockSetBack {
            // The first reading of each process is right.
            readings: passed(chance) + 1,
            seconds: chance.random_range(1..100_000),
        },
        8 => Fault::TwoConsumers(moment(chance)),
        9 => Fault::PostgresRestarted(moment(chance), away(chance)),
        10 => Fault::PostgresCut(moment(chance), away(chance)),
        _ => Fault::PostgresStalled(moment(chance), away(chance)),
    }
}

pub fn moment(chance: &mut StdRng) -> Moment {
    if chance.random_bool(0.3) {
        Moment::After(ms(chance, LONGEST_START_MS))
    } else {
        Moment::Counted(chance.random_range(1..MOST_DELTAS), ms(chance, 30))
    }
}

/// Early ones most of all, but now and then late.
fn passed(chance: &mut StdRng) -> u32 {
    let most = [3, 30, 300][chance.random_range(0..3)];
    chance.random_range(0..most)
}

fn damage(chance: &mut StdRng) -> Damage {
    let bytes = [20, 2_000, 200_000][chance.random_range(0..3)];
    let bytes = chance.random_range(1..bytes);
    match chance.random_range(0..3) {
        0 => Damage::Cut(bytes),
        1 => Damage::Zeroed(bytes),
        _ => Damage::Garbled(bytes),
    }
}

pub fn away(chance: &mut StdRng) -> Duration {
    ms(chance, 900)
}

fn ms(chance: &mut StdRng, most: u64) -> Duration {
    Duration::from_millis(chance.random_range(0..most))
}

impl fmt::Display for Schedule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (n, fault) in self.faults.iter().enumerate() {
            let then = if n == 0 { "" } else { ", then " };
            write!(f, "{then}{fault:?}")?;
        }
        Ok(())
    }
}
