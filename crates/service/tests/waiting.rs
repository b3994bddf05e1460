//! Waiting for a real database, and for a cluster that never comes.

use std::net::Ipv4Addr;
use std::time::{Duration, Instant};

use election_service::wait;
use platform::PlatformError;
use platform::fluvio::{ClusterAddress, ClusterConfig};
use store::StoreError;
use testing::{TemporaryServer, closed_port, forward};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

/// Much shorter than any time limit of a connection.
const AT_ONCE: Duration = Duration::from_secs(2);

fn port_of(url: &str) -> u16 {
    let (_, rest) = url.rsplit_once(':').unwrap();
    rest.split('/').next().unwrap().parse().unwrap()
}

#[tokio::test]
async fn a_database_that_comes_up_later_is_found() {
    let Some(server) = TemporaryServer::start_or_skip().await else {
        return;
    };
    let real = port_of(&server.database_url());
    let address = closed_port();
    let url = server
        .database_url()
        .replace(&real.to_string(), &address.port().to_string());

    let (tell, mut told) = mpsc::unbounded_channel();
    let stop = CancellationToken::new();
    let waiting = wait::database_telling(&url, 1, |problem| tell.send(problem).unwrap(), &stop);
    let come_up = async {
        let problem = told.recv().await.unwrap().unwrap();
        assert!(problem.contains(&address.to_string()), "{problem}");
        forward(address, (Ipv4Addr::LOCALHOST, real).into()).await;
    };
    let store = tokio::select! {
        store = waiting => store.unwrap().unwrap(),
        () = come_up => unreachable!(),
    };
    assert!(store.target().contains(&address.to_string()));
    let mut last = Some("nothing was told".to_owned());
    while let Ok(problem) = told.try_recv() {
        last = problem;
    }
    assert_eq!(last, None);
}

#[tokio::test]
async fn a_refused_user_and_a_wrong_url_are_errors_at_once() {
    let stop = CancellationToken::new();
    let began = Instant::now();
    let error = wait::database_telling("postgresql:///nowhere", 1, |_| {}, &stop).await;
    assert!(matches!(error, Err(StoreError::Url { .. })), "{error:?}");
    assert!(began.elapsed() < AT_ONCE);

    let Some(server) = TemporaryServer::start_or_skip().await else {
        return;
    };
    let began = Instant::now();
    let url = server.database_url().replace("postgres@", "nobody@");
    let error = wait::database_telling(&url, 1, |_| {}, &stop)
        .await
        .unwrap_err();
    assert!(!error.is_transient(), "{error:?}");
    assert!(error.to_string().contains("nobody"), "{error}");
    assert!(began.elapsed() < AT_ONCE);
}

#[tokio::test]
async fn a_stop_ends_the_waiting() {
    let address = closed_port();
    let url = format!("postgresql://postgres@{address}/postgres");
    let began = Instant::now();

    let stop = CancellationToken::new();
    let tell = |problem: Option<String>| {
        assert!(problem.unwrap().contains(&address.to_string()));
        stop.cancel();
    };
    let database = wait::database_telling(&url, 1, tell, &stop).await;
    assert!(database.unwrap().is_none());

    let stop = CancellationToken::new();
    let tell = |problem: Option<String>| {
        assert!(problem.unwrap().contains(&address.to_string()));
        stop.cancel();
    };
    let config = ClusterConfig::endpoint(address.to_string());
    let cluster = wait::cluster_telling(config, tell, &stop).await;
    assert!(cluster.unwrap().is_none());
    assert!(began.elapsed() < AT_ONCE);
}

#[tokio::test]
async fn without_a_profile_there_is_nothing_to_wait_for() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("config");
    std::fs::write(&file, "version = \"2.0\"\n[profile]\n[cluster]\n").unwrap();
    let config = ClusterConfig {
        address: ClusterAddress::Profile {
            name: None,
            file: Some(file),
        },
        ..ClusterConfig::default()
    };
    let stop = CancellationToken::new();
    let cluster = wait::cluster_telling(config, |_| {}, &stop).await;
    let error = cluster.map(|_| ()).unwrap_err();
    assert!(matches!(error, PlatformError::NoCluster { .. }), "{error}");
}
