//! Positions that do not fit the topics of the two sides: the bridge refuses to continue.

use bridge::BridgeError;
use rdkafka::mocking::MockCluster;
use service::whole_log::WholeLogError;
use store::{Inbound, InboundPosition, IngestVoters};
use wire::topics;

use crate::broker::Broker;
use crate::setting::{Setting, config, from_kafka, to_kafka, vote};

/// Of librdkafka's own cluster, a partition keeps the last 5 MB: of records of this size, the last five.
const LARGE: usize = 900_000;

/// A broker with a topic of so many partitions, and an election beside it. `None` where there is no broker.
async fn set_up(topic: &str, partitions: i32) -> Option<(Broker, Setting, String)> {
    let broker = Broker::start()?;
    let topic = broker.topic(topic);
    broker.create(&topic, partitions).await;
    Some((broker, Setting::new(1).await, topic))
}

/// Notes how far a topic on Kafka is read into `votes`: by partition, the next offset and the end of the batch
/// that was being written, before which the partitions of `votes` ended there.
async fn note(setting: &Setting, kafka: &str, positions: &[(u32, i64, i64)], fluvio_ends: &[i64]) {
    let inbound = Inbound {
        positions: positions
            .iter()
            .map(|&(partition, next_offset, batch_end)| InboundPosition {
                partition,
                next_offset,
                batch_end,
            })
            .collect(),
        fluvio_ends: fluvio_ends.to_vec(),
    };
    let (store, partitions) = (&setting.store, positions.len() as u32);
    let add = store.add_inbound(topics::VOTES, kafka, partitions);
    add.await.unwrap();
    let stored = store.store_inbound(topics::VOTES, kafka, &inbound).await;
    assert!(stored.unwrap());
}

/// The end of a mark: which election it is of.
async fn election(setting: &Setting) -> String {
    let opened_at = setting.store.election_opened_at().await.unwrap();
    format!("{:x}", opened_at.unwrap().timestamp_micros())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_topic_on_kafka_that_ends_before_what_was_read_is_refused() {
    let Some(broker) = Broker::start() else {
        return;
    };
    let setting = Setting::new(1).await;
    for (name, noted, refused) in [
        ("read", &[(0, 5, 5), (1, 0, 0)][..], (0, 5, 3)),
        ("under_way", &[(0, 2, 4), (1, 0, 0)], (0, 4, 3)),
        (
            "with_one_more",
            &[(0, 3, 3), (1, 0, 0), (2, 4, 4)],
            (2, 4, 0),
        ),
    ] {
        let topic = broker.topic(name);
        broker.create(&topic, 2).await;
        let votes = ["v1", "v2", "v3"].map(|voter| vote(voter, "c1"));
        let records = votes.each_ref().map(|vote| ("", &**vote, None));
        broker.write(&topic, 0, &records).await;
        note(&setting, &topic, noted, &[]).await;
        let error = setting
            .begin(config(&broker, from_kafka(&topic, topics::VOTES)))
            .error()
            .await;
        let BridgeError::KafkaBehindStore {
            partition,
            next,
            end,
            ..
        } = error
        else {
            panic!("{name}: {error}");
        };
        assert_eq!((partition, next, end), refused, "{name}");
    }
    assert_eq!(setting.read(topics::VOTES, 0).await, []);
    setting.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_log_that_ends_before_what_was_written_to_it_is_refused() {
    let Some((broker, setting, topic)) = set_up("votes_in", 1).await else {
        return;
    };
    let one = vote("v1", "c1");
    setting.produce(topics::VOTES, &[("v1", &one)]).await;
    broker
        .write(&topic, 0, &[("", &one, None), ("", &one, None)])
        .await;
    note(&setting, &topic, &[(0, 0, 2)], &[7]).await;
    let error = setting
        .begin(config(&broker, from_kafka(&topic, topics::VOTES)))
        .error()
        .await;
    let BridgeError::LogBehindStore { end, stored, .. } = error else {
        panic!("{error}");
    };
    assert_eq!((end, stored), (1, 7));
    assert_eq!(setting.read(topics::VOTES, 0).await.len(), 1);
    setting.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn to_a_log_that_lost_what_is_persisted_nothing_is_appended() {
    let Some((broker, setting, topic)) = set_up("votes_in", 1).await else {
        return;
    };
    let one = vote("v1", "c1");
    broker.write(&topic, 0, &[("", &one, None)]).await;
    let persisted = IngestVoters {
        partition: 0,
        lease: None,
        base_offset: 0,
        next_offset: 1,
        voters: &[ballot::Voter::default()],
        rejected: &[],
        batch_hash: evidence::BatchHasher::default().finish(),
    };
    setting.store.ingest_voters(persisted).await.unwrap();
    let error = setting
        .begin(config(&broker, from_kafka(&topic, topics::VOTES)))
        .error()
        .await;
    let BridgeError::WholeLog(WholeLogError::Behind(lost)) = error else {
        panic!("{error}");
    };
    assert_eq!((lost.topic, lost.end, lost.stored), ("voters", 0, 1));
    assert_eq!(setting.read(topics::VOTES, 0).await, []);
    setting.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_another_bridge_has_read_is_not_written_again() {
    let Some((broker, setting, topic)) = set_up("votes_in", 1).await else {
        return;
    };
    let (one, two) = (vote("v1", "c1"), vote("v2", "c1"));
    broker.write(&topic, 0, &[("", &one, None)]).await;
    let mut running = setting.begin(config(&broker, from_kafka(&topic, topics::VOTES)));
    running
        .until(|snapshot| snapshot.partitions.values().any(|at| at.position == 1))
        .await;
    note(&setting, &topic, &[(0, 9, 9)], &[1]).await;
    broker.write(&topic, 0, &[("", &two, None)]).await;
    let error = running.error().await;
    assert!(
        matches!(error, BridgeError::PositionMoved { .. }),
        "{error}"
    );
    assert_eq!(setting.read(topics::VOTES, 0).await.len(), 1);
    setting.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_vote_that_fluvio_does_not_take_is_left_behind_on_kafka() {
    let Some((broker, setting, topic)) = set_up("votes_in", 2).await else {
        return;
    };
    let large = "x".repeat(platform::embedded::MAX_RECORD_BYTES + 1);
    broker
        .write(
            &topic,
            1,
            &[
                ("", "1", None),
                ("", "2", None),
                ("", &large, None),
                ("", "4", None),
            ],
        )
        .await;
    for _ in 0..2 {
        let config = config(&broker, from_kafka(&topic, topics::VOTES));
        let mut running = setting.begin(config);
        running.done(&setting).await;
        running.stop().await;
        let votes = setting.read(topics::VOTES, 0).await;
        let votes: Vec<_> = votes.iter().map(|(_, vote)| &**vote).collect();
        assert_eq!(votes, ["1", "2", "4"]);
        let (letters, all) = setting.store.dead_letters(10).await.unwrap();
        assert_eq!(all, 1);
        assert_eq!(letters[0].key(), format!("{topic}/votes/1/2"));
    }
    setting.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_topic_on_kafka_that_has_what_the_log_does_not_is_refused() {
    let Some((broker, setting, topic)) = set_up("voters_out", 1).await else {
        return;
    };
    setting.produce(topics::VOTERS, &[("a", "1")]).await;
    let mark = format!("voters/0/41/-1/{}", election(&setting).await);
    broker.write(&topic, 0, &[("x", "x", Some(&mark))]).await;
    let error = setting
        .begin(config(&broker, to_kafka(topics::VOTERS, &topic)))
        .error()
        .await;
    let BridgeError::AheadOfLog { marked, end, .. } = error else {
        panic!("{error}");
    };
    assert_eq!((marked, end), (42, 1));
    setting.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn marks_of_other_topics_and_partitions_are_none_of_its_own() {
    let Some((broker, setting, topic)) = set_up("voters_out", 1).await else {
        return;
    };
    let election = election(&setting).await;
    let others = [
        format!("votes/0/41/-1/{election}"),
        format!("voters/1/41/-1/{election}"),
    ];
    let records = others.each_ref().map(|mark| ("x", "x", Some(&**mark)));
    broker.write(&topic, 0, &records).await;
    let its_own = format!("voters/0/41/-1/{election}");
    let copied = [&*its_own, &others[0]];
    broker.write_copied(&topic, 0, "y", &copied).await;
    setting.produce(topics::VOTERS, &[("a", "1")]).await;
    let mut running = setting.begin(config(&broker, to_kafka(topics::VOTERS, &topic)));
    running.done(&setting).await;
    running.stop().await;
    let values: Vec<_> = broker.read(&topic, 0);
    let values: Vec<_> = values.iter().map(|record| &*record.value).collect();
    assert_eq!(values, ["x", "x", "y", "1"]);
    setting.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hole_is_as_it_should_be_only_where_the_newest_of_each_key_is_kept() {
    let Some(broker) = Broker::start() else {
        return;
    };
    let setting = Setting::new(1).await;
    let election = election(&setting).await;
    let aggregates = topics::VOTES_PER_CANDIDATE;
    for fluvio in [aggregates, topics::VOTERS] {
        let topic = broker.topic(&format!("{fluvio}.out"));
        broker.create(&topic, 1).await;
        let mark = format!("{fluvio}/0/1/0/{election}");
        broker.write(&topic, 0, &[("k", "2", Some(&mark))]).await;
        let records = [("k", "1"), ("k", "2"), ("k", "3")];
        setting.produce(fluvio, &records).await;
        let mut running = setting.begin(config(&broker, to_kafka(fluvio, &topic)));
        if fluvio == aggregates {
            running.done(&setting).await;
            running.stop().await;
            let there = broker.read(&topic, 0);
            let there: Vec<_> = there.iter().map(|record| &*record.value).collect();
            assert_eq!(there, ["2", "3"]);
        } else {
            let error = running.error().await;
            assert!(
                matches!(error, BridgeError::Hole { missing: 0, .. }),
                "{error}"
            );
        }
    }
    setting.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hole_is_seen_behind_which_others_were_sent() {
    let Some((broker, setting, topic)) = set_up("voters_out", 1).await else {
        return;
    };
    let election = election(&setting).await;
    for (offset, before) in [(0, -1), (2, 1), (3, 2), (4, 3)] {
        let mark = format!("voters/0/{offset}/{before}/{election}");
        // A batch each.
        broker.write(&topic, 0, &[("k", "v", Some(&mark))]).await;
    }
    setting.produce(topics::VOTERS, &[("k", "v"); 6]).await;
    let error = setting
        .begin(config(&broker, to_kafka(topics::VOTERS, &topic)))
        .error()
        .await;
    assert!(
        matches!(error, BridgeError::Hole { missing: 1, .. }),
        "{error}"
    );
    setting.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn where_kafka_has_deleted_records_nothing_is_passed_over() {
    let mock = MockCluster::new(1).unwrap();
    mock.create_topic("old", 1, 1).unwrap();
    let broker = Broker::at(&mock.bootstrap_servers());
    let values = (0..10).map(|n| format!("{n} {}", "x".repeat(LARGE)));
    let values: Vec<_> = values.collect();
    let records: Vec<_> = values.iter().map(|value| ("", &**value, None)).collect();
    broker.write("old", 0, &records).await;
    let left = broker.read("old", 0).len() as i64;
    let deleted = records.len() as i64 - left;
    assert!(deleted > 2, "only {deleted} are deleted");

    let setting = Setting::new(1).await;
    // Never read: it begins where the topic does.
    let mut running = setting.begin(config(&broker, from_kafka("old", topics::VOTES)));
    running
        .until(|snapshot| snapshot.partitions.values().any(|at| at.position == 10))
        .await;
    running.stop().await;
    assert_eq!(setting.read(topics::VOTES, 0).await.len() as i64, left);
    setting.store.clear().await.unwrap();
    crate::setting::open(&setting.store).await;

    note(&setting, "old", &[(0, 1, 1)], &[]).await;
    let error = setting
        .begin(config(&broker, from_kafka("old", topics::VOTES)))
        .error()
        .await;
    let BridgeError::RecordsDeleted { next, begin, .. } = error else {
        panic!("{error}");
    };
    assert_eq!((next, begin), (1, deleted));

    // Nor is it known there what was sent before.
    setting.produce(topics::VOTERS, &[("a", "1")]).await;
    let error = setting
        .begin(config(&broker, to_kafka(topics::VOTERS, "old")))
        .error()
        .await;
    assert!(matches!(error, BridgeError::PositionLost { .. }), "{error}");
    setting.end().await;
}
