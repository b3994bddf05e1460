//! The dashboard over HTTP: the numbers are those of the results, the description describes them, and
//! nothing is told that should not be.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::TcpStream;

use serde_json::{Value, json};

use crate::support::site::Site;
use crate::support::{DataDir, PUBLIC_URL, number, sum};

const VOTERS: &str = "2000";

fn demo(data: &DataDir) -> Site {
    let args = [
        "demo",
        "--voters",
        VOTERS,
        "--candidates",
        "4",
        "--seed",
        "7",
    ];
    Site::start(data, &args, 0)
}

/// Every path of the API that answers with JSON or CSV.
const API: [&str; 7] = [
    "results",
    "turnout",
    "candidates",
    "locations",
    "rejected",
    "pipeline",
    "evidence",
];

#[test]
fn the_numbers_are_those_of_the_results() {
    let data = DataDir::new();
    let site = demo(&data);
    let shown = site.wait_until_accounted();
    let locations = site.get("/api/v1/locations?sort=state&order=asc").json();
    let csv = site.get("/api/v1/results?format=csv");
    let page = site.get("/").body;
    // A page of another program may show it.
    let portrait = site.get(shown["candidates"][0]["photo_url"].as_str().unwrap());
    assert_eq!(portrait.header("content-type"), "image/svg+xml");
    assert_eq!(
        portrait.header("cross-origin-resource-policy"),
        "cross-origin"
    );
    assert_eq!(
        site.get("/").header("cross-origin-resource-policy"),
        "same-origin"
    );
    site.process.terminate();
    site.process.wait().succeeds();

    let results = data.results();
    let totals = &shown["totals"];
    for figure in ["voters", "cast", "counted"] {
        assert_eq!(totals[figure], results[figure], "{figure}");
    }
    for candidate in results["candidates"].as_array().unwrap() {
        let id = &candidate["candidate_id"];
        let mut all = shown["candidates"].as_array().unwrap().iter();
        let same = all.find(|at| at["candidate_id"] == *id).unwrap();
        for field in ["candidate_name", "party_affiliation", "total_votes"] {
            assert_eq!(same[field], candidate[field], "{field} of {id}");
        }
        // The portrait's path here; what is stored is its address for others.
        let path = same["photo_url"].as_str().unwrap();
        assert!(path.starts_with("/portraits/"), "{path}");
        assert_eq!(candidate["photo_url"], format!("{PUBLIC_URL}{path}"));
        let votes = number(candidate, "total_votes");
        assert!(
            page.contains(&format!("value=\"{votes}\"")),
            "the page does not show {votes} votes"
        );
    }
    let counts = |list: &Value| -> BTreeMap<String, u64> {
        let list = list.as_array().unwrap().iter();
        list.map(|at| {
            (
                at["state"].as_str().unwrap().to_owned(),
                number(at, "count"),
            )
        })
        .collect()
    };
    assert_eq!(
        counts(&locations["locations"]),
        counts(&results["locations"])
    );
    for (reason, count) in results["rejected"].as_object().unwrap() {
        let mut all = shown["rejected"].as_array().unwrap().iter();
        let same = all.find(|at| at["reason"] == **reason).unwrap();
        assert_eq!(same["count"], *count, "{reason}");
    }
    let counted = number(&results, "counted");
    for group in ["parties", "genders", "age_bands"] {
        assert_eq!(sum(&shown["turnout"][group], "count"), counted, "{group}");
    }
    assert_eq!(shown["pipeline"]["uncounted"], 0);
    assert_eq!(shown["pipeline"]["unpersisted"], 0);
    assert_eq!(
        shown["leader"]["candidate_id"],
        results["candidates"][0]["candidate_id"]
    );

    let mut lines: Vec<&str> = csv.body.lines().skip(1).collect();
    let printed = data.run(&["results", "--csv"]).succeeds().stdout;
    let mut expected: Vec<&str> = printed.lines().skip(1).collect();
    lines.sort_unstable();
    expected.sort_unstable();
    assert_eq!(lines, expected);
}

#[test]
fn what_is_stored_is_shown_without_counting() {
    let data = DataDir::new();
    data.run(&["demo", "--voters", "500", "--once", "--json"])
        .succeeds();
    let site = Site::start(&data, &["dashboard"], 0);
    let shown = site.wait_until_accounted();
    assert_eq!(shown["totals"]["counted"], 500);
    assert_eq!(site.get("/readyz").status, 200);
    // Nothing changes here; a heartbeat says that the connection is alive.
    let events = site.listen();
    while events.next().unwrap().0 != "heartbeat" {}
    site.process.terminate();
    site.process.wait().succeeds();
}

#[test]
fn events_are_one_snapshot_and_then_what_changes() {
    let data = DataDir::new();
    let args = ["demo", "--voters", "1500", "--rate", "500", "--seed", "3"];
    let site = Site::start(&data, &args, 0);
    let events = site.listen();
    let (name, mut whole) = events.next().unwrap();
    assert_eq!(name, "snapshot");
    let mut updates = 0;
    // A client that merges the changed locations has what the API says.
    while whole["pipeline"]["accounted"] != "accounted" || whole["totals"]["cast"] == 0 {
        let (name, event) = events.next().unwrap();
        if name == "heartbeat" {
            continue;
        }
        assert_eq!(number(&event, "sequence"), number(&whole, "sequence") + 1);
        assert!(number(&event["totals"], "counted") >= number(&whole["totals"], "counted"));
        let before = match name.as_str() {
            "update" => whole["locations"].take(),
            _ => json!([]),
        };
        updates += 1;
        let changed = event["locations"].clone();
        whole = event;
        whole["locations"] = merged(before, changed);
    }
    assert!(updates >= 5, "only {updates} updates in three seconds");
    let answer = site.get("/api/v1/results").json();
    assert_eq!(whole["locations"], answer["locations"]);
    assert_eq!(whole["candidates"], answer["candidates"]);
    // The stream ends with the server.
    site.process.terminate();
    site.process.wait().succeeds();
    while events.next().is_some() {}
}

fn merged(before: Value, changed: Value) -> Value {
    let by_name = |list: Value| -> BTreeMap<String, Value> {
        let Value::Array(list) = list else {
            panic!("no list: {list}")
        };
        let named = |at: Value| (at["state"].as_str().unwrap().to_owned(), at);
        list.into_iter().map(named).collect()
    };
    let mut all = by_name(before);
    all.extend(by_name(changed));
    all.into_values().collect()
}

#[test]
fn the_description_describes_every_answer() {
    let data = DataDir::new();
    let site = demo(&data);
    site.wait_until_accounted();
    let document = site.get("/api/v1/openapi.json").json();
    let valid = |schema: &Value, answer: &Value, what: &str| {
        let mut schema = schema.clone();
        schema["components"] = document["components"].clone();
        let validator = jsonschema::validator_for(&schema).unwrap();
        let errors: Vec<String> = validator
            .iter_errors(answer)
            .map(|error| error.to_string())
            .collect();
        assert!(errors.is_empty(), "{what}: {errors:?}");
    };
    let paths = document["paths"].as_object().unwrap();
    // The figures, one contest, the events, and voting.
    assert_eq!(paths.len(), API.len() + 3, "{:?}", paths.keys());
    let contest = &paths["/api/v1/contests/{contest_id}"]["get"]["responses"];
    let schema = |status: &str, kind: &str| contest[status]["content"][kind]["schema"].clone();
    let good = site.get("/api/v1/contests/candidate").json();
    assert_eq!(good["ballots"], 2000);
    valid(&schema("200", "application/json"), &good, "contest");
    let bad = site.get("/api/v1/contests/nothing");
    assert_eq!(bad.status, 404);
    valid(
        &schema("404", "application/json"),
        &bad.json(),
        "no contest",
    );
    for name in API {
        let path = format!("/api/v1/{name}");
        let described = &paths[&path]["get"]["responses"];
        let schema =
            |status: &str, kind: &str| described[status]["content"][kind]["schema"].clone();
        let good = site.get(&path);
        assert_eq!(good.status, 200);
        valid(&schema("200", "application/json"), &good.json(), &path);
        let bad = site.get(&format!("{path}?format=xml"));
        assert_eq!(
            (bad.status, bad.header("content-type")),
            (400, "application/problem+json")
        );
        valid(&schema("400", "application/json"), &bad.json(), &path);
        assert!(
            bad.json()["detail"].as_str().unwrap().contains("xml"),
            "{}",
            bad.body
        );
    }
    // The description does not allow what is not described.
    let events = site.listen();
    let (_, snapshot) = events.next().unwrap();
    valid(
        &json!({"$ref": "#/components/schemas/Snapshot"}),
        &snapshot,
        "snapshot",
    );
}

#[test]
fn bad_requests_are_answered_with_the_reason() {
    let data = DataDir::new();
    data.run(&["demo", "--voters", "200", "--once", "--json"])
        .succeeds();
    let site = Site::start(&data, &["dashboard"], 0);
    site.wait_until_accounted();
    for (path, status, part) in [
        ("/?sort=colour", 400, "colour"),
        ("/?page=0", 400, "page"),
        ("/?refresh=3", 400, "refresh"),
        ("/api/v1/locations?size=7", 400, "size"),
        ("/api/v1/locations?order=up", 400, "order"),
        ("/api/v2/results", 404, "Not Found"),
        ("/nothing", 404, "nothing under this address"),
        ("/candidates/nobody", 404, "candidate"),
        ("/locations/Atlantis", 404, "location"),
        ("/locations/%ff", 400, "UTF-8"),
        ("/portraits/nobody.svg", 404, ""),
        ("/assets/../Cargo.toml", 404, ""),
        ("/assets/nothing.js", 404, ""),
    ] {
        let answer = site.get(path);
        assert_eq!(answer.status, status, "{path}: {}", answer.body);
        assert!(answer.body.contains(part), "{path}: {}", answer.body);
    }
    assert_eq!(site.ask("POST", "/api/v1/results", &[], "").status, 405);
    assert_eq!(site.ask("DELETE", "/", &[], "").status, 405);
    assert_eq!(site.ask("GET", "/", &[], "a body").status, 413);
    let head = site.ask("HEAD", "/", &[], "");
    assert_eq!((head.status, head.body.as_str()), (200, ""));
    // An unbounded head is cut off.
    let long = "x".repeat(20_000);
    assert_eq!(
        raw(&site, &format!("GET /{long} HTTP/1.1\r\nhost: a\r\n\r\n")),
        400
    );
    assert_eq!(raw(&site, "\u{0}\u{1}\r\n\r\n"), 400);
    // It has survived all that.
    assert_eq!(site.get("/healthz").status, 200);
}

/// Sends bytes as they are, and returns the status of what comes back.
fn raw(site: &Site, request: &str) -> u16 {
    let mut stream = TcpStream::connect(("127.0.0.1", site.port())).unwrap();
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = Vec::new();
    // It may be cut off with bytes unread, which resets the connection after the answer.
    let _reset = stream.read_to_end(&mut answer);
    let answer = String::from_utf8(answer).unwrap();
    answer
        .split(' ')
        .nth(1)
        .unwrap_or_else(|| panic!("no status: {answer}"))
        .parse()
        .unwrap()
}

#[test]
fn every_answer_is_guarded_and_says_nothing_of_a_voter() {
    let data = DataDir::new();
    let site = demo(&data);
    let shown = site.wait_until_accounted();
    let candidate = &shown["candidates"][0];
    let portrait = candidate["photo_url"].as_str().unwrap();
    let page = format!(
        "/candidates/{}",
        candidate["candidate_id"].as_str().unwrap()
    );
    let state = shown["locations"][0]["state"].as_str().unwrap();
    let location = format!("/locations/{}", state.replace(' ', "%20"));
    let mut paths = vec![
        "/",
        "/healthz",
        "/readyz",
        "/metrics",
        "/assets/app.js",
        "/nothing",
    ];
    paths.extend([portrait, &page, &location]);
    let api: Vec<String> = API.map(|name| format!("/api/v1/{name}")).into();
    paths.extend(api.iter().map(String::as_str));
    let mut said = String::new();
    for path in paths {
        let answer = site.get(path);
        assert!(
            answer.status == 200 || path == "/nothing",
            "{path}: {}",
            answer.status
        );
        let policy = answer.header("content-security-policy");
        assert!(
            policy.contains("default-src 'none'") && !policy.contains("unsafe"),
            "{policy}"
        );
        assert_eq!(answer.header("x-content-type-options"), "nosniff");
        assert_eq!(answer.header("referrer-policy"), "no-referrer");
        assert!(
            !answer.body.contains(" style=") || path.ends_with(".js"),
            "{path} has inline style"
        );
        assert!(
            !answer.body.contains("<script>"),
            "{path} has an inline script"
        );
        said += &answer.body;
    }
    let metrics = site.get("/metrics").body;
    assert!(metrics.contains(&format!(
        "election_votes_counted {}",
        shown["totals"]["counted"]
    )));
    assert!(metrics.trim_end().ends_with("# EOF"), "{metrics}");
    site.process.terminate();
    site.process.wait().succeeds();

    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let log = crate::support::open_log(&data.path()).await;
        for voter in crate::support::read_topic(&log, "voters").await.concat() {
            let voter: Value = serde_json::from_slice(&voter.value).unwrap();
            for field in ["voter_id", "voter_name", "email", "registration_number"] {
                let value = voter[field].as_str().unwrap();
                assert!(!said.contains(value), "the dashboard tells of {value}");
            }
        }
    });
}

#[test]
fn a_port_in_use_is_explained() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let data = DataDir::new();
    data.run(&["demo", "--port", &port])
        .refused(1, &[&format!("127.0.0.1:{port}"), "in use", "--port 0"]);
    // Without a port, `--once` has no dashboard, and asks for none.
    data.run(&["demo", "--voters", "50", "--once", "--json"])
        .succeeds();
}
