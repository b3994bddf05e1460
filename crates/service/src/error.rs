//! Errors that stop a service process, in words for the person who fixes it.

use std::net::SocketAddr;

/// Wrong options or files: exit code 2.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct UsageError(pub String);

/// A service that cannot start.
#[derive(Debug, thiserror::Error)]
pub enum ServiceError {
    /// No database is named.
    #[error(
        "no database is given: use `--database-url postgresql://user@host:5432/database`, or set `DATABASE_URL`, which keeps the password out of the process list"
    )]
    NoDatabase,
    /// It cannot listen on the address of `/healthz` and `/metrics`.
    #[error("cannot serve health and metrics on {address}: {problem}; {remedy}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// What the system says.
        problem: std::io::Error,
        /// The remedy.
        remedy: &'static str,
    },
}
