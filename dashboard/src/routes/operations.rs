//! For operators: is it alive, does every source work, how much does it do.

use std::sync::Arc;

use serde_json::json;
use tide::http::StatusCode;
use tide::{Request, Response};

use super::Site;
use crate::metrics;

/// The process answers.
pub(super) async fn healthz(request: Request<Arc<Site>>) -> tide::Result {
    let body = json!({
        "status": "ok",
        "version": env!("CARGO_PKG_VERSION"),
        "started_at": crate::board::rfc3339(request.state().started_at),
    });
    super::json(StatusCode::Ok, &body)
}

/// It has figures to show, and every source works.
pub(super) async fn readyz(request: Request<Arc<Site>>) -> tide::Result {
    let published = request.state().hub.at_present();
    let problems = &published.snapshot.pipeline.problems;
    if published.snapshot.sequence > 0 && problems.is_empty() {
        return super::json(StatusCode::Ok, &json!({"status": "ready"}));
    }
    let status = match published.snapshot.sequence {
        0 => "starting",
        _ => "not ready",
    };
    let body = json!({"status": status, "problems": problems});
    super::json(StatusCode::ServiceUnavailable, &body)
}

/// For Prometheus.
pub(super) async fn metrics(request: Request<Arc<Site>>) -> tide::Result {
    let text = request.state().metrics.render()?;
    Ok(Response::builder(StatusCode::Ok)
        .body(text)
        .content_type(metrics::CONTENT_TYPE)
        .build())
}
