//! The store's contract on the embedded server, and what only that can do: stop and start again.
#![cfg(feature = "embedded")]

mod suite;

use std::io::Write;
use std::net::TcpStream;

use election_store::{EmbeddedPostgres, IngestVotes, StoreError};
use futures_util::StreamExt;
use tokio_postgres::NoTls;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_embedded_server_keeps_the_contract() {
    let home = tempfile::tempdir().unwrap();
    let directory = home.path().join("postgres");
    let server = EmbeddedPostgres::start(&directory).await.unwrap();
    suite::run(&server.database_url()).await;
    clients_that_vanish(&server.database_url()).await;

    let error = EmbeddedPostgres::start(&directory).await.unwrap_err();
    assert!(
        error.to_string().contains("in use by another process"),
        "{error}"
    );

    // What was committed is there after a stop; what was not, is not.
    let store = server.connect().await.unwrap();
    store.migrate().await.unwrap();
    let base = store.checkpoint("persist", "votes", 9).await.unwrap();
    let row = [suite::rejected(base, ballot::Reason::Malformed, b"\xff")];
    let batch = IngestVotes {
        partition: 9,
        lease: None,
        base_offset: base,
        next_offset: base + 1,
        accepted: &[],
        rejected: &row,
        batch_hash: suite::hash_of(base),
    };
    store
        .begin_votes(batch)
        .await
        .unwrap()
        .commit()
        .await
        .unwrap();
    let next = [suite::rejected(
        base + 1,
        ballot::Reason::Malformed,
        b"\xff",
    )];
    let pending = store
        .begin_votes(IngestVotes {
            base_offset: base + 1,
            next_offset: base + 2,
            rejected: &next,
            ..batch
        })
        .await
        .unwrap();
    store.close();
    drop(pending);
    server.stop().await.unwrap();

    let server = EmbeddedPostgres::start(&directory).await.unwrap();
    let store = server.connect().await.unwrap();
    store.migrate().await.unwrap();
    assert_eq!(
        store.checkpoint("persist", "votes", 9).await.unwrap(),
        base + 1
    );
    assert_eq!(store.rejected_rows(9, 0, 10, 100).await.unwrap().len(), 1);
    store.close();
    server.stop().await.unwrap();

    let file = home.path().join("file");
    std::fs::write(&file, "").unwrap();
    let error = EmbeddedPostgres::start(&file.join("x")).await.unwrap_err();
    assert!(matches!(error, StoreError::Embedded { .. }), "{error}");
}

/// Clients killed in the middle of an answer, or that speak no PostgreSQL, do not take the server
/// with them.
async fn clients_that_vanish(url: &str) {
    let address = url
        .split(['@', '/'])
        .find(|part| part.contains("127.0.0.1"))
        .unwrap();
    for _ in 0..2 {
        let (client, connection) = tokio_postgres::connect(url, NoTls).await.unwrap();
        let connection = tokio::spawn(connection);
        let many = "SELECT repeat('x', 1000) FROM generate_series(1, 20000)";
        let mut rows = std::pin::pin!(client.simple_query_raw(many).await.unwrap());
        rows.next().await.unwrap().unwrap();
        connection.abort();
        let mut browser = TcpStream::connect(address).unwrap();
        browser.write_all(b"GET / HTTP/1.1\r\n\r\n").unwrap();
    }
    let (client, connection) = tokio_postgres::connect(url, NoTls).await.unwrap();
    let connection = tokio::spawn(connection);
    client.simple_query("SELECT 1").await.unwrap();
    drop(client);
    connection.await.unwrap().unwrap();
}
