//! Health and metrics over a real socket.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use election_service::ServiceError;
use election_service::endpoint::{METRICS_CONTENT_TYPE, RenderMetrics, bind, serve_health};
use election_service::health::Health;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::registry::Registry;
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

struct Served {
    address: SocketAddr,
    stop: CancellationToken,
    task: JoinHandle<()>,
}

impl Served {
    async fn start(health: Health, metrics: RenderMetrics) -> Served {
        let listener = bind((Ipv4Addr::LOCALHOST, 0).into()).await.unwrap();
        let address = listener.local_addr().unwrap();
        let stop = CancellationToken::new();
        let task = tokio::spawn(serve_health(listener, health, metrics, stop.clone()));
        Served {
            address,
            stop,
            task,
        }
    }

    /// Status, head and body.
    async fn get(&self, path: &str) -> (u16, String, String) {
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        let request = format!("GET {path} HTTP/1.1\r\nhost: test\r\nconnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        // The server keeps a connection open: the end of the answer is known by its length.
        let mut buffer = [0; 4096];
        loop {
            let read = stream.read(&mut buffer).await.unwrap();
            answer += std::str::from_utf8(&buffer[..read]).unwrap();
            if let Some((head, body)) = answer.split_once("\r\n\r\n") {
                let head = head.to_lowercase();
                let length = head.lines().find_map(|line| {
                    let length = line.strip_prefix("content-length: ")?;
                    length.parse().ok()
                });
                if read == 0 || length == Some(body.len()) {
                    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
                    return (status, head, body.to_owned());
                }
            }
            assert!(read > 0, "cut short: {answer}");
        }
    }

    async fn json(&self, path: &str) -> (u16, Value) {
        let (status, _, body) = self.get(path).await;
        (status, serde_json::from_str(&body).unwrap())
    }

    async fn end(self) {
        self.stop.cancel();
        self.task.await.unwrap();
    }
}

fn no_metrics() -> RenderMetrics {
    Arc::new(|| Ok("# EOF\n".into()))
}

#[tokio::test]
async fn health_is_200_when_all_is_fine_and_503_with_what_is_not() {
    let health = Health::default();
    let served = Served::start(health.clone(), no_metrics()).await;
    let (status, body) = served.json("/healthz").await;
    assert_eq!((status, &body["status"]), (200, &"ok".into()));

    health.set("database", None);
    health.set("partition 0", Some("its stream has ended".into()));
    let problem = ("partition 1".to_owned(), "it has no leader".to_owned());
    health.set_problems(&[problem].into());
    let (status, body) = served.json("/healthz").await;
    assert_eq!((status, &body["status"]), (503, &"problem".into()));
    let components = &body["components"];
    assert_eq!(components["database"]["status"], "ok");
    assert_eq!(components["partition 0"]["problem"], "its stream has ended");
    assert_eq!(components["partition 1"]["problem"], "it has no leader");
    let since = components["partition 1"]["since"].as_str().unwrap();
    assert!(since.ends_with('Z'), "{since}");

    health.set("partition 0", None);
    health.set_problems(&BTreeMap::new());
    let (status, body) = served.json("/healthz").await;
    assert_eq!((status, &body["status"]), (200, &"ok".into()));
    assert_eq!(served.get("/").await.0, 404);
    served.end().await;
}

#[tokio::test]
async fn metrics_are_in_the_format_that_they_say() {
    let votes = Counter::<u64>::default();
    votes.inc_by(3);
    let metrics = move || {
        let mut registry = Registry::with_prefix("election");
        registry.register("votes_counted", "Votes that count", votes.clone());
        let mut text = String::new();
        encode(&mut text, &registry)?;
        Ok(text)
    };
    let served = Served::start(Health::default(), Arc::new(metrics)).await;
    let (status, head, body) = served.get("/metrics").await;
    assert_eq!(status, 200);
    // The parameters may come in any order.
    let content_type = head
        .lines()
        .find_map(|line| line.strip_prefix("content-type: "))
        .unwrap();
    let parts = |text: &str| -> BTreeSet<_> {
        let parts = text.split(';');
        parts.map(|part| part.trim().to_owned()).collect()
    };
    assert_eq!(parts(content_type), parts(METRICS_CONTENT_TYPE));
    assert!(body.contains("election_votes_counted_total 3\n"), "{body}");
    assert!(body.ends_with("# EOF\n"), "{body}");
    served.end().await;

    let served = Served::start(Health::default(), Arc::new(|| Err(fmt::Error))).await;
    assert_eq!(served.get("/metrics").await.0, 500);
    served.end().await;
}

#[tokio::test]
async fn a_port_that_is_taken_is_told_with_what_helps() {
    let taken = bind((Ipv4Addr::LOCALHOST, 0).into()).await.unwrap();
    let error = bind(taken.local_addr().unwrap()).await.unwrap_err();
    assert!(matches!(error, ServiceError::Listen { .. }));
    assert!(error.to_string().contains("--health"), "{error}");
}
