//! The `dashboard` program on a real cluster and a real database, both of which come up after it.

use std::net::Ipv4Addr;
use std::time::Instant;

use ballot::{Candidate, PollsWindow, TUTORIAL_CONTEST, Tally};
use platform::fluvio::{ClusterConfig, FluvioPlatform};
use platform::{NewRecord, Platform};
use serde_json::{Value, json};
use store::{ElectionRow, Store};
use testing::{
    DEADLINE, PAUSE, Running, TemporaryCluster, TemporaryServer, closed_port, forward, get,
    get_until,
};
use tokio::task::JoinSet;
use wire::{ChangedTotals, topics};

const PARTITIONS: u32 = 2;

const DASHBOARD: &str = env!("CARGO_BIN_EXE_dashboard");

fn candidate() -> Candidate {
    Candidate {
        candidate_id: "ada".into(),
        candidate_name: "Ada Lovelace".into(),
        party_affiliation: "Engines".into(),
        biography: String::new(),
        campaign_platform: String::new(),
        photo_url: String::new(),
    }
}

/// What is published when so many votes are counted.
fn totals(election: i64, votes: u64) -> NewRecord {
    let mut totals = Tally::default();
    let fife = ("location", "Fife");
    totals.add_turnout(fife.0, fife.1, votes);
    totals.add_selection(TUTORIAL_CONTEST, fife, &candidate().candidate_id, votes);
    let changed = ChangedTotals { election, totals };
    NewRecord {
        key: None,
        value: serde_json::to_vec(&changed).unwrap(),
    }
}

async fn set_up(platform: &FluvioPlatform, store: &Store) {
    for topic in [topics::VOTES, topics::VOTERS] {
        platform.create_topic(topic, PARTITIONS).await.unwrap();
    }
    for topic in [topics::TOTALS, topics::PIPELINE] {
        platform.create_topic(topic, 1).await.unwrap();
    }
    store.migrate().await.unwrap();
    let election = ElectionRow {
        plan: json!({}),
        polls: PollsWindow::default(),
        safeguards: evidence::Safeguards::default(),
        definition: None,
    };
    store.open_election(&election).await.unwrap();
    store.register_candidates(&[candidate()]).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn it_shows_the_count_as_soon_as_cluster_and_database_are_up() {
    let Some(cluster) = TemporaryCluster::start_or_skip(1).await else {
        return;
    };
    let Some(postgres) = TemporaryServer::start_or_skip().await else {
        return;
    };
    let platform = FluvioPlatform::connect(ClusterConfig::endpoint(cluster.endpoint()))
        .await
        .unwrap();
    let url = postgres.database_url();
    let store = Store::connect(&url, 1).await.unwrap();
    set_up(&platform, &store).await;

    // Where the program looks for them, nobody listens yet.
    let (cluster_at, database_at) = (closed_port(), closed_port());
    let database = url.rsplit_once(':').unwrap().1;
    let (database_port, _) = database.split_once('/').unwrap();
    let seen_url = url.replace(database_port, &database_at.port().to_string());
    let cluster_option = cluster_at.to_string();
    let args = ["--port", "0", "--cluster", &cluster_option];
    let args = [&args[..], &["--database-url", &seen_url]].concat();
    let running = Running::start(DASHBOARD, &args);
    let serving = running.line("http://");
    let (_, address) = serving.split_once("http://").unwrap();
    get_until(address, "/readyz", |answer| {
        answer.status == 503 && answer.body.contains(&cluster_option)
    });

    let mut forwarding = JoinSet::new();
    let real_database = (Ipv4Addr::LOCALHOST, database_port.parse().unwrap());
    forwarding.spawn(forward(database_at, real_database.into()));
    forwarding.spawn(forward(cluster_at, cluster.endpoint().parse().unwrap()));
    running.line("Fluvio is up");
    get_until(address, "/readyz", |answer| answer.status == 200);

    // What was published before its streams begin it reads from the database, where nobody stores it
    // here; so more and more is published until it is seen.
    let opened_at = store.election_opened_at().await.unwrap().unwrap();
    let election = opened_at.timestamp_micros();
    let mut published = 0;
    let deadline = Instant::now() + DEADLINE;
    loop {
        published += 1;
        platform
            .produce(topics::TOTALS, vec![totals(election, published)])
            .await
            .unwrap();
        let results = get(address, "/api/v1/results").unwrap();
        let results: Value = serde_json::from_str(&results.body).unwrap();
        if results["candidates"][0]["total_votes"].as_u64() > Some(0) {
            break;
        }
        assert!(Instant::now() < deadline, "{results:#}");
        tokio::time::sleep(PAUSE).await;
    }

    assert_eq!(running.terminate().code, Some(0));
    store.close();
    platform.close().await;
}
