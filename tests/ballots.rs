//! The dashboard's ballot box: votes that are cast at the page or through the API are counted like any
//! other, and what should not be taken is refused.

use std::collections::BTreeSet;
use std::path::PathBuf;

use crate::support::site::{Answer, Site};
use crate::support::{DataDir, Process, assert_adds_up, election, number};
use ballot::CredentialKey;
use serde_json::{Value, json};

/// Half of the voters leave their vote to the page.
const DEMO: &[&str] = &[
    "demo",
    "--require-credentials",
    "--accept-votes",
    "--abstain",
    "0.5",
    "--voters",
    "300",
    "--ballots-per-voter",
    "1000",
    "--ballots-per-address",
    "100000",
];

const JSON: (&str, &str) = ("content-type", "application/json");
const FORM: (&str, &str) = ("content-type", "application/x-www-form-urlencoded");

/// A demo that has cast its own votes, and those who have not voted.
struct Polls {
    site: Site,
    data: DataDir,
    key: CredentialKey,
    abstaining: Vec<String>,
    candidates: Vec<String>,
}

impl Polls {
    fn open(more: &[&str]) -> Polls {
        let data = DataDir::new();
        let roll: Vec<String> = (0..300)
            .map(|index| producer::voter_id(42, index))
            .collect();
        let site = Site::start(&data, &[DEMO, more].concat(), 0);
        let mut polls = Polls {
            key: CredentialKey::parse(&"0".repeat(64)).unwrap(),
            site,
            data,
            abstaining: roll,
            candidates: Vec::new(),
        };
        polls.site.process.wait_for_stderr("The election stays up");
        let text = std::fs::read_to_string(polls.key_file()).unwrap();
        polls.key = evidence::ElectionKey::parse(&text).unwrap().credentials();
        let results = polls.site.wait_until_accounted();
        assert!(number(&results["totals"], "counted") < 250, "{results}");
        polls.candidates = results["candidates"]
            .as_array()
            .unwrap()
            .iter()
            .map(|at| at["candidate_id"].as_str().unwrap().to_owned())
            .collect();
        polls
    }

    fn key_file(&self) -> PathBuf {
        self.data.path().join("election.key")
    }

    /// A vote of the next voter, who may have voted already.
    fn ballot(&mut self) -> Value {
        let voter = self.abstaining.pop().unwrap();
        json!({
            "voter_id": voter,
            "candidate_id": self.candidates[0],
            "credential": self.key.credential(&voter),
        })
    }

    fn post(&self, ballot: &Value) -> Answer {
        self.site
            .ask("POST", "/api/v1/votes", &[JSON], &ballot.to_string())
    }

    /// Casts votes until one is taken: its ballot and its receipt.
    fn cast_one(&mut self) -> (Value, String) {
        loop {
            let ballot = self.ballot();
            let answer = self.post(&ballot);
            match answer.status {
                201 => {
                    let receipt = answer.json()["receipt"].as_str().unwrap().to_owned();
                    return (ballot, receipt);
                }
                409 => assert_eq!(answer.json()["reason"], "already_voted"),
                status => panic!("{status}: {}", answer.body),
            }
        }
    }

    fn counted(&self) -> u64 {
        number(&self.site.wait_until_accounted()["totals"], "counted")
    }

    /// Waits until so many votes are counted, and each is accounted for.
    fn wait_until_counted(&self, votes: u64) {
        self.site.wait_until("/api/v1/results", |results| {
            number(&results["totals"], "counted") == votes
                && results["pipeline"]["accounted"] == "accounted"
        });
    }

    /// Ends the demo, and has its log audited.
    fn close(self) -> (DataDir, String) {
        let Polls { site, data, .. } = self;
        site.process.terminate();
        let said = site.process.wait();
        data.run(&["audit"]).succeeds();
        (data, said.stderr)
    }
}

#[track_caller]
fn assert_refused(answer: &Answer, status: u16, reason: &str) {
    assert_eq!(answer.status, status, "{}", answer.body);
    assert_eq!(answer.header("content-type"), "application/problem+json");
    let problem = answer.json();
    assert_eq!(problem["reason"], reason, "{problem}");
    assert_eq!(problem["status"], status);
    assert!(
        problem["detail"]
            .as_str()
            .is_some_and(|text| !text.is_empty())
    );
}

#[test]
fn votes_through_the_api_are_counted_and_what_is_wrong_is_refused() {
    let mut polls = Polls::open(&[]);
    let before = polls.counted();
    let (ballot, receipt) = polls.cast_one();
    let voter = ballot["voter_id"].as_str().unwrap();
    assert_eq!(receipt, polls.key.receipt_number(voter));
    // Before its row is stored, and after.
    assert_refused(&polls.post(&ballot), 409, "already_voted");
    polls.wait_until_counted(before + 1);
    assert_refused(&polls.post(&ballot), 409, "already_voted");

    let with = |field: &str, value: &str| {
        let mut changed = ballot.clone();
        changed[field] = value.into();
        changed
    };
    let others = polls.key.credential("another");
    assert_refused(
        &polls.post(&with("credential", &others)),
        403,
        "bad_credential",
    );
    assert_refused(&polls.post(&with("credential", "")), 400, "malformed");
    let nobody = with("candidate_id", "nobody");
    assert_refused(&polls.post(&nobody), 422, "unknown_candidate");
    let mut stranger = with("voter_id", "stranger");
    stranger["credential"] = polls.key.credential("stranger").into();
    assert_refused(&polls.post(&stranger), 403, "unknown_voter");
    assert_refused(&polls.post(&json!({"voter_id": voter})), 400, "malformed");
    assert_refused(&polls.post(&json!([])), 400, "malformed");

    let ask = |headers: &[(&str, &str)], body: &str| {
        polls.site.ask("POST", "/api/v1/votes", headers, body)
    };
    let text = ballot.to_string();
    assert_refused(
        &ask(&[("content-type", "text/plain")], &text),
        415,
        "media_type",
    );
    for foreign in [
        ("origin", "https://evil.example"),
        ("origin", "null"),
        ("sec-fetch-site", "cross-site"),
        ("sec-fetch-site", "same-site"),
    ] {
        assert_refused(&ask(&[JSON, foreign], &text), 403, "cross_site");
    }
    let own = polls.site.url.clone();
    let same = [JSON, ("origin", &own), ("sec-fetch-site", "same-origin")];
    assert_refused(&ask(&same, &text), 409, "already_voted");
    assert_eq!(ask(&[JSON], &" ".repeat(70_000)).status, 413);
    assert_eq!(polls.site.get("/api/v1/votes").status, 405);

    let credential = ballot["credential"].as_str().unwrap().to_owned();
    let voter = voter.to_owned();
    let (data, log) = polls.close();
    assert!(!log.contains(&voter) && !log.contains(&credential), "{log}");
    let report = data.results();
    assert_adds_up(&report);
    assert_eq!(number(&report, "counted"), before + 1);
    // The demo goes on in a log that is not only its own.
    let again = data.run(&[DEMO, &["--once", "--json"]].concat());
    let again = again.succeeds().json();
    assert_eq!(again["cast"], report["cast"]);
}

/// The form as a browser sends it: with the page's token and cookie.
fn form(page: &Answer, ballot: &Value) -> (String, String) {
    let (_, token) = page.body.split_once(r#"name="token" value=""#).unwrap();
    let token = token.split('"').next().unwrap();
    let cookie = page.header("set-cookie");
    assert!(cookie.contains("HttpOnly") && cookie.contains("SameSite=Strict"));
    let cookie = cookie.split(';').next().unwrap().to_owned();
    let field = |name: &str| ballot[name].as_str().unwrap();
    let body = format!(
        "token={token}&voter_id={}&candidate_id={}&credential={}",
        field("voter_id"),
        field("candidate_id"),
        field("credential")
    );
    (body, cookie)
}

#[test]
fn a_vote_at_the_page_is_counted_and_no_other_site_can_send_one() {
    let mut polls = Polls::open(&["--secret-ballots"]);
    let before = polls.counted();
    let (first, _) = polls.cast_one();
    polls.wait_until_counted(before + 1);
    let page = polls.site.get("/ballot");
    assert_eq!(page.status, 200);
    assert_eq!(page.header("referrer-policy"), "same-origin");
    assert_eq!(page.header("cache-control"), "no-store");
    assert!(
        page.header("content-security-policy")
            .contains("form-action 'self'")
    );
    for candidate in &polls.candidates {
        assert!(page.body.contains(&format!(r#"value="{candidate}""#)));
    }
    let own = polls.site.url.clone();
    let (mut ballot, mut taken) = (Value::Null, None);
    while taken.is_none() {
        ballot = polls.ballot();
        let (body, cookie) = form(&page, &ballot);
        let post = |headers: &[(&str, &str)], body: &str| {
            polls
                .site
                .ask("POST", "/ballot", &[&[FORM], headers].concat(), body)
        };
        // None of these casts it.
        let (_, without_token) = body.split_once('&').unwrap();
        let refused = [
            post(&[("origin", &own)], &body),
            post(&[("cookie", &cookie)], without_token),
            post(&[("cookie", "ballot-token=00")], &body),
            post(
                &[("cookie", &cookie), ("origin", "https://evil.example")],
                &body,
            ),
            post(
                &[("cookie", &cookie), ("sec-fetch-site", "cross-site")],
                &body,
            ),
        ];
        for answer in refused {
            assert_eq!(answer.status, 403, "{}", answer.body);
            assert!(answer.body.contains("sent by another site"));
        }
        let answer = post(&[("cookie", &cookie), ("origin", &own)], &body);
        match answer.status {
            201 => taken = Some(answer),
            status => assert_eq!(status, 409, "{}", answer.body),
        }
    }
    let voter = ballot["voter_id"].as_str().unwrap();
    let receipt = polls.key.receipt_number(voter);
    let taken = taken.unwrap();
    assert!(taken.body.contains(&receipt), "{}", taken.body);
    assert!(!taken.body.contains(ballot["credential"].as_str().unwrap()));
    let (body, cookie) = form(&page, &ballot);
    let again = polls.site.ask(
        "POST",
        "/ballot",
        &[FORM, ("cookie", &cookie), ("origin", &own)],
        &body,
    );
    assert_eq!(again.status, 409);
    assert!(again.body.contains("role=\"alert\"") && again.body.contains(voter));
    assert!(!again.body.contains(ballot["credential"].as_str().unwrap()));
    polls.wait_until_counted(before + 2);
    let voters = [first["voter_id"].clone(), voter.into()];
    let (data, log) = polls.close();
    for voter in &voters {
        assert!(!log.contains(voter.as_str().unwrap()), "{log}");
    }
    assert_eq!(number(&data.results(), "counted"), before + 2);
}

/// The dashboard by itself: no vote that it takes is counted or stored meanwhile.
#[test]
fn only_a_vote_that_is_in_the_log_is_confirmed_and_only_once() {
    let data = DataDir::new();
    let before = data.run(&[DEMO, &["--once", "--json"]].concat());
    let before = before.succeeds().json();
    let key = std::fs::read_to_string(data.path().join("election.key")).unwrap();
    let key = evidence::ElectionKey::parse(&key).unwrap().credentials();
    let mut dashboard = data.command(&[
        "dashboard",
        "--accept-votes",
        "--port",
        "0",
        "--ballots-per-voter",
        "1000",
        "--ballots-per-address",
        "100000",
    ]);
    dashboard.env("FAILPOINTS", "log/append=1*return(No space left on device)");
    let site = Site::of(dashboard);
    let url = format!("{}/api/v1/votes", site.url);
    let post_with = |voter: &str, credential: String| {
        let ballot = json!({
            "voter_id": voter,
            "candidate_id": before["candidates"][0]["candidate_id"],
            "credential": credential,
        });
        crate::support::site::ask(&url, "POST", &[JSON], &ballot.to_string())
    };
    let post = &|voter: &str| post_with(voter, key.credential(voter));
    let forged = std::iter::repeat_with(|| post_with("anybody", "forged".into()))
        .find(|answer| answer.json()["reason"] != "not_open");
    assert_refused(&forged.unwrap(), 403, "bad_credential");

    // The first who has not voted yet: the log takes the vote at the second try.
    let mut roll = (0..300).map(|index| producer::voter_id(42, index));
    let (first, answer) = roll
        .by_ref()
        .map(|voter| (voter.clone(), post(&voter)))
        .find(|(_, answer)| answer.status != 409)
        .unwrap();
    assert_refused(&answer, 504, "unknown");
    assert_eq!(post(&first).status, 201);
    assert_refused(&post(&first), 409, "already_voted");

    // Everybody else votes four times at once.
    let taken: u64 = roll
        .collect::<Vec<_>>()
        .chunks(20)
        .map(|voters| {
            std::thread::scope(|threads| {
                let votes = voters.iter().flat_map(|voter| [voter; 4]);
                let votes: Vec<_> = votes
                    .map(|voter| threads.spawn(move || (voter, post(voter).status)))
                    .collect();
                let mut taken = BTreeSet::new();
                for (voter, status) in votes.into_iter().map(|vote| vote.join().unwrap()) {
                    match status {
                        201 => assert!(taken.insert(voter), "{voter} has voted twice"),
                        status => assert_eq!(status, 409),
                    }
                }
                taken.len() as u64
            })
        })
        .sum();
    assert!(taken > 50, "{taken} had not voted");
    site.process.terminate();
    site.process.wait().succeeds();
    data.run(&["consumer", "--once"]).succeeds();
    let report = data.results();
    let more = |key| number(&report, key) - number(&before, key);
    assert_eq!((more("cast"), more("counted")), (taken + 1, taken + 1));
    data.run(&["audit"]).succeeds();
}

#[test]
fn who_asks_too_often_is_told_to_wait() {
    let data = DataDir::new();
    let options = [
        "demo",
        "--require-credentials",
        "--accept-votes",
        "--voters",
        "20",
        "--ballots-per-address",
        "50",
    ];
    let mut site = Site::start(&data, &options, 0);
    site.process.wait_for_stderr("The election stays up");
    let body = json!({"voter_id": "a", "candidate_id": "b", "credential": "c"}).to_string();
    // A tenth of a minute's may come at once.
    let answers: Vec<_> = (0..20)
        .map(|_| site.ask("POST", "/api/v1/votes", &[JSON], &body))
        .collect();
    let last = answers.last().unwrap();
    assert_refused(last, 429, "too_many_requests");
    assert!(last.header("retry-after").parse::<u64>().unwrap() >= 1);
    assert!(answers[..5].iter().all(|answer| answer.status == 403));
    // What is shown is not limited.
    assert_eq!(site.get("/").status, 200);
}

#[test]
fn votes_are_taken_only_where_that_is_asked_for_and_safe() {
    let data = DataDir::new();
    data.run(&["demo", "--voters", "20", "--accept-votes", "--once"])
        .refused(2, &["--require-credentials"]);
    let plain = Site::start(&data, &["demo", "--voters", "20"], 0);
    assert_eq!(plain.get("/ballot").status, 404);
    let answer = plain.ask("POST", "/api/v1/votes", &[JSON], "{}");
    assert_eq!(answer.status, 405);
    plain.process.terminate();
    plain.process.wait();
    data.run(&["dashboard", "--accept-votes", "--port", "0"])
        .refused(2, &["requires no credentials"]);
}

#[test]
fn every_ballot_of_a_short_burst_is_taken_and_counted() {
    let bench = election(&[
        "bench",
        "ballots",
        "--rate",
        "200",
        "--seconds",
        "2",
        "--json",
    ]);
    let report = Process::spawn(bench).wait().succeeds().json();
    assert_eq!(number(&report, "accepted"), 400, "{report}");
    assert_eq!(number(&report, "failed"), 0);
    assert!(report["figures"]["p99_ms"]["value"].as_f64().unwrap() > 0.0);
}

#[test]
fn several_contests_are_answered_and_none_of_another_district() {
    let data = DataDir::new();
    let definition = data.file("election.toml", include_str!("fixtures/city.toml"));
    let definition = ["--definition", definition.to_str().unwrap()];
    let mut site = Site::start(&data, &[DEMO, &definition].concat(), 0);
    site.process.wait_for_stderr("The election stays up");
    let before = site.wait_until_accounted()["totals"].clone();
    let key = std::fs::read_to_string(data.path().join("election.key")).unwrap();
    let key = evidence::ElectionKey::parse(&key).unwrap().credentials();
    let post = |voter: &str, choices: Value| {
        let ballot = json!({
            "voter_id": voter,
            "choices": choices,
            "credential": key.credential(voter),
        });
        site.ask("POST", "/api/v1/votes", &[JSON], &ballot.to_string())
    };
    let voter = producer::voter_id(42, 0);
    for (choices, status, reason) in [
        (json!({"mayor": "nobody"}), 422, "unknown_candidate"),
        (json!({"sheriff": "okafor"}), 422, "unknown_contest"),
        (json!({"council": {"c1": 3}}), 400, "malformed"),
        (json!([]), 400, "malformed"),
    ] {
        assert_refused(&post(&voter, choices), status, reason);
    }
    // The fund is put to voters of the west only.
    let all = json!({"mayor": "moreau", "council": ["c1", "c5"], "fund": {"pool": 5}});
    let everybodys = json!({"mayor": "moreau", "council": ["c1", "c5"]});
    let (mut cast, mut refused) = (0, 0);
    for index in 0..300 {
        let voter = producer::voter_id(42, index);
        let answer = post(&voter, all.clone());
        match (answer.status, answer.json()["reason"].as_str()) {
            (201, None) => cast += 1,
            (409, Some("already_voted")) => {}
            (422, Some("not_your_contest")) => {
                refused += 1;
                assert_eq!(post(&voter, everybodys.clone()).status, 201);
                cast += 1;
            }
            other => panic!("{other:?}: {}", answer.body),
        }
    }
    assert!(refused > 10 && cast > refused + 10, "{cast}, {refused}");
    let results = site.wait_until("/api/v1/results", |results| {
        number(&results["totals"], "counted") == number(&before, "counted") + cast
            && results["pipeline"]["accounted"] == "accounted"
    });
    assert_eq!(
        results["totals"]["rejected"], before["rejected"],
        "{results}"
    );
    site.process.terminate();
    site.process.wait();
    data.run(&["audit"]).succeeds();
}
