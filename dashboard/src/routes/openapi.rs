//! The description of the API, generated from the handlers and their types.

use std::sync::{Arc, LazyLock};

use tide::http::StatusCode;
use tide::{Request, Response};
use utoipa::OpenApi;

use super::{Site, api, events, votes};

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Election dashboard",
        description = "The count of a real-time election. Every answer is of one moment; nothing in it is \
            about a single voter. Where votes are accepted, a registered voter can cast one.",
    ),
    paths(
        api::results, api::contest, api::turnout, api::candidates, api::locations, api::rejected, api::pipeline,
        api::evidence, events::events, votes::cast,
    ),
    tags(
        (name = "results", description = "Who got what, and how the votes flow"),
        (name = "voting", description = "Casting a vote, where votes are accepted"),
    ),
)]
struct Description;

static DOCUMENT: LazyLock<String> = LazyLock::new(|| {
    Description::openapi()
        .to_json()
        .expect("invariant: the description has a JSON form")
});

pub(super) async fn document(_: Request<Arc<Site>>) -> tide::Result {
    Ok(Response::builder(StatusCode::Ok)
        .body(DOCUMENT.as_str())
        .content_type("application/json")
        .build())
}
