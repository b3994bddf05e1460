//! Why a ballot is not taken, in words for the voter and for programs.

use std::time::Duration;

use tide::http::StatusCode;

/// Why a ballot is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Refusal {
    #[error("Name a voter, a candidate and a credential; each has at most 255 bytes.")]
    Malformed,
    #[error(
        "This request was sent by another site, or the page is too old. Open the ballot page and vote there."
    )]
    CrossSite,
    #[error("The body must be JSON, sent as `content-type: application/json`.")]
    MediaType,
    #[error("Voter id and credential do not belong together.")]
    BadCredential,
    #[error("No voter with this id is registered.")]
    UnknownVoter,
    #[error("This candidate does not stand in the election.")]
    UnknownCandidate,
    #[error("The polls are closed.")]
    PollsClosed,
    #[error("A vote has been cast for this voter already. The first one counts.")]
    AlreadyVoted,
    #[error("Too many requests. Try again in a while.")]
    TooMany(Duration),
    #[error("Too many votes are coming in at this moment. Try again in a second.")]
    QueueFull,
    #[error("No vote can be taken yet: the election is still being set up.")]
    NotOpen,
    #[error(
        "It is not known whether the vote was cast: the system did not answer. Vote again; if both arrive, only the first counts."
    )]
    Unanswered,
}

impl Refusal {
    /// For programs.
    pub(crate) fn reason(self) -> &'static str {
        match self {
            Refusal::Malformed => "malformed",
            Refusal::CrossSite => "cross_site",
            Refusal::MediaType => "media_type",
            Refusal::BadCredential => "bad_credential",
            Refusal::UnknownVoter => "unknown_voter",
            Refusal::UnknownCandidate => "unknown_candidate",
            Refusal::PollsClosed => "polls_closed",
            Refusal::AlreadyVoted => "already_voted",
            Refusal::TooMany(_) => "too_many_requests",
            Refusal::QueueFull => "queue_full",
            Refusal::NotOpen => "not_open",
            Refusal::Unanswered => "unanswered",
        }
    }

    pub(crate) fn status(self) -> StatusCode {
        match self {
            Refusal::Malformed => StatusCode::BadRequest,
            Refusal::MediaType => StatusCode::UnsupportedMediaType,
            Refusal::CrossSite
            | Refusal::BadCredential
            | Refusal::UnknownVoter
            | Refusal::PollsClosed => StatusCode::Forbidden,
            Refusal::UnknownCandidate => StatusCode::UnprocessableEntity,
            Refusal::AlreadyVoted => StatusCode::Conflict,
            Refusal::TooMany(_) => StatusCode::TooManyRequests,
            Refusal::QueueFull | Refusal::NotOpen | Refusal::Unanswered => {
                StatusCode::ServiceUnavailable
            }
        }
    }

    /// After how many seconds it may be tried again.
    pub(crate) fn retry_after(self) -> Option<u64> {
        match self {
            Refusal::TooMany(wait) => Some(wait.as_secs() + 1),
            Refusal::QueueFull | Refusal::NotOpen | Refusal::Unanswered => Some(1),
            _ => None,
        }
    }
}
