//! The pages, and the files they load.

use std::sync::Arc;

use ballot::Candidate;
use tide::http::{StatusCode, headers};
use tide::{Request, Response};

use super::{Site, html, path_parameter, refusal};
use crate::numbers::Numbers;
use crate::portrait::portrait_svg;
use crate::query::{LocationsQuery, refresh_interval};
use crate::{assets, pages};

/// For a URL whose content never changes.
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
    let locations = LocationsQuery::parse(query);
    let asked = locations.and_then(|locations| Ok((locations, refresh_interval(query)?)));
    let (locations, refresh) = match asked {
        Ok(asked) => asked,
        Err(error) => return Ok(refusal("/", StatusCode::BadRequest, &error.to_string())),
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
    let published = request.state().hub.latest().await;
    let snapshot = &published.snapshot;
    let candidate = known_candidate(&request, &candidate_id);
    match candidate.zip(snapshot.index_of(&candidate_id)) {
        Some((candidate, index)) => {
            let n = numbers(&request);
            rendered(pages::candidate(snapshot, &candidate, index, &n))
        }
        None => Ok(refusal(
            "/candidates",
            StatusCode::NotFound,
            "No candidate of this election has this id.",
        )),
    }
}

pub(super) async fn contest(request: PageRequest) -> tide::Result {
    let contest_id = path_parameter(&request, "contest_id")?;
    let published = request.state().hub.latest().await;
    match published.snapshot.contest(&contest_id) {
        Some((contest, outcome)) => rendered(pages::contest(
            &published.snapshot,
            contest,
            outcome,
            &numbers(&request),
        )),
        None => Ok(refusal(
            "/contests",
            StatusCode::NotFound,
            "No contest of this election has this id.",
        )),
    }
}

fn known_candidate(request: &PageRequest, candidate_id: &str) -> Option<Candidate> {
    let candidates = request.state().shared.board().candidates();
    let mut candidates = candidates.into_iter();
    candidates.find(|candidate| candidate.candidate_id == candidate_id)
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
            "No vote of this location is counted yet.",
        )),
    }
}

pub(super) async fn portrait(request: PageRequest) -> tide::Result {
    let file = path_parameter(&request, "file")?;
    let id = file.strip_suffix(".svg");
    match id.filter(|id| known_candidate(&request, id).is_some()) {
        // It is made from the id alone, so it never changes.
        Some(candidate_id) => Ok(Response::builder(StatusCode::Ok)
            .body(portrait_svg(candidate_id))
            .content_type("image/svg+xml")
            .header("cache-control", IMMUTABLE)
            // Other programs show `photo_url` on pages of other hosts.
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
    let mut parameters = request.url().query_pairs();
    let is_versioned = parameters.any(|(name, value)| name == "v" && value == *asset.etag);
    let caching = if is_versioned { IMMUTABLE } else { "no-cache" };
    let known = request.header(headers::IF_NONE_MATCH);
    let is_known = known.is_some_and(|known| known.as_str() == etag);
    let mut response = Response::new(StatusCode::NotModified);
    if !is_known {
        response.set_status(StatusCode::Ok);
        response.set_body(asset.bytes);
        response.set_content_type(asset.content_type);
    }
    response.insert_header("cache-control", caching);
    response.insert_header("etag", &etag);
    Ok(response)
}

/// Browsers ask for it without being told to.
pub(super) async fn favicon(_: PageRequest) -> tide::Result {
    Ok(tide::Redirect::permanent("/assets/icon.svg").into())
}
