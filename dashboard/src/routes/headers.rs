//! What every answer gets: headers that limit what a browser does with it, a reason if it is an empty error, and a
//! place in the metrics.

use std::sync::Arc;

use tide::http::StatusCode;
use tide::utils::async_trait;
use tide::{Middleware, Next, Request};

use super::{Site, refusal};

/// Nothing from other hosts, nothing inline, no framing.
const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; \
    img-src 'self'; connect-src 'self'; font-src 'self'; manifest-src 'self'; base-uri 'none'; \
    form-action 'self'; frame-ancestors 'none'";

const HEADERS: [(&str, &str); 6] = [
    ("content-security-policy", CONTENT_SECURITY_POLICY),
    ("x-content-type-options", "nosniff"),
    ("referrer-policy", "no-referrer"),
    ("cross-origin-opener-policy", "same-origin"),
    ("cross-origin-resource-policy", "same-origin"),
    (
        "permissions-policy",
        "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    ),
];

pub(crate) struct Headers;

#[async_trait]
impl Middleware<Arc<Site>> for Headers {
    async fn handle(&self, request: Request<Arc<Site>>, next: Next<'_, Arc<Site>>) -> tide::Result {
        let metrics = request.state().metrics.clone();
        let path = request.url().path().to_owned();
        let mut response = next.run(request).await;
        let status = response.status();
        let error = response.take_error();
        let is_error = status.is_client_error() || status.is_server_error();
        if is_error && response.is_empty() != Some(false) {
            response = match error {
                Some(error) if status.is_client_error() => {
                    refusal(&path, status, &error.to_string())
                }
                error => {
                    if let Some(error) = error {
                        tracing::error!(path, "{error}");
                    }
                    refusal(&path, status, reason(status))
                }
            };
        }
        for (name, value) in HEADERS {
            if response.header(name).is_none() {
                response.insert_header(name, value);
            }
        }
        metrics.responded(u16::from(response.status()));
        Ok(response)
    }
}

fn reason(status: StatusCode) -> &'static str {
    match status {
        StatusCode::NotFound => "There is nothing under this address.",
        StatusCode::MethodNotAllowed => {
            "The dashboard answers GET and HEAD, and POST where votes are accepted."
        }
        _ => "The dashboard failed to answer; its log says why.",
    }
}
