//! Voting by a program: `POST /api/v1/votes`.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use tide::http::{StatusCode, headers};
use tide::{Request, Response};
use utoipa::ToSchema;

use super::same_origin::demand_same_origin;
use super::{Problem, Site, json};
use crate::ballot_box::{Ballot, BallotBox, Marks, Refusal};

/// A ballot.
#[derive(Deserialize, ToSchema)]
pub(super) struct BallotBody {
    /// The voter, as registered.
    voter_id: String,
    /// The candidate voted for, in an election with one contest in which one candidate is marked.
    #[serde(default)]
    candidate_id: Option<String>,
    /// Answers by contest: a candidate's id, a list of ids (in order of preference, where candidates are ranked), or an
    /// object of id and points.
    #[serde(default)]
    #[schema(value_type = Option<Object>, example = json!({"mayor": ["c3", "c1"], "council": ["a", "b"]}))]
    choices: Option<Map<String, Value>>,
    /// Names written in, by contest.
    #[serde(default)]
    #[schema(value_type = Option<Object>)]
    write_ins: Option<Map<String, Value>>,
    /// The credential that the voter was given: 32 hexadecimal digits.
    credential: String,
}

/// A vote that was cast.
#[derive(Serialize, ToSchema)]
pub(super) struct VoteCast {
    /// The voter's receipt number: 12 letters and digits, made from the voter's id and the election's key. It says that
    /// this voter's vote was taken, and nothing about whom it was for.
    receipt: String,
}

/// Casts a voter's vote.
///
/// Answered when the streaming platform has acknowledged the vote; available only with `--accept-votes`. A voter's
/// first vote counts: an earlier one is refused here if it is known already, and rejected by the count in any case.
#[utoipa::path(
    post, path = "/api/v1/votes", tag = "voting",
    request_body = BallotBody,
    responses(
        (status = 201, body = VoteCast),
        (status = 400, body = Problem, description = "`malformed`"),
        (status = 403, body = Problem, description = "`bad_credential`, `unknown_voter`, `polls_closed` or `cross_site`"),
        (status = 409, body = Problem, description = "`already_voted`"),
        (status = 413, description = "A body larger than a ballot can be"),
        (status = 415, body = Problem, description = "`media_type`"),
        (status = 422, body = Problem, description = "`unknown_candidate`, `unknown_contest` or `not_your_contest`"),
        (status = 429, body = Problem, description = "`too_many_requests`; see `retry-after`"),
        (status = 503, body = Problem, description = "`queue_full`, `not_open` or `not_cast`: the vote is not cast, and will not be; see `retry-after`"),
        (status = 504, body = Problem, description = "`unknown`: the vote may be cast; the same request again says `already_voted` if it is"),
    ),
)]
pub(super) async fn cast(mut request: Request<Arc<Site>>) -> tide::Result {
    let refusal = match read_and_cast(&mut request).await {
        Ok(receipt) => return json(StatusCode::Created, &VoteCast { receipt }),
        Err(refusal) => refusal,
    };
    let (status, reason) = (refusal.status(), refusal.reason());
    let problem = Problem::new(status, Some(reason), refusal.to_string());
    let mut response = problem.into_response(status)?;
    retry_after(&mut response, refusal);
    Ok(response)
}

async fn read_and_cast(request: &mut Request<Arc<Site>>) -> Result<String, Refusal> {
    let ballots = admit(request)?;
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
        marks: match (body.candidate_id, body.choices) {
            (Some(candidate_id), None) => Marks::Candidate(candidate_id),
            (None, Some(answers)) => Marks::Choices {
                answers,
                write_ins: body.write_ins.unwrap_or_default(),
            },
            _ => return Err(Refusal::Malformed),
        },
        credential: body.credential,
    };
    ballots.cast(ballot).await
}

/// The ballot box, if the client is within its limit and the request is not from another site.
pub(super) fn admit(request: &Request<Arc<Site>>) -> Result<Arc<BallotBox>, Refusal> {
    let ballots = request.state().ballots.clone().ok_or(Refusal::NotOpen)?;
    // The server always sets the address; requests without one would share one limit.
    let address = request.peer_addr().and_then(|address| address.parse().ok());
    let client = address.map_or(IpAddr::from([0; 4]), |address: SocketAddr| address.ip());
    ballots.admit(client)?;
    demand_same_origin(request)?;
    Ok(ballots)
}

/// Sets the header that says when to try again, where that is known.
pub(super) fn retry_after(response: &mut Response, refusal: Refusal) {
    if let Some(seconds) = refusal.retry_after() {
        response.insert_header(headers::RETRY_AFTER, seconds.to_string());
    }
}
