//! The pages, and what they are made of.

use std::sync::Arc;

use tide::http::{StatusCode, headers};
use tide::{Request, Response};

use super::{Site, html, path_parameter, refusal};
use crate::numbers::Numbers;
use crate::portrait::portrait_svg;
use crate::query::LocationsQuery;
use crate::{assets, pages};

/// A year, in which a file under a name that changes with it does not change.
const IMMUTABLE: &str = "public, max-age=31536000, immutable";

type PageRequest = Request<Arc<Site>>;

fn numbers(request: &PageRequest) -> Numbers {
    let accepted = request.header(headers::ACCEPT_LANGUAGE);
    Numbers::for_languages(accepted.map(|values| values.as_str()))
}

fn rendered(page: Result<String, askama::Error>) -> tide::Result {
    Ok(html(Response::builder(StatusCode::Ok), page?))
}

pub(super) async fn overview(request: PageRequest) -> tide::Result {
    let query = request.url().query().unwrap_or_default();
    let bad = |reason: String| Ok(refusal("/", StatusCode::BadRequest, &reason));
    let locations = match LocationsQuery::parse(query) {
        Ok(locations) => locations,
        Err(error) => return bad(error.to_string()),
    };
    let refresh = match pages::refresh_interval(query) {
        Ok(refresh) => refresh,
        Err(error) => return bad(error.to_string()),
    };
    let published = request.state().hub.latest().await;
    rendered(pages::overview(
        &published.snapshot,
        &locations,
        refresh,
        &numbers(&request),
        request.state().ballots.is_some(),
    ))
}

pub(super) async fn candidate(request: PageRequest) -> tide::Result {
    let candidate_id = path_parameter(&request, "candidate_id")?;
    let candidate = {
        let board = request.state().shared.board();
        let mut candidates = board.candidates().into_iter();
        candidates.find(|at| at.candidate_id == candidate_id)
    };
    let published = request.state().hub.latest().await;
    let is_published = |id: &str| {
        let mut candidates = published.snapshot.candidates.iter();
        candidates.any(|at| at.candidate_id == id)
    };
    match candidate {
        Some(candidate) if is_published(&candidate.candidate_id) => rendered(pages::candidate(
            &published.snapshot,
            &candidate,
            &numbers(&request),
        )),
        _ => Ok(refusal(
            "/candidates",
            StatusCode::NotFound,
            "No candidate of this election has this id.",
        )),
    }
}

pub(super) async fn location(request: PageRequest) -> tide::Result {
    let state = path_parameter(&request, "state")?;
    let published = request.state().hub.latest().await;
    let mut locations = published.snapshot.locations.iter();
    match locations.find(|at| at.state == state) {
        Some(location) => rendered(pages::location(
            &published.snapshot,
            location,
            &numbers(&request),
        )),
        None => Ok(refusal(
            "/locations",
            StatusCode::NotFound,
            "No vote of this location is counted (yet).",
        )),
    }
}

pub(super) async fn portrait(request: PageRequest) -> tide::Result {
    let file = path_parameter(&request, "file")?;
    let known = file.strip_suffix(".svg").filter(|id| {
        let board = request.state().shared.board();
        board.candidates().iter().any(|at| at.candidate_id == *id)
    });
    match known {
        // Made from the id alone, so it never changes.
        Some(candidate_id) => Ok(Response::builder(StatusCode::Ok)
            .body(portrait_svg(candidate_id))
            .content_type("image/svg+xml")
            .header("cache-control", IMMUTABLE)
            // Other programs show `photo_url` on pages of another address.
            .header("cross-origin-resource-policy", "cross-origin")
            .build()),
        None => Ok(Response::new(StatusCode::NotFound)),
    }
}

pub(super) async fn asset(request: PageRequest) -> tide::Result {
    let Some(asset) = request.param("name").ok().and_then(assets::asset) else {
        return Ok(Response::new(StatusCode::NotFound));
    };
    let etag = format!("\"{}\"", asset.etag);
    let version = request.url().query_pairs().find(|(name, _)| name == "v");
    let cached = version.is_some_and(|(_, version)| version == *asset.etag);
    let response = |status| {
        Response::builder(status)
            .header("cache-control", if cached { IMMUTABLE } else { "no-cache" })
            .header("etag", &etag)
    };
    if request
        .header(headers::IF_NONE_MATCH)
        .is_some_and(|known| known.as_str() == etag)
    {
        return Ok(response(StatusCode::NotModified).build());
    }
    Ok(response(StatusCode::Ok)
        .body(asset.bytes)
        .content_type(asset.content_type)
        .build())
}

/// What browsers ask for unasked.
pub(super) async fn favicon(_: PageRequest) -> tide::Result {
    Ok(tide::Redirect::permanent("/assets/icon.svg").into())
}
