//! Waiting for the cluster, the database and the election: services start in any order.

use std::fmt::Display;
use std::time::Duration;

use evidence::ElectionKey;
use platform::PlatformError;
use platform::fluvio::{ClusterConfig, FluvioPlatform};
use store::{Store, StoreError};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use wire::Election;

use crate::retry::Backoff;

/// How often the log repeats a problem that lasts.
const REPEAT_EVERY: Duration = Duration::from_secs(10);

/// Connects to the cluster as soon as it is up; `None` when stopped before. After each try `tell` gets the problem, and
/// in the end `None`.
///
/// # Errors
/// When waiting would not help: no cluster is named, or it refuses.
pub async fn cluster_telling(
    config: ClusterConfig,
    tell: impl FnMut(Option<String>),
    stop: &CancellationToken,
) -> Result<Option<FluvioPlatform>, PlatformError> {
    let connect = || FluvioPlatform::connect(config.clone());
    let is_transient = PlatformError::is_transient;
    until_up(("Fluvio", "is up"), connect, is_transient, tell, stop).await
}

/// Connects to the database with at most `connections` connections, like [`cluster_telling`].
///
/// # Errors
/// When waiting would not help: the URL cannot be read, the user or the password is refused.
pub async fn database_telling(
    url: &str,
    connections: usize,
    tell: impl FnMut(Option<String>),
    stop: &CancellationToken,
) -> Result<Option<Store>, StoreError> {
    let connect = || Store::connect(url, connections);
    let is_transient = StoreError::is_transient;
    until_up(("Postgres", "is up"), connect, is_transient, tell, stop).await
}

/// Waits until an election is set up, like [`cluster_telling`].
///
/// # Errors
/// When the election has a secret key and this is not it, or on a database failure that is not transient.
pub async fn election_telling(
    store: &Store,
    key: Option<&ElectionKey>,
    tell: impl FnMut(Option<String>),
    stop: &CancellationToken,
) -> Result<Option<Election>, StoreError> {
    let read = || store.running_election(key);
    let is_transient =
        |error: &StoreError| error.is_transient() || matches!(error, StoreError::NoElection);
    until_up(("an election", "is set up"), read, is_transient, tell, stop).await
}

/// Tries until it succeeds; `None` when stopped before. `tell` gets every problem, and `None` at the end; the log
/// gets only a new problem, or the same after a while.
///
/// # Errors
/// The first failure that is not transient.
pub async fn until_up<T, E: Display, F: Future<Output = Result<T, E>>>(
    (what, is_there): (&str, &str),
    mut attempt: impl FnMut() -> F,
    is_transient: impl Fn(&E) -> bool,
    mut tell: impl FnMut(Option<String>),
    stop: &CancellationToken,
) -> Result<Option<T>, E> {
    let mut backoff = Backoff::default();
    let mut logged: Option<(String, Instant)> = None;
    loop {
        let problem = match stop.run_until_cancelled(attempt()).await {
            None => return Ok(None),
            Some(Ok(found)) => {
                if logged.is_some() {
                    tracing::info!("{what} {is_there}");
                }
                tell(None);
                return Ok(Some(found));
            }
            Some(Err(error)) if is_transient(&error) => error.to_string(),
            Some(Err(error)) => return Err(error),
        };
        let is_news = logged
            .as_ref()
            .is_none_or(|(logged, at)| *logged != problem || at.elapsed() >= REPEAT_EVERY);
        if is_news {
            tracing::warn!("waiting for {what}, retrying every few seconds: {problem}");
            logged = Some((problem.clone(), Instant::now()));
        }
        tell(Some(problem));
        if !backoff.pause(stop).await {
            return Ok(None);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What can be spawned.
    fn sendable<T: Send>(future: T) -> T {
        future
    }

    #[tokio::test(start_paused = true)]
    async fn it_waits_through_what_passes_and_tells_of_it() {
        let stop = CancellationToken::new();
        let mut tries = 0;
        let connect = || {
            tries += 1;
            let result = if tries < 4 { Err("refused") } else { Ok(tries) };
            std::future::ready(result)
        };
        let mut told = Vec::new();
        let tell = |problem| told.push(problem);
        let connected = sendable(until_up(("it", "is up"), connect, |_| true, tell, &stop)).await;
        assert_eq!(connected, Ok(Some(4)));
        let refused = Some("refused".to_owned());
        assert_eq!(told, [refused.clone(), refused.clone(), refused, None]);
    }

    #[tokio::test]
    async fn what_does_not_pass_ends_it_at_once() {
        let stop = CancellationToken::new();
        let connect = || std::future::ready(Err::<(), _>("wrong password"));
        let connected = until_up(("it", "is up"), connect, |_| false, |_| {}, &stop).await;
        assert_eq!(connected, Err("wrong password"));
    }

    #[test]
    fn waiting_can_be_spawned() {
        let stop = CancellationToken::new();
        drop(sendable(cluster_telling(
            ClusterConfig::default(),
            |_| {},
            &stop,
        )));
        drop(sendable(database_telling("", 1, |_| {}, &stop)));
    }
}
