//! What the bridge refuses, what it waits for, and what it says.

use bridge::{BridgeConfig, BridgeError, wait_for_broker};
use rdkafka::mocking::MockCluster;
use rdkafka::types::{RDKafkaApiKey, RDKafkaRespErr};
use testing::closed_port;
use tokio_util::sync::CancellationToken;
use wire::topics;

use crate::broker::{Broker, read};
use crate::setting::{LIMIT, Setting, call, from_kafka, open, to_kafka};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_loop_and_an_unfit_chain_are_refused_at_once() {
    let setting = Setting::new(1).await;
    let mut config = BridgeConfig::new("127.0.0.1:1");
    config.links = vec![
        to_kafka(topics::VOTES, "votes_topic"),
        from_kafka("votes_topic", topics::VOTES),
    ];
    let error = setting.begin(config.clone()).error().await;
    assert!(matches!(error, BridgeError::Loop { .. }), "{error}");

    config.links = vec![bridge::Link {
        chain: vec![call("vote-tally")],
        ..to_kafka(topics::VOTES, "votes_topic")
    }];
    let error = setting.begin(config).error().await;
    assert!(matches!(error, BridgeError::Chain { .. }), "{error}");
    setting.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_broker_that_is_not_there_is_waited_for() {
    let setting = Setting::new(1).await;
    let bootstrap = closed_port().to_string();
    let mut config = BridgeConfig::new(&bootstrap);
    config.links = vec![to_kafka(topics::VOTES, "votes_topic")];
    let mut running = setting.begin(config.clone());
    running
        .until(|snapshot| {
            let mut problems = snapshot.problems.values();
            problems.any(|problem| {
                problem.contains(&bootstrap) && problem.contains("cannot be reached")
            })
        })
        .await;
    running.stop().await;

    let stop = CancellationToken::new();
    let tell = |problem: Option<String>| {
        let problem = problem.unwrap();
        if problem.contains("cannot be reached") && problem.contains("Connection refused") {
            stop.cancel();
        }
    };
    let waiting = wait_for_broker(&config, tell, &stop);
    let is_up = tokio::time::timeout(LIMIT, waiting).await;
    assert!(!is_up.unwrap().unwrap());
    setting.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn settings_that_cannot_be_used_are_named() {
    let stop = CancellationToken::new();
    let refused = async |name: &str, value: &str| {
        let mut config = BridgeConfig::new("127.0.0.1:1");
        config.properties.insert(name.into(), value.into());
        wait_for_broker(&config, |_| {}, &stop).await.unwrap_err()
    };
    let error = refused("no.such.setting", "s3cret").await;
    assert!(error.is_usage(), "{error}");
    let text = error.to_string();
    assert!(text.contains("no.such.setting"), "{text}");
    assert!(!text.contains("s3cret"), "{text}");
    if !cfg!(feature = "tls") {
        for (name, value) in [
            ("security.protocol", "ssl"),
            ("ssl.ca.location", "/etc/ssl/ca.pem"),
        ] {
            let error = refused(name, value).await;
            assert!(matches!(error, BridgeError::NoTls { .. }), "{error:?}");
            assert!(error.to_string().contains("--features tls"), "{error}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn topics_that_do_not_fit_are_refused() {
    let Some(broker) = Broker::start() else {
        return;
    };
    let setting = Setting::new(3).await;
    let missing = broker.topic("missing");
    let mut config = BridgeConfig::new(&broker.bootstrap);
    config.links = vec![from_kafka(&missing, topics::VOTES)];
    let error = setting.begin(config.clone()).error().await;
    assert!(matches!(error, BridgeError::NoTopic { .. }), "{error}");
    assert!(error.to_string().contains(&missing), "{error}");

    let narrow = broker.topic("narrow");
    broker.create(&narrow, 2).await;
    config.links = vec![to_kafka(topics::VOTES, &narrow)];
    let error = setting.begin(config.clone()).error().await;
    assert!(
        matches!(
            error,
            BridgeError::FewerPartitions {
                found: 2,
                wanted: 3,
                ..
            }
        ),
        "{error}"
    );

    // A topic that holds another election's records.
    let other = broker.topic("other");
    config.links = vec![to_kafka(topics::VOTERS, &other)];
    setting.produce(topics::VOTERS, &[("a", "1")]).await;
    let mut running = setting.begin(config.clone());
    running.done(&setting).await;
    running.stop().await;
    setting.store.clear().await.unwrap();
    open(&setting.store).await;
    let error = setting.begin(config).error().await;
    assert!(
        matches!(error, BridgeError::AnotherElection { .. }),
        "{error}"
    );
    setting.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_record_that_kafka_does_not_take_is_left_behind() {
    // librdkafka's own cluster refuses what real brokers refuse by their settings.
    let mock = MockCluster::new(1).unwrap();
    mock.create_topic("out", 1, 1).unwrap();
    let setting = Setting::new(1).await;
    let mut config = BridgeConfig::new(mock.bootstrap_servers());
    config
        .properties
        .insert("message.max.bytes".into(), "2000".into());
    config.links = vec![to_kafka(topics::VOTERS, "out")];
    let large = "x".repeat(3000);
    setting
        .produce(topics::VOTERS, &[("a", "1"), ("b", &large), ("c", "3")])
        .await;
    for _ in 0..2 {
        let mut running = setting.begin(config.clone());
        running.done(&setting).await;
        running.stop().await;
        let (letters, all) = setting.store.dead_letters(10).await.unwrap();
        assert_eq!(all, 1);
        assert_eq!(letters[0].key(), "voters/out/0/1");
        assert_eq!(letters[0].bytes, 3001);
    }
    setting.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refused_login_ends_it() {
    // It speaks no SASL, so it refuses every login.
    let mock = MockCluster::new(1).unwrap();
    let mut config = BridgeConfig::new(mock.bootstrap_servers());
    for (name, value) in [
        ("security.protocol", "sasl_plaintext"),
        ("sasl.mechanism", "PLAIN"),
        ("sasl.username", "ada"),
        ("sasl.password", "s3cret"),
    ] {
        config.properties.insert(name.into(), value.into());
    }
    let stop = CancellationToken::new();
    let waiting = wait_for_broker(&config, |_| {}, &stop);
    let error = tokio::time::timeout(LIMIT, waiting).await.unwrap();
    let error = error.unwrap_err();
    assert!(matches!(error, BridgeError::LoginRefused { .. }), "{error}");
    let text = error.to_string();
    assert!(text.contains("sasl.password"), "{text}");
    assert!(!text.contains("s3cret"), "{text}");
}

/// librdkafka sends the request that is ready behind one that is refused, and its own cluster takes it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hole_is_not_passed_over() {
    let mock = MockCluster::new(1).unwrap();
    mock.create_topic("out", 1, 1).unwrap();
    let setting = Setting::new(1).await;
    let mut config = BridgeConfig::new(mock.bootstrap_servers());
    // A request a record.
    let properties = [("batch.num.messages", "1"), ("linger.ms", "0")];
    config.properties = properties
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into();
    config.links = vec![to_kafka(topics::VOTERS, "out")];
    let records: Vec<_> = (0..50).map(|n| ("k", n.to_string())).collect();
    let records: Vec<_> = records
        .iter()
        .map(|(key, value)| (*key, &**value))
        .collect();
    setting.produce(topics::VOTERS, &records).await;
    let refusal = RDKafkaRespErr::RD_KAFKA_RESP_ERR_INVALID_TIMESTAMP;
    mock.request_errors(RDKafkaApiKey::Produce, &[refusal]);
    let error = setting.begin(config.clone()).error().await;
    assert!(matches!(error, BridgeError::Kafka { .. }), "{error}");
    assert!(error.to_string().contains("`out`"), "{error}");
    mock.clear_request_errors(RDKafkaApiKey::Produce);
    let there = read(&mock.bootstrap_servers(), "out", 0);
    if there.is_empty() {
        let mut running = setting.begin(config);
        running.done(&setting).await;
        running.stop().await;
        assert_eq!(read(&mock.bootstrap_servers(), "out", 0).len(), 50);
    } else {
        let error = setting.begin(config).error().await;
        assert!(
            matches!(error, BridgeError::Hole { missing: 0, .. }),
            "{error}"
        );
    }
    setting.end().await;
}
