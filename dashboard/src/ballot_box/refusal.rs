//! Why a ballot is not taken, in words for the voter and for programs.

use std::time::Duration;

use tide::http::StatusCode;

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Refusal {
    #[error(
        "Give a voter id and a credential of at most 255 bytes each, and for each contest what it asks for."
    )]
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
    #[error("There is no such candidate in this election.")]
    UnknownCandidate,
    #[error("There is no such contest in this election.")]
    UnknownContest,
    #[error(
        "This ballot answers a contest that is not put to voters of your precinct. Leave it blank."
    )]
    NotYourContest,
    #[error(
        "Give `choices`, an object of contest and answer: `candidate_id` is for an election with one contest."
    )]
    NeedsChoices,
    #[error("The polls are closed.")]
    PollsClosed,
    #[error("This voter has voted already. The first vote counts.")]
    AlreadyVoted,
    #[error("Too many requests. Try again later.")]
    TooMany(Duration),
    #[error("Too many votes are waiting. Try again in a second.")]
    QueueFull,
    #[error("Votes cannot be taken yet: the election is still being set up.")]
    NotOpen,
    #[error("The system is too slow at the moment. Your vote is not cast. Vote again.")]
    NotCast,
    #[error(
        "The system has not said yet whether your vote is cast. Vote again in a moment: if it is, you will be told so, and only the first counts."
    )]
    Unknown,
}

impl Refusal {
    /// The reason for programs, and the HTTP status.
    fn kind(self) -> (&'static str, StatusCode) {
        match self {
            Refusal::Malformed => ("malformed", StatusCode::BadRequest),
            Refusal::CrossSite => ("cross_site", StatusCode::Forbidden),
            Refusal::MediaType => ("media_type", StatusCode::UnsupportedMediaType),
            Refusal::BadCredential => ("bad_credential", StatusCode::Forbidden),
            Refusal::UnknownVoter => ("unknown_voter", StatusCode::Forbidden),
            Refusal::UnknownCandidate => ("unknown_candidate", StatusCode::UnprocessableEntity),
            Refusal::UnknownContest => ("unknown_contest", StatusCode::UnprocessableEntity),
            Refusal::NotYourContest => ("not_your_contest", StatusCode::UnprocessableEntity),
            Refusal::NeedsChoices => ("malformed", StatusCode::BadRequest),
            Refusal::PollsClosed => ("polls_closed", StatusCode::Forbidden),
            Refusal::AlreadyVoted => ("already_voted", StatusCode::Conflict),
            Refusal::TooMany(_) => ("too_many_requests", StatusCode::TooManyRequests),
            Refusal::QueueFull => ("queue_full", StatusCode::ServiceUnavailable),
            Refusal::NotOpen => ("not_open", StatusCode::ServiceUnavailable),
            Refusal::NotCast => ("not_cast", StatusCode::ServiceUnavailable),
            Refusal::Unknown => ("unknown", StatusCode::GatewayTimeout),
        }
    }

    pub(crate) fn reason(self) -> &'static str {
        self.kind().0
    }

    pub(crate) fn status(self) -> StatusCode {
        self.kind().1
    }

    /// Seconds until the next try.
    pub(crate) fn retry_after(self) -> Option<u64> {
        match self {
            Refusal::TooMany(wait) => Some(wait.as_secs() + 1),
            Refusal::QueueFull | Refusal::NotOpen | Refusal::NotCast | Refusal::Unknown => Some(1),
            _ => None,
        }
    }
}
