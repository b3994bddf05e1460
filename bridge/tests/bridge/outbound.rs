//! From Fluvio to Kafka.

use bridge::BridgeConfig;
use platform::{ModuleCall, Platform};
use wire::{DeadLetter, topics};

use crate::broker::{Broker, Record};
use crate::setting::{Setting, call, to_kafka, vote};

/// Each record once, in the partition of its number and in order.
async fn assert_carried(setting: &Setting, broker: &Broker, fluvio: &str, kafka: &str, p: u32) {
    let there = setting.read(fluvio, p).await;
    let here = broker.read(kafka, p as i32);
    assert_eq!(here.len(), there.len(), "{kafka} {p}");
    for (n, (here, (key, value))) in here.iter().zip(&there).enumerate() {
        assert_eq!(here.key.as_deref(), Some(&**key));
        assert_eq!(&here.value, value);
        let mark = here.mark.as_deref().unwrap();
        assert!(mark.starts_with(&format!("{fluvio}/{p}/{n}/")), "{mark}");
    }
}

async fn assert_all_carried(setting: &Setting, broker: &Broker, link: &bridge::Link) {
    let partitions = setting.platform.partitions(&link.fluvio).await.unwrap();
    for partition in 0..partitions {
        assert_carried(setting, broker, &link.fluvio, &link.kafka, partition).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_record_arrives_once_however_often_the_bridge_is_killed() {
    let Some(broker) = Broker::start() else {
        return;
    };
    let setting = Setting::new(2).await;
    let links: Vec<_> = [topics::VOTERS, topics::REJECTED_VOTES]
        .into_iter()
        .chain(topics::AGGREGATES)
        .map(|topic| to_kafka(topic, &broker.topic(&format!("{topic}.out"))))
        .collect();
    let mut config = BridgeConfig::new(&broker.bootstrap);
    config.links = links.clone();
    let produce = async |from: usize, to: usize| {
        for link in &links {
            let records: Vec<_> = (from..to)
                .map(|n| (format!("k{}", n % 100), format!("{} {n}", link.fluvio)))
                .collect();
            let records: Vec<_> = records.iter().map(|(k, v)| (&**k, &**v)).collect();
            setting.produce(&link.fluvio, &records).await;
        }
    };
    produce(0, 500).await;
    let mut running = setting.begin(config.clone());
    running.done(&setting).await;
    // Done is when the broker has it.
    for link in &links {
        assert_all_carried(&setting, &broker, link).await;
    }
    // Killed in the middle, several times.
    for round in 1..4 {
        produce(round * 500, round * 500 + 500).await;
        running.kill().await;
        running = setting.begin(config.clone());
        let some = 100 * round as i64;
        running
            .until(|snapshot| {
                let voters = snapshot
                    .partitions
                    .iter()
                    .filter(|(place, _)| place.topic == topics::VOTERS);
                voters.map(|(_, at)| at.position).sum::<i64>() > some
            })
            .await;
    }
    running.done(&setting).await;
    running.stop().await;
    // And once more, with nothing to do.
    let mut running = setting.begin(config.clone());
    running.done(&setting).await;
    running.stop().await;
    for link in &links {
        assert_all_carried(&setting, &broker, link).await;
        let policy = broker.setting(&link.kafka, "cleanup.policy").await;
        let is_aggregate = topics::AGGREGATES.contains(&&*link.fluvio);
        let expected = if is_aggregate { "compact" } else { "delete" };
        assert_eq!(policy.as_deref(), Some(expected), "{}", link.kafka);
    }
    // It tells how far it is.
    let told = setting.read(topics::PIPELINE, 0).await;
    assert!(
        told.iter()
            .any(|(key, value)| key.starts_with("bridge/voters/")
                && value.contains("\"direction\":\"to-kafka\"")),
        "{told:?}"
    );
    setting.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn votes_arrive_enriched_and_only_those_that_count() {
    arrive_enriched(vec![call("vote-enrich")]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn so_they_do_filtered_and_enriched_one_after_the_other() {
    arrive_enriched(vec![call("vote-filter"), call("vote-enrich")]).await;
}

async fn arrive_enriched(chain: Vec<ModuleCall>) {
    let Some(broker) = Broker::start() else {
        return;
    };
    let setting = Setting::new(1).await;
    let topic = broker.topic("votes_topic");
    let mut config = BridgeConfig::new(&broker.bootstrap);
    config.links = vec![bridge::Link {
        chain,
        ..to_kafka(topics::VOTES, &topic)
    }];
    let first = vote("v1", "c1");
    let second = vote("v2", "c1");
    setting
        .produce(
            topics::VOTES,
            &[
                ("v1", &first),
                ("v1", &first),
                ("x", &first),
                ("v3", &vote("v3", "nobody")),
                ("v4", "no vote"),
                ("v2", &second),
            ],
        )
        .await;
    let mut running = setting.begin(config.clone());
    running.done(&setting).await;
    let place_is_level = running.progress.watch().borrow().lag() == 0;
    assert!(place_is_level);
    running.kill().await;
    let third = vote("v5", "c1");
    setting
        .produce(topics::VOTES, &[("v2", &second), ("v5", &third)])
        .await;
    let mut running = setting.begin(config);
    running.done(&setting).await;
    running.stop().await;
    let records = broker.read(&topic, 0);
    let keys: Vec<_> = records.iter().map(|record| record.key.as_deref()).collect();
    assert_eq!(keys, [Some("v1"), Some("v2"), Some("v5")]);
    for Record { value, .. } in &records {
        let value: serde_json::Value = serde_json::from_str(value).unwrap();
        assert_eq!(value["candidate_name"], "Ada");
        assert_eq!(value["party_affiliation"], "Engines");
        assert_eq!(value["vote"], 1);
    }
    setting.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_topic_on_kafka_that_others_write_to_is_carried_to_all_the_same() {
    let Some(broker) = Broker::start() else {
        return;
    };
    let setting = Setting::new(1).await;
    let topic = broker.topic("shared");
    let mut config = BridgeConfig::new(&broker.bootstrap);
    config.links = vec![to_kafka(topics::VOTERS, &topic)];
    setting.produce(topics::VOTERS, &[("a", "1")]).await;
    let mut running = setting.begin(config.clone());
    running.done(&setting).await;
    running.stop().await;
    // More than are looked at first.
    let foreign: Vec<_> = (0..20_000).map(|n| n.to_string()).collect();
    let foreign: Vec<_> = foreign.iter().map(|value| ("x", &**value, None)).collect();
    broker.write(&topic, 0, &foreign).await;
    setting.produce(topics::VOTERS, &[("b", "2")]).await;
    // The second time, the last one is seen at once, and not the one before.
    for _ in 0..2 {
        let mut running = setting.begin(config.clone());
        running.done(&setting).await;
        running.stop().await;
    }
    let ours: Vec<_> = broker
        .read(&topic, 0)
        .into_iter()
        .filter(|record| record.mark.is_some())
        .map(|record| record.value)
        .collect();
    assert_eq!(ours, ["1", "2"]);
    setting.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_queue_is_waited_for_and_records_keep_their_time() {
    let Some(broker) = Broker::start() else {
        return;
    };
    let setting = Setting::new(1).await;
    let topic = broker.topic("voters_out");
    let mut config = BridgeConfig::new(&broker.bootstrap);
    config.links = vec![to_kafka(topics::VOTERS, &topic)];
    let room = ("queue.buffering.max.messages".into(), "10".into());
    config.properties.extend([room]);
    let records: Vec<_> = (0..500).map(|n| ("k", n.to_string())).collect();
    let records: Vec<_> = records
        .iter()
        .map(|(key, value)| (*key, &**value))
        .collect();
    setting.produce(topics::VOTERS, &records).await;
    let mut running = setting.begin(config);
    let mut problems = running.progress.watch();
    let has_problems = problems.wait_for(|snapshot| !snapshot.problems.is_empty());
    tokio::select! {
        () = running.done(&setting) => {}
        problem = has_problems => panic!("{:?}", problem.unwrap().problems),
    }
    running.stop().await;
    let here = setting.outputs(topics::VOTERS, 0).await;
    let there = broker.read(&topic, 0);
    let here: Vec<_> = here.iter().map(|record| Some(record.timestamp)).collect();
    let there: Vec<_> = there.iter().map(|record| record.timestamp).collect();
    assert_eq!(there, here);
    setting.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_record_that_is_too_large_for_the_topic_is_left_behind_and_the_others_are_there() {
    let Some(broker) = Broker::start() else {
        return;
    };
    let setting = Setting::new(1).await;
    let topic = broker.topic("voters_out");
    let limit = [("max.message.bytes", "2000")];
    broker.create_with(&topic, 1, &limit).await;
    let mut config = BridgeConfig::new(&broker.bootstrap);
    config.links = vec![to_kafka(topics::VOTERS, &topic)];
    let large = "x".repeat(2_000);
    let records = [("a", "1"), ("b", "2"), ("c", &large), ("d", "4")];
    setting.produce(topics::VOTERS, &records).await;
    // The second finds the dead letter noted.
    for _ in 0..2 {
        let mut running = setting.begin(config.clone());
        running.done(&setting).await;
        running.stop().await;
        let there = broker.read(&topic, 0);
        let there: Vec<_> = there.iter().map(|record| &*record.value).collect();
        assert_eq!(there, ["1", "2", "4"]);
        let (letters, all) = setting.store.dead_letters(10).await.unwrap();
        assert_eq!(all, 1);
        assert_eq!(letters[0].key(), format!("voters/{topic}/0/2"));
        assert_eq!(letters[0].bytes, 2_001);
        let published = setting.read(topics::DEAD_LETTERS, 0).await;
        let published: Vec<DeadLetter> = published
            .iter()
            .map(|(_, letter)| serde_json::from_str(letter).unwrap())
            .collect();
        assert_eq!(published, letters);
    }
    setting.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn transactions_of_others_hide_nothing() {
    let Some(broker) = Broker::start() else {
        return;
    };
    let setting = Setting::new(1).await;
    let topic = broker.topic("voters_out");
    broker.create(&topic, 1).await;
    let open = broker.write_in_transaction(&topic, 0, "another's");
    let mut config = BridgeConfig::new(&broker.bootstrap);
    config.links = vec![to_kafka(topics::VOTERS, &topic)];
    for voter in ["1", "2"] {
        setting.produce(topics::VOTERS, &[("k", voter)]).await;
        let mut running = setting.begin(config.clone());
        running.done(&setting).await;
        running.stop().await;
    }
    open.commit();
    let there = broker.read(&topic, 0);
    let there: Vec<_> = there.iter().map(|record| &*record.value).collect();
    assert_eq!(there, ["another's", "1", "2"]);
    setting.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_tells_how_far_it_is_and_that_kafka_is_gone() {
    let Some(mut broker) = Broker::start() else {
        return;
    };
    let setting = Setting::new(1).await;
    let mut config = BridgeConfig::new(&broker.bootstrap);
    config.links = vec![to_kafka(topics::VOTERS, &broker.topic("voters_out"))];
    let mut running = setting.begin(config);
    let voters = [("a", "1"), ("b", "2"), ("c", "3")];
    setting.produce(topics::VOTERS, &voters).await;
    running.done(&setting).await;
    if broker.kill() {
        setting.produce(topics::VOTERS, &voters).await;
        running
            .until(|snapshot| snapshot.lag() == 3 && snapshot.problems.contains_key("Kafka"))
            .await;
    }
    running.stop().await;
    let told = setting.read(topics::PIPELINE, 0).await;
    let told: Vec<_> = told
        .iter()
        .filter(|(key, _)| key.starts_with("bridge/voters/"))
        .map(|(_, value)| value)
        .collect();
    assert!(told[0] != told[told.len() - 1], "{told:?}");
    for pair in told.windows(2) {
        assert_ne!(pair[0], pair[1], "told twice");
    }
    setting.end().await;
}
