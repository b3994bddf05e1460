//! For operators: is it alive, does it reach what it needs, how much does it do.

use std::sync::Arc;

use tide::http::StatusCode;
use tide::{Request, Response};

use super::Site;
use crate::metrics;

/// The process answers.
pub(super) async fn healthz(request: Request<Arc<Site>>) -> tide::Result {
    let site = request.state();
    let body = serde_json::json!({
        "status": "ok",
        "version": env!("CARGO_PKG_VERSION"),
        "started_at": crate::board::rfc3339(site.started_at),
    });
    Ok(json(StatusCode::Ok, &body))
}

/// It has figures to show, and every source of them answers.
pub(super) async fn readyz(request: Request<Arc<Site>>) -> tide::Result {
    let published = request.state().hub.at_present();
    let problems = &published.snapshot.pipeline.problems;
    if published.snapshot.sequence == 0 {
        let body = serde_json::json!({"status": "starting", "problems": problems});
        return Ok(json(StatusCode::ServiceUnavailable, &body));
    }
    if problems.is_empty() {
        return Ok(json(
            StatusCode::Ok,
            &serde_json::json!({"status": "ready"}),
        ));
    }
    let body = serde_json::json!({"status": "not ready", "problems": problems});
    Ok(json(StatusCode::ServiceUnavailable, &body))
}

/// For Prometheus.
pub(super) async fn metrics(request: Request<Arc<Site>>) -> tide::Result {
    let text = request.state().metrics.render()?;
    Ok(Response::builder(StatusCode::Ok)
        .body(text)
        .content_type(metrics::CONTENT_TYPE)
        .build())
}

fn json(status: StatusCode, body: &serde_json::Value) -> Response {
    Response::builder(status)
        .body(body.to_string())
        .content_type("application/json")
        .header("cache-control", "no-store")
        .build()
}
