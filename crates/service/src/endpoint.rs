//! `/healthz` and `/metrics` of a process that serves nothing else.

use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;

use chrono::SecondsFormat;
use serde_json::{Map, Value, json};
use tide::http::StatusCode;
use tide::{Request, Response};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::health::{Health, HealthReport, Problem};
use crate::{ServiceError, http};

/// What `Content-Type` says of metrics: the OpenMetrics text format.
pub const METRICS_CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Writes the metrics of a process.
pub type RenderMetrics = Arc<dyn Fn() -> Result<String, fmt::Error> + Send + Sync>;

#[derive(Clone)]
struct Site {
    health: Health,
    metrics: RenderMetrics,
}

/// Takes the port.
///
/// # Errors
/// When it is taken already, or not allowed.
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

/// Answers until `stop`: `/healthz` with 200 when every component is fine, else with 503 and what is
/// wrong; `/metrics` with the metrics.
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

/// Does `work`, and meanwhile serves health and metrics where an address is given for them.
///
/// # Errors
/// When the address cannot be listened on; then the work is not begun.
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
    let report = request.state().health.report();
    let status = if report.is_fine() {
        StatusCode::Ok
    } else {
        StatusCode::ServiceUnavailable
    };
    Ok(Response::builder(status)
        .body(describe(&report).to_string())
        .content_type("application/json")
        .header("cache-control", "no-store")
        .build())
}

async fn render_metrics(request: Request<Site>) -> tide::Result {
    let text = (request.state().metrics)().inspect_err(|_| {
        tracing::error!("the metrics cannot be written");
    })?;
    Ok(Response::builder(StatusCode::Ok)
        .body(text)
        .content_type(METRICS_CONTENT_TYPE)
        .build())
}

fn describe(report: &HealthReport) -> Value {
    let status = |is_fine| if is_fine { "ok" } else { "problem" };
    let component = |problem: &Option<Problem>| match problem {
        None => json!({"status": status(true)}),
        Some(problem) => json!({
            "status": status(false),
            "problem": problem.text,
            "since": problem.since.to_rfc3339_opts(SecondsFormat::Millis, true),
        }),
    };
    let components: Map<_, _> = report
        .components
        .iter()
        .map(|(name, problem)| (name.clone(), component(problem)))
        .collect();
    json!({"status": status(report.is_fine()), "components": components})
}
