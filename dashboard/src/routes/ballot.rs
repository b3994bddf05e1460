//! Voting in a browser: the ballot page, which works without JavaScript.

use std::sync::Arc;

use tide::http::StatusCode;
use tide::{Request, Response};

use super::same_origin::{cookie, demand_token, new_token};
use super::votes::{admit, retry_after};
use super::{Site, html};
use crate::ballot_box::{Ballot, Refusal};
use crate::pages::{self, BallotForm};

/// With `no-referrer`, a browser would send the form with `Origin: null`, as from another site.
const REFERRER_POLICY: (&str, &str) = ("referrer-policy", "same-origin");

/// The page with an empty ballot.
pub(super) async fn form(request: Request<Arc<Site>>) -> tide::Result {
    show(&request, StatusCode::Ok, BallotForm::default())
}

/// Casts the form's vote. Shows the receipt number, or the form again with what is wrong.
pub(super) async fn cast(mut request: Request<Arc<Site>>) -> tide::Result {
    let mut form = BallotForm::default();
    match read_and_cast(&mut request, &mut form).await {
        Ok(receipt) => {
            let page = pages::ballot_receipt(&receipt)?;
            Ok(html(Response::builder(StatusCode::Created), page))
        }
        Err(refusal) => {
            form.problem = Some(refusal.to_string());
            let mut response = show(&request, refusal.status(), form)?;
            retry_after(&mut response, refusal);
            Ok(response)
        }
    }
}

async fn read_and_cast(
    request: &mut Request<Arc<Site>>,
    form: &mut BallotForm,
) -> Result<String, Refusal> {
    let ballots = admit(request)?;
    let body = request.body_bytes().await.map_err(|_| Refusal::Malformed)?;
    let (mut token, mut credential) = (String::new(), String::new());
    for (name, value) in form_urlencoded::parse(&body) {
        match &*name {
            "token" => token = value.into_owned(),
            "voter_id" => form.voter_id = value.trim().to_owned(),
            "candidate_id" => form.candidate_id = value.into_owned(),
            // It may be printed in groups.
            "credential" => credential = value.split_whitespace().collect(),
            _ => {}
        }
    }
    demand_token(request, &token)?;
    let ballot = Ballot {
        voter_id: form.voter_id.clone(),
        candidate_id: form.candidate_id.clone(),
        credential,
    };
    ballots.cast(ballot).await
}

fn show(request: &Request<Arc<Site>>, status: StatusCode, form: BallotForm) -> tide::Result {
    let token = new_token()?;
    let ballots = request.state().ballots.as_deref();
    let candidates = ballots.map_or(&[][..], |ballots| ballots.candidates());
    let page = pages::ballot(candidates, &token, &form)?;
    let mut response = html(Response::builder(status), page);
    response.insert_header("set-cookie", cookie(&token));
    response.insert_header(REFERRER_POLICY.0, REFERRER_POLICY.1);
    Ok(response)
}
