//! Voting by a program: `POST /api/v1/votes`.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use tide::http::{StatusCode, headers};
use tide::{Request, Response};
use utoipa::ToSchema;

use super::Site;
use super::same_origin::demand_same_origin;
use crate::ballot_box::{Ballot, BallotBox, Refusal};

/// A ballot.
#[derive(Deserialize, ToSchema)]
pub(super) struct BallotBody {
    /// The voter, as registered.
    voter_id: String,
    /// The candidate voted for.
    candidate_id: String,
    /// The credential that the voter was given: 32 hexadecimal digits.
    credential: String,
}

/// A vote that was cast.
#[derive(Serialize, ToSchema)]
pub(super) struct VoteCast {
    /// The voter's receipt number: 12 letters and digits that follow from the voter and the election's
    /// key. It says that this voter's vote was taken, and nothing about whom it was for.
    receipt: String,
}

/// Why a vote was not taken (RFC 9457).
#[derive(Serialize, ToSchema)]
pub(super) struct VoteProblem {
    /// The HTTP status.
    status: u16,
    /// Its name.
    title: &'static str,
    /// For programs: `malformed`, `bad_credential`, `unknown_voter`, `unknown_candidate`,
    /// `polls_closed`, `already_voted`, `too_many_requests`, `queue_full`, `not_open`, `unanswered`,
    /// `cross_site`, `media_type`.
    reason: &'static str,
    /// What is wrong, and what would be right.
    detail: String,
}

/// Casts a voter's vote.
///
/// It is answered when the streaming platform has acknowledged the vote. There only where votes are
/// accepted (`--accept-votes`). A voter's first vote counts; whether there is one already is checked as
/// far as it is known here, and decided by the count.
#[utoipa::path(
    post, path = "/api/v1/votes", tag = "voting",
    request_body = BallotBody,
    responses(
        (status = 201, body = VoteCast),
        (status = 400, body = VoteProblem, description = "`malformed`"),
        (status = 403, body = VoteProblem, description = "`bad_credential`, `unknown_voter`, `polls_closed` or `cross_site`"),
        (status = 409, body = VoteProblem, description = "`already_voted`"),
        (status = 413, description = "A body larger than a ballot can be"),
        (status = 415, body = VoteProblem, description = "`media_type`"),
        (status = 422, body = VoteProblem, description = "`unknown_candidate`"),
        (status = 429, body = VoteProblem, description = "`too_many_requests`; see `retry-after`"),
        (status = 503, body = VoteProblem, description = "`queue_full`, `not_open` or `unanswered`; see `retry-after`"),
    ),
)]
pub(super) async fn cast(mut request: Request<Arc<Site>>) -> tide::Result {
    let answer = match read_and_cast(&mut request).await {
        Ok(receipt) => Response::builder(StatusCode::Created)
            .body(serde_json::to_vec(&VoteCast { receipt })?)
            .content_type("application/json")
            .header("cache-control", "no-store")
            .build(),
        Err(refusal) => problem(refusal)?,
    };
    Ok(answer)
}

async fn read_and_cast(request: &mut Request<Arc<Site>>) -> Result<String, Refusal> {
    let ballots = ballot_box(request)?;
    ballots.admit(client(request))?;
    demand_same_origin(request)?;
    let is_json = request
        .content_type()
        .is_some_and(|mime| mime.essence() == "application/json");
    if !is_json {
        return Err(Refusal::MediaType);
    }
    let body = request.body_bytes().await.map_err(|_| Refusal::Malformed)?;
    let body: BallotBody = serde_json::from_slice(&body).map_err(|_| Refusal::Malformed)?;
    let ballot = Ballot {
        voter_id: body.voter_id,
        candidate_id: body.candidate_id,
        credential: body.credential,
    };
    ballots.cast(ballot).await
}

/// The ballot box; its routes are there only where it is.
pub(super) fn ballot_box(request: &Request<Arc<Site>>) -> Result<Arc<BallotBox>, Refusal> {
    request.state().ballots.clone().ok_or(Refusal::NotOpen)
}

/// Where a request comes from. The server always knows; without it all would share one limit.
pub(super) fn client(request: &Request<Arc<Site>>) -> IpAddr {
    let address = request.peer_addr().and_then(|address| address.parse().ok());
    address.map_or(IpAddr::from([0; 4]), |address: SocketAddr| address.ip())
}

fn problem(refusal: Refusal) -> tide::Result {
    let status = refusal.status();
    let body = serde_json::to_vec(&VoteProblem {
        status: status.into(),
        title: status.canonical_reason(),
        reason: refusal.reason(),
        detail: refusal.to_string(),
    })?;
    let mut response = Response::builder(status)
        .body(body)
        .content_type("application/problem+json")
        .header("cache-control", "no-store")
        .build();
    retry_after(&mut response, refusal);
    Ok(response)
}

/// Says when it may be tried again, where that is known.
pub(super) fn retry_after(response: &mut Response, refusal: Refusal) {
    if let Some(seconds) = refusal.retry_after() {
        response.insert_header(headers::RETRY_AFTER, seconds.to_string());
    }
}
