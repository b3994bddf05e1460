//! From Kafka to Fluvio.

use std::collections::BTreeMap;

use bridge::BridgeConfig;
use platform::Platform;
use store::{Inbound, InboundPosition};
use wire::topics;

use crate::broker::Broker;
use crate::setting::{Running, Setting, from_kafka, to_kafka, vote};

async fn all(setting: &Setting, partitions: u32) -> Vec<(String, String)> {
    let mut records = Vec::new();
    for partition in 0..partitions {
        records.extend(setting.read(topics::VOTES, partition).await);
    }
    records
}

/// Until so many records of Kafka were read.
async fn read(running: &mut Running, records: i64) {
    running
        .until(|snapshot| {
            let partitions = snapshot.partitions.iter();
            let inbound = partitions.filter(|(place, _)| !place.to_kafka);
            inbound.map(|(_, at)| at.position).sum::<i64>() >= records
        })
        .await;
}

fn counted(records: Vec<(String, String)>) -> BTreeMap<(String, String), usize> {
    let mut counts = BTreeMap::new();
    for record in records {
        *counts.entry(record).or_default() += 1;
    }
    counts
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn records_get_their_voters_key_and_our_own_do_not_come_back() {
    let Some(broker) = Broker::start() else {
        return;
    };
    let setting = Setting::new(2).await;
    let topic = broker.topic("votes_in");
    broker.create(&topic, 2).await;
    let (one, two) = (vote("v1", "c1"), vote("v2", "c1"));
    broker
        .write(
            &topic,
            0,
            &[
                ("", &one, None),
                ("other", &two, None),
                ("k", "no vote", None),
                ("v9", &vote("v9", "c1"), Some("votes/0/7/a")),
                ("v1", &one, None),
            ],
        )
        .await;
    broker.write(&topic, 1, &[("", "neither", None)]).await;
    let mut config = BridgeConfig::new(&broker.bootstrap);
    config.links = vec![from_kafka(&topic, topics::VOTES)];
    let mut running = setting.begin(config.clone());
    read(&mut running, 6).await;
    running.stop().await;
    let expected = counted(
        [
            ("v1", &*one),
            ("v1", &one),
            ("v2", &two),
            ("k", "no vote"),
            ("", "neither"),
        ]
        .map(|(key, value)| (key.to_owned(), value.to_owned()))
        .into(),
    );
    assert_eq!(counted(all(&setting, 2).await), expected);
    // Nothing is read again.
    broker.write(&topic, 1, &[("", "later", None)]).await;
    let mut running = setting.begin(config);
    read(&mut running, 7).await;
    running.stop().await;
    assert_eq!(all(&setting, 2).await.len(), 6);
    // Where that began is noted: from there on its records would be looked for.
    let stored = setting.store.inbound(topics::VOTES, &topic).await.unwrap();
    assert_eq!(stored.fluvio_ends.iter().sum::<i64>(), 5, "{stored:?}");
    setting.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_batch_of_which_half_had_arrived_is_completed() {
    let Some(broker) = Broker::start() else {
        return;
    };
    let setting = Setting::new(2).await;
    let topic = broker.topic("votes_in");
    broker.create(&topic, 2).await;
    // The same vote twice within the batch, and once after it.
    let twice = vote("v1", "c1");
    let others: Vec<_> = (2..40).map(|n| vote(&format!("v{n}"), "c1")).collect();
    let mut records: Vec<_> = others.iter().map(|value| ("", &**value, None)).collect();
    records.insert(5, ("", &twice, None));
    records.insert(20, ("", &twice, None));
    let (first, second) = records.split_at(25);
    broker.write(&topic, 0, first).await;
    broker.write(&topic, 1, second).await;

    // As a bridge leaves it that was killed in the middle of a batch: stored, half of it written, and
    // between its records those of others.
    setting.produce(topics::VOTES, &[("v1", &twice)]).await;
    let mut ends = Vec::new();
    for partition in 0..2 {
        let end = setting.platform.end_offset(topics::VOTES, partition);
        ends.push(end.await.unwrap());
    }
    setting
        .store
        .add_inbound(topics::VOTES, &topic, 2)
        .await
        .unwrap();
    let under_way = Inbound {
        positions: [(0, 25), (1, 10)]
            .map(|(partition, batch_end)| InboundPosition {
                partition,
                next_offset: 0,
                batch_end,
            })
            .into(),
        fluvio_ends: ends,
    };
    setting
        .store
        .store_inbound(topics::VOTES, &topic, &under_way)
        .await
        .unwrap();
    // What had arrived is a prefix for each partition on Fluvio.
    let batch: Vec<_> = first.iter().chain(&second[..10]).collect();
    for (n, (_, value, _)) in batch.iter().enumerate() {
        let parsed: serde_json::Value = serde_json::from_str(value).unwrap();
        let voter = parsed["voter_id"].as_str().unwrap();
        let is_first = platform::partition_of(voter.as_bytes(), 2) == 0;
        if n < 12 || (is_first && n < 18) {
            setting.produce(topics::VOTES, &[(voter, value)]).await;
        }
        if n == 8 {
            setting.produce(topics::VOTES, &[("o", "another's")]).await;
        }
    }

    let mut config = BridgeConfig::new(&broker.bootstrap);
    config.links = vec![from_kafka(&topic, topics::VOTES)];
    // Killed as soon as it has begun, and begun again.
    let mut running = setting.begin(config.clone());
    read(&mut running, 35).await;
    running.kill().await;
    let mut running = setting.begin(config);
    read(&mut running, 40).await;
    running.stop().await;

    let counts = counted(all(&setting, 2).await);
    for (key, count) in &counts {
        let expected = if key.0 == "v1" { 3 } else { 1 };
        assert_eq!(*count, expected, "{key:?}");
    }
    assert_eq!(counts.len(), 38 + 2);
    let stored = setting.store.inbound(topics::VOTES, &topic).await.unwrap();
    assert!(!stored.is_under_way(), "{stored:?}");
    setting.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn kills_at_any_moment_lose_nothing_and_double_nothing() {
    let Some(broker) = Broker::start() else {
        return;
    };
    let setting = Setting::new(2).await;
    let topic = broker.topic("votes_in");
    let out = broker.topic("votes_out");
    broker.create(&topic, 3).await;
    let mut config = BridgeConfig::new(&broker.bootstrap);
    // In by one topic and out by another: what comes in goes out, and does not come back.
    config.links = vec![
        from_kafka(&topic, topics::VOTES),
        to_kafka(topics::VOTES, &out),
    ];
    const VOTES: usize = 3_000;
    let votes: Vec<_> = (0..VOTES).map(|n| vote(&format!("v{n}"), "c1")).collect();
    let write = async {
        for (n, votes) in votes.chunks(100).enumerate() {
            let records: Vec<_> = votes.iter().map(|value| ("", &**value, None)).collect();
            broker.write(&topic, (n % 3) as i32, &records).await;
        }
    };
    let kill = async {
        for round in 1..12 {
            let running = setting.begin(config.clone());
            // An odd moment, not a wait for something.
            tokio::time::sleep(std::time::Duration::from_millis(60 * round)).await;
            running.kill().await;
        }
    };
    tokio::join!(write, kill);
    let mut running = setting.begin(config);
    read(&mut running, VOTES as i64).await;
    running.done(&setting).await;
    running.stop().await;
    let counts = counted(all(&setting, 2).await);
    assert_eq!(counts.len(), VOTES);
    assert!(counts.values().all(|&count| count == 1));
    let on_kafka: Vec<_> = (0..2)
        .flat_map(|partition| broker.read(&out, partition))
        .map(|record| (record.key.unwrap_or_default(), record.value))
        .collect();
    assert_eq!(counted(on_kafka), counts);
    setting.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_batch_has_a_limit_however_much_there_is() {
    // Of bridge/src/kafka/reader.rs.
    const BATCH_RECORDS: i64 = 10_000;
    const VOTES: i64 = 60_000;
    let Some(broker) = Broker::start() else {
        return;
    };
    let setting = Setting::new(1).await;
    let topic = broker.topic("votes_in");
    broker.create(&topic, 1).await;
    let votes: Vec<_> = (0..VOTES).map(|n| n.to_string()).collect();
    let votes: Vec<_> = votes.iter().map(|vote| ("", &**vote, None)).collect();
    broker.write(&topic, 0, &votes).await;
    let mut config = BridgeConfig::new(&broker.bootstrap);
    config.links = vec![from_kafka(&topic, topics::VOTES)];
    let mut running = setting.begin(config);
    let mut largest = 0;
    let looking = async {
        loop {
            let stored = setting.store.inbound(topics::VOTES, &topic).await.unwrap();
            let noted = stored
                .positions
                .iter()
                .map(|at| at.batch_end - at.next_offset);
            largest = noted.max().max(Some(largest)).unwrap_or_default();
        }
    };
    tokio::select! {
        () = looking => {}
        () = read(&mut running, VOTES) => {}
    }
    running.stop().await;
    assert!(
        largest > BATCH_RECORDS / 2,
        "too few at once to tell: {largest}"
    );
    assert!(largest <= BATCH_RECORDS, "{largest} at once");
    setting.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn votes_of_a_transaction_wait_until_it_is_committed() {
    let Some(broker) = Broker::start() else {
        return;
    };
    let setting = Setting::new(1).await;
    let topic = broker.topic("votes_in");
    broker.create(&topic, 2).await;
    let transaction = broker.write_in_transaction(&topic, 0, "in a transaction");
    broker.write(&topic, 1, &[("", "in none", None)]).await;
    let mut config = BridgeConfig::new(&broker.bootstrap);
    config.links = vec![from_kafka(&topic, topics::VOTES)];
    let mut running = setting.begin(config);
    read(&mut running, 1).await;
    assert_eq!(
        all(&setting, 1).await,
        [(String::new(), "in none".to_owned())]
    );
    transaction.commit();
    read(&mut running, 2).await;
    running.stop().await;
    assert_eq!(all(&setting, 1).await.len(), 2);
    setting.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_behind_a_batch_is_not_taken_for_part_of_it() {
    let Some(broker) = Broker::start() else {
        return;
    };
    let setting = Setting::new(1).await;
    let topic = broker.topic("votes_in");
    broker.create(&topic, 1).await;
    // The offset of the commit has no record, as one that is deleted by its key has none.
    let transaction = broker.write_in_transaction(&topic, 0, "of the batch");
    transaction.commit();
    broker.write(&topic, 0, &[("", "behind it", None)]).await;
    let added = setting.store.add_inbound(topics::VOTES, &topic, 1);
    added.await.unwrap();
    let under_way = Inbound {
        positions: vec![InboundPosition {
            partition: 0,
            next_offset: 0,
            batch_end: 2,
        }],
        fluvio_ends: vec![0],
    };
    let stored = setting
        .store
        .store_inbound(topics::VOTES, &topic, &under_way);
    assert!(stored.await.unwrap());
    let mut config = BridgeConfig::new(&broker.bootstrap);
    config.links = vec![from_kafka(&topic, topics::VOTES)];
    let mut running = setting.begin(config);
    read(&mut running, 3).await;
    running.stop().await;
    let values = all(&setting, 1).await.into_iter().map(|(_, value)| value);
    assert_eq!(values.collect::<Vec<_>>(), ["of the batch", "behind it"]);
    setting.end().await;
}
