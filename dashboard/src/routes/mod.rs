//! The application: its paths, and the kinds of answers.

mod api;
mod ballot;
mod events;
mod headers;
mod openapi;
mod operations;
mod same_origin;
mod site_pages;
mod votes;

use std::sync::Arc;

use chrono::{DateTime, Utc};
use percent_encoding::percent_decode_str;
use serde::Serialize;
use tide::http::StatusCode;
use tide::{Request, Response};
use utoipa::ToSchema;

use crate::ballot_box::BallotBox;
use crate::hub::Hub;
use crate::metrics::Metrics;
use crate::pages;
use crate::shared::Shared;

/// The application as the server calls it.
pub(crate) type App = tide::Server<Arc<Site>>;

/// What the handlers answer from.
#[derive(Debug)]
pub(crate) struct Site {
    pub(crate) hub: Arc<Hub>,
    pub(crate) shared: Shared,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) started_at: DateTime<Utc>,
    /// Where votes are accepted.
    pub(crate) ballots: Option<Arc<BallotBox>>,
}

/// The application.
pub(crate) fn app(site: Arc<Site>) -> App {
    let accepts_votes = site.ballots.is_some();
    let mut app = tide::with_state(site);
    app.with(headers::Headers);
    app.at("/").get(site_pages::overview);
    app.at("/candidates/:candidate_id")
        .get(site_pages::candidate);
    app.at("/contests/:contest_id").get(site_pages::contest);
    app.at("/locations/:state").get(site_pages::location);
    app.at("/portraits/:file").get(site_pages::portrait);
    app.at("/assets/*name").get(site_pages::asset);
    app.at("/favicon.ico").get(site_pages::favicon);
    app.at("/api/v1/results").get(api::results);
    app.at("/api/v1/turnout").get(api::turnout);
    app.at("/api/v1/contests/:contest_id").get(api::contest);
    app.at("/api/v1/candidates").get(api::candidates);
    app.at("/api/v1/locations").get(api::locations);
    app.at("/api/v1/rejected").get(api::rejected);
    app.at("/api/v1/pipeline").get(api::pipeline);
    app.at("/api/v1/evidence").get(api::evidence);
    app.at("/api/v1/events").get(events::events);
    app.at("/api/v1/openapi.json").get(openapi::document);
    app.at("/healthz").get(operations::healthz);
    app.at("/readyz").get(operations::readyz);
    app.at("/metrics").get(operations::metrics);
    if accepts_votes {
        app.at("/ballot").get(ballot::form).post(ballot::cast);
        app.at("/api/v1/votes").post(votes::cast);
    }
    app
}

/// A parameter of the path, decoded.
fn path_parameter(request: &Request<Arc<Site>>, name: &str) -> tide::Result<String> {
    let raw = request.param(name)?;
    let decoded = percent_decode_str(raw).decode_utf8().map_err(|_| {
        let reason = "The path is not UTF-8 text, percent-encoded.";
        tide::Error::from_str(StatusCode::BadRequest, reason)
    })?;
    Ok(decoded.into_owned())
}

/// JSON that is not to be cached.
fn json(status: StatusCode, body: &impl Serialize) -> tide::Result {
    Ok(Response::builder(status)
        .body(serde_json::to_vec(body)?)
        .content_type("application/json")
        .header("cache-control", "no-store")
        .build())
}

/// What is wrong with a request (RFC 9457).
#[derive(Debug, Serialize, ToSchema)]
struct Problem {
    /// The HTTP status.
    status: u16,
    /// Its name.
    title: &'static str,
    /// Why a vote was not taken, for programs: `malformed`, `bad_credential`, `unknown_voter`, `unknown_candidate`,
    /// `unknown_contest`, `not_your_contest`,
    /// `polls_closed`, `already_voted`, `too_many_requests`, `queue_full`, `not_open`, `not_cast`, `unknown`, `cross_site`,
    /// `media_type`.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'static str>,
    /// What is wrong, and what would be right.
    detail: String,
}

impl Problem {
    fn new(status: StatusCode, reason: Option<&'static str>, detail: String) -> Problem {
        Problem {
            status: status.into(),
            title: status.canonical_reason(),
            reason,
            detail,
        }
    }

    fn into_response(self, status: StatusCode) -> tide::Result {
        let mut response = json(status, &self)?;
        response.set_content_type("application/problem+json");
        Ok(response)
    }
}

/// The answer to a request that fails: JSON below `/api/`, else a page.
fn refusal(path: &str, status: StatusCode, reason: &str) -> Response {
    let answer = if path.starts_with("/api/") {
        Problem::new(status, None, reason.to_owned()).into_response(status)
    } else {
        pages::error(status.into(), status.canonical_reason(), reason)
            .map(|page| html(Response::builder(status), page))
            .map_err(tide::Error::from)
    };
    answer.unwrap_or_else(|error| {
        tracing::error!("cannot write an error's answer: {error}");
        Response::builder(status).body(reason).build()
    })
}

fn html(response: tide::ResponseBuilder, page: String) -> Response {
    response
        .body(page)
        .content_type("text/html; charset=utf-8")
        .header("cache-control", "no-store")
        .build()
}
