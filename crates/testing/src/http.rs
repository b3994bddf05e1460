//! HTTP requests to a program.

use std::fmt::Display;
use std::time::Instant;

use crate::{DEADLINE, PAUSE};

/// An answer, whatever its status.
#[derive(Debug)]
pub struct Answer {
    /// The status, such as 200.
    pub status: u16,
    /// The body.
    pub body: String,
}

/// Requests a path at `HOST:PORT`; `None` if nobody answers.
#[track_caller]
pub fn get(address: impl Display, path: &str) -> Option<Answer> {
    let agent = ureq::Agent::config_builder()
        .http_status_as_error(false)
        .timeout_global(Some(DEADLINE))
        .build()
        .new_agent();
    match agent.get(format!("http://{address}{path}")).call() {
        Ok(mut answer) => Some(Answer {
            status: answer.status().as_u16(),
            body: answer.body_mut().read_to_string().unwrap(),
        }),
        Err(ureq::Error::Io(_) | ureq::Error::ConnectionFailed) => None,
        Err(error) => panic!("{address}{path}: {error}"),
    }
}

/// Requests a path until the answer is right, and returns its body.
#[track_caller]
pub fn get_until(address: impl Display, path: &str, is_right: impl Fn(&Answer) -> bool) -> String {
    let deadline = Instant::now() + DEADLINE;
    loop {
        let answer = get(&address, path);
        if let Some(answer) = answer.as_ref().filter(|answer| is_right(answer)) {
            return answer.body.clone();
        }
        assert!(Instant::now() < deadline, "{path}: {answer:?}");
        std::thread::sleep(PAUSE);
    }
}
