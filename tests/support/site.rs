//! The dashboard of a running command: asking it, and listening to it.

use std::io::{BufRead, BufReader};
use std::process::Command;
use std::sync::mpsc::{self, Receiver};
use std::time::{Duration, Instant};

use serde_json::Value;

use super::{DataDir, Process};

/// No answer and no event takes as long.
const DEADLINE: Duration = Duration::from_secs(60);

/// A command with a dashboard.
pub struct Site {
    pub process: Process,
    pub url: String,
}

/// An answer, whatever its status.
pub struct Answer {
    pub status: u16,
    pub headers: ureq::http::HeaderMap,
    pub body: String,
}

impl Answer {
    #[track_caller]
    pub fn header(&self, name: &str) -> &str {
        let value = self.headers.get(name);
        value
            .unwrap_or_else(|| panic!("no header `{name}`"))
            .to_str()
            .unwrap()
    }

    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.body))
    }
}

impl Site {
    /// Starts `election ARGS --port PORT`, and waits until it has its port. Port 0 takes a free one.
    #[track_caller]
    pub fn start(data: &DataDir, args: &[&str], port: u16) -> Site {
        let port = port.to_string();
        Site::of(data.command(&[args, &["--port", &port]].concat()))
    }

    /// Starts a command with a dashboard, and waits until it has its port.
    #[track_caller]
    pub fn of(command: Command) -> Site {
        let mut process = Process::spawn(command);
        let line = process.wait_for_stderr("Dashboard: ");
        let (_, url) = line.split_once("Dashboard: ").unwrap();
        Site {
            process,
            url: url.trim().to_owned(),
        }
    }

    pub fn port(&self) -> u16 {
        self.url.rsplit_once(':').unwrap().1.parse().unwrap()
    }

    #[track_caller]
    pub fn get(&self, path: &str) -> Answer {
        self.ask("GET", path, &[], "")
    }

    #[track_caller]
    pub fn ask(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Answer {
        ask(&format!("{}{path}", self.url), method, headers, body)
    }

    /// Asks until the answer is as wanted.
    #[track_caller]
    pub fn wait_until(&self, path: &str, is_wanted: impl Fn(&Value) -> bool) -> Value {
        let began = Instant::now();
        loop {
            let answer = self.get(path).json();
            if is_wanted(&answer) {
                return answer;
            }
            assert!(began.elapsed() < DEADLINE, "{path} stays at {answer}");
            std::thread::sleep(super::PAUSE);
        }
    }

    /// Waits until every vote is accounted for, and returns the snapshot that says so.
    #[track_caller]
    pub fn wait_until_accounted(&self) -> Value {
        self.wait_until("/api/v1/results", |results| {
            results["pipeline"]["accounted"] == "accounted" && results["totals"]["cast"] != 0
        })
    }

    /// Listens to the events.
    pub fn listen(&self) -> Events {
        let request = agent().get(format!("{}/api/v1/events", self.url));
        let answer = request.call().unwrap();
        assert_eq!(answer.headers()["content-type"], "text/event-stream");
        let lines = BufReader::new(answer.into_body().into_reader()).lines();
        let (sender, events) = mpsc::channel();
        std::thread::spawn(move || {
            let mut name = String::new();
            for line in lines.map_while(Result::ok) {
                if let Some(event) = line.strip_prefix("event: ") {
                    name = event.to_owned();
                } else if let Some(data) = line.strip_prefix("data: ") {
                    let data = serde_json::from_str(data).unwrap();
                    if sender.send((name.clone(), data)).is_err() {
                        return;
                    }
                }
            }
        });
        Events(events)
    }
}

/// The events of a stream, in order.
pub struct Events(Receiver<(String, Value)>);

impl Events {
    /// The next event; `None` when the stream has ended.
    pub fn next(&self) -> Option<(String, Value)> {
        match self.0.recv_timeout(DEADLINE) {
            Err(mpsc::RecvTimeoutError::Timeout) => panic!("no event for {DEADLINE:?}"),
            event => event.ok(),
        }
    }
}

/// Asks for an address; several threads may.
#[track_caller]
pub fn ask(url: &str, method: &str, headers: &[(&str, &str)], body: &str) -> Answer {
    let mut request = ureq::http::Request::builder().method(method).uri(url);
    for &(name, value) in headers {
        request = request.header(name, value);
    }
    let answer = match body {
        "" => agent().run(request.body(()).unwrap()),
        body => agent().run(request.body(body).unwrap()),
    };
    let mut answer = answer.unwrap_or_else(|error| panic!("{method} {url}: {error}"));
    Answer {
        status: answer.status().as_u16(),
        headers: answer.headers().clone(),
        body: answer.body_mut().read_to_string().unwrap(),
    }
}

/// Takes any status for an answer.
fn agent() -> ureq::Agent {
    ureq::Agent::config_builder()
        .http_status_as_error(false)
        .timeout_connect(Some(DEADLINE))
        .allow_non_standard_methods(true)
        .build()
        .into()
}
