//! What shows the results in Streamlit with the tutorial's own versions of everything, and no library that unpacks
//! lz4: a page of ours that reads them as the tutorial's does; and the tutorial's own programs, where `TUTORIAL_DIR`
//! names a checkout of them.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;
use testing::TemporaryServer;

use crate::kafka::broker::Broker;
use crate::kafka::election::{Cast, Election};
use crate::kafka::python::Python;
use crate::support::{PUBLIC_URL, Process, number, skipped};

/// Where a checkout of the tutorial is.
const TUTORIAL_VARIABLE: &str = "TUTORIAL_DIR";
/// Where the tutorial's programs look for the broker; they cannot be told another place.
const TUTORIAL_PORT: u16 = 9092;
/// The database they look for, as the user `postgres`. On which port of this machine libpq is told.
const TUTORIAL_DATABASE: &str = "voting";

/// An election that is held beside broker and database, as `voters` voters make it.
struct Held {
    results: Value,
    server: TemporaryServer,
}

impl Held {
    /// `None`, and a line that says so, where there is no PostgreSQL server.
    async fn hold(broker: &Broker, voters: &str) -> Option<Held> {
        let server = TemporaryServer::start_or_skip().await?;
        let (client, connection) =
            tokio_postgres::connect(&server.database_url(), tokio_postgres::NoTls)
                .await
                .unwrap();
        tokio::spawn(connection);
        let create = format!("CREATE DATABASE {TUTORIAL_DATABASE}");
        client.batch_execute(&create).await.unwrap();

        let election = Election::new(broker, Cast::Here);
        let mut command = election.command(&["demo", "--once", "--json", "--voters", voters]);
        let database_url = server.database_url();
        let (server_url, _) = database_url.rsplit_once('/').unwrap();
        command.env("DATABASE_URL", format!("{server_url}/{TUTORIAL_DATABASE}"));
        let results = Process::spawn(command).wait().succeeds().json();
        Some(Held { results, server })
    }

    /// The database, as libpq is told of it.
    fn tell(&self, command: &mut Command) {
        let url = self.server.database_url();
        let (_, place) = url.split_once('@').unwrap();
        let (host, place) = place.split_once(':').unwrap();
        let (port, _) = place.split_once('/').unwrap();
        command.envs([
            ("PGHOST", host),
            ("PGPORT", port),
            ("PGUSER", "postgres"),
            ("PGDATABASE", TUTORIAL_DATABASE),
        ]);
    }

    /// What a Streamlit program shows; without an exception.
    #[track_caller]
    fn shown(&self, python: &Python, broker: &Broker, program: &Path) -> Value {
        let mut command = python.program("python3");
        command
            .arg(python.script("run_streamlit.py"))
            .arg(program)
            .env("BOARD_KAFKA", broker.bootstrap())
            .env("BOARD_SUFFIX", broker.suffix());
        self.tell(&mut command);
        let shown = Process::spawn(command).wait().succeeds().json();
        assert_eq!(shown["exceptions"], serde_json::json!([]));
        shown
    }

    /// The candidate with most votes.
    fn leader(&self) -> &Value {
        &self.results["candidates"][0]
    }

    fn counts(&self, list: &str, group: &str, total: &str) -> BTreeMap<String, u64> {
        totals(&self.results[list], group, total)
    }
}

/// Totals by group, of rows that have both.
fn totals(rows: &Value, group: &str, total: &str) -> BTreeMap<String, u64> {
    let rows = rows.as_array().unwrap().iter();
    rows.map(|row| (row[group].as_str().unwrap().to_owned(), number(row, total)))
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_with_the_tutorials_versions_and_no_codecs_shows_the_results() {
    let (Some(broker), Some(python)) = (Broker::start(), Python::ready()) else {
        return;
    };
    let Some(held) = Held::hold(&broker, "1000").await else {
        return;
    };
    let shown = held.shown(python, &broker, &python.script("streamlit_board.py"));
    assert_eq!(shown["metrics"]["Voters"], "1000");
    assert_eq!(shown["metrics"]["Candidates"], "3");
    let leader = held.leader();
    assert_eq!(shown["headers"][0], leader["candidate_name"]);
    // Streamlit gives an absolute address to the browser; any other it would open as a file.
    let id = leader["candidate_id"].as_str().unwrap();
    assert_eq!(
        shown["images"][0],
        format!("{PUBLIC_URL}/portraits/{id}.svg")
    );

    let tables = &shown["tables"];
    for row in tables[0].as_array().unwrap() {
        let photo = row["photo_url"].as_str().unwrap();
        assert!(photo.starts_with(PUBLIC_URL), "{photo}");
    }
    let (candidates, locations) = (&tables[1], &tables[2]);
    assert_eq!(
        totals(candidates, "candidate_id", "total_votes"),
        held.counts("candidates", "candidate_id", "total_votes")
    );
    assert_eq!(
        totals(locations, "state", "count"),
        held.counts("locations", "state", "count")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_tutorials_own_page_shows_the_results() {
    let Some(tutorial) = std::env::var_os(TUTORIAL_VARIABLE) else {
        skipped(&format!(
            "the tutorial is not here: {TUTORIAL_VARIABLE} is not set"
        ));
        return;
    };
    let page = PathBuf::from(tutorial).join("streamlit-app.py");
    let Some(python) = Python::ready() else {
        return;
    };
    if !Broker::is_ours() {
        return;
    }
    let broker = Broker::start_at(TUTORIAL_PORT);
    let Some(held) = Held::hold(&broker, "1000").await else {
        return;
    };
    let shown = held.shown(python, &broker, &page);
    assert_eq!(shown["metrics"]["Total Voters"], "1000");
    assert_eq!(shown["metrics"]["Total Candidates"], "3");
    let leader = held.leader();
    let headers = shown["headers"].as_array().unwrap();
    assert!(headers.contains(&leader["candidate_name"]), "{headers:?}");
    assert_eq!(shown["images"][0], leader["photo_url"]);
    let tables = &shown["tables"];
    assert_eq!(
        totals(&tables[0], "candidate_id", "total_votes"),
        held.counts("candidates", "candidate_id", "total_votes")
    );
    // The second has a page of the locations, ten of them.
    let locations = held.counts("locations", "state", "count");
    let on_page = totals(&tables[1], "state", "count");
    assert_eq!(on_page.len(), locations.len().min(10));
    for (state, count) in on_page {
        assert_eq!(count, locations[&state], "{state}");
    }
}
