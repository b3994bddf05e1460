//! `/healthz` and `/metrics` for services without other pages.

use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;

use chrono::SecondsFormat;
use serde_json::{Map, json};
use tide::http::StatusCode;
use tide::{Request, Response};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::health::{Health, Problem};
use crate::{ServiceError, http};

/// The `Content-Type` of metrics: the OpenMetrics text format.
pub const METRICS_CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Writes the metrics of a process.
pub type RenderMetrics = Arc<dyn Fn() -> Result<String, fmt::Error> + Send + Sync>;

#[derive(Clone)]
struct Site {
    health: Health,
    metrics: RenderMetrics,
}

/// Listens on an address.
///
/// # Errors
/// When the port is in use, or not allowed.
pub async fn bind(address: SocketAddr) -> Result<TcpListener, ServiceError> {
    TcpListener::bind(address)
        .await
        .map_err(|problem| ServiceError::Listen {
            address,
            remedy: match problem.kind() {
                std::io::ErrorKind::AddrInUse => "give `--health` another port",
                std::io::ErrorKind::PermissionDenied => "ports below 1024 need privileges",
                _ => "`--health` takes an address of this machine, or 0.0.0.0 for all of them",
            },
            problem,
        })
}

/// Answers until `stop`: `/healthz` with 200 when no component has a problem, otherwise with 503; `/metrics` with the
/// metrics.
pub async fn serve_health(
    listener: TcpListener,
    health: Health,
    metrics: RenderMetrics,
    stop: CancellationToken,
) {
    let mut app = tide::with_state(Site { health, metrics });
    app.at("/healthz").get(healthz);
    app.at("/metrics").get(render_metrics);
    http::serve(listener, app, 0, stop).await;
}

/// Does `work`, and meanwhile serves health and metrics if there is an address for them.
///
/// # Errors
/// When it cannot listen on the address; the work does not start then.
pub async fn beside<T>(
    address: Option<SocketAddr>,
    health: Health,
    metrics: RenderMetrics,
    work: impl Future<Output = T>,
) -> Result<T, ServiceError> {
    let Some(address) = address else {
        return Ok(work.await);
    };
    let listener = bind(address).await?;
    let stop = CancellationToken::new();
    let work = async {
        let done = work.await;
        stop.cancel();
        done
    };
    let ((), done) = tokio::join!(serve_health(listener, health, metrics, stop.clone()), work);
    Ok(done)
}

async fn healthz(request: Request<Site>) -> tide::Result {
    let components = request.state().health.components();
    let is_fine = components.values().all(Option::is_none);
    let text = |is_fine| if is_fine { "ok" } else { "problem" };
    let component = |problem: Option<Problem>| match problem {
        None => json!({"status": text(true)}),
        Some(problem) => json!({
            "status": text(false),
            "problem": problem.text,
            "since": problem.since.to_rfc3339_opts(SecondsFormat::Millis, true),
        }),
    };
    let components: Map<_, _> = components
        .into_iter()
        .map(|(name, problem)| (name, component(problem)))
        .collect();
    let status = if is_fine {
        StatusCode::Ok
    } else {
        StatusCode::ServiceUnavailable
    };
    Ok(Response::builder(status)
        .body(json!({"status": text(is_fine), "components": components}))
        .header("cache-control", "no-store")
        .build())
}

async fn render_metrics(request: Request<Site>) -> tide::Result {
    let text = (request.state().metrics)().inspect_err(|_| {
        tracing::error!("cannot format the metrics");
    })?;
    Ok(Response::builder(StatusCode::Ok)
        .body(text)
        .content_type(METRICS_CONTENT_TYPE)
        .build())
}
