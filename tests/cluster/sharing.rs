//! Several consumers share the partitions: who is killed is replaced within seconds, who is stopped hands
//! over at once.

use std::time::Duration;

use crate::cluster::consumers::{Consumer, DEADLINE, wait_until_accounted, wait_until_shared};
use crate::cluster::installation::Installation;
use crate::support::{assert_adds_up, number};

const PARTITIONS: usize = 4;
const VOTERS: u64 = 12_000;
/// Slow enough that votes come in until the last consumer has taken over. The rest is cast flat out.
const RATE: u64 = 200;
/// By when a dead consumer's partitions are another's.
const TAKEN_OVER: Duration = Duration::from_secs(10);
/// By when one's are that has ended in order: well before its leases run out, which takes five seconds.
const HANDED_OVER: Duration = Duration::from_secs(3);

#[test]
fn two_consumers_share_the_partitions_and_stand_in_for_each_other() {
    let Some(installation) = Installation::start() else {
        return;
    };
    let producer = |args: &str| installation.run("producer", args).succeeds();
    producer(&format!("init --partitions {PARTITIONS}"));
    producer(&format!("voters --voters {VOTERS}"));
    let mut one = Consumer::start(&installation, "one");
    let mut other = Consumer::start(&installation, "other");
    wait_until_shared(&mut one, &mut other, PARTITIONS);
    let mut casting = installation.spawn("producer", &format!("votes --rate {RATE}"));

    other.kill();
    let (_, took) = one.wait_until_it_owns(PARTITIONS, TAKEN_OVER);
    eprintln!("taken over after {took:?}");
    let mut other = Consumer::start(&installation, "other");
    wait_until_shared(&mut one, &mut other, PARTITIONS);

    one.terminate();
    let stopped = one.wait().succeeds().stderr;
    let (_, took) = other.wait_until_it_owns(PARTITIONS, HANDED_OVER);
    eprintln!("handed over {took:?} after its end");
    assert_eq!(figure(&stopped, "counted="), figure(&stopped, "stored="));
    assert!(casting.is_running(), "votes came in all the time");
    casting.terminate();
    let stopped = casting.wait();
    stopped.refused(
        1,
        &["stopped before it was done", "the same command goes on"],
    );

    let cast = producer("votes");
    let results = wait_until_accounted(&installation, figure(&cast.stderr, "in_log="));
    assert_adds_up(&results);
    assert_eq!(number(&results, "voters"), VOTERS);
    other.terminate();
    other.wait().succeeds();
    installation.run("election", "audit").succeeds();

    // Of one that ended in order nothing is left: the next need not wait.
    let mut next = Consumer::start(&installation, "next");
    next.wait_until_it_owns(PARTITIONS, DEADLINE);
    next.terminate();
    next.wait().succeeds();
}

/// A figure of the last line that has it.
#[track_caller]
fn figure(said: &str, name: &str) -> u64 {
    let (_, rest) = said
        .rsplit_once(&format!(" {name}"))
        .unwrap_or_else(|| panic!("no `{name}` in: {said}"));
    let digits = rest.split(|c: char| !c.is_ascii_digit()).next().unwrap();
    digits.parse().unwrap()
}
