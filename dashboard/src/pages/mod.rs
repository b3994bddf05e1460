//! The pages: complete HTML documents, which the scripts then keep up to date. Each page is a template and the view that
//! fills it.

mod ballot;
mod candidate;
mod contest;
mod error;
mod location;
mod overview;
mod parts;
#[cfg(test)]
mod tests;

pub(crate) use self::ballot::{
    BallotForm, answers as ballot_answers, ballot, ballot_receipt, ballot_review,
};
pub(crate) use candidate::candidate;
pub(crate) use contest::contest;
pub(crate) use error::error;
pub(crate) use location::location;
pub(crate) use overview::overview;
