//! One bridge at a time carries an election's records.

use bridge::{BridgeConfig, Snapshot};
use wire::topics;

use crate::broker::Broker;
use crate::setting::{LIMIT, Setting, from_kafka, to_kafka, vote};

/// What waiting for the other bridge is called.
const ONLY_BRIDGE: &str = "being the only bridge";

fn waits(snapshot: &Snapshot) -> bool {
    let problem = snapshot.problems.get(ONLY_BRIDGE);
    problem.is_some_and(|problem| problem.contains("another bridge runs"))
}

/// Records of Kafka that are read.
fn read(snapshot: &Snapshot) -> i64 {
    let partitions = snapshot.partitions.iter();
    let inbound = partitions.filter(|(place, _)| !place.to_kafka);
    inbound.map(|(_, at)| at.position).sum()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_second_bridge_waits_and_goes_on_where_the_first_ended() {
    let (Some(broker), Some(mut setting)) = (Broker::start(), Setting::on_a_server(1).await) else {
        return;
    };
    let (topic, out) = (broker.topic("votes_in"), broker.topic("votes_out"));
    broker.create(&topic, 1).await;
    let mut config = BridgeConfig::new(&broker.bootstrap);
    config.links = vec![
        from_kafka(&topic, topics::VOTES),
        to_kafka(topics::VOTES, &out),
    ];
    let votes: Vec<_> = (0..30).map(|n| vote(&format!("v{n}"), "c1")).collect();
    let write = async |votes: &[String]| {
        let records: Vec<_> = votes.iter().map(|vote| ("", &**vote, None)).collect();
        broker.write(&topic, 0, &records).await;
    };

    let mut first = setting.begin(config.clone());
    write(&votes[..10]).await;
    first.until(|snapshot| read(snapshot) == 10).await;
    let mut second = setting.begin(config);
    second.until(waits).await;
    first.done(&setting).await;
    assert!(second.progress.watch().borrow().partitions.is_empty());

    // Which of them is the bridge then is open, and that it is one.
    setting.restart_server().await;
    first
        .until(|snapshot| snapshot.problems.contains_key(ONLY_BRIDGE))
        .await;
    write(&votes[10..20]).await;
    let (of_first, of_second) = (first.progress.clone(), second.progress.clone());
    let (mut of_first, mut of_second) = (of_first.watch(), of_second.watch());
    let either = async {
        tokio::select! {
            so = of_first.wait_for(|snapshot| read(snapshot) == 20) => drop(so.unwrap()),
            so = of_second.wait_for(|snapshot| read(snapshot) == 20) => drop(so.unwrap()),
        }
    };
    tokio::time::timeout(LIMIT, either).await.unwrap();
    first.stop().await;
    write(&votes[20..]).await;
    second.until(|snapshot| read(snapshot) == 30).await;
    second.done(&setting).await;
    second.stop().await;

    let values = |records: Vec<String>| {
        let mut values = records;
        values.sort();
        values
    };
    let expected = values(votes);
    let here = setting.read(topics::VOTES, 0).await;
    assert_eq!(
        values(here.into_iter().map(|(_, value)| value).collect()),
        expected
    );
    let there = broker.read(&out, 0);
    assert_eq!(
        values(there.into_iter().map(|record| record.value).collect()),
        expected
    );
    setting.end().await;
}
