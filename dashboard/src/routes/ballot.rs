//! Voting in a browser: the ballot page, which works without JavaScript.

use std::sync::Arc;

use ballot::ElectionDefinition;
use tide::http::StatusCode;
use tide::{Request, Response};

use super::same_origin::{cookie, demand_token, new_token};
use super::votes::{admit, retry_after};
use super::{Site, html};
use crate::ballot_box::{Ballot, BallotBox, Marks, Refusal};
use crate::pages::{self, BallotForm};

/// With `no-referrer`, a browser would send the form with `Origin: null`, as from another site.
const REFERRER_POLICY: (&str, &str) = ("referrer-policy", "same-origin");

/// The page with an empty ballot.
pub(super) async fn form(request: Request<Arc<Site>>) -> tide::Result {
    show(&request, StatusCode::Ok, BallotForm::default())
}

/// What the form is sent for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Step {
    /// To cast the vote.
    Cast,
    /// To look at what is marked, before it is cast.
    Review,
    /// To mark something else.
    Change,
}

/// Goes a step further with the form: shows what is marked, or casts it and shows the receipt number, or shows the form
/// again with what is wrong.
pub(super) async fn cast(mut request: Request<Arc<Site>>) -> tide::Result {
    let mut form = BallotForm::default();
    let step = match read(&mut request, &mut form).await {
        Ok(Sent {
            step: Step::Cast,
            ballot,
            ballots,
        }) => match ballots.cast(ballot).await {
            Ok(receipt) => {
                let page = pages::ballot_receipt(&receipt)?;
                return Ok(html(Response::builder(StatusCode::Created), page));
            }
            Err(refusal) => Err(refusal),
        },
        Ok(Sent { step, .. }) => Ok(step),
        Err(refusal) => Err(refusal),
    };
    match step {
        Ok(Step::Change) => show(&request, StatusCode::Ok, form),
        Ok(_) => review(&request, StatusCode::Ok, form),
        Err(refusal) => {
            form.problem = Some(refusal.to_string());
            let is_reviewed = definition(&request).is_some_and(|it| !it.takes_candidate_id());
            let mut response = match is_reviewed && !form.marks.is_empty() {
                true => review(&request, refusal.status(), form)?,
                false => show(&request, refusal.status(), form)?,
            };
            retry_after(&mut response, refusal);
            Ok(response)
        }
    }
}

/// A form that was sent.
struct Sent {
    step: Step,
    ballot: Ballot,
    ballots: Arc<BallotBox>,
}

async fn read(request: &mut Request<Arc<Site>>, form: &mut BallotForm) -> Result<Sent, Refusal> {
    let ballots = admit(request)?;
    let body = request.body_bytes().await.map_err(|_| Refusal::Malformed)?;
    let (mut token, mut credential, mut step) = (String::new(), String::new(), Step::Cast);
    for (name, value) in form_urlencoded::parse(&body) {
        match &*name {
            "token" => token = value.into_owned(),
            "voter_id" => form.voter_id = value.trim().to_owned(),
            // It may be printed in groups.
            "credential" => credential = value.split_whitespace().collect(),
            "step" => {
                step = match &*value {
                    "review" => Step::Review,
                    "change" => Step::Change,
                    _ => Step::Cast,
                }
            }
            _ => {
                let values = form.marks.entry(name.into_owned()).or_default();
                values.push(value.into_owned());
            }
        }
    }
    demand_token(request, &token)?;
    let definition = ballots.definition().ok_or(Refusal::NotOpen)?;
    let marks = match definition.takes_candidate_id() {
        true => {
            let chosen = form.marks.get("candidate_id");
            let chosen = chosen.and_then(|values| values.first());
            Marks::Candidate(chosen.cloned().ok_or(Refusal::Malformed)?)
        }
        false => {
            let (answers, write_ins) = pages::ballot_answers(definition, form);
            Marks::Choices { answers, write_ins }
        }
    };
    let ballot = Ballot {
        voter_id: form.voter_id.clone(),
        marks,
        credential,
    };
    Ok(Sent {
        step,
        ballot,
        ballots,
    })
}

fn definition(request: &Request<Arc<Site>>) -> Option<&ElectionDefinition> {
    let ballots = request.state().ballots.as_deref();
    ballots.and_then(BallotBox::definition)
}

fn show(request: &Request<Arc<Site>>, status: StatusCode, form: BallotForm) -> tide::Result {
    let token = new_token()?;
    let page = pages::ballot(definition(request), &token, &form)?;
    Ok(with_token(page, &token, status))
}

fn review(request: &Request<Arc<Site>>, status: StatusCode, form: BallotForm) -> tide::Result {
    let Some(definition) = definition(request) else {
        return show(request, status, form);
    };
    let token = new_token()?;
    let page = pages::ballot_review(definition, &token, &form)?;
    Ok(with_token(page, &token, status))
}

fn with_token(page: String, token: &str, status: StatusCode) -> Response {
    let mut response = html(Response::builder(status), page);
    response.insert_header("set-cookie", cookie(token));
    response.insert_header(REFERRER_POLICY.0, REFERRER_POLICY.1);
    response
}
