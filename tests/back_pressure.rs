//! A database that does not answer makes lag, not memory: casting and counting go on, what is to be
//! persisted stays in the log, and is persisted when the database answers again.
#![cfg(all(feature = "embedded", target_os = "linux"))]

use std::time::{Duration, Instant};

use crate::support::proxy::Proxy;
use crate::support::{DataDir, Database, Process, assert_adds_up, election, number};
use testing::TemporaryServer;

/// Large enough that they would show if they were kept in memory.
const VOTERS: u64 = 40_000;
const DEMO: &str = "demo --voters 40000 --once --json --port 0";
/// What the votes would take, did they wait in memory: the text of each is about this long.
const VOTE_BYTES: u64 = 500;
/// Differences between two runs that say nothing.
const NOISE_BYTES: u64 = 8 << 20;
/// Nothing that is waited for takes as long, not even unoptimised on a busy machine.
const DEADLINE: Duration = Duration::from_secs(150);
/// The pause between two looks.
const PAUSE: Duration = Duration::from_millis(50);

/// The most memory that a process has had so far.
fn peak(process: &Process) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", process.id())).unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM:"));
    let kib = line.and_then(|line| line.split_whitespace().nth(1));
    kib.unwrap().parse::<u64>().unwrap() << 10
}

/// Waits until all votes are counted.
fn wait_until_counted(process: &mut Process) {
    let mut counted = [0; 2];
    while counted.iter().sum::<u64>() < VOTERS {
        let line = process.wait_for_stderr("next_offset=");
        let field = |name: &str| -> u64 {
            let (_, rest) = line.split_once(name).unwrap();
            let digits = rest.split(|c: char| !c.is_ascii_digit()).next();
            digits.unwrap().parse().unwrap()
        };
        counted[field("partition=") as usize] = field("next_offset=");
    }
}

async fn votes_in(database: &Database) -> i64 {
    let count = "SELECT count(*) FROM votes";
    // Before the schema is there, it fails.
    let row = database.client.query_one(count, &[]).await;
    row.map_or(0, |row| row.get(0))
}

/// Holds the election; with `stalled`, the database does not answer from the first persisted votes on
/// until all votes are counted. Returns the most memory taken until then, and how many votes were rows.
async fn hold(stalled: bool) -> Option<(u64, i64)> {
    let server = TemporaryServer::start_or_skip().await?;
    let url = server.database_url();
    let port = url.rsplit_once(':').unwrap().1.split('/').next().unwrap();
    let proxy = Proxy::start();
    proxy.open(port.parse().unwrap());
    let data = DataDir::new();
    let mut demo = data.command(&DEMO.split(' ').collect::<Vec<_>>());
    let through_proxy = url.replace(port, &proxy.port().to_string());
    demo.args(["--database-url", &through_proxy]);
    // Undisturbed, it ends before the last line is read otherwise.
    demo.env("RUST_LOG", "warn,consumer=trace");
    let mut demo = Process::spawn(demo);
    let database = Database::server(&url).await;
    if stalled {
        let began = Instant::now();
        while votes_in(&database).await == 0 {
            assert!(demo.is_running() && began.elapsed() < DEADLINE);
            tokio::time::sleep(PAUSE).await;
        }
        proxy.stall();
    }
    let counted = tokio::task::spawn_blocking(move || {
        wait_until_counted(&mut demo);
        let peak = peak(&demo);
        (demo, peak)
    });
    let (demo, peak) = counted.await.unwrap();
    let persisted = votes_in(&database).await;
    proxy.resume();
    let report = demo.wait().succeeds().json();
    assert_adds_up(&report);
    assert_eq!(number(&report, "counted"), VOTERS);
    let audit = ["audit", "--database-url", &url];
    data.run(&audit).succeeds();
    database.close().await;
    Some((peak, persisted))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_does_not_answer_makes_lag_and_not_memory() {
    let (Some((undisturbed, _)), Some((stalled, persisted))) =
        (hold(false).await, hold(true).await)
    else {
        return;
    };
    eprintln!("at most {undisturbed} bytes undisturbed, {stalled} stalled; {persisted} rows then");
    let behind = VOTERS - persisted.unsigned_abs();
    assert!(behind > VOTERS / 2, "only {behind} votes were behind");
    let waiting = behind * VOTE_BYTES;
    assert!(
        stalled < undisturbed + waiting / 2 + NOISE_BYTES,
        "{stalled} bytes, {undisturbed} undisturbed, for {behind} votes that wait"
    );
}

#[test]
fn a_soak_says_whether_memory_is_flat() {
    let soak = [
        "bench",
        "soak",
        "--minutes",
        "0.1",
        "--rate",
        "2000",
        "--voters",
        "2000",
        "--json",
    ];
    let run = Process::spawn(election(&soak)).wait();
    let soak = run.succeeds().json();
    assert_eq!(soak["is_flat"], true, "{soak}");
    assert!(number(&soak, "votes_after_warm_up") > 0, "{soak}");
}
