//! The ballot page, and the page with the receipt number.

use askama::Template;
use ballot::Candidate;
use service::public_url::portrait_path;

use super::parts;

/// The contents of the form: empty, or what was sent and refused. The credential is never shown again.
#[derive(Default)]
pub(crate) struct BallotForm {
    pub(crate) voter_id: String,
    pub(crate) candidate_id: String,
    /// What was wrong with it.
    pub(crate) problem: Option<String>,
}

#[derive(Template)]
#[template(path = "ballot.html")]
struct BallotPage<'a> {
    choices: Vec<Choice<'a>>,
    token: &'a str,
    form: &'a BallotForm,
}

struct Choice<'a> {
    key: usize,
    portrait: String,
    candidate: &'a Candidate,
    is_chosen: bool,
}

/// The form to vote with.
pub(crate) fn ballot(
    candidates: &[Candidate],
    token: &str,
    form: &BallotForm,
) -> Result<String, askama::Error> {
    let choices = candidates.iter().enumerate();
    BallotPage {
        choices: choices
            .map(|(index, candidate)| Choice {
                key: parts::colour(index),
                portrait: portrait_path(&candidate.candidate_id),
                is_chosen: candidate.candidate_id == form.candidate_id,
                candidate,
            })
            .collect(),
        token,
        form,
    }
    .render()
}

#[derive(Template)]
#[template(path = "ballot_receipt.html")]
struct ReceiptPage<'a> {
    receipt: &'a str,
}

/// Says that the vote was cast.
pub(crate) fn ballot_receipt(receipt: &str) -> Result<String, askama::Error> {
    ReceiptPage { receipt }.render()
}
