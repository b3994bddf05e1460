//! What keeps a service process from running, in words for the person who fixes it.

use std::net::SocketAddr;

/// A call that cannot be carried out as it was made: exit code 2.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct UsageError(pub String);

/// A process that cannot run as it was started.
#[derive(Debug, thiserror::Error)]
pub enum ServiceError {
    /// Nobody says where the database is.
    #[error(
        "no database is given: name it with `--database-url postgresql://user@host:5432/database`, or set `DATABASE_URL`, which keeps a password out of the process list"
    )]
    NoDatabase,
    /// The address of `/healthz` and `/metrics` cannot be listened on.
    #[error("cannot serve health and metrics on {address}: {problem}; {remedy}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// What the system says.
        problem: std::io::Error,
        /// What helps.
        remedy: &'static str,
    },
}
